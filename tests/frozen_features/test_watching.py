"""extract --watch_drift: what is found of the new version is what drift finds, and is kept."""

import json
from dataclasses import asdict

import numpy as np
import pytest

import frozen_features as ff
from frozen_features import command
from pipelines import extract
from pipelines.commits.leakage import Leakage
from pipelines.commits.report import ExtractReport
from pipelines.engines.bottleneck import Waits
from pipelines.table.drift_notes import DriftNote, keep_drift
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.tables import LENGTH, add_file, write_table
from tests.pipelines.test_contract import CONTRACT

OCCURRED = ("inputs", "present", "written", "known_failures", "new_failures", "waiting", "copies")
COUNTS = dict.fromkeys((*OCCURRED, "relabelled", "replaced", "vanished", "pruned", "stray"), 0)


@pytest.fixture
def nights(tmp_path):
    """Version 1 has 128 images; with 2 came 20 like them, with 3 as many of another kind."""
    folder = tmp_path / "table"
    write_table(folder, {"train": 4, "test": 4}, ("a", "b"))
    random = np.random.default_rng(0)
    held, _, _ = ff.load(folder)
    for night, shift in (("second", 0.0), ("third", 6.0)):
        features = held[random.permutation(len(held))[:20]] + random.normal(0, 0.3, (20, LENGTH))
        table = FeatureTable.open(str(folder))
        add_file(table, night, "test", (features + shift).astype(np.float32), label="a")
    return str(folder)


@pytest.fixture
def extracted(nights, monkeypatch):
    """Let a run be one that found version `before` and made `version`."""

    def be(before, version):
        waits = Waits(0.0, 0.0, 0.0)
        report = ExtractReport(
            *("run", nights, version, CONTRACT, None, waits, None, 1, 0, COUNTS),
            *(Leakage((), (), {}), (), 1.0, 0.0),
            before=before,
        )
        monkeypatch.setattr(extract, "extract", lambda job, outlet: report)
        return ["extract", "--input", nights, "--table", nights, "--watch_drift"]

    return be


def test_the_new_version_is_held_against_the_one_before(nights, extracted, tmp_path, capsys):
    result = tmp_path / "run.json"
    assert command.main([*extracted(2, 3), "--json", str(result)]) == 0
    expected = ff.drift(nights, table_version=3, against_version=2)
    assert expected.alarms[0] == "drift"
    assert json.loads(result.read_text())["drift"] == json.loads(json.dumps(expected.as_json()))
    assert str(expected) in capsys.readouterr().out

    kept = DriftNote(
        *(3, 2, 20, expected.classifier.statistic, expected.classifier.p),
        *(expected.mmd.statistic, expected.mmd.p, expected.alarms, expected.drifted_classes),
    )
    described = ff.describe(nights)
    assert described.drift == kept
    assert described.as_json()["drift"] == asdict(kept)
    assert (
        f"\ndrift of version 3 against 2: the images drifted (ROC AUC {kept.roc_auc:.4f}, "
        f"p {kept.roc_auc_p:.4f}, 20 new images)" in str(described)
    )


def test_images_like_those_before_raise_no_alarm(nights, extracted):
    assert command.main(extracted(1, 2)) == 0
    assert "drift of version 2 against 1: none was found (ROC AUC " in str(ff.describe(nights))


@pytest.mark.parametrize(("before", "version"), [(3, 3), (0, 1), (0, None)])
def test_where_nothing_was_there_before_or_nothing_is_new_that_is_all(
    nights, extracted, capsys, before, version
):
    assert command.main(extracted(before, version)) == 0
    assert "no drift to watch for" in capsys.readouterr().err
    assert ff.describe(nights).drift is None


def test_a_table_that_cannot_be_compared_costs_the_run_nothing(tmp_path, extracted, capsys):
    given = extracted(1, 2)
    few = np.full((20, LENGTH), np.nan, np.float32)
    add_file(FeatureTable.open(given[2]), "broken", "test", few, label="a")
    assert command.main(extracted(3, 4)) == 0
    assert "drift was not watched for: " in capsys.readouterr().err


def test_the_module_of_pipelines_says_what_to_run_instead(nights, capsys):
    given = ["--input", nights, "--table", nights, "--watch_drift"]
    assert extract.main(given) == 2
    assert "run frozen-features extract instead" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": "x"}', b"\xff"])
def test_a_note_that_another_program_spoilt_is_passed_over(nights, tmp_path, capsys, content):
    keep_drift(nights, DriftNote(2, 1, 3, None, None, None, None, (), ()))
    assert "against 1: too few new images to tell (3)" in str(ff.describe(nights))
    (tmp_path / "table" / "_drift" / "3.json").write_bytes(content)
    assert ff.describe(nights).drift is None
    assert "_drift/3.json is passed over: " in capsys.readouterr().err
