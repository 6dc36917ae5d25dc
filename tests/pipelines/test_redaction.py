"""What is secret in a URL is shown nowhere and kept nowhere."""

import pytest

from pipelines import describe, extract, tidy, verify
from pipelines.cli import log, run_command
from pipelines.errors import TableError
from pipelines.images.listing import list_images
from pipelines.redaction import redacted
from pipelines.reports import Grid, Report
from pipelines.stores.complaints import complaint
from pipelines.stores.places import Place, parse_place
from pipelines.table.notes import in_a_line
from pipelines.table.storage import table_uri

SECRETS = ("pa55", "AKIA", "0123abcd")
URLS = [
    ("s3://AKIA:pa55@bucket/x", "s3://bucket/x"),
    ("s3://AKIA:pa/5+5/pa55@bucket/x", "s3://bucket/x"),
    ("https://AKIA@host/x", "https://host/x"),
    ("https://host/x?X-Amz-Signature=0123abcd&y=AKIA", "https://host/x"),
    ("https://AKIA:p@pa55@host:9000/x?sig=0123abcd#t=AKIA", "https://host:9000/x"),
    ("http://host#token=0123abcd", "http://host"),
    ("9s3://AKIA:pa55@bucket", "9s3://bucket"),
    ("http:////AKIA@host", "http://host"),
]


@pytest.mark.parametrize(("url", "shown"), URLS)
@pytest.mark.parametrize(
    "around", ["{}", "cannot use {}, since", "'{}' and \"{}\"", "<a>{}</a> {}"]
)
def test_urls_lose_what_is_secret_wherever_they_stand(url, shown, around):
    text = redacted(around.replace("{}", url))
    assert not any(secret in text for secret in SECRETS)
    assert shown in text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "s3://bucket/a@2x.png",
            "s3://bucket/what?.png",
            "http://127.0.0.1:9/x",
            "no URL: a@b?c=d",
        ),
        *("gs://bucket/a b.jpg", "/a/b:c@d?e=f", "file.csv: 3 rows", "s3://bucket/#1.png"),
    ],
)
def test_what_is_not_secret_stays(text):
    assert redacted(text) == text


def test_it_takes_no_time_that_grows_with_the_square():
    assert len(redacted("://:" + ":" * 1_000_000)) > 1_000_000
    assert len(redacted("a://b " * 200_000)) == 1_200_000


@pytest.mark.parametrize(("url", "_"), URLS)
def test_errors_logs_and_reports_show_none(url, _, capsys):
    class Said(Report):
        def parts(self):
            return [f"table {url}", Grid([("table", url)])]

        def as_json(self):
            return {}

    def fail(argv):
        raise (TableError if argv else OSError)(f"cannot open {url}: no right")

    assert run_command(fail, ["x"]) == run_command(fail, []) == 1
    log(f"reading {url}")
    print(Said(), Said()._repr_html_())
    said = "".join(capsys.readouterr())
    said += str(TableError(url)) + in_a_line(OSError(url))
    said += complaint(RuntimeError(f"error for url ({url})"), Place("s3", "b", "k"))
    assert not any(secret in said for secret in SECRETS)


@pytest.mark.parametrize(
    "url",
    [
        *("s3://AKIA:pa55@bucket/x", "gs://AKIA@bucket/x", "s3://AKIA:pa/pa55@bucket/x"),
        *("https://AKIA:pa55@host/x?sig=0123abcd", "s3://bucket/x?X-Amz-Signature=0123abcd"),
        *("s3://bucket/x?y=1&AWSAccessKeyId=AKIA&Signature=0123abcd",),
    ],
)
def test_a_place_with_credentials_is_refused_so_that_no_record_can_hold_them(
    url, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for refuse in (parse_place, table_uri, list_images):
        with pytest.raises(Exception, match=r"cannot use|was given with a"):
            refuse(url)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").touch()
    for main, options in (
        (extract.main, ["--input", "images", "--table", url, "--weights", "random"]),
        (extract.main, ["--input", url, "--table", "t", "--weights", "random"]),
        *((command.main, ["--table", url]) for command in (describe, verify, tidy)),
    ):
        assert main(options) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert not any(secret in line for secret in SECRETS)


def test_names_of_objects_that_only_look_like_it_are_taken():
    for key in ("a@2x.png", "10:30@home.jpg", "photo.jpg?w=300", "what?.png"):
        assert parse_place(f"s3://bucket/{key}").key == key
