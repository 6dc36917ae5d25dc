"""The linear baselines as a user trains them without us: plain scikit-learn on a NumPy array.

`python -m benchmarks.plain_scikit FOLDER HEAD RESULT` trains on `benchmarks.plain_arrays`' files
and writes the validation accuracy. Settings are those of `classifiers.train`.
"""

import json
import pickle
import sys
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.plain_arrays import load_splits

CLASSIFIERS = {
    "logistic": LogisticRegression(C=1e-3, max_iter=1000, random_state=0),
    "linear_svm": LinearSVC(C=1e-5, max_iter=1000, random_state=0),
}


def main(folder: str, head: str, result: str) -> None:
    """Train and write the result."""
    train, validation = load_splits(Path(folder))
    model = make_pipeline(StandardScaler(), CLASSIFIERS[head])
    model.fit(*train)
    accuracy = float(model.score(*validation))
    Path(result).with_suffix(".pickle").write_bytes(pickle.dumps(model))
    Path(result).write_text(json.dumps({"accuracy": accuracy}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
