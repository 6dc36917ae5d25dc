"""Labels against what heads say that did not learn them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from classifiers.auditing.classes import Overlap, SmallClass, small_classes, units_of_classes
from classifiers.auditing.classes import overlaps as overlaps_of
from classifiers.auditing.judging import FOLDS, fold_bytes, judge_unseen
from classifiers.auditing.opinions import opinion
from classifiers.auditing.rows import AuditedRows
from classifiers.auditing.suspects import Suspect, confident_other, in_order_of_doubt
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.models.opening import ModelOrFolder
from pipelines.images.splits import TRAIN, UNLABELLED

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelFindings:
    """What there is to say of labels.

    Attributes:
        judged: images whose label was judged.
        accuracy: share of those learned from whose label is confirmed; None if none was judged.
        suspects: the confident ones first, then by how unlikely their label is.
        overlaps: classes taken for each other, the worst first.
        small: classes hardly to be learned, the smallest first.
        why_not: why labels were not judged, or not all; empty where they were.
    """

    judged: int = 0
    accuracy: float | None = None
    suspects: tuple[Suspect, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    small: tuple[SmallClass, ...] = ()
    why_not: str = ""


def judge_labels(
    rows: AuditedRows,
    roots: npt.NDArray[np.float32],
    sound: npt.NDArray[np.bool_],
    units: Places,
    models: Sequence[ModelOrFolder],
    seed: int,
    budget: MemoryBudget,
) -> LabelFindings:
    """Judge all labels, those of the split "train", if there is one, by itself.

    So nothing that is said of training comes from what measures it.

    Args:
        rows: the images.
        roots: float32 (n, channels).
        sound: bool (n,), whose features are finite numbers.
        units: int64 (n,), equal for images that belong together.
        models: trained ones to ask about the splits that they were not trained on.
        seed: of folds.
        budget: most memory.
    """
    classes = rows.classes
    if len(classes) < 2:
        found = f"the only label is {classes[0]!r}" if classes else "no image has a label"
        return LabelFindings(why_not=f"{found}: there is nothing to hold labels against")
    numbers = {name: number for number, name in enumerate(classes)}
    targets = np.array([-1 if each is None else numbers[each] for each in rows.labels])
    targets[~sound] = -1
    splits = np.array(rows.splits)
    learned = (splits == TRAIN) & (targets >= 0)
    if len({*targets[learned].tolist()}) < 2:
        learned = (splits != UNLABELLED) & (targets >= 0)
    of_learned = np.where(learned, targets, -1)
    apart = units_of_classes(of_learned, units, len(classes))
    small = tuple(small_classes(of_learned, apart, classes))
    large = np.flatnonzero(apart >= FOLDS)
    if len(large) < 2:
        why = f"fewer than two classes have {FOLDS} images or more that are not the same"
        return LabelFindings(small=small, why_not=why)
    part = np.flatnonzero(np.isin(targets, large))
    renumbered = np.searchsorted(large, targets[part])
    needed = fold_bytes(learned[part], roots.shape[1])
    if needed > budget.size:
        why = (
            f"labels were not judged: a fold takes {show_size(needed)}, and "
            f"{show_size(budget.size)} ({budget.reason}) are allowed; raise --memory"
        )
        return LabelFindings(small=small, why_not=why)
    judged = judge_unseen(
        roots[part], renumbered, units[part], learned[part], len(large), seed, budget
    )
    probabilities, named = judged.probabilities, [classes[number] for number in large]
    if models:
        told = opinion(models, rows, named)
        asked = told.said[part]
        probabilities[asked] = told.probabilities[part][asked]
    known = np.isfinite(probabilities).all(axis=1)
    part, renumbered, probabilities = part[known], renumbered[known], probabilities[known]
    findings = LabelFindings(
        judged=len(part),
        accuracy=judged.accuracy,
        suspects=tuple(_suspects(rows, part, renumbered, probabilities, learned[part], named)),
        overlaps=tuple(overlaps_of(probabilities.argmax(axis=1), renumbered, named)),
        small=small,
    )
    left = int((targets >= 0).sum()) - len(part)
    if not left:
        return findings
    return replace(findings, why_not=f"{left} labels were not judged: of classes too small")


def _suspects(
    rows: AuditedRows,
    part: Places,
    targets: Places,
    probabilities: npt.NDArray[np.float64],
    learned: npt.NDArray[np.bool_],
    classes: Sequence[str],
) -> list[Suspect]:
    likeliest = probabilities.argmax(axis=1)
    sure = confident_other(probabilities, targets, learned) != targets
    order = in_order_of_doubt(probabilities, targets, likeliest).tolist()
    found = [
        Suspect(
            image_id=rows.ids[part[place]],
            split=rows.splits[part[place]],
            label=classes[targets[place]],
            suggested=classes[likeliest[place]],
            probability=round(float(probabilities[place, likeliest[place]]), 6),
            own=round(float(probabilities[place, targets[place]]), 6),
            confident=bool(sure[place]),
        )
        for place in order
    ]
    return sorted(found, key=lambda each: not each.confident)
