"""Models in a bucket: trained, promoted, measured and predicted with, and never half there."""

import json
from pathlib import Path

import obstore
import pytest

import frozen_features as ff
from classifiers import evaluate, predict, promote, train
from classifiers.models.versions import leftovers, uploading
from classifiers.models.versions.bucket import BucketVersions
from pipelines import forget
from pipelines.errors import ModelError
from pipelines.stores import clients
from pipelines.stores.objects import StoreAwayError, StoreError
from pipelines.stores.places import parse_place
from tests.classifiers.models.stopped import write_model_of
from tests.conftest import copy_table

PLACE = "s3://models-of-tests/dense"


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    """A bucket in memory, with conditional puts as a store has them."""
    from obstore.store import MemoryStore

    store = MemoryStore()
    monkeypatch.setattr(clients, "_bucket", lambda *_: store)
    (tmp_path / "drafts").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "drafts"))
    return store


def keys(bucket, prefix="") -> list[str]:
    return sorted(each["path"] for each in obstore.list(bucket, prefix or None).collect())


def files_of(bucket, number: int) -> dict[str, bytes]:
    record = json.loads(bytes(obstore.get(bucket, f"dense/_versions/{number}.json").bytes()))
    folder = f"dense/_files/{record['folder']}"
    whole = {name: obstore.get(bucket, f"{folder}/{name}") for name in record["files"]}
    return {name: bytes(each.bytes()) for name, each in whole.items()}


def content(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def train_into(made_up, place: str, *more: str, table: str | None = None) -> int:
    options = ["--table", table or made_up.table, "--head", "logistic", "--model", place]
    return train.main([*options, *more])


def add(text: str, number: int | None = None) -> str:
    with BucketVersions(parse_place(PLACE)).draft(number) as draft:
        write_model_of(text, draft.folder)
    return str(draft.place)


def test_a_model_in_a_bucket_does_all_that_a_local_one_does(made_up, bucket, tmp_path, capsys):
    for number, model in enumerate((made_up.poor, made_up.good), 1):
        assert promote.main(["--model", model, "--to", PLACE]) == 0
        assert files_of(bucket, number) == content(model)
    table, file = ["--table", made_up.table], tmp_path / "p.parquet"
    capsys.readouterr()
    assert evaluate.main([*table, "--model", f"{PLACE}@latest"]) == 0
    said = capsys.readouterr().out
    assert evaluate.main([*table, "--model", made_up.good]) == 0
    assert capsys.readouterr().out == said
    assert evaluate.main([*table, "--model", PLACE, "--compare", f"{PLACE}@1"]) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:4]]
    assert rows == [f"{PLACE}@2", f"{PLACE}@1"]
    assert predict.main([*table, "--model", f"{PLACE}@1", "--output", str(file)]) == 0
    wanted = ff.predict(made_up.poor, table=made_up.table).rows
    assert ff.predict(f"{PLACE}@1", table=made_up.table).rows.equals(wanted)
    remote = "s3://models-of-tests/p.parquet"
    into = [*table, "--model", f"{PLACE}@1", "--output", remote]
    assert predict.main(into) == 0
    assert bytes(obstore.get(bucket, "p.parquet").bytes()) == file.read_bytes()
    assert list((tmp_path / "drafts").iterdir()) == []
    assert predict.main(into) == 2
    assert f"--output {remote} exists" in capsys.readouterr().err
    assert predict.main([*into, "--overwrite"]) == 0
    assert predict.main([*into[:-1], "s3://models-of-tests/p.csv"]) == 2
    same = ["--model", PLACE, "--input", remote, "--output", remote, "--overwrite"]
    assert predict.main(same) == 2
    assert "is what --input names" in capsys.readouterr().err
    down = ff.promote(f"{PLACE}@1", to=tmp_path / "down")
    assert content(f"{tmp_path}/down/_versions/1") == content(made_up.poor)
    assert down.after == f"{tmp_path}/down@1"
    gate = ["--if", "better", "--to", PLACE, *table]
    assert promote.main(["--model", made_up.poor, *gate]) == 4
    assert promote.main(["--model", "s3://models-of-tests/none", *gate]) == 1
    assert "no version of a model in s3://models-of-tests/none" in capsys.readouterr().err
    assert len(keys(bucket, "dense/_versions")) == 2


def test_each_training_is_a_version(made_up, bucket, tmp_path, capsys):
    table = tmp_path / "table"
    copy_table(Path(made_up.table), table)
    for c in ("0.5", "0.25"):
        assert train_into(made_up, PLACE, "--C", c, table=str(table)) == 0
    assert f"model in {PLACE}@2 after" in capsys.readouterr().out
    named = [ff.load_model(f"{PLACE}{end}").card.settings["C"] for end in ("@1", "@2", "")]
    assert named == [0.5, 0.25, 0.25]
    (image, *_) = ff.load(table, split="train").ids
    assert forget.main(["--table", str(table), "--image_id", image]) == 0
    said = capsys.readouterr().out
    assert f"{PLACE}@1" in said
    assert f"{PLACE}@2" in said


def test_what_was_downloaded_is_kept_and_held_against_the_record(made_up, bucket, tmp_path, capsys):
    assert promote.main(["--model", made_up.good, "--to", PLACE]) == 0
    wanted = ff.evaluate(PLACE, table=made_up.table).measured
    (kept,) = (tmp_path / "cache" / "models").iterdir()
    assert content(str(kept)) == content(made_up.good)
    (head,) = [key for key in keys(bucket) if key.endswith("model.skops")]
    whole = bytes(obstore.get(bucket, head).bytes())
    obstore.put(bucket, head, b"other" + whole[5:])
    assert ff.evaluate(PLACE, table=made_up.table).measured == wanted, "from the cache"
    (kept / "model.skops").write_bytes(b"somebody else's")
    assert evaluate.main(["--table", made_up.table, "--model", PLACE]) == 1
    assert "does not hold what was put there" in capsys.readouterr().err
    obstore.put(bucket, head, whole)
    assert ff.evaluate(PLACE, table=made_up.table).measured == wanted
    assert content(str(kept)) == content(made_up.good), "the cache was mended"
    (tmp_path / "cache").chmod(0o777)
    (kept / "model.skops").write_bytes(b"somebody else's")
    assert ff.evaluate(PLACE, table=made_up.table).measured == wanted, "without the cache"


def test_a_version_that_is_half_there_is_none(bucket, monkeypatch):
    put, done = uploading.put_file, []

    def fail(place, path):
        if len(done) == 2:
            raise StoreError(f"cannot write {place.uri}: full")
        done.append(place)
        put(place, path)

    monkeypatch.setattr(uploading, "put_file", fail)
    with pytest.raises(ModelError, match=r"history.csv: full; this model is in (.*)$") as told:
        add("new")
    kept = Path(str(told.value).rpartition(" is in ")[2])
    assert (kept / "card.json").read_text() == "new"
    assert keys(bucket) == []
    assert BucketVersions(parse_place(PLACE)).numbers() == []


def aged(monkeypatch, hours: dict[str, float]):
    """Objects below `dense/_files/NAME` are older by so many hours than they are."""
    listed = leftovers.list_objects

    def older(folder):
        for page in listed(folder):
            yield [
                each._replace(modified=each.modified - round(hours[name] * 3600e6))
                if (name := each.key.split("/")[2]) in hours
                else each
                for each in page
            ]

    monkeypatch.setattr(leftovers, "list_objects", older)


def test_the_next_upload_deletes_what_a_killed_one_left_for_a_day(bucket, monkeypatch, capsys):
    assert add("first") == f"{PLACE}@1"
    (first,) = {key.split("/")[2] for key in keys(bucket, "dense/_files")}
    put = {
        f"{'a' * 32}/card.json": 24.1,  # killed
        f"{'a' * 32}/history.csv": 24.1,
        f"{'b' * 32}/card.json": 23.9,  # perhaps at work
        f"{'c' * 32}/card.json": 99,
        f"{'c' * 32}/notes.txt": 99,  # somebody's
        "notes/card.json": 99,
    }
    for name in put:
        obstore.put(bucket, f"dense/_files/{name}", b"x")
    aged(monkeypatch, {first: 99, **{name.partition("/")[0]: age for name, age in put.items()}})
    before = keys(bucket)
    obstore.put(bucket, "dense/_versions/9.json.bak", b"somebody's record, who knows of what")
    assert add("second") == f"{PLACE}@2"
    assert set(before) < set(keys(bucket)), "what a record needs is not known"
    obstore.delete(bucket, "dense/_versions/9.json.bak")
    capsys.readouterr()
    assert add("third") == f"{PLACE}@3"
    gone = {f"dense/_files/{'a' * 32}/{name}" for name in ("card.json", "history.csv")}
    assert set(before) - set(keys(bucket)) == gone
    assert [set(files_of(bucket, each).values()) for each in (1, 2, 3)] == [
        {b"first"},
        {b"second"},
        {b"third"},
    ]
    assert f"{PLACE}: deleted what 1 stopped uploads had left" in capsys.readouterr().err


def test_tidying_that_fails_costs_no_version(bucket, monkeypatch):
    def fail(*_):
        raise StoreError("no right to list")

    monkeypatch.setattr(leftovers, "list_objects", fail)
    assert add("new") == f"{PLACE}@1"
    assert set(files_of(bucket, 1).values()) == {b"new"}


def test_a_version_whose_answer_got_lost_is_there_once(bucket, monkeypatch):
    create = uploading.create_object
    monkeypatch.setattr(uploading, "create_object", lambda *given: create(*given) and False)
    assert add("new") == f"{PLACE}@1"
    assert keys(bucket, "dense/_versions") == ["dense/_versions/1.json"]

    def heard(*given):
        create(*given)
        raise StoreAwayError("no answer")

    monkeypatch.setattr(uploading, "create_object", heard)
    with pytest.raises(ModelError, match="no answer; this model is in"):
        add("newer")
    assert set(files_of(bucket, 2).values()) == {b"newer"}, "its files stayed"


def test_of_two_that_must_be_the_next_version_one_is(bucket):
    with (
        pytest.raises(ModelError, match="dense@1 was put there meanwhile by another process"),
        BucketVersions(parse_place(PLACE)).draft(1) as late,
    ):
        write_model_of("late", late.folder)
        assert add("early", 1) == f"{PLACE}@1"
    assert set(files_of(bucket, 1).values()) == {b"early"}
    assert len(keys(bucket)) == 1 + 4
    with BucketVersions(parse_place(PLACE)).draft() as late:
        write_model_of("late", late.folder)
        add("second")
    assert late.place == f"{PLACE}@3"
    assert [set(files_of(bucket, each).values()) for each in (1, 2, 3)] == [
        {b"early"},
        {b"second"},
        {b"late"},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "is no record of a version"),
        (b'{"folder": "..", "files": {}}', "it names the folder '..'"),
        (b'{"folder": "%s", "files": {}}' % (b"a" * 32), "it names no card.json"),
        (
            b'{"folder": "%s", "files": {"../x": {"bytes": 1, "sha256": ""}}}' % (b"a" * 32),
            "it names '../x', which is no file of a model",
        ),
        (b"x" * 70_000, "is no record of a version"),
    ],
)
def test_what_is_no_record_is_refused(bucket, capsys, text, said):
    obstore.put(bucket, "dense/_versions/7.json", text)
    assert evaluate.main(["--table", "t", "--model", PLACE]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_place_of_other_things_takes_no_model(made_up, bucket, capsys):
    obstore.put(bucket, "dense/_delta_log/0.json", b"{}")
    assert train_into(made_up, PLACE) == 2
    assert "holds _delta_log, which is no part of a model's versions" in capsys.readouterr().err
    for inside in (f"{PLACE}/m", f"{PLACE}/a/m"):
        assert train_into(made_up, inside) == 2
        assert f"--model {inside} lies in a table, {PLACE}; name a place" in capsys.readouterr().err
    assert keys(bucket) == ["dense/_delta_log/0.json"]


def test_search_and_refit_add_versions_too(made_up, bucket):
    found = ff.search(made_up.table, heads="logistic", C="0.1,1", folds=2, model=PLACE)
    assert found.trained.model == f"{PLACE}@1"
    assert "pictures" not in str(found)
    again = ff.refit(PLACE)
    assert (again.model, again.card.settings) == (f"{PLACE}@2", found.trained.card.settings)
    assert again.card.metrics == found.trained.card.metrics
