"""The book's dense head as a user trains it without us: `model.fit` on a NumPy array.

`python -m benchmarks.plain_keras FOLDER EPOCHS RESULT` trains on `benchmarks.plain_arrays`' files,
tells the end of each epoch on stderr and writes the validation accuracy. Settings are those of
`classifiers.heads.dense`.
"""

import json
import sys
from pathlib import Path

import keras

from benchmarks.plain_arrays import load_splits


def main(folder: str, epochs: str, result: str) -> None:
    """Train and write the result."""
    (x, y), validation = load_splits(Path(folder))
    classes = int(y.max()) + 1
    two = classes == 2
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1 if two else classes, activation="sigmoid" if two else "softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=2e-5),
        loss="binary_crossentropy" if two else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )

    def tell(epoch: int, logs: dict[str, float]) -> None:
        print(f"epoch {epoch + 1} of {epochs}", file=sys.stderr, flush=True)

    history = model.fit(
        x,
        y,
        batch_size=20,
        epochs=int(epochs),
        validation_data=validation,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=tell)],
        verbose=0,
    )
    model.save(Path(result).with_suffix(".keras"))
    accuracy = float(history.history["val_accuracy"][-1])
    Path(result).write_text(json.dumps({"accuracy": accuracy}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
