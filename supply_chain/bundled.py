"""Libraries in C and C++ that wheels bring along in files of their own."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackagePath

GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"

LICENCES = {
    "libXau": "MIT",
    "libaec": "BSD-2-Clause",
    "libavif": "BSD-2-Clause",
    "libbrotlicommon": "MIT",
    "libbrotlidec": "MIT",
    "libcrc32c": "BSD-3-Clause",
    "libfreetype": "FTL",
    "libgfortran": GCC,
    "libgomp": GCC,
    "libharfbuzz": "MIT",
    "libhdf5": "LicenseRef-libhdf5",
    "libhdf5_hl": "LicenseRef-libhdf5",
    "libhwloc": "BSD-3-Clause",
    "libjpeg": "IJG AND BSD-3-Clause AND Zlib",  # libjpeg-turbo
    "liblcms2": "MIT",
    "liblzma": "0BSD",
    "libopenjp2": "BSD-2-Clause",
    "libopenvino": "Apache-2.0",
    "libpng16": "libpng-2.0",
    "libquadmath": "LGPL-2.1-or-later",
    "libscipy_openblas": "BSD-3-Clause",
    "libsharpyuv": "BSD-3-Clause",
    "libsz": "BSD-2-Clause",
    "libtbb": "Apache-2.0",
    "libtiff": "libtiff",
    "libwebp": "BSD-3-Clause",
    "libwebpdemux": "BSD-3-Clause",
    "libwebpmux": "BSD-3-Clause",
    "libxcb": "X11",
    "libzstd": "BSD-3-Clause",
}
"""Licences by a library's name, as its authors publish it."""

SHARED = re.compile(r"(?:\.libs|/libs)/([^/]+\.so[^/]*)$")
"""Where wheels keep what they bring along: `NAME.libs` as auditwheel does, or `libs`."""

NOT_ITS_NAME = re.compile(r"(-[0-9a-f]{8})*\.so.*$")

FAMILIES = (
    re.compile(r"(libopenvino)_\w+"),
    re.compile(r"(libtbb)(?:bind\w*|malloc\w*)"),
    re.compile(r"(libscipy_openblas)64_"),
)
"""Libraries that come in several files."""

COPYLEFT = re.compile(
    r"lib(av(codec|device|filter|format|util)|sw(scale|resample)|postproc|x26[45])\b"
)
"""FFmpeg and the encoders under the GPL that it is often built with."""


def libraries(distribution: Distribution) -> Iterator[tuple[str, PackagePath]]:
    """Name and file of every library that an installed package brings along."""
    for file in distribution.files or ():
        found = SHARED.search(str(file))
        if found is not None:
            name = NOT_ITS_NAME.sub("", found[1])
            for family in FAMILIES:
                name = family.sub(r"\1", name)
            yield name, file


def parts_of_ffmpeg(distribution: Distribution) -> list[str]:
    """Files of FFmpeg, x264 and x265 anywhere in an installed package."""
    names = [file for file in distribution.files or () if ".so" in file.name]
    return [str(file) for file in names if COPYLEFT.match(file.name)]
