"""A stand-in for Dataflow, in the image: takes a job by REST, and does its pipeline itself.

`python dataflow_service.py PORT`. It reads the pipeline that the submitter staged from storage, and
its workers are the embedded runner's, so what they were sent is what is done. What it is asked goes
to stdout, a line each.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.cloud import storage

JOB: dict[str, Any] = {"id": "the-job", "type": "JOB_TYPE_BATCH"}
METRICS: list[dict[str, Any]] = []


def work(options: dict[str, Any]) -> None:
    """Do the staged pipeline; the job ends as it does."""
    bucket, _, name = options["pipelineUrl"].removeprefix("gs://").partition("/")
    client = storage.Client.create_anonymous_client()
    staged = client.bucket(bucket).blob(name).download_as_bytes()
    pipeline = beam_runner_api_pb2.Pipeline.FromString(staged)
    for environment in pipeline.components.environments.values():
        environment.urn, environment.payload = python_urns.EMBEDDED_PYTHON, b""
    try:
        done = FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([]))
    except Exception:
        JOB["currentState"] = "JOB_STATE_FAILED"
        raise
    for counter in done.metrics().query()["counters"]:
        metric = counter.key.metric
        context = {"namespace": metric.namespace, "step": "s2"}
        name = {"origin": "user", "name": metric.name, "context": context}
        METRICS.append({"name": name, "scalar": counter.committed})
    JOB["currentState"] = "JOB_STATE_DONE"


class Service(BaseHTTPRequestHandler):
    """Dataflow's jobs, messages and metrics, of one job."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        JOB.update(name=asked["name"], currentState="JOB_STATE_RUNNING")
        options = asked["environment"]["sdkPipelineOptions"]["options"]
        threading.Thread(target=work, args=(options,), daemon=True).start()
        self._answer(JOB)

    def do_GET(self) -> None:
        what = self.path.partition("?")[0].rpartition("/")[2]
        self._answer({"messages": {}, "metrics": {"metrics": METRICS}}.get(what, JOB))

    def _answer(self, content: dict[str, Any]) -> None:
        print(self.command, self.path.partition("?")[0], flush=True)
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("localhost", int(sys.argv[1])), Service)
    print("ready", flush=True)
    server.serve_forever()
