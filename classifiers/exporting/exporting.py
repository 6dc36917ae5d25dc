"""One export: put together, written as a draft, proven, and only then given its name."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from classifiers.exporting.formats import FORMATS, Format
from classifiers.exporting.proof import product_answers, require_same, trial_images
from classifiers.exporting.report import ExportReport
from classifiers.exporting.whole import INPUT, Whole, answers_of, on_base, on_images
from classifiers.models.card import ModelCard
from classifiers.models.folder import Model
from classifiers.models.opening import ModelOrFolder, card_of, opened
from classifiers.models.provenance import library_versions, now
from pipelines.bases import parse_weights
from pipelines.contract import SQUASH, Contract
from pipelines.drafts import whole_file
from pipelines.errors import ModelError, UsageError
from pipelines.outputs import INSIDES
from pipelines.system.signals import clean_up_when_stopped

EXACT = ("float32", "tfloat32")
"""What ONNX Runtime and OpenVINO compute a base in as Keras does."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is wanted.

    Attributes:
        format: a key of `FORMATS`.
        output: the file to write.
        weights: of the base, as `--weights` takes them; None for ImageNet's or none.
    """

    format: str
    output: Path
    weights: str | None


def check_output(asked: Export, *, overwrite: bool) -> None:
    """Refuse a file that cannot be written, before anything is opened.

    Raises:
        UsageError: its name is none of the format, it has no folder to be in, or is there already.
    """
    path, kind = asked.output, FORMATS[asked.format]
    if path.suffix != kind.suffix:
        raise UsageError(f"--output {path}: --format {asked.format} is a file{kind.suffix}")
    if path.name in INSIDES:
        raise UsageError(f"--output {path}: so a model's own file is called; name another")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise UsageError(f"--output {path}: no folder {path.resolve().parent} to write it in")
    for each in _files(kind, path):
        if each.exists() and not overwrite:
            raise UsageError(f"--output {each} exists; name another file, or give --overwrite")


def export(model: ModelOrFolder, asked: Export) -> ExportReport:
    """Write a model as one file, proven equal to what this project says.

    Args:
        model: the model or its folder.
        asked: what is wanted; see `check_output`.

    Raises:
        UsageError: the model cannot be had in that format.
        WeightsError: the weights are not those that the model's features were made with.
        ModelError: there is no such model, or what was written says something else.
        ModuleNotFoundError: what writes the format is not installed.
    """
    card, kind = card_of(model), FORMATS[asked.format]
    if card.images is not None and asked.weights is not None:
        raise UsageError("--weights has no meaning here: this model holds its own")
    if card.contract is not None and card.contract.quantisation is not None:
        raise UsageError(
            "a head on features in int8 cannot be exported: no format holds its quantised base; "
            "predict with it, or extract and train in float32"
        )
    if card.contract is not None and asked.format != "keras":
        _require_exact(card.contract, asked.format)
    kind.require_packages()
    model = opened(model)
    whole = _put_together(model, asked.weights)
    trial = trial_images(card)
    wanted = product_answers(model, whole.gives, trial.pixels, asked.weights)
    whole.network(trial.pixels[:1])  # Keras exports only a network that was called
    with _drafts() as folder:
        draft = folder / f"draft{kind.suffix}"
        try:
            kind.write(whole, _carried(card, asked.format, whole), draft)
            found = kind.run(draft, trial.pixels)
        except (ImportError, MemoryError, OSError):
            raise
        except Exception as error:  # whatever a converter raises at a layer that it does not know
            raise ModelError(
                f"{model.name} cannot be written as {asked.format}: {error}; try another --format"
            ) from error
        difference = require_same(found, wanted)
        _put_in_place(kind, draft, asked.output)
    return ExportReport(
        output=asked.output,
        format=asked.format,
        gives=whole.gives,
        classes=card.classes,
        image_size=int(whole.network.input_shape[1]),
        images=len(trial.pixels),
        real=trial.real,
        largest_difference=difference,
    )


def _require_exact(contract: Contract, name: str) -> None:
    if contract.compute_dtype not in EXACT:
        raise UsageError(
            f"--format {name} computes in float32, the model's features were computed in "
            f"{contract.compute_dtype}; use --format keras"
        )


def _put_together(model: Model, weights: str | None) -> Whole:
    answers = answers_of(model)
    contract = model.card.contract
    if contract is None:
        return on_images(answers, model.card.of_images().size)
    request = parse_weights("imagenet" if weights is None else weights)
    return on_base(model, answers, contract, request)


def _carried(card: ModelCard, name: str, whole: Whole) -> str:
    """The model's card, and what the file takes and gives, as JSON."""
    how = card.contract if card.contract is not None else card.of_images()
    export = {
        "format": name,
        "created": now(),
        "versions": library_versions(),
        "input": {
            "name": INPUT,
            "dtype": "uint8",
            "shape": ["batch", *whole.network.input_shape[1:]],
            "colours": "RGB",
            "interpolation": how.interpolation,
            "orientation": how.orientation,
            "resize": SQUASH if card.contract is None else card.contract.resize,
        },
        "output": {"name": whole.gives, "dtype": "float32", "classes": card.classes},
    }
    return json.dumps({"export": export, "model": asdict(card)}, indent=2, allow_nan=False)


@contextmanager
def _drafts() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="frozen-features-export-"))
    remove = partial(shutil.rmtree, folder, ignore_errors=True)
    try:
        with clean_up_when_stopped(remove):
            yield folder
    finally:
        remove()


def _files(kind: Format, path: Path) -> list[Path]:
    """All files of an export, the one that is opened by name last."""
    return [path] if kind.beside is None else [path.with_suffix(kind.beside), path]


def _put_in_place(kind: Format, draft: Path, output: Path) -> None:
    files = _files(kind, output)
    if len(files) > 1:  # an old .xml must never stand beside a new .bin
        output.unlink(missing_ok=True)
    for made, path in zip(_files(kind, draft), files, strict=True):
        with made.open("rb") as source, whole_file(path) as file:
            shutil.copyfileobj(source, file)
