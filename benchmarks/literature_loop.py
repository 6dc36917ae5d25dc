"""Feature extraction as the literature writes it, as a command: what a user would do without us.

The loop of Chollet's "Deep Learning with Python" (2017), section 5.3.1, in Keras 3: batches of 20
images through `conv_base.predict`, the features of all images kept in one array.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

BATCH = 20


def main() -> None:
    """Extract a folder's features and save them with `numpy.save`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    base = keras.applications.VGG16(
        include_top=False, weights=options.weights, input_shape=(150, 150, 3)
    )
    paths = sorted(path for path in options.input.rglob("*") if path.suffix in {".jpg", ".png"})
    features = np.zeros((len(paths), 4, 4, 512), np.float32)
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        images = [
            keras.utils.img_to_array(
                keras.utils.load_img(path, target_size=(150, 150), interpolation="bilinear")
            )
            for path in part
        ]
        inputs = keras.applications.vgg16.preprocess_input(np.stack(images))
        features[start : start + len(part)] = base.predict(inputs, verbose=0)
    np.save(options.output, features.reshape(len(paths), -1))


if __name__ == "__main__":
    main()
