"""One promotion: measure the model and the one in place, decide, add the version."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from classifiers.models.comparing import Difference, compared
from classifiers.models.opening import (
    ModelOrFolder,
    any_opened,
    files_of,
    found,
    opened_of_classes,
    pinned,
)
from classifiers.models.pinning import pin_card
from classifiers.models.place import model_files
from classifiers.models.reports import EvaluateReport
from classifiers.models.versions.names import ModelName
from classifiers.models.versions.places import Versions
from classifiers.promoting.conditions import COMPARING, Condition, answer, require_classes
from classifiers.promoting.report import PromoteReport

Measure = Callable[[ModelOrFolder], EvaluateReport]


@dataclass(frozen=True, slots=True)
class PromoteJob:
    """One promotion.

    Attributes:
        model: the model.
        to: where it is to be the next version.
        conditions: that it must satisfy; without any it is promoted.
        measure: measures a model on the images that conditions are about.
    """

    model: ModelName
    to: Versions
    conditions: tuple[Condition, ...]
    measure: Measure = field(repr=False)


def promote(job: PromoteJob) -> PromoteReport:
    """Add a model to the versions at a place, if it satisfies the conditions.

    Raises:
        UsageError: something else is at the place, a measure is not the model's, or the models
            have other classes.
        ModelError: there is no such model, or another process added a version meanwhile.
        FrozenFeaturesError: it cannot be measured.
    """
    job.to.check()
    there = job.to.numbers()
    number = there[-1] if there else None
    before = None if number is None else ModelName(job.to.location, number)
    name = pinned(job.model)
    model = any_opened(found(name))
    if job.conditions:
        model = opened_of_classes(model)  # of which alone there are such measures
        require_classes(job.conditions, model.card.classes)
    measured, difference = _measured(job, str(name), model, before)
    given = tuple(answer(each, measured[str(name)].measured, difference) for each in job.conditions)
    after = None
    if all(each.holds for each in given):
        with files_of(name) as folder, job.to.draft((number or 0) + 1) as draft:
            for path in sorted(folder.iterdir()):
                if path.name in model_files():
                    shutil.copyfile(path, draft.folder / path.name)
        after = str(draft.place)
        pin_card(model.card, after)
    in_place = None if before is None else str(before)
    return PromoteReport(str(name), in_place, after, given, measured, difference)


def _measured(
    job: PromoteJob, name: str, model: ModelOrFolder, before: ModelName | None
) -> tuple[dict[str, EvaluateReport], Difference | None]:
    if not job.conditions:
        return {}, None
    reports = {name: job.measure(model)}
    if before is None or all(each.text not in COMPARING for each in job.conditions):
        return reports, None
    in_place = job.measure(found(before))
    held = compared([str(before), name], [in_place, reports[name]])
    return {**reports, str(before): in_place}, held.differences[0]
