"""What packed files hold besides good images: each fault costs itself, and says what it is."""

import io
import json
import os
import struct
import tarfile
import zipfile

import pytest

from pipelines.errors import InputError
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.images.packed import kept
from pipelines.stores.objects import TooLargeError
from pipelines.stores.reading import read_bytes

JPEG = b"a picture"


def tar_of(path, members):
    """A tar whose members are contents by name, or what to change of the header."""
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return str(path)


def listed(location, layout=None):
    """Ids with what reading them gives, or says."""
    found = {}
    for ref in list_images(location, None, layout or Layout()):
        try:
            found[ref.image_id] = read_bytes(ref.uri)
        except OSError as error:
            found[ref.image_id] = str(error.strerror)
    return found


def labels(location, layout=None):
    return {r.image_id: (r.label, r.split) for r in list_images(location, None, layout or Layout())}


NO_FILES = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("kind", NO_FILES)
def test_a_member_that_is_no_file_costs_itself(tmp_path, kind):
    members = [("a/0.jpg", JPEG), ("a/1.jpg", (kind, "/etc/passwd"))]
    found = listed(tar_of(tmp_path / "x.tar", members))
    assert found["a/0.jpg"] == JPEG
    assert found["a/1.jpg"].startswith("a link or a device, and no file in ")


def test_two_members_with_one_name(tmp_path):
    found = listed(tar_of(tmp_path / "x.tar", [("a/0.jpg", JPEG), ("a/0.jpg", b"other")]))
    assert found.pop("a/0.jpg") == JPEG
    assert [why.partition(" in /")[0] for why in found.values()] == ["a second member has its name"]


def test_two_files_with_one_name_inside(tmp_path):
    for number in range(2):
        tar_of(
            tmp_path / f"{number}.tar", [("a/0.jpg", b"%d" % number), (f"a/{number}5.jpg", JPEG)]
        )
    found = listed(str(tmp_path))
    assert (found["a/0.jpg"], found["a/05.jpg"], found["a/15.jpg"]) == (b"0", JPEG, JPEG)
    assert found["a/0.jpg (2)"].startswith("an image before it has the id 'a/0.jpg'")


@pytest.mark.parametrize("name", ["../a/1.jpg", "/a/1.jpg", "a/../../1.jpg"])
def test_a_name_that_leads_out(tmp_path, name):
    found = listed(tar_of(tmp_path / "x.tar", [("a/0.jpg", JPEG), (name, JPEG)]))
    assert found.pop("a/0.jpg") == JPEG
    assert next(iter(found.values())).startswith("its name leads out of the file")


@pytest.mark.parametrize("cut", [100, 600, 1100, 1300, 1536 + 300])
def test_a_shard_that_was_cut_short(tmp_path, cut):
    tar_of(tmp_path / "whole.tar", [("a/0.jpg", JPEG), ("a/1.jpg", JPEG), ("a/2.jpg", JPEG * 60)])
    whole = (tmp_path / "whole.tar").read_bytes()
    (tmp_path / "set").mkdir()
    (tmp_path / "set/0.tar").write_bytes(whole[:cut])
    tar_of(tmp_path / "set/1.tar", [("a/9.jpg", JPEG)])
    found = listed(str(tmp_path / "set"))
    assert found["a/9.jpg"] == JPEG
    good = [name for name, content in found.items() if content == JPEG]
    assert len(good) == 1 + (cut >= 512 + 9) + (cut >= 1536 + 9)
    assert [content for content in found.values() if isinstance(content, str)], "nothing was said"


def test_a_shard_of_yesterday_s_index(tmp_path, monkeypatch):
    place = tmp_path / "x.tar"
    refs = list_images(tar_of(place, [("a/0.jpg", JPEG), ("a/1.jpg", b"one")]))
    tar_of(place, [("a/1.jpg", b"one"), ("a/0.jpg", JPEG)])
    for ref in refs:
        with pytest.raises(OSError, match="was changed since it was listed"):
            read_bytes(ref.uri)
    assert listed(str(place)) == {"a/0.jpg": JPEG, "a/1.jpg": b"one"}


def test_an_index_is_made_once(tmp_path, monkeypatch):
    place = tar_of(tmp_path / "x.tar", [("a/0.jpg", JPEG)])
    first = list_images(place)
    with monkeypatch.context() as patch:
        patch.setattr(kept, "open_packed", lambda _: pytest.fail("it was looked through again"))
        assert list_images(place) == first
        with pytest.raises(pytest.fail.Exception):
            list_images(place, None, Layout(columns={"label": "txt"}))
    os.utime(place, ns=(1, 1))
    with monkeypatch.context() as patch, pytest.raises(pytest.fail.Exception):
        patch.setattr(kept, "open_packed", lambda _: pytest.fail("it was looked through again"))
        list_images(place)


def test_labels_beside_images(tmp_path):
    said = {"kind": {"name": "cat", "sure": True}, "split": "test", "n": 3, "nothing": None}
    members = [
        ("one.cls", b"7\n"),
        ("one.txt", b"a cat"),
        ("one.json", json.dumps(said).encode()),
        ("one.jpg", JPEG),
        ("two.jpg", JPEG),
    ]
    place = tar_of(tmp_path / "x.tar", members)
    assert labels(place)["one.jpg"][0] == "7"
    assert labels(place)["two.jpg"] == (None, "unlabelled")
    for called, label in {"txt": "a cat", "json.kind.name": "cat", "json.n": "3"}.items():
        assert labels(place, Layout(columns={"label": called}))["one.jpg"][0] == label
    columns = {"label": "json.kind.sure", "split": "json.split", "id": "json.n"}
    assert labels(place, Layout(columns=columns))["3"] == ("true", "test")
    found = listed(place, Layout(columns={"label": "json.kind"}))
    assert found["two.jpg"] == JPEG
    assert found["one.jpg"].startswith("what one.json says of it cannot be read (its 'kind' is no")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b" " * (1 << 20 | 1), "a text of 1,0"),
    ],
)
def test_a_json_that_cannot_be_read(tmp_path, content, why):
    place = tar_of(tmp_path / "x.tar", [("0.jpg", JPEG), ("1.jpg", JPEG), ("1.json", content)])
    found = listed(place, Layout(columns={"label": "json.label"}))
    assert found.pop("0.jpg") == JPEG
    assert any(isinstance(said, str) and why in said for said in found.values())


def test_what_is_said_of_no_image(tmp_path):
    place = tar_of(tmp_path / "x.tar", [("0.jpg", JPEG), ("0.cls", b"a"), ("1.cls", b"b")])
    found = listed(place)
    assert found["1"].startswith("there is no image beside what is said of it in ")


def test_the_images_that_are_meant(tmp_path):
    members = [("0.in.png", JPEG), ("0.mask.png", b"m"), ("0.cls", b"a")]
    place = tar_of(tmp_path / "x.tar", members)
    assert listed(place, Layout(columns={"path": "in.png"})) == {"0.in.png": JPEG}


def test_folders_of_shards_are_folders_of_images(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        tar_of(tmp_path / f"{split}/0.tar", [("cats/0.jpg", JPEG)])
    assert labels(str(tmp_path)) == {
        "train/cats/0.jpg": ("cats", "train"),
        "test/cats/0.jpg": ("cats", "test"),
    }


def zip_of(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return str(path)


def test_a_zip_written_to_a_pipe_has_its_checksum_behind(tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

    stream = Pipe()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/0.jpg", JPEG)
        archive.writestr("a/\u00e4.jpg", JPEG * 9)
    (tmp_path / "x.zip").write_bytes(stream.getvalue())
    assert listed(str(tmp_path / "x.zip")) == {"a/0.jpg": JPEG, "a/\u00e4.jpg": JPEG * 9}


def test_a_zip_s_members_that_cannot_be_read(tmp_path):
    place = zip_of(tmp_path / "x.zip", [("a/0.jpg", JPEG), ("a/1.jpg", JPEG), ("a/2.jpg", JPEG)])
    content = bytearray((tmp_path / "x.zip").read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1  # encrypted
    second = content.index(b"PK\x01\x02", central + 4)
    content[second + 10] = 14  # LZMA
    third = content.index(b"PK\x01\x02", second + 4)
    (begins,) = struct.unpack_from("<I", content, third + 42)
    content[begins + 30 + len("a/2.jpg") + 3] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(content)
    found = listed(place)
    assert found["a/0.jpg"].startswith("encrypted in ")
    assert found["a/1.jpg"].startswith("packed by a method that is not read (14) in ")
    assert "damaged" in found["a/2.jpg"]


def test_a_zip_whose_members_share_their_bytes(tmp_path):
    place = zip_of(tmp_path / "x.zip", [("a/0.jpg", JPEG), ("a/1.jpg", JPEG)])
    content = bytearray((tmp_path / "x.zip").read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 3)
    (tmp_path / "x.zip").write_bytes(content)
    assert "it shares its bytes with another member" in " ".join(map(str, listed(place).values()))


def test_what_a_member_unpacks_to_is_bounded(tmp_path):
    place = zip_of(tmp_path / "x.zip", [("a/0.jpg", bytes(50_000_000))])
    (ref,) = list_images(place)
    assert ref.bytes == 50_000_000
    with pytest.raises(TooLargeError, match="more than the 1,000,000 allowed"):
        read_bytes(ref.uri, 1_000_000)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.tar", b"no archive" * 100, "no image in .*x.tar can be read: it is no tar archive"),
        ("x.zip", b"no archive" * 100, "no image in .*x.zip can be read: it is no zip file"),
        ("x.tar", b"\x1f\x8b" * 300, "it is compressed as a whole.*decompress it"),
        ("x.tar.gz", b"", r"compressed as a whole.*give the \.tar"),
        ("x.tgz", b"", r"compressed as a whole.*give the \.tar"),
        ("x.rar", b"", r"other inputs end in one of .*\.tar, .*\.zip"),
    ],
)
def test_files_that_cannot_be_looked_through(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        list_images(str(tmp_path / name))


def test_one_file_of_several_that_cannot_be_looked_through(tmp_path):
    tar_of(tmp_path / "0.tar", [("a/0.jpg", JPEG)])
    (tmp_path / "1.tar").write_bytes(b"no archive" * 100)
    found = listed(str(tmp_path / "{0..1}.tar"))
    assert found["a/0.jpg"] == JPEG
    assert found["1.tar"].startswith("it is no tar archive")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{0..2000000}.tar", "names more than 1,000,000 files"),
        ("none-*.tar", "no file is named by"),
        ("*.txt", "other inputs end in one of"),
    ],
)
def test_patterns_that_name_no_input(tmp_path, pattern, said):
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match=said):
        list_images(str(tmp_path / pattern))


def test_a_header_that_would_fill_the_memory(tmp_path):
    place = tmp_path / "x.tar"
    tar_of(place, [("a/0.jpg", JPEG), ("a/1.jpg", JPEG)])
    content = bytearray(place.read_bytes())
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 1 << 32
    content[1024:1536] = header.tobuf(tarfile.USTAR_FORMAT)
    place.write_bytes(content)
    os.truncate(place, 1 << 33)  # of which nothing is on the disk
    found = listed(str(place))
    assert found.pop("a/0.jpg") == JPEG
    assert "a header says that it has 4,294,967,296 bytes" in next(iter(found.values()))
