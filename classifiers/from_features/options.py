"""The options that say which head is trained, and how."""

import argparse
from collections.abc import Iterable

from classifiers.heads.catalogue import HEADS
from classifiers.heads.head import Head
from classifiers.heads.kind import HeadKind, HeadOption
from pipelines.contract import Contract
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable


def add_head_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of all heads; `--head` itself is the command's."""
    groups: dict[tuple[str, str | None], argparse._ArgumentGroup] = {}
    for name, having in _having_each().items():
        first, option = having[0]
        if first.group not in groups:
            groups[first.group] = parser.add_argument_group(*first.group)
        choices = list(dict.fromkeys(choice for _, each in having for choice in each.choices))
        groups[first.group].add_argument(
            f"--{name}",
            type=option.parse,
            choices=list(dict.fromkeys(choices)) or None,
            metavar=option.metavar,
            help=": ".join(filter(None, (option.help, _defaults(having)))),
        )


def make_head(options: argparse.Namespace) -> Head:
    """The head that `--head` and the options of `add_head_options` ask for.

    Raises:
        UsageError: an option is given that this head has no use for.
        TableError: there is no table to fine-tune on.
    """
    kinds = [kind for kind in HEADS.values() if kind.head == options.head]
    kind = next((kind for kind in kinds if kind.top == options.top), kinds[0])
    having_each = _having_each()
    values = {name: getattr(options, name) for name in having_each}
    given = {name: value for name, value in values.items() if value is not None}
    for name in given:
        able = [each.name for each, _ in having_each[name]]
        if kind.name not in able:
            raise UsageError(f"--{name} is for --head {', '.join(able)}, not for {kind.name}")

    def contract() -> Contract:
        return FeatureTable.open(options.table, options.table_version).contract

    return kind.make(given, contract)


def _having_each() -> dict[str, list[tuple[HeadKind, HeadOption]]]:
    """Options by name: the kinds of head that have each."""
    having: dict[str, list[tuple[HeadKind, HeadOption]]] = {}
    for kind in HEADS.values():
        for option in kind.options:
            having.setdefault(option.name, []).append((kind, option))
    return having


def _defaults(having: Iterable[tuple[HeadKind, HeadOption]]) -> str:
    shown: dict[str, dict[str, float]] = {}
    for kind, option in having:
        if option.default is not None:
            shown.setdefault(kind.head, {})[kind.top or kind.head] = option.default
    alike = {head: {head: next(iter(of.values()))} for head, of in shown.items()}
    return ", ".join(
        f"{name} {default:g}"
        for head, of in shown.items()
        for name, default in (alike[head] if len(set(of.values())) == 1 else of).items()
    )
