"""What the folders that an image lies in, and its own name, say of it: its split and its label."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipelines.cli import few, log
from pipelines.errors import InputError
from pipelines.images.layout import NONE, PLAIN, LabelsFrom, Layout
from pipelines.images.passed_over import SHOWN
from pipelines.images.splits import split_meant, split_named, split_of, tell_renamed
from pipelines.records import ImageRef, storable

Found = TypeVar("Found")
Parts = tuple[str, ...]
"""The names of the folders between a root and an image, and its own."""

DECIDES = (
    "--labels_from says where the label stands: folder (the first one, or that below a split's), "
    "parent, filename:REGEX, or none"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a path says of its image.

    Attributes:
        label: its label; None where it says none.
        split: the folder that names a split, as it is called there; None where there is none.
    """

    label: str | None
    split: str | None


def arrange(
    root: str,
    images: Iterable[tuple[Parts, Found]],
    make: Callable[[str, Found, str | None, str], ImageRef],
    layout: Layout = PLAIN,
) -> list[ImageRef]:
    """Give images their ids, labels and splits by the folders they lie in, or as the user says.

    Args:
        root: the folder above all of them, for complaints.
        images: where each lies below the root, and whatever was found there.
        make: makes a reference from an id, what was found, a label and a split.
        layout: where labels stand; where it does not say, the depth of the folders does.

    Raises:
        InputError: it cannot be told what the folders mean.
    """
    found = list(images)
    # Of millions of names nearly all are what any file can hold.
    paths = [p if "".join(p).isascii() else tuple(map(storable, p)) for p, _ in found]
    refs = []
    for parts, each, (_, what) in zip(paths, say(root, paths, layout), found, strict=True):
        image_id = "/".join(parts)
        split = (
            split_named(each.split)
            if each.split
            else split_of(image_id, each.label, split_by=layout.split_by)
        )
        refs.append(make(image_id, what, each.label, split))
    return refs


def say(root: str, paths: Sequence[Parts], layout: Layout) -> list[Said]:
    """What paths say of their images, by the depth of their folders or as the user says.

    Args:
        root: the folder above all of them, for complaints and what is told.
        paths: where images lie below it.
        layout: as `arrange` takes it.

    Raises:
        InputError: it cannot be told what the folders mean.
    """
    if layout.labels_from is None:
        said = _by_depth(root, paths) if paths else []
    else:
        said = by_option(root, paths, layout.labels_from)
    tell_renamed(root, {each.split for each in said if each.split is not None})
    return said


def by_option(root: str, paths: Sequence[Parts], labels: LabelsFrom) -> list[Said]:
    """What paths say of their images if labels stand where the user says.

    The first folder of a path that is called as a split is one. How many have no label is told.

    Raises:
        InputError: none of them has a label there.
    """
    said = [said_by(labels, parts) for parts in paths]
    without = ["/".join(p) for p, each in zip(paths, said, strict=True) if each.label is None]
    if labels.kind == NONE or not without:
        return said
    if len(without) == len(paths):
        raise InputError(
            f"no image of {root} has a label where --labels_from {labels.text} looks for it "
            f"({without[0]!r}); {DECIDES}"
        )
    log(
        f"{len(without)} of {len(paths)} images of {root} have no label where --labels_from "
        f"{labels.text} looks for it, {without[0]!r} among them"
    )
    return said


def said_by(labels: LabelsFrom, parts: Parts) -> Said:
    """What one path says of its image if labels stand where the user says."""
    return Said(labels.of(parts, _split_place(parts)), _split_in(parts))


def _by_depth(root: str, paths: Sequence[Parts]) -> list[Said]:
    depths = {len(parts): parts for parts in paths}
    deep = min(depths) > 2
    # Below folders that are splits by their names, any depth will do: the next one is the label.
    named = deep and all(split_meant(parts[0]) for parts in paths)
    if len(depths) > 1 and not named:
        shown = " and ".join(repr("/".join(depths[depth])) for depth in sorted(depths)[:2])
        raise InputError(f"images of {root} lie at different depths ({shown}); {DECIDES}")
    if max(depths) > 3 and not named:
        raise InputError(
            f"images of {root} lie deep ({'/'.join(paths[0])!r}); {DECIDES}; or name a folder "
            "further down"
        )
    said = [Said(*_by_place(parts)) for parts in paths]
    _check_labels(root, paths, said)
    if deep and not all(split_meant(parts[0]) for parts in paths):
        splits = sorted({parts[0] for parts in paths})
        labels = sorted({parts[1] for parts in paths})
        below = Path(root) / splits[0]
        log(
            f"by the folders split/label/image of {root} the splits are {few(splits, SHOWN)}, and "
            f"the labels {few(labels, SHOWN)}"
            + (f"; without splits, name {below}" if len(splits) == 1 and below.is_dir() else "")
            + f"; if that is not what they are, {DECIDES}"
        )
    return said


def _check_labels(root: str, paths: Sequence[Parts], said: Sequence[Said]) -> None:
    splits = sorted({each.label for each in said if each.label and split_meant(each.label)})
    if not splits:
        return
    example = min("/".join(p) for p, each in zip(paths, said, strict=True) if each.label in splits)
    what = "which is the name of a split" if len(splits) == 1 else "which are names of splits"
    raise InputError(
        f"{root} has images right inside of {' and '.join(map(repr, splits[:3]))}, {what} and not "
        f"of labels ({example!r}); {DECIDES}, and a manifest may name path, label and split of each"
    )


def _by_place(parts: Parts) -> tuple[str | None, str | None]:
    """Label and split; a split's folder may hold itself, as archives that are unpacked leave it."""
    if len(parts) > 2:
        *folders, _ = parts
        inside = (name for name in folders[1:] if name != folders[0])
        return next(inside, folders[-1]), folders[0]
    return (parts[0], None) if len(parts) == 2 else (None, None)


def _split_place(parts: Parts) -> int | None:
    folders = enumerate(parts[:-1])
    return next((place for place, name in folders if split_meant(name)), None)


def _split_in(parts: Parts) -> str | None:
    place = _split_place(parts)
    return None if place is None else parts[place]
