"""What runs by itself besides the extraction: when, with which options, and what it comes to."""

import itertools

import pytest

from frozen_features.commands import COMMANDS, import_command
from tests.cluster.manifests import OVERLAYS, SCHEDULES, named, of_kind, pods, rendered
from tests.cluster.test_manifest_options import expanded, options_of

pytestmark = pytest.mark.cluster

DAY, WEEK = 1440, 7 * 1440
"""Minutes."""


def crons():
    return of_kind(rendered(SCHEDULES), "CronJob")


def commands():
    """The containers' commands as the kubelet expands them, by owner and container."""
    return {
        (pod.owner, container["name"]): expanded(container, SCHEDULES)[0]
        for pod in pods(rendered(SCHEDULES))
        for container in pod.containers()
    }


def hours(cron):
    """The minutes of a week, Sunday's first being 0, in which a job may be at work."""
    minute, hour, _, _, weekday = cron["spec"]["schedule"].split()
    late = cron["spec"]["startingDeadlineSeconds"]
    lasts = (late + cron["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]) / 60
    days = range(7) if weekday == "*" else [int(weekday)]
    for day in days:
        start = day * DAY + int(hour) * 60 + int(minute)
        yield from ((start + passed) % WEEK for passed in range(int(lasts)))


def test_what_is_scheduled_never_overlaps():
    busy = {each["metadata"]["name"]: set(hours(each)) for each in crons()}
    assert busy.keys() == {"verify", "verify-all", "tidy", "retrain"}
    for one, other in itertools.combinations(busy, 2):
        assert not busy[one] & busy[other], f"{one} and {other}"


def test_the_extraction_is_over_for_hours_before_any_begins_where_a_night_is_enough():
    (start,) = {
        each["spec"]["schedule"].split()[1] for each in of_kind(rendered(OVERLAYS[0]), "CronJob")
    }
    assert all(int(each["spec"]["schedule"].split()[1]) >= int(start) + 4 for each in crons())


def test_every_command_takes_its_options():
    said = {}
    for (owner, name), words in commands().items():
        assert words[:2] == ["python", "-m"]
        command = words[2].rpartition(".")[2]
        assert words[2] == f"{COMMANDS[command][0]}.{command}"
        said[owner.removeprefix("CronJob "), name] = (
            import_command(command).make_parser().parse_args(words[3:])
        )
    options = options_of(SCHEDULES)
    assert {each.table for each in said.values()} == {options["TABLE"]}
    train, promote = said["retrain", "train"], said["retrain", "trainer"]
    assert str(train.model) == str(promote.model) == options["CANDIDATE"]
    assert str(promote.to) == options["MODEL"] != options["CANDIDATE"]
    assert [each.text for each in promote.conditions] == ["not_worse", options["PROMOTE_IF"]]
    assert said["verify", "trainer"].sample == int(options["VERIFY_SAMPLE"])
    assert said["verify-all", "trainer"].sample is None
    assert said["verify-all", "trainer"].input == options["INPUT"]


def test_nothing_that_a_run_may_need_is_tidied_away():
    job = named(rendered(OVERLAYS[0]), "CronJob", "extract")["spec"]["jobTemplate"]["spec"]
    longest = job["activeDeadlineSeconds"] / 86_400
    assert float(options_of(SCHEDULES)["RETENTION_DAYS"]) > 7 * longest


def test_what_no_new_try_can_mend_is_not_tried_again():
    policies = {
        each["metadata"]["name"]: each["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        for each in crons()
    }
    final = {
        (name, rule["onExitCodes"]["containerName"]): rule["onExitCodes"]["values"]
        for name, rules in policies.items()
        for rule in rules
        if rule["action"] == "FailJob"
    }
    assert final == {
        ("verify", "trainer"): [1, 2],
        ("verify-all", "trainer"): [1, 2],
        ("tidy", "trainer"): [2],
        ("retrain", "trainer"): [2, 4],
        ("retrain", "train"): [2],
    }
