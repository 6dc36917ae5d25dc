"""What a model's card says more of a model that reads images."""

from dataclasses import dataclass

from pipelines.images.decode import PixelSpec


@dataclass(frozen=True, slots=True)
class ImageCard:
    """How a model reads images, and what its training on images took.

    Attributes:
        source: folder or manifest of the images it was trained on.
        size: height and width that images are resized to, in pixels.
        interpolation: as in `Contract`.
        orientation: as in `Contract`.
        preprocessing: "imagenet" or "rescale", done inside the model.
        base: name of the base in it; None where all was trained from scratch.
        weights: fingerprint of the base before training; None without one.
        parameters: all numbers in the model.
        trainable_parameters: those that were trained in the end.
        trainable_tensors: weight tensors that can be trained, with the base "whole", with it
            "frozen" and, where a part of it was trained, "unfrozen"; "all" without a base.
        left_out: images that could not be used, by "train" and "validation".
        through_base: images that went through the base in training and measuring, each as often
            as it did.
    """

    source: str
    size: int
    interpolation: str
    orientation: str
    preprocessing: str
    base: str | None
    weights: str | None
    parameters: int
    trainable_parameters: int
    trainable_tensors: dict[str, int]
    left_out: dict[str, int]
    through_base: int

    def pixel_spec(self) -> PixelSpec:
        """How to decode images for the model."""
        return PixelSpec(self.size, self.interpolation, self.orientation)
