"""verify finds what is wrong with a table, and nothing where nothing is."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from PIL import Image

import frozen_features as ff
from pipelines import verify as command
from pipelines.driver import extract
from pipelines.engines import choosing, opening
from pipelines.engines.race_results import Choice
from pipelines.errors import EngineError, WeightsError
from pipelines.images import loading
from pipelines.records import Extracted, Failure, FeatureBlock, ImageRef
from pipelines.stores import clients
from pipelines.stores.objects import StoreGoneError
from pipelines.table.feature_table import FeatureTable
from pipelines.table.file_checks import GIVE_UP, check_files
from pipelines.table.notes import Finding, Unchecked
from pipelines.table.schema import CONTRACT_KEY, RECEIPT_KEY
from pipelines.table.stored import StoredImage
from pipelines.table.verification import check_features
from pipelines.verify import main, make_parser
from tests.conftest import TINY, copy_table, write_image

WEIGHTS = ["--weights", "random:1"]


@pytest.fixture
def images(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def where(table, tmp_path):
    copy_table(table, tmp_path / "features")
    return tmp_path / "features"


@pytest.fixture
def verify(images, where, tmp_path, capsys):
    """Verify with or without the input: exit status and findings by place."""

    def run(*more: str, with_input: bool = True) -> tuple[int, dict[str, str]]:
        result = tmp_path / "result.json"
        result.unlink(missing_ok=True)
        given = ["--input", str(images)] if with_input else []
        status = main(["--table", str(where), "--json", str(result), *WEIGHTS, *given, *more])
        said = json.loads(result.read_text())
        findings, unchecked = said["findings"], said["unchecked"]
        printed = capsys.readouterr().out
        assert all(f"{each['where']}: {each['what']}" in printed for each in findings)
        lines = [f"{each['where']}: could not be checked: {each['why']}" for each in unchecked]
        assert all(line in printed for line in lines)
        run.unchecked = {each["where"]: each["why"] for each in unchecked}
        return status, {each["where"]: each["what"] for each in findings}

    return run


def data_files(where: Path) -> list[Path]:
    return [where / path for path in FeatureTable.open(str(where)).paths]


def same_size(path: Path, rows: pa.Table) -> None:
    """Replace a file's rows, receipt kept, and give the log its new size, as a forger would."""
    metadata = pq.read_metadata(path).metadata
    rows = rows.replace_schema_metadata({RECEIPT_KEY: metadata[RECEIPT_KEY]})
    before = path.stat().st_size
    pq.write_table(rows, path, compression="zstd", write_page_checksum=True)
    log = path.parents[1] / "_delta_log/00000000000000000001.json"
    text = log.read_text()
    assert f'"size":{before}' in text
    log.write_text(text.replace(f'"size":{before}', f'"size":{path.stat().st_size}'))


def test_a_right_table(verify, images):
    assert verify("--sample", "all") == (0, {})
    assert verify(with_input=False) == (0, {})
    (images / "train/dark/broken.png").write_bytes(b"no")
    assert list(verify()[1]) == ["train/dark/broken.png"]


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_flipped_byte(verify, where, place):
    path = data_files(where)[2]
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 0x10
    path.write_bytes(data)
    status, findings = verify("--sample", "0")
    assert status == 1
    assert next(iter(findings)) == f"data/{path.name}"


def test_two_rows_with_swapped_labels(verify, where):
    path = data_files(where)[2]
    rows = pq.read_table(path)
    labels = rows["label"].to_pylist()
    one, other = labels.index("dark"), len(labels) - 1
    if labels[other] == "dark":
        rows = rows.set_column(2, "label", pa.array(["light", *labels[1:]]))
    else:
        labels[one], labels[other] = labels[other], labels[one]
        rows = rows.set_column(2, "label", pa.array(labels))
    same_size(path, rows)
    status, findings = verify("--sample", "0")
    assert status == 1
    assert "digest is not" in findings[f"data/{path.name}"]
    assert any("in the input and" in what for what in findings.values())
    # Without the input the digest alone tells.
    assert verify("--sample", "0", with_input=False)[0] == 1


def test_swapped_features_with_a_right_digest(verify, where):
    """Even a forger who mends receipt and log cannot fool the base."""
    path = data_files(where)[2]
    rows = pq.read_table(path)
    features = rows["features"].combine_chunks()
    swapped = pa.concat_arrays([features[1:2], features[0:1], features[2:]])
    same_size(path, rows.set_column(4, rows.schema.field("features"), swapped))
    status, findings = verify("--sample", "all")
    assert status == 1
    names = rows["image_id"].to_pylist()[:2]
    assert all("its features are off by" in findings[name] for name in names)


def test_a_table_whose_metadata_names_other_weights(verify, where):
    table = DeltaTable(str(where))
    contract = json.loads(table.metadata().configuration[CONTRACT_KEY])
    contract["weights"] = "0" * 64
    text = json.dumps(contract, sort_keys=True, separators=(",", ":"))
    table.alter.set_table_properties({CONTRACT_KEY: text}, raise_if_not_exists=False)
    status, findings = verify()
    assert status == 1
    assert "its contract has weights" in findings[f"data/{data_files(where)[0].name}"]
    assert "table" not in findings


def test_a_deleted_file(verify, where):
    path = data_files(where)[0]
    path.unlink()
    status, findings = verify()
    assert (status, findings[f"data/{path.name}"]) == (1, "is missing")


def test_a_source_image_that_changed(verify, images, where, make_job):
    # Without the input its images are looked for where the table says that they were.
    shutil.rmtree(where)
    extract(make_job(images, where, shard_rows=16))
    write_image(images / "train/dark/dark003.png", seed=5)
    status, findings = verify("--sample", "0")
    assert (status, list(findings)) == (1, ["train/dark/dark003.png"])
    assert findings["train/dark/dark003.png"] == "has other bytes than its row was made from"
    status, findings = verify("--sample", "all", with_input=False)
    assert (status, list(findings)) == (1, ["train/dark/dark003.png"])


def test_images_added_removed_and_moved(verify, images):
    write_image(images / "test/dark/new.png", seed=5)
    (images / "test/dark/dark001.png").unlink()
    shutil.move(images / "test/dark/dark002.png", images / "test/light/dark002.png")
    findings = verify("--sample", "0")[1]
    assert findings["test/dark/new.png"].startswith("is in the input and neither")
    assert findings["test/dark/dark001.png"] == "is a row and not in the input"
    assert set(findings) == {
        *["test/dark/new.png", "test/dark/dark001.png"],
        *["test/dark/dark002.png", "test/light/dark002.png"],
    }


def test_a_changed_label_in_a_manifest(verify, images, where, make_job, tmp_path):
    manifest = images / "all.csv"
    manifest.write_text(
        "path,label,split\n"
        + "".join(
            f"{p.relative_to(images)},{p.parent.name},train\n"
            for p in sorted(images.glob("train/*/*"))
        )
    )
    findings = verify("--sample", "0", "--input", str(manifest))[1]
    assert all(what == "is a row and not in the input" for what in findings.values())
    manifest.write_text(manifest.read_text().replace("dark003.png,dark,", "dark003.png,light,"))
    findings = verify("--sample", "0", "--input", str(manifest))[1]
    assert findings["train/dark/dark003.png"] == (
        "has label 'light' in the input and 'dark' in its row"
    )


@pytest.mark.acceptance
def test_files_that_delta_s_own_compaction_wrote_are_accepted(verify, where, images, make_job):
    DeltaTable(str(where)).optimize.compact()
    table = FeatureTable.open(str(where))
    assert len(table.paths) < 7
    assert verify("--sample", "all") == (0, {})
    # And the table goes on living: an image is added, another one changes.
    write_image(images / "test/dark/new.png", seed=5)
    write_image(images / "train/dark/dark003.png", seed=6)
    report = extract(make_job(images, where))
    assert (report.counts["written"], report.counts["replaced"]) == (2, 1)
    assert verify("--sample", "all") == (0, {})


def test_the_sample_is_drawn_by_the_seed(verify, where, capsys):
    assert main(["--table", str(where), *WEIGHTS, "--sample", "5"]) == 0
    assert "features extracted again     5" in capsys.readouterr().out
    assert main(["--table", str(where), "--sample", "some"]) == 2
    parse = make_parser().parse_args
    before = datetime.now(UTC)
    drawn = parse(["--table", "t", "--seed", "today"]).seed
    assert before.strftime("%Y%m%d") <= str(drawn) <= datetime.now(UTC).strftime("%Y%m%d")
    assert f"the seed of today's draw is {drawn}" in capsys.readouterr().err
    assert parse(["--table", "t", "--seed", str(drawn)]).seed == drawn
    assert main(["--table", str(where), "--seed", "tomorrow"]) == 2


def test_an_image_that_failed_once_and_is_missing_now_is_found(verify, images, where, make_job):
    path = images / "train/dark/once.png"
    path.write_bytes(b"no image")
    job = make_job(images, where)
    extract(job)
    assert verify("--sample", "0") == (0, {})
    write_image(path, seed=3)
    assert list(verify("--sample", "0")[1]) == ["train/dark/once.png"]
    extract(job)
    assert verify("--sample", "0") == (0, {})


def test_features_that_are_all_zero_are_no_finding(make_job, tmp_path):
    (tmp_path / "black/train/dark").mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(tmp_path / "black/train/dark/black.png")
    choice = replace(TINY, preprocessing="rescale")
    extract(make_job(tmp_path / "black", tmp_path / "zeros", features=choice))
    assert main(["--table", str(tmp_path / "zeros"), *WEIGHTS]) == 0


@pytest.mark.parametrize(
    "error",
    [
        WeightsError("no source has VGG16's ImageNet weights (Keras's download: no route to host)"),
        EngineError("the ncnn engine cannot run VGG16: no such library"),
        ImportError("No module named 'keras'"),
        OSError("no space left on device"),
    ],
)
def test_a_base_that_cannot_be_had_is_no_fault_of_the_table(verify, images, monkeypatch, error):
    def refuse(*_args):
        raise error

    monkeypatch.setattr(command, "open_reference", refuse)
    assert verify() == (3, {})
    assert verify.unchecked == {"features": str(error)}
    assert verify("--sample", "0") == (0, {})
    assert verify.unchecked == {}
    # What is wrong comes before what could not be checked, and both are told.
    write_image(images / "train/dark/dark003.png", seed=5)
    assert verify() == (1, {"train/dark/dark003.png": "has other bytes than its row was made from"})
    assert verify.unchecked == {"features": str(error)}


def test_other_weights_than_the_table_s_check_nothing(verify, tmp_path):
    status, findings = verify("--weights", "random:2")
    assert (status, findings) == (3, {})
    assert "name the same weights with --weights" in verify.unchecked["features"]
    (tmp_path / "torn.weights.h5").write_bytes(b"no weights")
    assert verify("--weights", str(tmp_path / "torn.weights.h5")) == (3, {})
    assert "does not hold VGG16's weights" in verify.unchecked["features"]
    assert main(["--table", str(tmp_path / "features"), "--weights", "random:x"]) == 2


def test_an_image_that_is_gone_and_one_that_cannot_be_read_now(verify, images):
    name = "train/dark/dark003.png"
    (images / name).unlink()
    (images / name).symlink_to("/proc/self/mem")  # which is there, and whose reading fails
    assert verify("--sample", "0") == (3, {})
    assert verify.unchecked == {name: "cannot be read now: Input/output error"}
    (images / name).unlink()
    (images / name).symlink_to("nowhere.png")
    status, findings = verify("--sample", "0")
    assert status == 1
    assert findings == {name: "cannot be read any more: No such file or directory"}
    assert verify.unchecked == {}


@pytest.mark.acceptance
def test_images_that_are_not_where_they_were_leave_features_unchecked(
    verify, images, where, make_job
):
    shutil.rmtree(where)
    extract(make_job(images, where, shard_rows=16))
    shutil.rmtree(images / "test")
    assert verify("--sample", "all", with_input=False) == (3, {})
    assert len(verify.unchecked) == 20
    why = "cannot be extracted again now: No such file or directory"
    assert set(verify.unchecked.values()) == {why}


def test_a_store_that_goes_away_while_images_are_read(verify, monkeypatch):
    def gone(*_args):
        yield from ()
        raise StoreGoneError("10 times in a row: no answer from the store")

    monkeypatch.setattr(command, "extract_images", gone)
    assert verify() == (3, {})
    assert verify.unchecked == {"features": "10 times in a row: no answer from the store"}


def test_a_store_that_is_away_for_input_or_table(verify, where, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setattr(clients, "RETRIES", 0)
    assert verify("--input", "s3://bucket/images") == (3, {})
    assert "no answer from the store" in verify.unchecked["rows"]
    data_files(where)[0].unlink()
    assert verify("--input", "s3://bucket/images")[0] == 1
    assert "which is gone" in verify.unchecked["rows"]
    assert verify("--table", "s3://bucket/features") == (3, {})
    assert "no answer from the store" in verify.unchecked["table"]
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["table"], result["version"]) == ("s3://bucket/features", None)
    assert main(["--table", str(tmp_path / "none")]) == 1


@pytest.mark.parametrize("locked", [1, GIVE_UP, 6])
def test_data_files_that_may_not_be_read_are_not_damaged(where, locked):
    table = FeatureTable.open(str(where))

    class Locked:
        def get_file_info(self, path):
            return under.get_file_info(path)

        def open_input_file(self, path):
            if path in table.paths[:locked]:
                raise PermissionError(13, "Permission denied", path)
            return under.open_input_file(path)

        def open_input_stream(self, path):
            return under.open_input_stream(path)

    under = table.storage
    vars(table)["storage"] = Locked()
    notes = list(check_files(table))
    assert {type(note) for note in notes} == {Unchecked}
    tried = table.paths[: min(locked, GIVE_UP)]
    given_up = ["table"] if locked >= GIVE_UP else []
    assert [note.where for note in notes] == [*tried, *given_up]
    assert "Permission denied" in notes[0].why


@pytest.mark.parametrize(
    ("sha256", "lasting", "note"),
    [
        (None, False, Unchecked("a.jpg", "cannot be extracted again now: why")),
        ("same", False, Unchecked("a.jpg", "cannot be extracted again now: why")),
        ("same", True, Finding("a.jpg", "cannot be extracted again: why")),
        ("other", True, Finding("a.jpg", "has other bytes than its row was made from")),
        ("other", False, Finding("a.jpg", "has other bytes than its row was made from")),
    ],
)
def test_what_a_failure_to_extract_again_says_of_the_table(where, sha256, lasting, note):
    ref = ImageRef("a.jpg", "a.jpg", None, "train", 1, 1, 1)
    failure = Failure(ref, sha256, "stage", "Error", "why", lasting)
    table = FeatureTable.open(str(where))
    extracted = Extracted(FeatureBlock([], np.zeros((0, 512), np.float32)), (failure,))
    stored = {"a.jpg": StoredImage("data/x", "a.jpg", None, "train", "same", 1, 1)}
    assert list(check_features(table, [extracted], stored)) == [note]


def test_the_help_tells_what_the_statuses_mean(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "3 nothing that was checked is wrong" in " ".join(capsys.readouterr().out.split())


@pytest.mark.acceptance
def test_the_root_of_the_input_is_kept_in_the_record_and_signed(verify, images, where, make_job):
    shutil.rmtree(where)
    extract(make_job(images, where, shard_rows=16))
    kept = FeatureTable.open(str(where)).history()[0]["run"]["input"]
    assert kept["root"] == str(images)
    assert len(kept["signature"]) == 64
    assert verify("--sample", "all", with_input=False) == (0, {})


def test_no_image_is_opened_that_lies_elsewhere(verify, images, tmp_path, monkeypatch):
    read, real = [], loading.read_bytes
    monkeypatch.setattr(
        loading, "read_bytes", lambda uri, most: read.append(uri) or real(uri, most)
    )
    assert verify("--sample", "4", with_input=False) == (0, {})
    assert len(read) == 4
    read.clear()
    # Of a table that somebody else extracted, nothing says where its images may be looked for.
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(tmp_path / "other.key"))
    assert verify("--sample", "4", with_input=False) == (3, {})
    assert list(verify.unchecked) == ["features"]
    assert "name the images with --input, or" in verify.unchecked["features"]
    assert verify("--sample", "4", "--allow_uri", str(images), with_input=False) == (3, {})
    assert all("is not in the folder that was" in why for why in verify.unchecked.values())
    assert (len(verify.unchecked), read) == (4, [])
    assert verify("--sample", "0", with_input=False) == (0, {})


def test_what_may_be_opened_is_named(verify, where, dataset, images, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(tmp_path / "other.key"))
    both = ["--allow_uri", str(images), "--allow_uri", str(dataset)]
    assert verify("--sample", "4", *both, with_input=False) == (0, {})
    report = ff.verify(where, weights="random:1", sample=4, allow_uri=[images, dataset])
    assert (report.status, report.features) == (0, 4)
    assert ff.verify(where, weights="random:1", sample=4, allow_uri=str(dataset)).status == 0
    for wrong in (
        [*both, "--input", str(images)],
        ["--allow_uri", ""],
        ["--allow_uri", "http://x"],
    ):
        assert main(["--table", str(where), *wrong]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_planted_conversion_cannot_verify_itself(verify, monkeypatch):
    """Features are held against Keras's, whichever engine won a race or was converted before."""

    def refuse(*_args):
        pytest.fail("a converted engine was asked")

    monkeypatch.setattr(opening, "open_conversion", refuse)
    monkeypatch.setattr(choosing, "remembered", lambda _: Choice("ncnn", "planted"))
    assert verify("--sample", "8") == (0, {})
