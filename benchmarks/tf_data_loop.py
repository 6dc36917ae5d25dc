"""Feature extraction as someone writes it who knows TensorFlow well: `tf.data` and `tf.function`.

TensorFlow decodes and resizes in parallel ahead of the base, so its pixels are not quite those of
`keras.utils.load_img`, and its features are close to the others' rather than equal.
"""

import numpy as np
import tensorflow as tf

from benchmarks.rival import plain_base, rival_job

BATCH = 32


def main() -> None:
    """Extract a folder's features and save them with `numpy.save`."""
    job = rival_job(__doc__)
    base, preprocess = plain_base(job.choice)
    size = job.choice.image_size

    def load(path: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        resized = tf.image.resize(pixels, (size, size))
        return tf.ensure_shape(resized, (size, size, 3))

    def forward(images: tf.Tensor) -> tf.Tensor:
        return base(preprocess(images), training=False)

    signature = [tf.TensorSpec((None, size, size, 3), tf.float32)]
    run = tf.function(forward, input_signature=signature)

    batches = (
        tf.data.Dataset.from_tensor_slices([str(path) for path in job.images])
        .map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH)
        .prefetch(tf.data.AUTOTUNE)
    )
    features = np.empty((len(job.images), *base.output_shape[1:]), np.float32)
    row = 0
    for images in batches:
        part = run(images).numpy()
        features[row : row + len(part)] = part
        row += len(part)
    np.save(job.output, features.reshape(len(job.images), -1))


if __name__ == "__main__":
    main()
