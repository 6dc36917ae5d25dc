"""`frozen-features`: one command on the path for all."""

import re
import subprocess
import sys

import pytest

import pipelines
from frozen_features import command, commands
from tests.conftest import ROOT
from tests.test_imports import HEAVY

MODULES = {f"{package}.{name}" for name, (package, _) in commands.COMMANDS.items()}


@pytest.mark.parametrize(
    ("arguments", "shown", "own"),
    [
        (["--help"], "  extract     bring a feature table up to a folder", set()),
        (["--version"], f"frozen-features {pipelines.__version__}\n", set()),
        (["describe", "--help"], "usage: frozen-features describe", {"pipelines.describe"}),
    ],
)
def test_only_the_command_that_is_run_is_imported(arguments, shown, own):
    code = (
        "import sys\n"
        "from frozen_features.command import main\n"
        "try:\n"
        f"    status = main({arguments})\n"
        "except SystemExit as end:\n"
        "    status = end.code\n"
        "print(*sorted(sys.modules), sep='\\n', file=sys.stderr)\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown in done.stdout
    imported = set(done.stderr.splitlines())
    assert imported & MODULES == own
    assert not {name.partition(".")[0] for name in imported} & HEAVY


def test_help_has_a_line_for_each_command(capsys):
    assert command.main(["--help"]) == 0
    listed = re.findall(r"^  (\w+) +\S", capsys.readouterr().out, re.MULTILINE)
    assert listed == [
        *("extract", "choose", "plan", "describe", "verify", "tidy", "forget"),
        *("audit", "train", "search", "refit", "evaluate", "predict", "promote", "track", "report"),
        *("neighbours", "drift", "export", "doctor"),
    ]


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_speaks_of_itself_by_the_name_it_was_called_by(name, capsys):
    with pytest.raises(SystemExit) as end:
        command.main([name, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: frozen-features {name} [-h]")
    module = commands.import_command(name)
    with pytest.raises(SystemExit):
        module.main(["--help"])
    assert capsys.readouterr().out.startswith(f"usage: python -m {module.__name__} [-h]")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["extrct"], "no command 'extrct'; did you mean extract?"),
        (["tables"], "no command 'tables' (frozen-features --help lists the commands)"),
        (["--versio"], "no option '--versio'; did you mean --version?"),
        (["tidy"], "the following arguments are required: --table"),
    ],
)
def test_mistakes_get_one_line(arguments, said, capsys):
    assert command.main(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_without_a_command_the_help_is_an_error(capsys):
    assert command.main([]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("usage: frozen-features COMMAND")
    assert printed.out == ""


def test_a_command_does_the_same_by_either_name(table, tmp_path, capsys):
    assert command.main(["describe", "--table", str(table)]) == 0
    said = capsys.readouterr().out
    assert commands.import_command("describe").main(["--table", str(table)]) == 0
    assert said == capsys.readouterr().out
    assert command.main(["describe", "--table", str(tmp_path / "nowhere")]) == 1


def test_completion_knows_commands_and_the_options_of_the_one_named():
    from argcomplete import finders

    from frozen_features.completion import make_whole_parser

    def suggested(line, named):
        finder = finders.CompletionFinder(make_whole_parser(named))
        words = line.split(" ")
        return {each.strip() for each in finder._get_completions(words[:-1], words[-1], "", None)}

    assert suggested("frozen-features ti", None) == {"tidy"}
    assert {"--retention_days", "--table"} <= suggested("frozen-features tidy --", "tidy")
    assert suggested("frozen-features extract --pooling m", "extract") == {"max"}
