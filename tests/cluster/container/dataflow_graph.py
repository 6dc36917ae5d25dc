"""The job that Beam would hand to Dataflow, as JSON: Beam's own translation, and no network.

`python dataflow_graph.py INPUT TABLE FLAGS`, in the image, looks at the flags as an extraction does
and prints the job's description and the transforms of the pipeline that would be staged for it. A
process of its own, in which nothing can connect.
"""

import io
import json
import socket
import sys
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.internal import apiclient

from pipelines.records import ImageRef, Shard
from pipelines.shards import dataflow
from pipelines.shards.beam_flags import check_beam_flags
from pipelines.shards.runner_check import check_runner
from pipelines.shards.shard import ShardJob
from pipelines.shards.transforms import ExtractShards


class Staging(apiclient.DataflowApplicationClient):
    """Beam's client, whose files go nowhere."""

    def __init__(self, *arguments: Any) -> None:
        self.staged: dict[str, bytes] = {}
        super().__init__(*arguments)

    def stage_file_with_retry(
        self, folder: str, name: str, source: str | io.BytesIO, *_: Any, **__: Any
    ) -> None:
        self.staged[name] = source.read() if isinstance(source, io.BytesIO) else b""


def main(place: str, table: str, *flags: str) -> None:
    socket.socket.connect = _refuse  # type: ignore[method-assign]
    check_beam_flags(flags, [])
    check_runner(flags)
    dataflow.check_dataflow(flags, [("--input", place), ("--table", table)])
    options = PipelineOptions(
        [*dataflow.with_dataflow_defaults(flags), "--dry_run=True", "--no_auth"]
    )
    refs = (ImageRef("cats/1.jpg", "gs://photographs/cats/1.jpg", "cats", "train", 9, 0, 0),)
    pipeline = beam.Pipeline(options=options)
    shards = pipeline | beam.Create([Shard("000000", "train", refs)])
    _ = shards | ExtractShards(ShardJob({}, None, None))
    job = pipeline.run().job
    client = Staging(job.options, job.root_staging_location)
    client.create_job_description(job)
    staged = beam_runner_api_pb2.Pipeline.FromString(client.staged["pipeline.pb"])
    transforms = staged.components.transforms.values()
    described = {
        "job": json.loads(job.json()),
        "transforms": sorted(each.unique_name for each in transforms if each.spec.urn),
    }
    sys.stdout.write(json.dumps(described))


def _refuse(*_: Any) -> NoReturn:
    raise AssertionError("a translation connects to nobody")


if __name__ == "__main__":
    main(*sys.argv[1:])
