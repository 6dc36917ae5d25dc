"""What a run says before it extracts."""

from dataclasses import dataclass

from pipelines.planning.comparison import replaced_from_elsewhere
from pipelines.planning.cutting import Plan, Sorted
from pipelines.planning.run import Run, Scene


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is said of a table; made of its scene, which of millions of images is gigabytes.

    Attributes:
        inputs: how many images and copies there are.
        counts: how many of them, or of the table's rows, are in which state; those without any
            are passed over.
        remarks: what else is to be said, a line each.
    """

    inputs: str
    counts: tuple[tuple[int, str], ...]
    remarks: tuple[str, ...]

    def said_of(self, plan: Plan) -> str:
        """The line of what there is and what is to be done."""
        todo = [
            (plan.attempted - len(plan.unusable), f"to extract in {_cut(plan)}"),
            (len(plan.unusable), "that cannot be used"),
            *self.counts,
        ]
        return f"{self.inputs}: " + ", ".join(f"{count} {what}" for count, what in todo if count)


def announce(run: Run, scene: Scene, sorted_inputs: Sorted) -> Announcement:
    """See what is to be said of a table.

    Args:
        run: the run.
        scene: what it saw.
        sorted_inputs: by what is to become of them.
    """
    compared, copies = scene.comparison, scene.copies
    inputs = f"{len(scene.inputs) - copies} images"
    inputs += f" and {copies} copies" if copies else ""
    counts = (
        (len(compared.changed), "changed since they were stored"),
        (len(sorted_inputs.present), "in the table"),
        (len(compared.relabelled), "under another label or split"),
        (len(sorted_inputs.finished), "finished by an earlier run"),
        (len(sorted_inputs.known_failures), "known failures"),
        (len(compared.vanished), "gone from the input"),
        (len(compared.stray), "copies of images that are no longer trained on"),
    )
    return Announcement(inputs, counts, (*_of_equal_names(scene), *_of_copies(run, scene)))


def _of_equal_names(scene: Scene) -> list[str]:
    changed = scene.comparison.changed
    moved = replaced_from_elsewhere(changed, scene.inputs, scene.stored)
    if len(moved) <= len(changed) / 2:
        return []
    then, now = moved[0]
    return [
        f"{len(moved)} of {len(changed)} images that replace others come from another place "
        f"({now}, and before {then}): what has the same name below its root is the same image, "
        "and --id_prefix tells the images of two folders apart"
    ]


def _of_copies(run: Run, scene: Scene) -> list[str]:
    short, most = scene.short_of_copies(run.augmentation.split)
    if not short:
        return []
    return [f"{short} images get fewer copies than others have; --augment {most} makes them alike"]


def _cut(plan: Plan) -> str:
    shards = f"{len(plan.shards)} shards"
    return shards if len(plan.parts) < 2 else f"{shards} and {len(plan.parts)} parts"
