"""Every message that a test made a command give, as the table of `docs/messages.md`.

`make messages` runs the quick tests with this as a plugin, and then this module, which writes the
page: what was done is told by the names of tests.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pipelines.cli

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "messages.md"
FOLDER = "FROZEN_FEATURES_MESSAGES"
"""Names the folder that the tests' messages are collected in."""

HEAD = """# Messages

What the commands say of mistakes and of what they could not do: one line on stderr after `error: `,
and an exit status. Tests made each of them happen, and `make messages` this page of it; paths and
hashes are shortened to `…`.
"""

_NAME = r"[^\s:,;'\")]"

Body = Callable[[Sequence[str]], int | None]


class _Tee:
    """A stream that also keeps what is written; no file of its own, which would be closed."""

    def __init__(self, whole: Any) -> None:
        self._whole, self.said = whole, ""

    def write(self, text: str) -> int:
        self.said += text
        return int(self._whole.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


def _recording(run: Callable[[Body, Sequence[str]], int], folder: Path) -> Callable[..., int]:
    def run_command(body: Body, argv: Sequence[str]) -> int:
        usual = sys.stderr
        tee = _Tee(usual)
        sys.stderr = tee  # type: ignore[assignment]
        try:
            status = run(body, argv)
        finally:
            sys.stderr = usual
        lines = [line for line in tee.said.splitlines() if line.startswith("error: ")]
        if status and lines and hasattr(body, "args"):
            test = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0]
            command = body.args[0].prog
            row = {
                "test": test,
                "command": command,
                "options": " ".join(argv),
                "status": status,
                "said": lines[-1],
            }
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{os.getpid()}.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
        return status

    return run_command


if FOLDER in os.environ:  # at once, before any command imports it
    pipelines.cli.run_command = _recording(pipelines.cli.run_command, Path(os.environ[FOLDER]))


def plain(text: str) -> str:
    """A message without what differs from run to run."""
    text = text.removeprefix("error: ").replace(str(ROOT), "…")
    text = re.sub(rf"/{_NAME}*pytest-{_NAME}*?/[^\s/:,;'\")]+\d+(?=[/\s:,;'\")]|$)", "…", text)
    text = re.sub(r"…/test_\w*", "…", text)
    text = re.sub(r"\b[0-9a-f]{8,}\b", "…", text)
    text = re.sub(r"\b\d{8}T\d{6}[\w-]*", "…", text)
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:…", text)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    text = text if len(text) <= 400 else f"{text[:400]}…"
    return text.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def situation(test: str) -> str:
    """What was done, by the name of the test that did it."""
    name = test.rpartition("::")[2].partition("[")[0]
    return name.removeprefix("test_").replace("_s_", "'s ").replace("_", " ")


def write_page(folder: Path) -> None:
    """Write the page of all messages in a folder, each once for a command."""
    rows = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            command = row["command"].removeprefix("python -m ").rpartition(".")[2]
            said, options = plain(row["said"]), plain(row["options"])
            key = (command, re.sub(r"\d+|'[^']*'|….*?(?=[ ,;:]|$)", "", said))
            rows.setdefault(key, (said, row["status"], options, situation(row["test"])))
    text = HEAD
    for command in sorted({command for command, _ in rows}):
        text += (
            f"\n## {command}\n\n| it says | status | options | test |\n| --- | --- | --- | --- |\n"
        )
        for said, status, options, test in sorted(
            row for key, row in rows.items() if key[0] == command
        ):
            text += f"| {said} | {status} | `{options}` | {test} |\n"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_page(Path(sys.argv[1]))
