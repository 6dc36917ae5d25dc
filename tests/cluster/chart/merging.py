"""One template of the variants of an object: what a switch changes stands behind its condition.

A switch is looked at alone, against the object with everything off. Of what two of them change in
one place the later one holds; what either adds is there with both. The tests of the chart hold
combinations against kustomize.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from tests.cluster.chart.switches import CONDITIONS

ABSENT = object()
"""In the place of what a variant does not have."""

Changed = Mapping[str, Any]
"""What stands in one place with a switch on, by its name; without those that change nothing."""

Path = tuple[str, ...]
"""Names from the object to a place in it; an item of a list is called by its own name or `*`."""

Part = tuple[str, list[str]]
"""Lines of a template, and on what condition they are there; "" is always."""

Parameter = Callable[[Path, Any], list[str] | None]
"""Lines for a place that is taken from the values; None where it is not."""


class Writer:
    """Writes the variants of one object.

    Args:
        parameter: knows what of it is taken from the values.
    """

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    def mapping(self, base: Mapping[str, Any], changed: Changed, path: Path = ()) -> list[str]:
        """Lines of a mapping; names that every variant has come first."""
        names = dict.fromkeys([*base, *(name for each in changed.values() for name in each)])
        parts = []
        for name in names:
            here = base.get(name, ABSENT)
            others = {s: each.get(name, ABSENT) for s, each in changed.items()}
            others = {s: each for s, each in others.items() if not _same(each, here)}
            parts.append(self._entry(name, here, others, (*path, name)))
        return _guarded(sorted(parts, key=lambda part: bool(part[0]) or _is_action(part[1])))

    def _entry(self, name: str, base: Any, changed: Changed, path: Path) -> Part:
        gone = [switch for switch, value in changed.items() if value is ABSENT]
        kept = {switch: value for switch, value in changed.items() if value is not ABSENT}
        groups = _grouped(kept)
        if base is ABSENT and len(groups) == 1:
            ((switches, value),) = groups
            return any_of(switches), self._plain(name, value, path)
        if base is ABSENT:
            return "", self._choice(name, [], groups, path)
        if self._parameter(path, base) is None and kept:
            for kind, merged in ((dict, self.mapping), (list, self._items)):
                if all(isinstance(value, kind) for value in (base, *kept.values())):
                    lines = [f"{_key(name)}:", *_indented(merged(base, kept, path))]
                    if not base:
                        lines = _either(list(kept), lines, [f"{_key(name)}: {kind()}"])
                    return none_of(gone), lines
        return none_of(gone), self._choice(name, self._plain(name, base, path), groups, path)

    def _choice(
        self, name: str, otherwise: list[str], groups: list[tuple[list[str], Any]], path: Path
    ) -> list[str]:
        lines: list[str] = []
        for switches, value in reversed(groups):
            lines += [_if(switches, first=not lines), *self._plain(name, value, path)]
        if not lines:
            return otherwise
        return [*lines, *(["{{- else }}", *otherwise] if otherwise else []), "{{- end }}"]

    def _plain(self, name: str, value: Any, path: Path) -> list[str]:
        given = self._parameter(path, value)
        if given is not None:
            return given
        if isinstance(value, dict) and value:
            return [f"{_key(name)}:", *_indented(self.mapping(value, {}, path))]
        if isinstance(value, list) and value:
            return [f"{_key(name)}:", *_indented(self._items(value, {}, path))]
        return escaped({name: value})

    def _items(self, base: list[Any], changed: Changed, path: Path) -> list[str]:
        removed: dict[int, list[str]] = {}
        within: dict[int, dict[str, Any]] = {}
        added: dict[int, dict[str, Any]] = {}
        for switch, unordered in changed.items():
            items = _in_order_of(base, unordered)
            for tag, i, j, k, m in _aligned(base, items):
                if tag == "equal":
                    for here, there in zip(range(i, j), range(k, m), strict=True):
                        if not _same(base[here], items[there]):
                            within.setdefault(here, {})[switch] = items[there]
                    continue
                for here in range(i, j):
                    removed.setdefault(here, []).append(switch)
                for there in range(k, m):
                    added.setdefault(i, {})[f"{switch} {there}"] = items[there]
        parts: list[Part] = []
        for place, item in enumerate([*base, ABSENT]):
            for switches, value in _grouped(added.get(place, {})):
                on = list(dict.fromkeys(each.partition(" ")[0] for each in switches))
                parts.append((any_of(on), self._item(value, {}, path)))
            if item is not ABSENT:
                without = none_of(removed.get(place, []))
                parts.append((without, self._item(item, within.get(place, {}), path)))
        return _guarded(parts)

    def _item(self, value: Any, changed: Changed, path: Path) -> list[str]:
        if isinstance(value, dict):
            lines = self.mapping(value, changed, (*path, str(value.get("name", "*"))))
            assert not _is_action(lines), lines
            return [f"- {lines[0]}", *_indented(lines[1:])]
        assert not changed
        return escaped([value])


def escaped(value: Any) -> list[str]:
    """Lines of YAML that a template gives out as they are."""
    text = yaml.dump(value, Dumper=_Dumper, width=10**6, sort_keys=False)
    return text.replace("{{", '{{ "{{" }}').splitlines()


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _key(name: str) -> str:
    return escaped({name: 0})[0].removesuffix(": 0")


def _same(one: Any, other: Any) -> bool:
    return one is other or (ABSENT not in (one, other) and one == other)


def _identity(item: Any) -> str:
    named = isinstance(item, dict) and "name" in item
    return str(item["name"]) if named else json.dumps(item, sort_keys=True)


def _in_order_of(base: list[Any], items: list[Any]) -> list[Any]:
    """What has names has no order of its own: what is in the base too comes first, as there."""
    if not all(isinstance(each, dict) and "name" in each for each in (*base, *items)):
        return items
    places = {each["name"]: place for place, each in enumerate(base)}
    return sorted(items, key=lambda each: places.get(each["name"], len(base)))


def _aligned(base: list[Any], items: list[Any]) -> list[tuple[str, int, int, int, int]]:
    one, other = [_identity(each) for each in base], [_identity(each) for each in items]
    return difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def _grouped(changed: Changed) -> list[tuple[list[str], Any]]:
    groups: list[tuple[list[str], Any]] = []
    for switch, value in changed.items():
        for switches, known in groups:
            if known == value:
                switches.append(switch)
                break
        else:
            groups.append(([switch], value))
    return groups


def any_of(switches: list[str]) -> str:
    conditions = [CONDITIONS[each] for each in switches]
    return conditions[0] if len(conditions) == 1 else f"or {' '.join(f'({c})' for c in conditions)}"


def none_of(switches: list[str]) -> str:
    return f"not ({any_of(switches)})" if switches else ""


def _if(switches: list[str], *, first: bool) -> str:
    return f"{{{{- {'if' if first else 'else if'} {any_of(switches)} }}}}"


def _either(switches: list[str], lines: list[str], otherwise: list[str]) -> list[str]:
    return [_if(switches, first=True), *lines, "{{- else }}", *otherwise, "{{- end }}"]


def _is_action(lines: list[str]) -> bool:
    return bool(lines) and lines[0].startswith("{{")


def _guarded(parts: list[Part]) -> list[str]:
    """Lines, each part behind its condition, which neighbours share."""
    lines: list[str] = []
    open_condition = ""
    for condition, part in [*parts, ("", [])]:
        if condition != open_condition:
            lines += ["{{- end }}"] * bool(open_condition)
            lines += [f"{{{{- if {condition} }}}}"] * bool(condition)
            open_condition = condition
        lines += part
    return lines


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]
