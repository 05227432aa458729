"""An episode is one message when it begins and one when it ends, whatever fails in between."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.operate.alert_delivery import tell
from ca_etl.operate.alert_store import (
    ALERTS_FILE,
    Alerts,
    AlertsError,
    Change,
    Message,
    OpenAlert,
    alerts_lock,
    read,
    transitions,
)
from ca_etl.operate.alerts import Condition
from ca_etl.operate.channels import ChannelError

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
KEYS = ("checks_failed", "run_failed", "stale:timesca/daily")
looks = st.lists(st.frozensets(st.sampled_from(KEYS)), min_size=1, max_size=12)


def condition(key: str, detail: str = "a detail") -> Condition:
    return Condition(key, f"title of {key}", detail, "ca-etl status", START)


def hours(number: int) -> datetime:
    return START + timedelta(hours=number)


@dataclass
class Kept:
    """A channel that keeps what it is sent, while it works."""

    name: str
    works: bool = True
    got: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if not self.works:
            raise ChannelError("out of order")
        self.got.append(message)


def expected(key: str, sets: Sequence[frozenset[str]]) -> list[Change]:
    """Opened at the first look of each unbroken stretch, resolved at the first after it."""
    stretches = [holds for holds, _ in groupby(key in each for each in sets)]
    changes = [Change.OPENED if holds else Change.RESOLVED for holds in stretches]
    return changes[1:] if changes[0] is Change.RESOLVED else changes


def by_key(messages: Sequence[Message]) -> dict[str, list[Change]]:
    told: dict[str, list[Change]] = defaultdict(list)
    for message in messages:
        told[message.key].append(message.change)
    return told


def test_a_condition_that_begins_lasts_and_ends_gives_two_messages() -> None:
    begun, open_now = transitions((), [condition("checks_failed")], ["webhook"], hours(0))
    assert [(each.message.change, each.to) for each in begun] == [(Change.OPENED, ("webhook",))]
    assert begun[0].message.text == ("ca-etl: title of checks_failed\na detail\nNext: ca-etl status")
    silent, open_now = transitions(open_now, [condition("checks_failed", "more")], ["webhook"], hours(1))
    assert silent == ()
    assert [(each.opened_at, each.detail) for each in open_now] == [(hours(0), "more")]
    ended, open_now = transitions(open_now, [], ["webhook"], hours(27))
    assert [each.message.subject for each in ended] == [
        "ca-etl: resolved after 1 d 3 h: title of checks_failed"
    ]
    assert open_now == ()


def test_a_channel_that_is_set_up_later_is_told_what_is_open_and_nobody_twice() -> None:
    _, open_now = transitions((), [condition("run_failed")], [], hours(0))
    later, open_now = transitions(open_now, [condition("run_failed")], ["mail"], hours(1))
    assert [(each.message.change, each.message.opened_at, each.to) for each in later] == [
        (Change.OPENED, hours(0), ("mail",))
    ]
    ended, _ = transitions(open_now, [], ["mail", "webhook"], hours(2))
    assert [each.to for each in ended] == [("mail",)]


def test_without_a_channel_what_is_open_is_kept_and_nothing_waits(tmp_path: Path) -> None:
    tell(tmp_path, lambda: [condition("run_failed")], (), (), hours(0))
    alert = OpenAlert("run_failed", "title of run_failed", "a detail", "ca-etl status", START, hours(0))
    assert read(tmp_path) == Alerts((alert,))


@given(looks)
@settings(deadline=None, max_examples=25)
def test_each_episode_is_told_once_at_either_end(sets: list[frozenset[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        channel = Kept("webhook")
        for number, keys in enumerate(sets):
            for _ in range(2):
                tell(
                    Path(folder),
                    lambda keys=keys: map(condition, sorted(keys)),
                    ["webhook"],
                    [channel],
                    hours(number),
                )
        told = by_key(channel.got)
        assert {key: told[key] for key in KEYS} == {key: expected(key, sets) for key in KEYS}
        assert len({message.message_id for message in channel.got}) == len(channel.got)


@given(looks, st.data())
@settings(deadline=None, max_examples=25)
def test_a_channel_that_fails_now_and_then_gets_all_in_order_and_nothing_twice(
    sets: list[frozenset[str]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shaky, steady = Kept("mail"), Kept("webhook")
        for number, keys in enumerate([*sets, sets[-1]]):
            # at the last look everything works again
            shaky.works = number == len(sets) or data.draw(st.booleans())
            tell(
                Path(folder),
                lambda keys=keys: map(condition, sorted(keys)),
                ["mail", "webhook"],
                [shaky, steady],
                hours(number),
            )
        assert shaky.got == steady.got
        assert read(Path(folder)).waiting == ()


def test_a_failed_sending_waits_warns_and_is_made_good(tmp_path: Path) -> None:
    channel = Kept("webhook", works=False)
    holds = [condition("run_failed"), condition("checks_failed")]
    alerts, sent, warnings = tell(tmp_path, lambda: holds, ["webhook"], [channel], hours(0))
    assert (len(alerts.waiting), sent, len(warnings)) == (2, (), 1)
    channel.works = True
    alerts, sent, warnings = tell(tmp_path, list, ["webhook"], [channel], hours(1))
    assert (alerts, len(sent), warnings) == (Alerts(), 4, ())


def test_a_channel_out_of_reach_waits_and_one_that_nobody_asks_for_any_more_does_not(tmp_path: Path) -> None:
    tell(tmp_path, lambda: [condition("run_failed")], ["prefect"], [], hours(0))
    assert [each.to for each in read(tmp_path).waiting] == [("prefect",)]
    tell(tmp_path, lambda: [condition("run_failed")], [], [], hours(1))
    assert read(tmp_path).waiting == ()


def test_a_look_that_finds_nothing_new_writes_nothing(tmp_path: Path) -> None:
    tell(tmp_path, lambda: [condition("run_failed")], [], [], hours(0))
    before = (tmp_path / ALERTS_FILE).stat().st_mtime_ns
    tell(tmp_path, lambda: [condition("run_failed")], [], [], hours(1))
    assert (tmp_path / ALERTS_FILE).stat().st_mtime_ns == before


def test_a_damaged_file_names_itself_and_the_next_command(tmp_path: Path) -> None:
    (tmp_path / ALERTS_FILE).write_text('{"open": [{"key": 3}]}')
    with pytest.raises(AlertsError, match=r"alerts\.json is no list of alerts: open") as told:
        read(tmp_path)
    assert told.value.hint.startswith("mv ")


def test_a_lock_that_is_not_let_go_is_told(tmp_path: Path) -> None:
    with (
        alerts_lock(tmp_path),
        pytest.raises(AlertsError, match="held by another process"),
        alerts_lock(tmp_path, patience=0.05),
    ):
        pass
