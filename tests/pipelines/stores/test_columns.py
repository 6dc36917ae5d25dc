"""Reading images from columns: in order, by threads, within bounds, and from damaged files."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import obstore
import pyarrow as pa
import pytest
from obstore.store import MemoryStore
from pyarrow import ipc, parquet

from pipelines.errors import InputError
from pipelines.images.at_location import root_of
from pipelines.images.listing import list_images
from pipelines.images.loading import read_image
from pipelines.records import Failure
from pipelines.stores import arrow_messages, cursors, objects, parquet_member, range_file
from pipelines.stores.cursors import Cursors, DamagedError
from pipelines.stores.objects import TooLargeError
from pipelines.stores.range_file import RangeFile
from pipelines.stores.reading import read_bytes
from tests.columns import write

PLACES = ["x.parquet", "x.arrow", "x.feather"]


def column(count, size=1000):
    return [(b"%06d" % number) * (size // 6) for number in range(count)]


def refs_of(path):
    return list_images(str(path))


class Counted:
    """Values that tell how often they were begun and how many were made."""

    def __init__(self, values, damaged_at=None):
        self.values, self.damaged_at = values, damaged_at
        self.begun = self.made = 0

    def __call__(self):
        self.begun += 1
        for number, value in enumerate(self.values):
            if number == self.damaged_at:
                raise DamagedError(5, "damaged")
            self.made += 1
            yield value
        raise DamagedError(5, "ends too soon")


def test_values_asked_for_nearly_in_order_are_made_once():
    values, opened = Counted(column(500)), Cursors()
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda row: opened.value("x", row, values), range(500))
        assert [*found] == values.values
    assert (values.begun, values.made) == (1, 500)


def test_readers_far_apart_have_places_of_their_own(monkeypatch):
    monkeypatch.setattr(cursors, "HELD_BYTES", 10_000)
    values, opened = Counted(column(500)), Cursors()
    for row in range(250):
        assert opened.value("x", row, values) == values.values[row]
        assert opened.value("x", 250 + row, values) == values.values[250 + row]
    assert values.begun == 2


def test_what_is_held_is_bounded_and_read_again_where_it_is_gone(monkeypatch):
    monkeypatch.setattr(cursors, "HELD_BYTES", 10_000)
    monkeypatch.setattr(cursors, "HELD_ROWS", 4)
    values, opened = Counted(column(100)), Cursors()
    assert opened.value("x", 99, values) == values.values[99]
    assert opened.value("x", 90, values) == values.values[90]
    assert values.begun == 1
    assert opened.value("x", 50, values) == values.values[50]
    assert values.begun == 2
    (held,) = {id(each): each for each in opened._open if each.row == 100}.values()
    assert sum(map(len, held._held.values())) <= 10_000


def test_damage_is_met_once_and_costs_only_what_follows():
    values, opened = Counted(column(100), damaged_at=50), Cursors()
    for row in (60, 70, 99):
        with pytest.raises(DamagedError):
            opened.value("x", row, values)
    assert [opened.value("x", row, values) for row in range(50)] == values.values[:50]
    assert values.made == 50


def test_trouble_on_the_way_is_no_damage():
    tries = []

    def values():
        tries.append(1)
        if len(tries) == 1:
            raise OSError(110, "no answer")
        yield b"x"

    opened = Cursors()
    with pytest.raises(OSError, match="no answer"):
        opened.value("x", 0, values)
    assert opened.value("x", 0, values) == b"x"


@pytest.mark.parametrize("name", PLACES)
def test_any_order_and_any_number_of_threads_read_the_same(tmp_path, name):
    values = column(300)
    refs = refs_of(write(pa.table({"image": values}), tmp_path / name, 37))
    wanted = [*range(0, 300, 7), *range(299, 0, -11), 5, 5]
    together = threading.Barrier(4)

    def read(_):
        together.wait()
        return [read_bytes(refs[row].uri) for row in wanted]

    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(read, range(4)):
            assert found == [values[row] for row in wanted]


def damaged(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_row_group_that_fails_its_checksum_costs_its_images(tmp_path):
    values = [*map(random.Random(0).randbytes, [1000] * 40)]
    path = write(pa.table({"image": values}), tmp_path / "x.parquet", 10)
    refs = refs_of(path)
    group = parquet.read_metadata(path).row_group(2).column(0)
    damaged(path, group.dictionary_page_offset + group.total_compressed_size // 2)
    found = [read_image(ref, 1 << 20) for ref in refs]
    failures = [each for each in found if isinstance(each, Failure)]
    assert [each.ref for each in failures] == refs[20:30]
    assert {each.message for each in failures} == {failures[0].message}
    assert f"row group 2 of {path} cannot be read: " in failures[0].message
    assert not failures[0].lasting
    assert [each.data for each in found if not isinstance(each, Failure)] == [
        *values[:20],
        *values[30:],
    ]


@pytest.mark.parametrize("name", ["x.arrow", "x.feather"])
def test_a_batch_that_is_cut_short_costs_what_follows(tmp_path, name):
    values = column(40)
    path = write(pa.table({"image": values}), tmp_path / name, 10)
    refs = refs_of(path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(values[25])])
    found = [read_image(ref, 1 << 20) for ref in refs]
    assert [isinstance(each, Failure) for each in found] == [False] * 20 + [True] * 20


def test_a_file_cut_short_is_one_failure_among_others(tmp_path, capsys):
    for name in ("a.parquet", "b.parquet"):
        write(pa.table({"image": column(10)}), tmp_path / name)
    (tmp_path / "a.parquet").write_bytes((tmp_path / "b.parquet").read_bytes()[:-100])
    bad, *good = refs_of(tmp_path)
    assert (bad.image_id, bad.label, bad.split) == ("a.parquet", None, "unlabelled")
    assert bad.changed > 0
    failure = read_image(bad, 1 << 20)
    assert isinstance(failure, Failure)
    assert failure.message.endswith("a.parquet")
    assert [read_bytes(ref.uri) for ref in good] == column(10)
    assert "cannot be read, with all images in them" in capsys.readouterr().err
    (tmp_path / "b.parquet").unlink()
    with pytest.raises(InputError, match=r"no images in .*: a\.parquet \(Parquet magic bytes"):
        refs_of(tmp_path)


@pytest.mark.parametrize("name", PLACES)
def test_a_file_that_was_replaced_is_read_anew(tmp_path, name):
    refs = refs_of(write(pa.table({"image": column(10)}), tmp_path / name))
    assert read_bytes(refs[3].uri) == column(10)[3]
    write(pa.table({"image": column(10, 60)[:5]}), tmp_path / name)
    assert read_bytes(refs[3].uri) == column(10, 60)[3]
    with pytest.raises(OSError, match=r"has no row 7|ends too soon"):
        read_bytes(refs[7].uri)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError):
        read_bytes(refs[3].uri)


@pytest.mark.parametrize("name", PLACES)
def test_an_image_with_too_many_bytes_costs_itself(tmp_path, name):
    values = [b"small", b"x" * 5000, b"small too"]
    refs = refs_of(write(pa.table({"image": values}), tmp_path / name))
    with pytest.raises(TooLargeError, match="5,000 bytes are more than the 4,999"):
        read_bytes(refs[1].uri, 4999)
    assert read_bytes(refs[2].uri, 4999) == b"small too"


def test_a_value_packed_a_thousand_times_is_unpacked_once_a_row(tmp_path):
    """100 MB of values from a file of 100 kB: what is held stays near one of them."""
    value = bytes(100_000)
    path = write(pa.table({"image": [value] * 1000}), tmp_path / "x.parquet", 1000)
    assert path.stat().st_size < 200_000
    refs = refs_of(path)
    before = pa.total_allocated_bytes()
    most = 0
    for ref in refs[:200]:
        assert read_bytes(ref.uri) == value
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 2_000_000


def test_a_long_text_packed_a_thousand_times_is_refused(tmp_path, monkeypatch):
    from pipelines.images.columns import said

    monkeypatch.setattr(said, "MAX_BYTES", 5_000_000)
    table = pa.table({"image": [b"x"] * 1000, "label": ["y" * 100_000] * 1000})
    path = write(table, tmp_path / "x.parquet", 1000)
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(InputError, match="more of its images than the memory here can hold"):
        refs_of(path)
    assert pa.default_memory_pool().max_memory() - before < 20_000_000


def test_a_piece_too_large_to_be_read_at_once(tmp_path, monkeypatch):
    refs = refs_of(write(pa.table({"image": column(100)}), tmp_path / "x.arrow", 100))
    monkeypatch.setattr("pipelines.stores.range_file.MOST_AT_ONCE", 50_000)
    with pytest.raises(OSError, match="bytes at once; write it in smaller row groups or batches"):
        read_bytes(refs[0].uri)


def test_a_column_is_read_in_pieces(tmp_path, monkeypatch):
    """A row group of any size: what is read of it at once is bounded."""
    values = [number.to_bytes(4) * 5000 for number in range(200)]
    pages = {"write_batch_size": 4, "data_page_size": 1 << 16, "use_dictionary": False}
    table = pa.table({"image": values})
    parquet.write_table(table, tmp_path / "x.parquet", compression="none", **pages)
    monkeypatch.setattr(parquet_member, "BUFFER", 1 << 16)
    asked = []
    read = RangeFile.read
    monkeypatch.setattr(RangeFile, "read", lambda self, n=-1: asked.append(n) or read(self, n))
    refs = refs_of(tmp_path / "x.parquet")
    asked.clear()
    assert read_bytes(refs[0].uri) == values[0]
    assert sum(asked) < 500_000 < sum(map(len, values)) / 4


@pytest.mark.parametrize("name", ["x.arrow", "x.feather"])
@pytest.mark.parametrize("codec", ["zstd", "lz4", None])
def test_packed_batches_are_unpacked_within_bounds(tmp_path, name, codec):
    """64 MB of zeros from a file of some kilobytes, beside a column of a dictionary."""
    kinds = pa.array(["a", "b"] * 32).dictionary_encode()
    table = pa.table({"kind": kinds, "image": [bytes(1 << 20)] * 64})
    start = ipc.new_file if name == "x.feather" else ipc.new_stream
    options = ipc.IpcWriteOptions(compression=codec)
    with start(str(tmp_path / name), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=8)
    refs = refs_of(tmp_path / name)
    assert read_bytes(refs[63].uri) == bytes(1 << 20)
    before = pa.total_allocated_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_messages, "MOST_AT_ONCE", 8 << 20)
        (tmp_path / name).touch()  # read anew
        with pytest.raises(OSError, match=r"a batch of it would take 8,388,\d+ bytes; write it in"):
            read_bytes(refs[0].uri)
    assert pa.total_allocated_bytes() - before < 20 << 20


@pytest.fixture
def store(monkeypatch):
    """A store in memory that every place lies on, and which counts what it is asked."""
    memory = MemoryStore()
    monkeypatch.setattr(objects, "open_bucket", lambda place: memory)
    return memory


@pytest.mark.parametrize("name", PLACES)
def test_files_on_a_store_are_read_with_few_requests(store, tmp_path, monkeypatch, name):
    values = column(200)
    content = write(pa.table({"image": values}), tmp_path / name, 50).read_bytes()
    for part in ("a", "b"):
        obstore.put(store, f"in/{part}/{name}", content)
    obstore.put(store, f"in/_tmp/{name}", content)
    refs = refs_of("s3://bucket/in")
    assert [ref.image_id for ref in refs[::200]] == [f"{part}/{name}/000000000" for part in "ab"]
    asked = []
    for which in ("get_range", "head"):
        plain = getattr(obstore, which)
        monkeypatch.setattr(
            obstore, which, lambda *args, _plain=plain, **kw: asked.append(1) or _plain(*args, **kw)
        )
    with ThreadPoolExecutor(16) as threads:
        found = [*threads.map(read_bytes, [ref.uri for ref in refs])]
    assert found == values * 2
    assert len(asked) < 100
    assert root_of("s3://bucket/in") == "s3://bucket/in"
    assert root_of(f"s3://bucket/in/a/{name}") == "s3://bucket/in/a"
    assert len(refs_of(f"s3://bucket/in/a/{name}")) == 200
    monkeypatch.setattr(range_file, "SIGN_SECONDS", 0.0)
    other = write(pa.table({"image": column(3)}), tmp_path / name).read_bytes()
    obstore.put(store, f"in/a/{name}", other)
    assert read_bytes(refs[2].uri) == column(3)[2]
    with pytest.raises(OSError, match=r"has no row 3|ends too soon"):
        read_bytes(refs[3].uri)
    obstore.delete(store, f"in/b/{name}")
    with pytest.raises(FileNotFoundError):
        read_bytes(refs[-1].uri)
