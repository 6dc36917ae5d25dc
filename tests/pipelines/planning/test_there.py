"""An input of which nothing is there is refused before any work, in no time."""

import time

from pipelines import extract, plan


def test_a_wrong_root_is_told_at_once(tmp_path, capsys):
    lines = "\n".join(f"images/{k}.jpg,cat" for k in range(20_000))
    (tmp_path / "m.csv").write_text(f"path,label\n{lines}\n")
    where = ["--input", str(tmp_path / "m.csv"), "--table", str(tmp_path / "t")]
    began = time.process_time()
    assert extract.main([*where, "--weights", "random"]) == 2
    assert time.process_time() - began < 10
    message = f"none of the 20000 images that {tmp_path}/m.csv names is there"
    said = capsys.readouterr().err
    assert message in said
    assert f"{tmp_path}/images/0.jpg for one; --input_root names" in said
    assert not (tmp_path / "t").exists()
    assert plan.main(["--input", str(tmp_path / "m.csv"), "--weights", "random"]) == 2
    assert message in capsys.readouterr().err


def test_one_that_is_there_is_enough(tmp_path, make_job):
    from pipelines.planning.preparing import prepare_run
    from tests.conftest import write_image

    write_image(tmp_path / "b.png", 1)
    (tmp_path / "m.csv").write_text("path\na.png\nb.png\n")
    assert len(prepare_run(make_job(tmp_path / "m.csv", tmp_path / "t")).images) == 2
