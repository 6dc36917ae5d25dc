"""What a comparison of two sets of images has to say."""

from dataclasses import asdict, dataclass
from typing import Any

from classifiers.drifting.moved import Moved
from classifiers.drifting.permuting import Tested
from classifiers.drifting.side import LEAST
from pipelines.reports import Grid, Part, Report
from pipelines.table.drift_notes import DriftNote

DRIFT = "drift"
CLASSES = "classes"
ALARMS = (DRIFT, CLASSES)
"""What may have drifted: the images as a whole, and those of a class."""

SHOWN = 40
"""Classes that are printed at most."""


@dataclass(frozen=True, slots=True)
class ClassShift:
    """One class on both sides.

    Attributes:
        label: its name.
        images: how many it has on each side.
        shares: of all images of each side, 0 to 1.
        mmd: of its images on one side against those on the other; None where there are too few.
    """

    label: str
    images: tuple[int, int]
    shares: tuple[float, float]
    mmd: Tested | None


@dataclass(frozen=True, slots=True)
class DriftReport(Report):
    """Two sets of images, compared by their pooled features.

    Attributes:
        first: what was before.
        second: what is held against it.
        images: on each side.
        shared: images that are on both sides, by their ids.
        tested: images of the second side that are not on the first with the same features; only
            these are tested.
        classifier: how well a classifier tells them from the first side: area under the ROC curve;
            None where they are too few.
        mmd: the squared maximum mean discrepancy; None where they are too few.
        classes: of all labels of either side, by name.
        moved: the images that moved most, the farthest first.
        alpha: greatest probability of an alarm where nothing drifted.
    """

    first: str
    second: str
    images: tuple[int, int]
    shared: int
    tested: int
    classifier: Tested | None
    mmd: Tested | None
    classes: tuple[ClassShift, ...]
    moved: tuple[Moved, ...]
    alpha: float

    @property
    def drifted_classes(self) -> tuple[str, ...]:
        """Names of the classes whose images drifted, by Bonferroni's correction for all classes."""
        tested = [each for each in self.classes if each.mmd is not None]
        return tuple(
            each.label
            for each in tested
            if each.mmd is not None and each.mmd.p * len(tested) <= self.alpha
        )

    @property
    def alarms(self) -> tuple[str, ...]:
        """Those of `ALARMS` that are raised; the images' two tests are corrected for being two."""
        tests = [each.p for each in (self.classifier, self.mmd) if each is not None]
        found = [DRIFT] if tests and len(tests) * min(tests) <= self.alpha else []
        return (*found, CLASSES) if self.drifted_classes else tuple(found)

    def note(self, version: int, against: int) -> DriftNote:
        """What is kept of it with a table, whose versions these two are."""
        return DriftNote(
            version=version,
            against=against,
            tested=self.tested,
            roc_auc=None if self.classifier is None else self.classifier.statistic,
            roc_auc_p=None if self.classifier is None else self.classifier.p,
            mmd=None if self.mmd is None else self.mmd.statistic,
            mmd_p=None if self.mmd is None else self.mmd.p,
            alarms=self.alarms,
            classes=self.drifted_classes,
        )

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        said: list[Part] = [
            f"first   {self.first}: {self.images[0]:,} images",
            f"second  {self.second}: {self.images[1]:,} images, {self.shared:,} of them in both",
            f"tested  {self.tested:,} of the second, which are new or have changed",
            "",
        ]
        tests = {"classifier, ROC AUC": self.classifier, "squared MMD": self.mmd}
        done = [(name, f"{t.statistic:.4f}", f"{t.p:.4f}") for name, t in tests.items() if t]
        if done:
            said += [Grid(done, ("test", "statistic", "p")), ""]
        if self.classes:
            said += [Grid([_cells(each) for each in self.classes[:SHOWN]], CELLS), ""]
        else:
            said += ["no image has a label, so no classes are compared", ""]
        if len(self.classes) > SHOWN:
            said.append(f"and {len(self.classes) - SHOWN:,} more classes; --json has all of them")
        if self.moved:
            rows = [(each.image_id, each.label, f"{each.distance:.4f}") for each in self.moved]
            said += [Grid(rows, ("moved most", "label", "distance")), ""]
        if DRIFT in self.alarms:
            said.append("the images drifted: the two sides can be told apart")
        elif self.mmd is None:
            said.append(f"too few images to tell of drift, which takes {LEAST}")
        else:
            said.append(f"no drift was found, at a level of {self.alpha:g}")
        if self.drifted_classes:
            said.append(f"classes that drifted: {len(self.drifted_classes)}")
        return said

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            **asdict(self),
            "alarms": list(self.alarms),
            "drifted_classes": list(self.drifted_classes),
        }


CELLS = ("class", "first", "second", "share first", "share second", "squared MMD", "p")


def _cells(each: ClassShift) -> tuple[object, ...]:
    tested = (
        (None, None) if each.mmd is None else (f"{each.mmd.statistic:.4f}", f"{each.mmd.p:.4f}")
    )
    return (each.label, *each.images, *each.shares, *tested)
