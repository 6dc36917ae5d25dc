"""What anybody may have called a thing, in messages and reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import log, run_command
from pipelines.errors import UsageError
from pipelines.reports import Grid, Report, format_table
from pipelines.visible import in_one_line, visible

TITLE = "\x1b]0;owned\x07cat\nerror: all is lost.jpg"


class Named(Report):
    def parts(self):
        return [f"of {TITLE}", Grid([(TITLE, 1), ("\u202egpj.exe", 2), ("\udce9", 3)])]

    def as_json(self):
        return {"name": TITLE}


def test_a_terminal_obeys_no_name_in_a_report():
    lines = str(Named()).splitlines()
    assert lines[0] == r"of \x1b]0;owned\x07cat"
    assert lines[2].split() == [*[r"\x1b]0;owned\x07cat\nerror:", r"all", r"is", r"lost.jpg"], "1"]
    assert lines[3].split() == [r"\u202egpj.exe", "2"]
    assert lines[4].split() == [r"\udce9", "3"]


def test_nor_in_a_message(capsys):
    log(f"reading {TITLE}")

    def body(_) -> int:
        raise UsageError(f"no {TITLE}")

    assert run_command(body, []) == 2
    said = capsys.readouterr().err
    assert said.splitlines() == [
        r"reading \x1b]0;owned\x07cat\nerror: all is lost.jpg",
        r"error: no \x1b]0;owned\x07cat error: all is lost.jpg",
    ]


def test_a_message_and_a_value_are_no_longer_than_can_be_read(capsys):
    log("begin" + "x" * 10_000_000 + "end")
    said = capsys.readouterr().err.strip()
    assert said.startswith("beginx")
    assert said.endswith("xend")
    assert len(said) < 2_010
    assert len(format_table([("y" * 10_000_000, "a")] * 3)) < 1_600


@pytest.mark.parametrize("text", ["", "café 猫 🐈 e\u0301", "a\nb", r"C:\x1b", "a" * 2_000])
def test_plain_text_stays_as_it_is(text):
    assert visible(text) == text


@given(st.text())
def test_nothing_unseen_is_left(text):
    shown = in_one_line(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert "\x1b" not in shown
