"""Files and gateways that gauges go to, and what is refused at the door."""

import argparse
import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.cli import Parser
from pipelines.errors import UsageError
from pipelines.metrics.gauges import Gauge
from pipelines.metrics.outlet import NOWHERE, Outlet, add_metrics_options, outlet_of
from tests.pipelines.metrics.test_gauges import values


@pytest.fixture
def gateway():
    """A server that keeps what is put to it, as a Pushgateway does; gives its URL and requests."""
    requests: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.command, self.path, body))
            self.send_response(200 if len(requests) < 3 else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    thread.join()
    server.server_close()


def options(*argv: str) -> argparse.Namespace:
    parser = Parser()
    add_metrics_options(parser)
    return parser.parse_args(argv)


def test_a_file_keeps_what_other_commands_told(tmp_path):
    file = tmp_path / "features.prom"
    for command, name in (("extract", "rows"), ("verify", "findings"), ("extract", "rows")):
        outlet = outlet_of(options("--metrics_file", str(file)), command, "/t")
        outlet.publish([Gauge(name, 2, "Two.")])
    assert values(file.read_bytes()) == {
        ("frozen_features_rows", "table=/t"): 2,
        ("frozen_features_findings", "table=/t"): 2,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["features.prom"]


def test_a_gateway_is_told_by_command_and_table(gateway, capsys):
    url, requests = gateway
    outlet = outlet_of(options("--push_metrics", url), "extract", "s3://b/t")
    outlet.publish([Gauge("rows", 2, "Two.")])
    [(method, path, body)] = requests
    assert method == "POST"  # which leaves what has other names
    table = base64.urlsafe_b64encode(b"s3://b/t").decode()
    assert path == f"/metrics/job/frozen_features_extract/table@base64/{table}"
    assert values(body) == {("frozen_features_rows", "table=s3://b/t"): 2}
    outlet.publish([])
    assert capsys.readouterr().err == ""
    outlet.publish([])  # the server is broken by now
    assert f"no metrics to {url}: HTTP Error 500" in capsys.readouterr().err


def test_what_cannot_be_told_is_one_line_and_no_failure(tmp_path, capsys):
    file = tmp_path / "gone" / "x.prom"
    Outlet("extract", "/t", file, "http://127.0.0.1:1").publish([Gauge("rows", 2, "Two.")])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"no metrics in {file}: ")
    assert lines[1].startswith("no metrics to http://127.0.0.1:1: ")


def test_nobody_listens():
    assert not NOWHERE.wanted
    assert not outlet_of(options(), "extract", "/t").wanted


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", None, "collectors read files that end in .prom"),
        ("gone/x.prom", None, "there is no folder of that name"),
        ("x.prom", "node_load1 1\n", "holds something other than metrics of these commands"),
        ("x.prom", "a thesis\n", "holds something other than metrics of these commands"),
        ("x.prom", "{}", "holds something other than metrics of these commands"),
        ("x.prom", 'frozen_features_x{a="b 1', "holds something other than"),
    ],
)
def test_files_that_are_refused(name, content, message, tmp_path):
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=message):
        outlet_of(options("--metrics_file", str(file)), "extract", "/t")
    assert content is None or file.read_text() == content


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("pushgateway:9091", "is no address of a Pushgateway, such as http://pushgateway:9091"),
        ("file:///etc", "is no address of a Pushgateway"),
        ("http://", "is no address of a Pushgateway"),
        ("http://h:x", "is no address of a Pushgateway"),
        ("http://h/?a=b", "is no address of a Pushgateway"),
        ("http://me:hush@h", "has no name and password in it"),
    ],
)
def test_addresses_that_are_refused(address, message):
    with pytest.raises(UsageError, match=message) as error:
        options("--push_metrics", address)
    assert "hush" not in str(error.value)
