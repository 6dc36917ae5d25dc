"""Which bases the long tests try: one of each family, or all forty."""

import os

from pipelines.bases import BASES

ONE_OF_EACH = (
    *("Xception", "VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2"),
    *("MobileNet", "MobileNetV2", "MobileNetV3Small", "DenseNet121"),
    *("NASNetMobile", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny"),
)

ALL_BASES = bool(os.environ.get("FROZEN_FEATURES_ALL_BASES"))

TRIED = tuple(BASES) if ALL_BASES else ONE_OF_EACH
"""All with FROZEN_FEATURES_ALL_BASES=1, which takes ten minutes more."""
