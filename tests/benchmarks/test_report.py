import json

from benchmarks import report
from benchmarks.result import Result, Table, show


def write(path, title="Storage"):
    rows = [("NumPy", 32768, 1.0, None), ("this project", 6832, 0.2086, 1234.5)]
    table = Table("Size", ("format", "bytes a row", "of raw size", "MB/s"), rows)
    show(Result(title, {"rows": 200}, [table], {"seconds": [1.0]}), path)
    return path


def test_results_become_markdown(tmp_path, capsys):
    files = [write(tmp_path / "deep" / "one.json"), write(tmp_path / "two.json", "Again")]
    shown = capsys.readouterr().out
    assert "this project         6832        0.209  1234.500" in shown
    assert report.main([str(file) for file in files]) == 0
    text = capsys.readouterr().out
    assert "| NumPy | 32,768 | 1.00 | - |\n| this project | 6,832 | 0.209 | 1,234 |\n" in text
    assert text.index("### Storage") < text.index("### Again")
    assert "Rows 200, load " in text
    assert text.count("cores") == 1, "the machine is told once"
    assert json.loads(files[0].read_text())["raw"] == {"seconds": [1.0]}


def test_what_is_no_result_is_told_in_a_line(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    assert report.main([str(tmp_path / "other.json")]) == 2
    assert report.main([str(tmp_path / "absent.json")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert "is no benchmark's result" in errors[0]
    assert "cannot be read" in errors[1]
    assert len(errors) == 2
