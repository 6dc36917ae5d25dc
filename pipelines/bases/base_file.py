"""Bases that come as files: which file is meant, and what it is, found once and remembered."""

import hashlib
from argparse import ArgumentTypeError
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.bases.catalogue import BASES
from pipelines.bases.keras_file import look_at_keras_file
from pipelines.bases.onnx_file.asking import ask
from pipelines.bases.weights_request import BASE, WeightsRequest, base_file_named, parse_weights
from pipelines.contract import FILE_BASES, KERAS_FILE, ONNX_FILE, Contract
from pipelines.errors import UsageError, WeightsError
from pipelines.system.cached_json import keep_json, kept_json

FACTS_FILE = "base_files.json"
"""In the cache: what files were found to be, and where bases were last seen."""

FACTS, PLACES = "facts", "places"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file is as a base.

    Attributes:
        base: `ONNX_FILE` or `KERAS_FILE`.
        fingerprint: of all that its layer depends on.
        layer: whose output is taken.
        size: height and width of its images in pixels; None where any will do.
    """

    base: str
    fingerprint: str
    layer: str
    size: int | None


def parse_base(text: str, weights: str) -> tuple[str, WeightsRequest]:
    """Read the values of `--base` and `--weights`.

    Returns:
        The base's name, one of `FILE_BASES` for a file, and where its weights come from.

    Raises:
        UsageError: there is no such base or file, or weights were named for a file, which has them.
    """
    if text in BASES:
        return text, parse_weights(weights)
    try:
        request = base_file_named(text)
    except ArgumentTypeError as error:
        raise UsageError(f"--base {error}") from error
    if request is None:
        raise UsageError(
            f"there is no base {text!r}, nor is it a file in .onnx or .keras; "
            "pipelines.describe --bases lists them"
        )
    if weights != "imagenet":
        raise UsageError(f"--weights has no meaning with --base {text}, which holds its own")
    return kind_of(request), request


def kind_of(request: WeightsRequest) -> str:
    """What contracts call a base of that file."""
    return ONNX_FILE if str(request.path).endswith(".onnx") else KERAS_FILE


def facts_of(request: WeightsRequest, layer: str | None) -> FileFacts:
    """Look into a base's file, unless that was done before.

    Args:
        request: names the file.
        layer: the layer to be cut at; the last when None.

    Raises:
        BaseFileError: it is no base.
        UsageError: it has no such layer.
        WeightsError: it is not there.
    """
    path = require_there(request)
    kept = _kept()
    key = f"{layer or ''} {_sha256(path)}"
    found = kept[FACTS].get(key)
    if found is None:
        found = _look(path, layer)
        alone = found.pop("alone")
        facts = FileFacts(**found)
        if alone:  # of files beside it the hash says nothing
            kept[FACTS][key] = asdict(facts)
    facts = FileFacts(**found)
    kept[PLACES][facts.fingerprint] = str(path)
    keep_json(FACTS_FILE, kept)
    return facts


def require_there(request: WeightsRequest) -> Path:
    """The path of a base's file.

    Raises:
        WeightsError: it is not there.
    """
    path = Path(str(request.path))
    if not path.is_file():
        raise WeightsError(
            f"the base's file {path} is not there; whatever runs it opens it by the path that was "
            "named: put it where every worker sees it"
        )
    return path


def file_of(contract: Contract, request: WeightsRequest) -> WeightsRequest:
    """The file of a contract's base: the one named, or the one that was last seen on this machine.

    Raises:
        WeightsError: there is none, or it holds another base.
    """
    if request.kind != BASE:
        place = _kept()[PLACES].get(contract.weights)
        if not isinstance(place, str) or not Path(place).is_file():
            raise WeightsError(
                f"the base came from a file ({contract.base}, {contract.weights[:12]}…) that is "
                "not where it was seen on this machine, if ever; name it with --weights FILE"
            )
        request = WeightsRequest(BASE, path=place)
    require_there(request)
    if kind_of(request) != contract.base:
        raise WeightsError(f"the base is an {contract.base}, which {request.path} is not")
    return request


def _look(path: Path, layer: str | None) -> dict[str, Any]:
    if path.suffix == ".onnx":
        return {"base": ONNX_FILE, **ask("look", str(path), layer=layer)}
    return {"base": KERAS_FILE, "alone": True, **look_at_keras_file(path, layer)}


def _kept() -> dict[str, dict[str, Any]]:
    kept = kept_json(FACTS_FILE) or {}
    return {part: dict(kept.get(part, {})) for part in (FACTS, PLACES)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_from_file(contract: Contract) -> bool:
    """Whether a contract's base came as a file."""
    return contract.base in FILE_BASES
