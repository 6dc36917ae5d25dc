"""What a monitor is told of a comparison."""

import math

from classifiers.drifting.report import ALARMS, DriftReport
from pipelines.metrics.gauges import Gauge


def gauges_of_drift(report: DriftReport, when: float) -> list[Gauge]:
    """What a monitor is told of a comparison; a test that had too few images is NaN.

    Args:
        report: the comparison's.
        when: it ended, seconds since the epoch.
    """
    gauges = [
        Gauge("drift_images", report.tested, "Images that the last comparison tested."),
        Gauge("drift_timestamp_seconds", when, "When it ended."),
    ]
    for name, test in (("classifier", report.classifier), ("mmd", report.mmd)):
        labels = {"test": name}
        statistic, p = (math.nan, math.nan) if test is None else (test.statistic, test.p)
        gauges.append(Gauge("drift_statistic", statistic, "ROC AUC, or the squared MMD.", labels))
        gauges.append(Gauge("drift_p", p, "The p-value of the test, 0 to 1.", labels))
    for alarm in ALARMS:
        raised = float(alarm in report.alarms)
        gauges.append(Gauge("drift_alarm", raised, "1 where it is raised.", {"alarm": alarm}))
    return gauges
