"""Models on a real S3 server: trained there, promoted by a gate, measured and predicted with."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest

import frozen_features as ff
from classifiers import evaluate, predict, promote, train
from classifiers.models.versions.bucket import BucketVersions
from pipelines.errors import ModelError
from pipelines.stores.places import parse_place
from tests.classifiers.models.stopped import write_model_of

pytestmark = pytest.mark.cluster


def test_a_model_lives_in_the_bucket(remote, local, place, tmp_path):
    """Trained on the table that lies there, it is the model of the local table."""
    tried, prod = f"{place}/tried", f"{place}/prod"
    for table, model in ((remote, tried), (str(local), str(tmp_path / "local"))):
        assert train.main(["--table", table, "--head", "logistic", "--model", model]) == 0
    table = ["--table", remote]
    gate = ["--to", prod, "--if", "accuracy>=0.9", "--if", "better", *table]
    assert promote.main(["--model", tried, *gate]) == 0
    assert promote.main(["--model", tried, *gate]) == promote.NOT_PROMOTED
    assert evaluate.main([*table, "--model", f"{prod}@1", "--compare", tried]) == 0
    output = tmp_path / "p.parquet"
    assert predict.main([*table, "--model", f"{prod}@latest", "--output", str(output)]) == 0
    wanted = ff.predict(tmp_path / "local", table=local).rows.sort_by("image_id")
    assert pq.read_table(output).sort_by("image_id").equals(wanted)


def test_of_those_that_promote_at_once_one_does(server, place):
    together = threading.Barrier(4)

    def add(number: int) -> str | None:
        try:
            with BucketVersions(parse_place(f"{place}/m")).draft(1) as draft:
                write_model_of(str(number), draft.folder)
                together.wait()
        except ModelError:
            return None
        return str(number)

    with ThreadPoolExecutor(4) as threads:
        (won,) = filter(None, threads.map(add, range(4)))
    with BucketVersions(parse_place(f"{place}/m")).files(1) as folder:
        assert {path.read_text() for path in folder.iterdir()} == {won}
    prefix = parse_place(place).key
    assert len(server.keys(prefix)) == 1 + 4, "what the others had uploaded is gone"
