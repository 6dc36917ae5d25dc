"""`python -m supply_chain.licence_page`: writes `docs/licences.md` from locks and packages."""

import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from supply_chain import google_libraries
from supply_chain.bundled import LICENCES, libraries, parts_of_ffmpeg
from supply_chain.licences import NVIDIA, is_allowed, licence_of
from supply_chain.locks import shipped

PAGE = Path(__file__).parent.parent / "docs" / "licences.md"

GPU_ONLY = ("GPU worker",)
DATAFLOW_ONLY = ("dataflow",)

HEAD = """\
# Licences of what is shipped

Written by `make licences` from the lock files of the images and the metadata of the packages. A
test holds this page to the locks, and fails for a licence that is not on the list of those that may
be shipped (`supply_chain/licences.py`). The project itself is under [Apache-2.0](../LICENSE). What
an image holds beside Python's packages stands in its
[bill of materials](supply-chain.md#the-bill-of-materials): Debian's packages, whose licences lie in
the image below `/usr/share/doc`, and in `submit` Java (GPL-2.0 with the Classpath exception) and
the parts of the job server, each with its licence.

**The engines.** ncnn is under BSD-3-Clause and brings GCC's `libgomp` along. OpenVINO is under
Apache-2.0 and brings oneTBB and hwloc along. TensorFlow and Keras are under Apache-2.0.

**No FFmpeg.** {ffmpeg} Images are decoded by Pillow's libraries, and nothing decodes video.

**Copyleft.** GCC's libraries (`libgfortran`, `libgomp`, `libquadmath`) are files of their own,
under the GPL with the exception for what is linked with them, or under the LGPL. `certifi`,
`orjson` and `tqdm` are under MPL-2.0, and unchanged. No package is under the GPL itself.

**Google's libraries**, in `dataflow` alone, are not installed where this page is made. What they
are under is told by `supply_chain/google_libraries.py`, which a test of the image holds to them.

**NVIDIA.** The packages of CUDA and cuDNN, in the GPU worker alone, are under NVIDIA's own terms,
which limit passing them on. A release therefore has no GPU worker: build it where it runs.
"""


def page() -> str:
    """The page as it must be now.

    Raises:
        LookupError: the licence of a package or a library is not known or not allowed, a package is
            installed in another version than is locked, or one brings FFmpeg along.
    """
    rows, bundled, examined = [], [], 0
    for name, (version, images) in shipped().items():
        found = _installed(name, version, images)
        licence = _read_before(name, version) if found is None else licence_of(found)
        if not is_allowed(licence) and (licence != NVIDIA or images != GPU_ONLY):
            raise LookupError(f"{name} {version} is under {licence}, which may not be shipped")
        rows.append(f"| {name} | {version} | {licence} | {', '.join(images)} |")
        if found is not None:
            examined += 1
            bundled += _bundled(name, found)
    bundled += [_row_of(library, name) for library, name in google_libraries.BROUGHT.items()]
    ffmpeg = f"None of {examined} packages has a file of FFmpeg, x264 or x265 in it."
    return "\n".join(
        [
            HEAD.format(ffmpeg=ffmpeg),
            "## Python's packages\n",
            *_table(("package", "version", "licence", "images"), rows),
            "\n## Libraries that they bring along\n",
            "In files of their own. What is linked into a package's own modules stands in the",
            "licence files that it has in the images.\n",
            *_table(("library", "licence", "brought by"), sorted(set(bundled), key=str.lower)),
            "",
        ]
    )


def _installed(name: str, version: str, images: tuple[str, ...]) -> Distribution | None:
    """The package, to be read; None for NVIDIA's and Google's, which need not be installed."""
    if images == DATAFLOW_ONLY:
        return None
    try:
        found = distribution(name)
    except PackageNotFoundError:
        if images == GPU_ONLY and name.startswith("nvidia-"):
            return None
        raise LookupError(f"{name} {version} is locked and not installed; make install") from None
    if found.version != version:
        raise LookupError(f"{name} {version} is locked, {found.version} installed; make install")
    return found


def _read_before(name: str, version: str) -> str:
    licence = NVIDIA if name.startswith("nvidia-") else google_libraries.LICENCES.get(name)
    if licence is None:
        raise LookupError(f"{name} {version} is not installed; add it to google_libraries.py")
    return licence


def _bundled(name: str, package: Distribution) -> list[str]:
    if parts_of_ffmpeg(package):
        raise LookupError(f"{name} brings {parts_of_ffmpeg(package)[0]} along")
    rows = []
    for library, file in libraries(package):
        licence = LICENCES.get(library, "")
        if not licence or not is_allowed(licence):
            raise LookupError(f"{name} brings {file} along; read its licence, and add it")
        rows.append(_row_of(library, name))
    return rows


def _row_of(library: str, package: str) -> str:
    return f"| {library} | {LICENCES[library]} | {package} |"


def _table(heads: Iterable[str], rows: Iterable[str]) -> list[str]:
    names = tuple(heads)
    return [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}", *rows]


if __name__ == "__main__":
    try:
        PAGE.write_text(page(), encoding="utf-8")
    except LookupError as error:
        sys.exit(str(error))
