"""`python -m supply_chain.sbom`: the software bill of materials of an image, in CycloneDX."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion

from supply_chain.contents.debian_packages import debian_packages
from supply_chain.contents.go_modules import go_modules
from supply_chain.contents.java_parts import java_parts
from supply_chain.contents.python_packages import python_packages

READERS = (debian_packages, python_packages, java_parts, go_modules)


def bill_of(root: Path, image: str, version: str) -> str:
    """What is in an image, as JSON of CycloneDX 1.6 that its schema was held against.

    Args:
        root: a folder with the image's files.
        image: its name, such as `frozen-features/worker`.
        version: its version or digest.

    Raises:
        LookupError: the licence of something in it is not known.
    """
    parts = [each for read in READERS for each in read(root)]
    bill = Bom(components=parts)
    whole = Component(
        name=image,
        version=version,
        type=ComponentType.CONTAINER,
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
    )
    bill.metadata.component = whole
    bill.register_dependency(whole, parts)
    # Imported late: it compiles the grammars of all the formats that a schema may name.
    from cyclonedx.validation.json import JsonStrictValidator

    text = JsonV1Dot6(bill).output_as_string(indent=1)
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise ValueError(f"not what CycloneDX's schema asks for: {wrong}")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill of an image whose files were unpacked into a folder; returns the status."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.sbom", description=__doc__)
    parser.add_argument("root", type=Path, help="folder with the image's files")
    parser.add_argument("--image", required=True, help="name of the image")
    parser.add_argument("--version", required=True, help="its version or digest")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    try:
        text = bill_of(options.root, options.image, options.version)
    except (LookupError, OSError) as error:
        print(f"no bill of {options.image}: {error}", file=sys.stderr)
        return 1
    options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
