"""Places, settings and complaints of object stores; listing and reading without a real one."""

import obstore
import pytest
from obstore.store import MemoryStore

from pipelines.errors import InputError, UsageError
from pipelines.images import prefix
from pipelines.images.listing import list_images, list_or_name
from pipelines.stores import door, objects
from pipelines.stores.complaints import complaint
from pipelines.stores.places import Place, parse_place
from pipelines.stores.reading import read_bytes
from pipelines.stores.settings import StoreSettings
from pipelines.table.storage import check_table_folder, check_writable, table_uri


@pytest.fixture
def store(monkeypatch) -> MemoryStore:
    """A store in memory that every place lies on."""
    memory = MemoryStore()
    monkeypatch.setattr(objects, "open_bucket", lambda place: memory)
    monkeypatch.setattr(door, "open_at_the_door", lambda place: memory)
    return memory


def put(store: MemoryStore, *keys: str) -> None:
    for key in keys:
        obstore.put(store, key, b"x" * 7)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("s3://bucket/a/b", Place("s3", "bucket", "a/b")),
        ("gs://bucket/a/b/", Place("gs", "bucket", "a/b")),
        ("s3://bucket", Place("s3", "bucket", "")),
        ("s3://bucket/", Place("s3", "bucket", "")),
    ],
)
def test_a_place(location, place):
    assert parse_place(location) == place
    assert parse_place(place.uri) == place
    assert table_uri(location) == place.uri


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("az://bucket/x", "stores are s3:// and gs://"),
        ("file:///data/x", "a local path is named without a scheme"),
        ("s3:///x", "names no bucket"),
        ("s3://bucket/a//b", "empty, '.' or '..' part"),
        ("gs://bucket/../b", "empty, '.' or '..' part"),
    ],
)
def test_a_place_that_cannot_be_used(location, said):
    for use in (parse_place, list_images, table_uri):
        with pytest.raises(UsageError, match=said):
            use(location)


def test_settings_come_from_the_variables_that_the_stores_own_tools_read():
    at_home = {"AWS_ENDPOINT_URL": "http://here:9/", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "r"}
    assert StoreSettings.of("s3", at_home) == StoreSettings("http://here:9", "r", anonymous=False)
    assert StoreSettings.of("s3", {}) == StoreSettings(None, None, anonymous=False)
    first = {**at_home, "AWS_ENDPOINT_URL_S3": "https://there", "AWS_SKIP_SIGNATURE": "true"}
    assert StoreSettings.of("s3", first) == StoreSettings("https://there", "r", anonymous=True)
    emulator = {"STORAGE_EMULATOR_HOST": "127.0.0.1:1"}
    assert StoreSettings.of("gs", emulator) == StoreSettings("http://127.0.0.1:1", None, True)
    with pytest.raises(UsageError, match="set AWS_ALLOW_HTTP=true"):
        StoreSettings.of("s3", {"AWS_ENDPOINT_URL": "http://here"})
    with pytest.raises(UsageError, match="must begin with http"):
        StoreSettings.of("s3", {"AWS_ENDPOINT_URL": "here:9"})


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "Generic S3 error: ... 403 Forbidden: <?xml version='1.0'?>\n<Error><Code>AccessDenied"
            "</Code><Message>Access Denied.</Message></Error>\n\nDebug source:\n...",
            "AccessDenied: Access Denied; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        (
            "Generic S3 error \x1b[31m↳\x1b[0m error sending request",
            "no answer from the store; is its address right, and is it up?",
        ),
        (
            "Server returned non-2xx status code: 503 Service Unavailable: ",
            "503 Service Unavailable",
        ),
        (
            "error sending request\n\nDebug source: Connect, InvalidCertificate(\n  UnknownIssuer,",
            "its certificate is not trusted (UnknownIssuer); name a file with its authority's in "
            "SSL_CERT_FILE (AWS_CA_BUNDLE is not read)",
        ),
        (
            "Generic S3 error\n\x1b[31m↳\x1b[0m invalid peer certificate\n\x1b[31m↳\x1b[0m Expired",
            "its certificate is not trusted (Expired); name a file with its authority's in "
            "SSL_CERT_FILE (AWS_CA_BUNDLE is not read)",
        ),
        ("something else\n  went wrong\n\nDebug source:\nX {", "something else went wrong"),
    ],
)
def test_a_complaint_is_one_plain_line(said, line, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("AWS_CA_BUNDLE", "/ca.crt")
    assert complaint(Exception(said), parse_place("s3://bucket/x")) == line


def test_a_prefix_is_a_folder(store):
    put(store, "in/train/cat/1.jpg", "in/test/dog/2.PNG", "in/train/cat/notes.txt", "inside/3.jpg")
    put(store, "in/.cache/x/y.jpg", "in/train/cat/.4.jpg", "in/train/cat/a b%41+#?é.jpg")
    refs = list_images("s3://bucket/in/")
    assert [(ref.image_id, ref.label, ref.split, ref.uri) for ref in refs] == [
        ("test/dog/2.PNG", "dog", "test", "s3://bucket/in/test/dog/2.PNG"),
        ("train/cat/1.jpg", "cat", "train", "s3://bucket/in/train/cat/1.jpg"),
        (
            "train/cat/a b%41+#?é.jpg",
            "cat",
            "train",
            "s3://bucket/in/train/cat/a b%41+#?é.jpg",
        ),
    ]
    assert [read_bytes(ref.uri) for ref in refs] == [b"x" * 7] * 3
    written = obstore.head(store, "in/train/cat/1.jpg")["last_modified"].timestamp()
    assert refs[1].bytes == 7
    assert refs[1].modified == pytest.approx(written * 1e6, abs=1)
    assert refs[1].changed == refs[1].modified + 999_999


def test_a_listing_goes_on_after_its_first_page(store):
    put(store, *(f"in/{number:04d}.jpg" for number in range(2 * objects.PAGE + 1)))
    assert len(list_images("s3://bucket/in")) == 2 * objects.PAGE + 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([], "no images in s3://bucket/in"),
        (["in/train/cat/1.jpg", "in/stray.jpg"], "lie at different depths"),
        (["in/train/1.jpg", "in/test/2.jpg"], "names of splits and not of labels"),
    ],
)
def test_a_prefix_that_cannot_be_understood(store, keys, said):
    put(store, *keys)
    with pytest.raises(InputError, match=said):
        list_images("s3://bucket/in")
    with pytest.raises(InputError, match="--input_root is for manifests"):
        list_images("s3://bucket/in", "s3://bucket")


def test_a_manifest_on_a_store(store):
    put(store, "in/a.jpg", "in/sub/b.jpg")
    manifest = b"path,label\na.jpg,cat\ns3://bucket/in/sub/b.jpg,dog\ngone.jpg,cat\n"
    obstore.put(store, "in/list.csv", manifest)
    refs = list_images("s3://bucket/in/list.csv")
    assert [(ref.image_id, ref.uri, ref.bytes) for ref in refs] == [
        ("a.jpg", "s3://bucket/in/a.jpg", 7),
        ("gone.jpg", "s3://bucket/in/gone.jpg", 0),
        ("s3://bucket/in/sub/b.jpg", "s3://bucket/in/sub/b.jpg", 7),
    ]
    with pytest.raises(FileNotFoundError):
        read_bytes(refs[1].uri)


def test_one_image_on_a_store_is_named_and_a_prefix_of_such_a_name_is_listed(store):
    put(store, "in/a.JPG", "in/b.jpg/c.png")
    (ref,) = list_or_name("s3://bucket/in/a.JPG")
    assert (ref.image_id, ref.uri, ref.label) == ("s3://bucket/in/a.JPG", ref.image_id, None)
    assert read_bytes(ref.uri) == b"x" * 7
    assert [ref.image_id for ref in list_or_name("s3://bucket/in/b.jpg")] == ["c.png"]
    put(store, "in/d.jpg", "in/deeper/e.jpg")
    named = [ref.image_id for ref in list_or_name("s3://bucket/in/[ad].*")]
    assert named == ["s3://bucket/in/a.JPG", "s3://bucket/in/d.jpg"]
    with pytest.raises(InputError, match=r"no images in s3://bucket/in/gone\.jpg"):
        list_or_name("s3://bucket/in/gone.jpg")
    with pytest.raises(InputError, match=r"--input_root is for .* s3://bucket/in/a\.JPG is an"):
        list_or_name("s3://bucket/in/a.JPG", "s3://bucket/in")


@pytest.mark.parametrize(
    "path",
    ["../x.jpg", "/x.jpg", "s3://bucket/other/x.jpg", "s3://other/in/x.jpg", "gs://bucket/in/x"],
)
def test_a_path_out_of_the_root_is_outside(store, tmp_path, path):
    (tmp_path / "list.csv").write_text(f"path\n{path}\n")
    with pytest.raises(InputError, match="outside s3://bucket/in;"):
        list_images(str(tmp_path / "list.csv"), "s3://bucket/in")


def test_a_local_manifest_names_a_store_only_below_its_root(tmp_path):
    (tmp_path / "list.csv").write_text("path\ns3://bucket/in/x.jpg\n")
    with pytest.raises(InputError, match=r"outside the root.*--input_root"):
        list_images(str(tmp_path / "list.csv"))


@pytest.mark.parametrize(("wanted", "pages", "asked"), [(5, 5, 5), (1500, 2, 0)])
def test_stat_data_are_listed_or_asked_for_whichever_is_cheaper(
    store, monkeypatch, wanted, pages, asked
):
    """Five images among six thousand others are asked for, fifteen hundred of two are listed."""
    many = [f"in/a{number:04d}.jpg" for number in range(6000 if wanted == 5 else 0)]
    mine = [f"in/b{number:04d}.jpg" for number in range(wanted)]
    put(store, *many, *mine)
    counted = {"pages": 0, "asked": 0}
    listed, head = objects.list_objects, objects.stat_of

    def list_objects(folder):
        for page in listed(folder):
            counted["pages"] += 1
            yield page

    def stat_of(place):
        counted["asked"] += 1
        return head(place)

    monkeypatch.setattr(objects, "list_objects", list_objects)
    monkeypatch.setattr(objects, "stat_of", stat_of)
    rows = [(key, f"s3://bucket/{key}", None, "train") for key in mine]
    assert [ref.bytes for ref in prefix.refs_with_stat(rows)] == [7] * wanted
    assert counted == {"pages": pages, "asked": asked}


def test_a_table_s_place_is_looked_at_first(store):
    check_table_folder("s3://bucket/table")
    check_writable("s3://bucket/table")
    assert not obstore.list(store).collect()
    # What a process leaves that ends between writing and removing makes the place no other's.
    put(store, "table/_failures/writable-0123")
    check_table_folder("s3://bucket/table")
    check_writable("s3://bucket/table")
    put(store, "table/_delta_log/0.json", "table/README")
    check_table_folder("s3://bucket/table")
    put(store, "photos/train/cat/1.jpg")
    with pytest.raises(Exception, match="a folder of other things"):
        check_table_folder("s3://bucket/photos")
