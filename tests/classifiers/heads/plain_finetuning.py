"""Fine-tuning as a user writes it: plain Keras, the whole model, from images."""

import keras
import numpy as np

from classifiers.data.training_set import HeldSet
from classifiers.heads.dense import DenseHead
from classifiers.heads.softmax import SoftmaxHead
from pipelines.bases import BASES, WeightsRequest, build
from pipelines.contract import Contract
from pipelines.engines.opening import open_base

SIZE = 32
CUTS = {"VGG16": "block4_pool", "MobileNetV2": "block_14_add"}


def images_of(classes: int, count: int = 28) -> tuple[np.ndarray, np.ndarray]:
    """Noise, uint8 (n, 32, 32, 3), brighter for later classes."""
    targets = np.arange(count) % classes
    noise = np.random.default_rng(5).integers(0, 120, (count, SIZE, SIZE, 3))
    return (noise + 135 // classes * targets[:, None, None, None]).astype(np.uint8), targets


def prepared(base: str, images: np.ndarray) -> np.ndarray:
    module = getattr(keras.applications, BASES[base].module)
    return module.preprocess_input(images.astype(np.float32))


def plain_base(base: str, weights: WeightsRequest) -> keras.Model:
    """A base as a user has it."""
    model = build(BASES[base], SIZE)
    model.load_weights(weights.path)
    return model


def contract_of(base: str, weights: WeightsRequest, **changes: str) -> Contract:
    values = {"preprocessing": "imagenet", "layer": CUTS[base], "pooling": "none", **changes}
    return Contract(
        base=base,
        weights=open_base(base, SIZE, weights).fingerprint,
        image_size=SIZE,
        interpolation="bilinear",
        orientation="ignored",
        compute_dtype="float32",
        precision="float32",
        **values,
    )


def stored(base: str, weights: WeightsRequest, images: np.ndarray, targets: np.ndarray) -> HeldSet:
    """The features of the cut layer, by plain Keras."""
    model = plain_base(base, weights)
    cut = keras.Model(model.input, model.get_layer(CUTS[base]).output)
    features = cut.predict(prepared(base, images), verbose=0)
    return HeldSet(features.reshape(len(images), -1), targets, features.shape[1:])


class Plain:
    """The same steps in Keras, on the whole model and from images."""

    def __init__(self, base: str, model: keras.Model, top: DenseHead | SoftmaxHead, classes: int):
        self.base, self.model, self.top = base, model, top
        two = classes == 2 and isinstance(top, DenseHead)
        if isinstance(top, DenseHead):
            head = [
                keras.layers.Flatten(),
                keras.layers.Dense(top.units, activation="relu"),
                keras.layers.Dropout(top.dropout),
            ]
        else:
            head = [keras.layers.GlobalAveragePooling2D()]
        head.append(
            keras.layers.Dense(1 if two else classes, activation="sigmoid" if two else "softmax")
        )
        pixels = keras.Input((SIZE, SIZE, 3))
        output = model(pixels)
        for layer in head:
            output = layer(output)
        self.whole = keras.Model(pixels, output)
        self.loss = "binary_crossentropy" if two else "sparse_categorical_crossentropy"

    def freeze(self) -> None:
        self.model.trainable = False

    def unfreeze(self) -> None:
        self.model.trainable = True
        cut = [layer.name for layer in self.model.layers].index(CUTS[self.base])
        for place, layer in enumerate(self.model.layers):
            normalises = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = place > cut and not normalises

    def train(self, rate: float, epochs: int, images, targets, weight, seed: int) -> list[float]:
        if isinstance(self.top, DenseHead):
            optimizer = keras.optimizers.RMSprop(rate)
        else:
            falling = keras.optimizers.schedules.InverseTimeDecay(rate, 1, self.top.decay)
            optimizer = keras.optimizers.SGD(falling, momentum=self.top.momentum)
        self.whole.compile(optimizer, self.loss, metrics=["accuracy"])
        options = {"batch_size": self.top.batch_size, "class_weight": weight, "verbose": 0}
        inputs, losses = prepared(self.base, images), []
        for epoch in range(epochs):
            order = np.random.default_rng([seed, epoch]).permutation(len(targets))
            fitted = self.whole.fit(inputs[order], targets[order], shuffle=False, **options)
            losses += fitted.history["loss"]
        return losses
