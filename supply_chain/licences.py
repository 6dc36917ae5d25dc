"""The licence of a Python package as an expression of SPDX, and which of them may be shipped."""

from importlib.metadata import Distribution

from license_expression import ExpressionError, LicenseExpression, get_spdx_licensing

ALLOWED = frozenset(
    {
        *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause"),
        *("CC0-1.0", "CNRI-Python", "FTL", "HPND", "IJG", "ISC", "libpng-2.0", "libtiff"),
        *("LicenseRef-libhdf5", "LicenseRef-matplotlib", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0"),
        *("PSF-2.0", "X11", "Zlib"),
        # Of GCC's own libraries: what is linked with them is free of the GPL, and they are files of
        # their own, which anybody can replace.
        *("GPL-3.0-or-later WITH GCC-exception-3.1", "LGPL-2.1-or-later"),
    }
)
"""Licences under which something may be in an image that is passed on."""

NVIDIA = "LicenseRef-NVIDIA-Proprietary"
"""NVIDIA's terms: allowed in the GPU worker alone, which is for who builds it."""

READ = {
    "astunparse": "BSD-3-Clause AND PSF-2.0",
    "beartype": "MIT",
    "cloudpickle": "BSD-3-Clause",
    "contourpy": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "gast": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "libclang": "Apache-2.0 WITH LLVM-exception",
    "matplotlib": "LicenseRef-matplotlib",  # the Python Software Foundation's, with other names
    "namex": "Apache-2.0",
    "ncnn": "BSD-3-Clause",
    "objsize": "BSD-3-Clause",
    "pg8000": "BSD-3-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "python-dateutil": "BSD-3-Clause",  # newer parts under Apache-2.0 too, all of it under this
    "scipy": "BSD-3-Clause",
    "skops": "MIT",
    "sqlparse": "BSD-3-Clause",
}
"""What somebody read in the licence files of packages whose metadata tells it in no fixed words."""

FIELDS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
}
"""What packages say of old in the field `License`, and mean."""

CLASSIFIERS = {"Apache Software License": "Apache-2.0", "MIT License": "MIT"}
"""Classifiers that mean one licence; "BSD License" does not."""

_spdx = get_spdx_licensing()


def licence_of(distribution: Distribution) -> str:
    """The licence of an installed package, as an SPDX expression.

    What was read in its files counts before its metadata; of that, the newest field counts first.

    Raises:
        LookupError: neither tells, so that somebody must read its licence and add it to `READ`.
    """
    said = distribution.metadata
    name = said["Name"].lower().replace("_", "-")
    if name.startswith("nvidia-"):
        return NVIDIA
    if name in READ:
        return READ[name]
    (expression,) = said.get_all("License-Expression") or [""]
    (field,) = said.get_all("License") or [""]
    for each in (expression, FIELDS.get(field.strip().lower(), ""), field.strip()):
        if each and is_expression(each):
            return each
    classifiers = [each.rpartition(" :: ")[2] for each in said.get_all("Classifier") or []]
    meant = [CLASSIFIERS[each] for each in classifiers if each in CLASSIFIERS]
    if len(meant) == 1:
        return meant[0]
    raise LookupError(f"{name} does not tell its licence; read it, and add it to READ")


def is_expression(text: str) -> bool:
    """Whether a text is an expression of SPDX's licences, such as `MIT OR Apache-2.0`."""
    try:
        unknown = _spdx.unknown_license_keys(text)
    except ExpressionError:
        return False
    return all(name.startswith("LicenseRef-") for name in unknown)


def is_allowed(expression: str) -> bool:
    """Whether what has this licence may be shipped: of an `OR` one side, of an `AND` all."""
    return _allowed(_spdx.parse(expression))


def _allowed(node: LicenseExpression) -> bool:
    if node.isliteral:
        return str(node) in ALLOWED
    sides = [_allowed(each) for each in node.args]
    return any(sides) if node.operator.strip() == "OR" else all(sides)
