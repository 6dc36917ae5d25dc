"""Pictures of a measured model: of any names and numbers, and none costs a report."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

import frozen_features as ff
from classifiers import evaluate as command
from classifiers.heads.head import Judgement
from classifiers.models import measured_pictures
from classifiers.models.evaluation import evaluate
from classifiers.models.measured_pictures import FILES, draw_measured
from classifiers.models.pictures import _most_confused

HARD_NAMES = ("$\\frac{", "日本語", "a\nb", "bill_$10_$20", "x" * 300)


def measured(classes: int, images: int = 300, seed: int = 0):
    random = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    logits = random.normal(size=(images, classes)) + 2 * np.eye(classes)[targets]
    names = [*HARD_NAMES, *(f"breed {k}" for k in range(classes))][:classes]
    return targets, logits, evaluate(targets, Judgement.of_logits(logits), names)


@pytest.mark.acceptance
@pytest.mark.parametrize("classes", [2, 120])
def test_all_pictures_are_drawn_of_any_names(classes, tmp_path):
    evaluation = measured(classes)[2]
    made = draw_measured(tmp_path, evaluation, "dense", "$test_$\n日本")
    assert {path.name for path in made} == set(FILES) == {p.name for p in tmp_path.iterdir()}
    for path in made:
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert max(picture.size) <= 1400


def test_curves_go_through_the_points_of_scikit_learn():
    targets, logits, evaluation = measured(2, 150)  # so few that none is left out
    (curve,) = evaluation.drawn.curves
    scores = logits[:, 1] - logits[:, 0]
    false, recall, _ = roc_curve(targets == 1, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positives, false, atol=1e-12)
    np.testing.assert_allclose(curve.recall, recall, atol=1e-12)
    precision = precision_recall_curve(targets == 1, scores)[0]
    np.testing.assert_allclose(curve.precision[1:], precision[-2::-1], atol=1e-12)
    area = (np.diff(curve.recall) * curve.precision[1:]).sum()
    assert area == pytest.approx(average_precision_score(targets == 1, scores))
    assert curve.area == evaluation.roc_auc


def test_reliability_and_scores_are_the_calibration_errors():
    _, _, evaluation = measured(4)
    of = evaluation.drawn
    gaps = np.nansum(of.reliability.images * np.abs(of.reliability.said - of.reliability.right))
    assert gaps / 300 == pytest.approx(evaluation.further.calibration_error)
    assert of.scores.right.sum() == pytest.approx(300 * evaluation.accuracy)
    assert (of.scores.right + of.scores.wrong).sum() == 300


def test_many_curves_are_thinned_and_the_worst_classes_are_kept():
    of = measured(12, 1200)[2]
    areas = of.further.class_roc_auc
    assert [curve.area for curve in of.drawn.curves] == sorted(areas)[:8]
    for curve in of.drawn.curves:
        assert 100 < len(curve.recall) <= 401
        # All images of a class are seen, though they are one in twelve.
        assert len(np.unique(curve.recall)) == 101


def test_the_most_confused_classes_are_drawn_worst_first():
    counts = np.diag(np.full(50, 10))
    counts[7, 31], counts[31, 7], counts[3, 7] = 5, 2, 1
    assert _most_confused(counts)[:3].tolist() == [7, 31, 3]
    assert len(_most_confused(counts)) == 40
    assert _most_confused(np.eye(40, dtype=int)).tolist() == list(range(40))


def test_what_cannot_be_drawn_is_left_out_or_told(tmp_path, monkeypatch, capsys):
    scores = np.array([[1.0, -1.0], [2.0, -2.0]])
    of_one = evaluate(np.array([0, 0]), Judgement(np.array([0, 0]), scores, None), ("a", "b"))
    (tmp_path / "reliability.png").write_bytes(b"of a model before")
    made = draw_measured(tmp_path, of_one, "svm", "test")
    assert {path.name for path in made} == {"confusion.png", "scores.png"}
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "scores.png"}

    def broken(*_):
        raise ValueError("no such font")

    monkeypatch.setattr(measured_pictures, "draw_confusion", broken)
    assert len(draw_measured(tmp_path, measured(2)[2], "dense", "test")) == 3
    said = capsys.readouterr().err
    assert "confusion.png could not be drawn: ValueError: no such font" in said


def test_evaluate_draws_where_it_is_told(table, logistic, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "scores.png").write_bytes(b"of before")
    report = ff.evaluate(logistic, table=table, pictures=folder)
    assert f"\npictures: {folder / 'confusion.png'}, " in str(report)
    assert {path.name for path in report.pictures} == set(FILES)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in report.pictures)


def test_pictures_are_put_into_nothing_that_is_not_theirs(table, logistic, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "holiday.png").write_bytes(b"")
    usual = ["--table", str(table), "--model", str(logistic)]
    for place, complaint in (
        (tmp_path / "file", "is a file; name a folder"),
        (mine, "holds holiday.png, which is no such picture"),
        (logistic, "lies in a model"),
        (logistic / "pictures", "lies in a model"),
        (table, "lies in a table"),
    ):
        assert command.main([*usual, "--pictures", str(place)]) == 2
        assert complaint in capsys.readouterr().err
    several = [*usual, "--compare", str(logistic), "--pictures", str(tmp_path / "new")]
    assert command.main(several) == 2
    assert "--pictures has no meaning with --compare" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]
