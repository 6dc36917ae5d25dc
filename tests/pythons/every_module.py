"""Every module can be imported: run under the oldest Python."""

import importlib

import pytest

from tests.conftest import ROOT

PACKAGES = ("pipelines", "classifiers", "frozen_features", "benchmarks", "examples")
FILES = [path.relative_to(ROOT) for each in PACKAGES for path in (ROOT / each).rglob("*.py")]
MODULES = sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in FILES)


def test_none_is_left_out():
    assert {"pipelines.extract", "classifiers", "benchmarks.gpu", "examples.digits"} <= {*MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_import(module):
    importlib.import_module(module)
