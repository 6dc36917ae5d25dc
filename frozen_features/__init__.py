"""The commands as functions: keyword arguments in, the report that the command prints out.

Importing this imports none of the libraries that do the work; each function does when it is called.
"""

from frozen_features.auditing import audit
from frozen_features.choosing import choose
from frozen_features.exporting import export
from frozen_features.extracting import extract, plan
from frozen_features.looking import drift, neighbours
from frozen_features.models import compare, evaluate, load, load_model, predict
from frozen_features.promoting import promote
from frozen_features.refitting import refit
from frozen_features.reporting import report
from frozen_features.tables import base_layers, bases, describe, doctor, forget, tidy, verify
from frozen_features.tracking import track
from frozen_features.training import search, train
from pipelines import __version__
from pipelines.errors import FrozenFeaturesError

__all__ = [
    "FrozenFeaturesError",
    "__version__",
    "audit",
    "base_layers",
    "bases",
    "choose",
    "compare",
    "describe",
    "doctor",
    "drift",
    "evaluate",
    "export",
    "extract",
    "forget",
    "load",
    "load_model",
    "neighbours",
    "plan",
    "predict",
    "promote",
    "refit",
    "report",
    "search",
    "tidy",
    "track",
    "train",
    "verify",
]
