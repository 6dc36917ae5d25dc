"""The contract: the one record of everything that makes two feature vectors comparable."""

import hashlib
import json
import re
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from pipelines.errors import ContractMismatchError
from pipelines.untrusted import value_from_json

INT8 = "int8"
COMPUTE_DTYPES = ("float32", "tfloat32", "bfloat16", "float16", INT8)
"""What a base may compute in; "tfloat32" lets a GPU round float32 factors to TensorFloat-32."""

HALF = ("bfloat16", "float16")
"""Those of 16 bits, which GPUs and some CPUs compute in."""

SCHEMES = ("u8s7-channel-minmax", "u8s7-channel-minmax-depthwise-float32")
"""How bases are quantised, oldest first; new ones are by the last. Activations are uint8, weights
int8 of seven bits by channel, ranges from the least to the greatest value seen. By the first,
depthwise convolutions were quantised as well."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """Which quantised base computes.

    Attributes:
        scheme: one of `SCHEMES`.
        base: SHA-256 of the quantised base's file, hexadecimal.
        calibration: the images that its ranges were found on, in words.
    """

    scheme: str
    base: str
    calibration: str

    def __post_init__(self) -> None:
        """Refuse what is no hash, and would be a path.

        Raises:
            ValueError: it is.
        """
        if re.fullmatch("[0-9a-f]{64}", self.base) is None:
            raise ValueError(f"quantised base {self.base[:80]!r} is no SHA-256")

    def __str__(self) -> str:
        """For messages and tables."""
        return f"{self.base[:12]}… ({self.scheme}, calibrated on {self.calibration})"


NUMBERS = "numbers"
"""The preprocessing that `scale`, `mean`, `std` and `channels` say."""

CHANNELS = ("rgb", "bgr")
"""In which order colours may enter a base."""

SQUASH = "squash"
"""The resizing that makes an image square without regard to its shape."""

ONNX_FILE, KERAS_FILE = "onnx-file", "keras-file"
FILE_BASES = (ONNX_FILE, KERAS_FILE)
"""What contracts call a base from a file; which one it is, the fingerprint says."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What was done to an image to get its features; engines are not in it, they must agree.

    A field with a default came later; it has its default in all contracts that were made before.

    Attributes:
        base: name in `keras.applications`, e.g. "VGG16", or one of `FILE_BASES`.
        weights: fingerprint of the base's tensors (`pipelines.bases.fingerprint`); of a base from
            a file, of its operations too, up to the layer.
        image_size: height and width in pixels after resizing (images are made square).
        interpolation: a name of `keras.utils.load_img(interpolation=...)`.
        orientation: "ignored" or "applied": what becomes of the EXIF orientation.
        preprocessing: "imagenet" (the base's own `preprocess_input`), "rescale" (1/255), or
            `NUMBERS`.
        layer: the layer of the base whose output is taken.
        pooling: "none", "avg" or "max" over height and width or over tokens, or "cls", the first
            token.
        compute_dtype: the dtype the base computes in, one of `COMPUTE_DTYPES`.
        precision: "float32", or the narrower dtype whose mantissa the stored values keep.
        top: whether the base has its classifying top, and `weights` the top's tensors.
        scale, mean, std, channels: of `NUMBERS`: (pixels x scale - mean) / std, colour by colour,
            in that order; () where nothing is taken away or divided.
        resize: how an image becomes square: `SQUASH`, "crop:SIDE" (the shorter side becomes SIDE
            pixels, and the centre is taken) or "letterbox:GREY" (the longer side fits, the rest is
            grey of that value).
        quantisation: the quantised base where `compute_dtype` is "int8", None elsewhere.
    """

    base: str
    weights: str
    image_size: int
    interpolation: str
    orientation: str
    preprocessing: str
    layer: str
    pooling: str
    compute_dtype: str
    precision: str
    top: bool = False
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    channels: str = "rgb"
    resize: str = SQUASH
    quantisation: Quantisation | None = None

    def canonical_json(self) -> str:
        """The contract as JSON, the same text wherever and whenever it is made.

        Keys are sorted, there are no spaces, and a field at its default is left out, as it was
        before there was such a field.
        """
        values = asdict(self)
        for field in fields(self):
            if field.default is not MISSING and values[field.name] == field.default:
                del values[field.name]
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    def check_quantisation(self) -> None:
        """Refuse a contract that somebody else wrote, or a newer version.

        Raises:
            ValueError: it says int8 and not by what, or the other way round, or in another way.
        """
        if (self.compute_dtype == INT8) != (self.quantisation is not None):
            raise ValueError("compute_dtype int8 and a quantised base belong together")
        if self.quantisation is not None and self.quantisation.scheme not in SCHEMES:
            raise ValueError(f"scheme {self.quantisation.scheme!r} is not known to this version")

    def told(self) -> dict[str, Any]:
        """The fields for people: without those by which nothing is done to an image."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        no_news = {"scale": 1.0, "mean": (), "std": (), "channels": "rgb", "resize": SQUASH}
        no_news["quantisation"] = None
        return {
            name: value
            for name, value in values.items()
            if name not in no_news or value != no_news[name]
        }

    @property
    def contract_id(self) -> str:
        """SHA-256 of the canonical JSON, hexadecimal."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def contract_from_json(text: str) -> Contract:
    """Read back what `Contract.canonical_json` wrote.

    Raises:
        ValueError: the text is not a contract, or one of a newer version with other fields.
    """
    try:
        return value_from_json(text, Contract)
    except ValueError as error:
        raise ValueError(f"not a contract of this version: {error}") from error


def differing_fields(one: Contract, other: Contract) -> dict[str, tuple[Any, Any]]:
    """The fields in which two contracts differ: name -> (value of `one`, value of `other`)."""
    pairs = {f.name: (getattr(one, f.name), getattr(other, f.name)) for f in fields(Contract)}
    return {name: (a, b) for name, (a, b) in pairs.items() if a != b}


def require_same_contract(
    expected: Contract, expected_by: str, found: Contract, found_in: str
) -> None:
    """Refuse to go on with features of two contracts.

    Raises:
        ContractMismatchError: they differ; the message names each differing field with both values.
    """
    different = differing_fields(expected, found)
    if not different:
        return
    listed = "; ".join(
        f"{name}: {_short(a)} in {expected_by}, {_short(b)} in {found_in}"
        for name, (a, b) in different.items()
    )
    raise ContractMismatchError(
        f"features of {expected_by} and of {found_in} cannot be compared ({listed}); "
        "use the same options, or another table"
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:12] + "…"


FILLS = ("nearest", "constant", "reflect", "wrap")
"""What lies outside an image: modes of `scipy.ndimage.affine_transform`; "constant" is black."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How copies are made; how many there are of an image is not part of it.

    Attributes:
        rotation: largest angle either way, in degrees.
        width_shift: largest shift either way, as a share of the width.
        height_shift: largest shift either way, as a share of the height.
        shear: largest angle either way, in radians, as the book's Keras had it.
        zoom: height and width are each scaled by a factor between 1 - zoom and 1 + zoom; below 1.
        horizontal_flip: whether every other copy, on average, is mirrored.
        fill: one of `FILLS`.
        seed: of all draws.
        split: the one split whose images have copies.
    """

    rotation: float = 40.0
    width_shift: float = 0.2
    height_shift: float = 0.2
    shear: float = 0.2
    zoom: float = 0.2
    horizontal_flip: bool = True
    fill: str = "nearest"
    seed: int = 0
    split: str = "train"

    def canonical_json(self) -> str:
        """The policy as JSON, the same text wherever it is made."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def augmentation_from_json(text: str) -> Augmentation:
    """Read back what `Augmentation.canonical_json` wrote.

    Raises:
        ValueError: the text is no policy, or one of a newer version with other fields.
    """
    try:
        value_from_json(text, Augmentation)
    except ValueError as error:
        raise ValueError(f"no augmentation of this version: {error}") from error
    # Whole numbers stay whole, or the policy's canonical text would no longer be what it was.
    return Augmentation(**json.loads(text))


def require_same_augmentation(held: Augmentation, wanted: Augmentation) -> None:
    """Refuse to add copies of another kind than a table holds.

    Raises:
        ContractMismatchError: they differ; the message names each differing field.
    """
    pairs = [(f.name, getattr(held, f.name), getattr(wanted, f.name)) for f in fields(Augmentation)]
    listed = "; ".join(
        f"{name}: {a} in the table, {b} in these options" for name, a, b in pairs if a != b
    )
    if listed:
        raise ContractMismatchError(
            f"the table's copies were augmented differently ({listed}); leave these options out "
            "to go on as the table has it, or use another table"
        )


PARITY_BOUND = 1e-4
"""Largest relative L2 error, against Keras, of any image's features."""

HALF_ERRORS = {"bfloat16": 0.1, "float16": 0.015}
"""Largest relative L2 error of any image's features against Keras in float32 with which an engine
may compute in a half precision. Of five bases MobileNetV2 came nearest, with 0.065 and 0.0082."""

DEVICE_ERRORS = {
    "float32": 0.0,
    "tfloat32": 2e-3,
    **{dtype: 2 * error for dtype, error in HALF_ERRORS.items()},
    INT8: 0.3,
}
"""Relative errors, by compute dtype, that another device may make in a vector beside
`PARITY_BOUND`: of a half precision, what two engines differ by at most that are each within
`HALF_ERRORS` of float32; of int8, what rounding makes of two engines that fuse layers differently
(decision 30)."""
