"""Writes `docs/messages.md` from the messages that `tests.messages` kept: `make messages`."""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "messages.md"

HEAD = """# Messages

What the commands say of mistakes and of what they could not do: one line on stderr, after
`error: `, and an exit status, 2 where the arguments are wrong and 1 where the work failed. From
Python the same line is the exception's. Tests made each of them happen, and `make messages` makes
this page of what they got. `FOLDER` is a folder, `…` what differs from run to run. Of messages that
differ in a name, a number or a detail one is shown.
"""

COMMANDS = ("extract", "plan", "describe", "verify", "tidy", "forget")
COMMANDS += (
    "audit",
    "train",
    "search",
    "refit",
    "evaluate",
    "predict",
    "promote",
    "track",
    "report",
)
COMMANDS += ("neighbours", "drift", "export", "doctor")
SEVERAL = "several commands"
IMAGES = "one image"

INTRODUCTIONS = {
    SEVERAL: "Said by more than one command, or by a part that several have.",
    IMAGES: "These end nothing: each stands beside its image in the list of failed images, and in "
    "the table's `_failures`.",
}

ANY_TEST = 4
"""A test that made as many different messages says by its name nothing of one of them."""

LONGEST = 400
"""Characters of a cell."""

_UUID = re.compile(r"[0-9a-f]{8}(?:(?:-|%2D)[0-9a-f]{4}){3}(?:-|%2D)[0-9a-f]{12}")

NOISE = {"--weights": "random", "--image_size": "32", "--engine": "keras", "--threads": "2"}
"""Options that tests give to be quick."""


@dataclass(frozen=True, order=True, slots=True)
class Case:
    """One message of one test.

    Attributes:
        said: the message.
        options: that the command was given; "" where it was none.
        situation: the test's name in words.
        command: its name; "" where a function said it.
        status: the exit status; -1 where there is none.
    """

    said: str
    options: str
    situation: str
    command: str
    status: int


def plain(text: str) -> str:
    """A text without what differs from run to run, and without what no page can show."""
    text = _UUID.sub("…", text)
    text = re.sub(r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,}\b", "…", text)
    text = re.sub(r"\b\d{8}T\d{6}[\w-]*", "…", text)
    text = re.sub(r"(\.new-|\.before-|/tmp)\w{8}\b", r"\1…", text)
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:…", text)
    text = re.sub(r"…+(-?…)*", "…", text)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def kind(said: str) -> str:
    """What messages have in common that differ in names, numbers or details only."""
    said = re.sub(
        r"(cannot be read|cannot read \S*card.json|CSV parse error|is damaged)\b.*", r"\1", said
    )
    said = re.sub(r"\([^()]*\)|(?<!\w)'[^']*'(?!\w)|`[^`]*`|\[[^\]]*\]", "", said)
    said = re.sub(r"\b(it has|there are|knows?|takes) [^;]*", r"\1", said)  # lists of names
    said = re.sub(r"--\w+", "--", said)
    said = re.sub(r"\S+=\S*", "", said)
    said = re.sub(r"\S*(FOLDER|HOME|/|://|…)\S*|\b[\d.,]+( \w?B)?", "", said)
    # Names of layers, bases and features.
    said = re.sub(r"\b\w*[a-z][A-Z]\w*|\b\w*\d\w*|\b\w+_\w+", "", said)
    return re.sub(r"[\s,]+", " ", said).strip()


def shown_options(options: Sequence[str], said: str) -> str:
    """A command's options: each once, without what only makes tests quick."""
    given: dict[str, list[str]] = {}
    name = ""
    for each in options:
        if each.startswith("--"):
            name = each.partition("=")[0]
            given.pop(name, None)
        given.setdefault(name, []).append(each or "''")
    for name, value in NOISE.items():
        if name in given and given[name][-1].startswith(value) and name not in said:
            del given[name]
    return " ".join(each for values in given.values() for each in values)


def situation(test: str) -> str:
    """What was done, by the name of the test that did it."""
    name = test.partition("[")[0].rpartition("::")[2].removeprefix("test_")
    return re.sub(r"(?<=[a-z])_s(?=_|$)", "'s", name).replace("_", " ")


def cases(rows: Iterable[dict[str, Any]]) -> list[Case]:
    """What was kept, each message of a command once, in an order that no run changes."""
    found = set()
    for row in rows:
        command = row["command"].removeprefix("frozen-features ").rpartition(".")[2]
        said = plain(row["said"])
        options = plain(shown_options(row["options"], said))
        status = -1 if row["status"] is None else row["status"]
        found.add(Case(said, options, situation(row["test"]), command, status))
    return sorted(found, key=lambda case: (len(case.options + case.said), case))


def sections(found: Sequence[Case]) -> dict[str, list[tuple[Case, list[str]]]]:
    """By heading, a case of each kind of message, and the commands that say it."""
    kinds: dict[tuple[str, int], list[Case]] = defaultdict(list)
    for case in found:
        kinds[kind(case.said), case.status].append(case)
    of_test = Counter(name for group in kinds.values() for name in {c.situation for c in group})
    telling = {name for name, kinds_made in of_test.items() if kinds_made < ANY_TEST}
    told: dict[str, list[tuple[Case, list[str]]]] = defaultdict(list)
    for group in kinds.values():
        commands = [each for each in COMMANDS if each in {case.command for case in group}]
        # A command's before a function's, and one whose test tells of it alone.
        first = min(group, key=lambda c: (not c.command, c.situation not in telling))
        heading = commands[0] if len(commands) == 1 else SEVERAL
        # The options of a command tell, where the name of its test does not.
        told_by_name = not first.command or first.situation in telling
        case = first if told_by_name else replace(first, situation="")
        told[IMAGES if first.status < 0 else heading].append((case, commands))
    return told


def write_page(folder: Path, page: Path = PAGE) -> None:
    """Write the page of all messages in a folder."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    told = sections(cases(json.loads(line) for line in lines))
    text = HEAD
    for heading in (*COMMANDS, SEVERAL, IMAGES):
        if heading not in told:
            continue
        text += f"\n## {heading[0].upper()}{heading[1:]}\n\n"
        text += INTRODUCTIONS.get(heading, f"Said by `{heading}` alone.") + "\n\n"
        if heading == IMAGES:
            text += "| situation | it says |\n| --- | --- |\n"
            told_of = sorted((case.said, case.situation) for case, _ in told[heading])
            text += "".join(f"| {situation} | {_code(said)} |\n" for said, situation in told_of)
            continue
        text += "| situation | command | it says | status |\n| --- | --- | --- | --- |\n"
        for case, commands in sorted(told[heading]):
            others = [each for each in commands if each != case.command]
            command = _code(f"{case.command} {case.options}".strip()) if case.command else ""
            command += f", and {', '.join(others)}" if others else ""
            text += f"| {case.situation} | {command} | {_code(case.said)} | {case.status} |\n"
    page.write_text(text, encoding="utf-8")


def _code(text: str) -> str:
    shown = f"`` {text} ``" if "`" in text else f"`{text}`"
    return shown.replace("|", "\\|")


if __name__ == "__main__":
    write_page(Path(sys.argv[1]))
