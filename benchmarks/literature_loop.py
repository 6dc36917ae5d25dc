"""Feature extraction as the book writes it, as a command: what a user would do without us.

The loop of Chollet's "Deep Learning with Python" (2017), section 5.3.1, in Keras 3: batches of 20
images through `conv_base.predict`, the features of all images kept in one array.
"""

import keras
import numpy as np

from benchmarks.rival import plain_base, rival_job

BATCH = 20


def main() -> None:
    """Extract a folder's features and save them with `numpy.save`."""
    job = rival_job(__doc__)
    base, preprocess = plain_base(job.choice)
    size = (job.choice.image_size, job.choice.image_size)
    features = np.zeros((len(job.images), *base.output_shape[1:]), np.float32)
    for start in range(0, len(job.images), BATCH):
        part = job.images[start : start + BATCH]
        images = [
            keras.utils.img_to_array(
                keras.utils.load_img(path, target_size=size, interpolation="bilinear")
            )
            for path in part
        ]
        inputs = preprocess(np.stack(images))
        features[start : start + len(part)] = base.predict(inputs, verbose=0)
    np.save(job.output, features.reshape(len(job.images), -1))


if __name__ == "__main__":
    main()
