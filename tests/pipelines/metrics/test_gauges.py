"""The text of gauges, read back by the client's own parser."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.metrics.gauges import Gauge, text_of


def values(text: bytes) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_gauges_are_told_with_help_and_labels():
    text = text_of(
        [
            Gauge("rows", 3, "Rows."),
            Gauge("seconds", 0.25, 'Said "so".', {"doing": "base", "table": 'a\\b"c\nd'}),
            Gauge("seconds", 4e9, "Said.", {"doing": "writing", "table": "s3://b/t é"}),
            Gauge("money", math.nan, "None."),
        ]
    )
    assert b"# HELP frozen_features_rows Rows.\n# TYPE frozen_features_rows gauge\n" in text
    found = values(text)
    assert math.isnan(found.pop(("frozen_features_money",)))
    assert found == {
        ("frozen_features_rows",): 3,
        ("frozen_features_seconds", "doing=base", 'table=a\\b"c\nd'): 0.25,
        ("frozen_features_seconds", "doing=writing", "table=s3://b/t é"): 4e9,
    }


def test_what_was_told_earlier_stays_unless_it_is_told_again():
    earlier = text_of(
        [Gauge("rows", 3, "Rows.", {"table": t}) for t in ("a", "b")] + [Gauge("old", 1, "Old.")]
    ).decode()
    assert values(text_of([Gauge("rows", 4, "Rows.", {"table": "b"})], earlier)) == {
        ("frozen_features_rows", "table=a"): 3,
        ("frozen_features_rows", "table=b"): 4,
        ("frozen_features_old",): 1,
    }


def test_nothing_of_this_process_is_told():
    assert text_of([]) == b""


def test_secrets_are_left_out():
    url = "https://someone:hush@host/x?X-Amz-Signature=hush"
    assert b"hush" not in text_of([Gauge("rows", 3, "Rows.", {"table": url})])


@pytest.mark.parametrize("text", ["node_load1 1\n", "# TYPE frozen_features_x counter\n"])
def test_metrics_of_others_are_refused(text):
    with pytest.raises(ValueError, match="none of ours"):
        text_of([], text)
