"""The conditions that alerts report, from journals written out line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ca_etl.operate.alerts import Condition, Damage, conditions
from ca_etl.settings import Settings
from ca_etl.warehouse.journal import Cause, CheckResult, RunRecord, SlotRecord

# 07:00 in Almaty
FIRST = datetime(2026, 3, 2, 2, tzinfo=UTC)
JUMP = CheckResult("rate_does_not_jump", "main.fct_rate_observation", "error", 1, "KZT 0.0198")
NO_RATE = CheckResult("run_observes_rates", "raw.capture", "warning", 1, "4 captures")
FULL_DISK = "cannot write data/runs.jsonl: No space left on device"
MakeSettings = Callable[..., Settings]


def run(day: int, outcome: str | None = "observed", reason: str | None = None, **changes: Any) -> RunRecord:
    """The daily run of the given day after 2 March; without `outcome` one that no schedule requested.

    `why` is the cause of its slot, `pages` how many were requested for it and how many came.
    """
    slot = FIRST + timedelta(days=day)
    why, pages = changes.pop("why", None), changes.pop("pages", (None, None))
    own = SlotRecord("timesca", "daily", slot, slot.date(), outcome, reason, why, *pages) if outcome else None
    values: dict[str, Any] = {
        "run_id": f"day-{day}",
        "kind": "run" if own else "ingest",
        "started_at": slot,
        "finished_at": slot + timedelta(minutes=1),
        "status": "succeeded",
        "exit_status": 0,
        "code_version": "0.1.0",
        "captures": 4,
        "slot": slot if own else None,
        "schedule": "daily" if own else None,
        "slots": (own,) if own else (),
    }
    values |= changes
    values.setdefault("release_id", values["run_id"] if values["status"] == "succeeded" else None)
    return RunRecord(**values)


def failed(day: int, error: str, **changes: Any) -> RunRecord:
    reason = changes.pop("reason", error)
    outcome = changes.pop("outcome", "failed")
    cause = changes.pop("cause", Cause.MACHINE)
    why = cause if outcome == "failed" else None
    values = {"status": "failed", "exit_status": 1, "error": error, "captures": 0, "cause": cause, "why": why}
    return run(day, outcome, reason, **(values | changes))


def away(day: int) -> RunRecord:
    why = "http://127.0.0.1/ gave no usable page: / server_error"
    return failed(day, why, reason="4 server_error", cause=Cause.SITE, pages=(4, 0))


def by_key(
    settings: Settings, *runs: RunRecord, later: timedelta = timedelta(hours=1)
) -> dict[str, Condition]:
    return {condition.key: condition for condition in conditions(settings, runs, runs[-1].started_at + later)}


def keys(settings: Settings, *runs: RunRecord) -> set[str]:
    return set(by_key(settings, *runs))


@pytest.fixture
def settings(settings_with: MakeSettings) -> Settings:
    return settings_with()


def test_a_good_run_has_no_condition(settings: Settings) -> None:
    assert keys(settings, run(0), run(1)) == set()


def test_data_that_are_not_renewed_are_stale_since_the_slot_that_was_missed(settings: Settings) -> None:
    condition = by_key(settings, run(0), later=timedelta(days=1, hours=6))["stale:timesca/daily"]
    assert condition.since == FIRST + timedelta(days=1)
    assert condition.detail == (
        "The last observed slot is 2026-03-02 07:00 +0500; the slot of 2026-03-03 07:00 +0500 is overdue."
    )
    assert by_key(settings, run(0), later=timedelta(days=1, hours=5)) == {}


def test_the_next_command_of_a_stale_schedule_runs_that_schedule(settings: Settings) -> None:
    slot = SlotRecord("timesca", "sweep", FIRST, FIRST.date(), "observed")
    swept = replace(run(0), schedule="sweep", slots=(slot,))
    conditions_by_key = by_key(settings, swept, later=timedelta(days=9))
    assert conditions_by_key["stale:timesca/sweep"].next_command.endswith("ca-etl run --schedule sweep")
    assert conditions_by_key["stale:timesca/daily"].next_command.endswith("ca-etl run")


def test_failed_checks_are_reported_with_their_rows_and_end_with_a_release(settings: Settings) -> None:
    bad = [run(day, status="checks_failed", exit_status=3, checks=(JUMP, NO_RATE)) for day in (1, 2)]
    condition = by_key(settings, run(0), *bad)["checks_failed"]
    assert condition.detail == (
        "Checks of run day-2 failed: rate_does_not_jump: KZT 0.0198. "
        "`ca-etl decide` excludes or accepts a capture, for the next run."
    )
    assert condition.since == bad[0].finished_at
    assert "checks_failed" in keys(settings, run(0), *bad, away(3))
    assert "checks_failed" not in keys(settings, run(0), *bad, run(3))


@pytest.mark.parametrize(
    ("earlier", "now", "opens"),
    [
        ([0, 0, 0], 3, False),
        ([0, 0, 0], 4, True),
        ([2, 2, 2], 6, False),
        ([2, 2, 2], 7, True),
        ([90, 2, 2], 7, True),
        ([], 4, True),
        ([50] * 10 + [1] * 20, 4, True),
    ],
)
def test_rejects_are_measured_by_the_median_of_twenty_runs(
    settings: Settings, earlier: list[int], now: int, opens: bool
) -> None:
    runs = [run(day, rejects=number) for day, number in enumerate([*earlier, now])]
    assert ("rejects_unusual:timesca/daily" in keys(settings, *runs)) is opens


def test_a_second_run_in_a_slot_that_loads_nothing_does_not_end_the_alert_about_rejects(
    settings: Settings,
) -> None:
    again = run(1, captures=0, run_id="again")
    assert keys(settings, run(0), run(1, rejects=9), again) == {"rejects_unusual:timesca/daily"}


def test_the_error_pages_of_an_outage_are_not_unusual_rejects_of_the_run_after_it(settings: Settings) -> None:
    back = run(3, rejects=24)
    assert keys(settings, run(0), away(1), away(2), back) == set()
    assert keys(settings, run(0), away(1), away(2), back, run(4, rejects=24)) == {
        "rejects_unusual:timesca/daily"
    }


def test_rejects_of_an_ingest_are_reported_until_the_next_run(settings: Settings) -> None:
    given = run(1, None, rejects=9, run_id="given")
    assert keys(settings, run(0), run(1), given) == {"rejects_unusual:ingest"}
    assert keys(settings, run(0), run(1), given, run(2)) == set()


def test_a_rebuild_rejects_what_was_rejected_before(settings: Settings) -> None:
    assert keys(settings, run(0), run(0, None, kind="rebuild", rejects=500, run_id="rebuild")) == set()


def test_the_bounds_of_rejects_are_settings(settings_with: MakeSettings) -> None:
    runs = [run(0, rejects=2), run(1, rejects=9)]
    assert keys(settings_with(alert_rejects_times=5), *runs) == set()
    assert keys(settings_with(alert_rejects_times=1, alert_rejects_least=9), *runs) == set()


def refused(day: int) -> RunRecord:
    return failed(
        day, "gave no usable page", outcome="blocked", reason="blocked: status 403", cause=Cause.SITE
    )


def test_a_refusal_is_reported_as_such_and_not_as_a_failed_run(settings: Settings) -> None:
    by_name = by_key(settings, run(0), refused(1), refused(2))
    assert set(by_name) == {"site_refuses:timesca/daily", "stale:timesca/daily"}
    assert by_name["site_refuses:timesca/daily"].detail.startswith(
        "The site refused the requests: blocked: status 403. Refused slots in a row: 2."
    )


def test_a_refusal_lasts_until_the_site_gives_a_page(settings: Settings) -> None:
    assert "site_refuses:timesca/daily" in keys(settings, run(0), refused(1), away(2))
    assert "site_refuses:timesca/daily" not in keys(settings, run(0), refused(1), run(2))


def test_a_host_that_gives_no_robots_txt_is_away_and_refuses_nothing(settings: Settings) -> None:
    down = [failed(day, "gave no usable page", reason="1 unreachable", cause=Cause.SITE) for day in (1, 2)]
    assert keys(settings, run(0), down[0]) == set()
    assert "run_failed" in keys(settings, run(0), *down)
    assert "site_refuses:timesca/daily" not in keys(settings, run(0), *down)


def test_a_slot_that_passed_before_the_first_run_was_not_expected(settings: Settings) -> None:
    first = run(0, status="checks_failed", started_at=FIRST + timedelta(hours=3))
    assert by_key(settings, first, later=timedelta(hours=20)).keys() == {"checks_failed"}
    assert "stale:timesca/daily" in by_key(settings, first, later=timedelta(hours=28))
    assert conditions(settings, (), FIRST) == ()


def test_an_unused_directory_has_no_condition_and_one_that_lost_its_journal_or_its_release_has(
    settings: Settings,
) -> None:
    def found(*runs: RunRecord, is_published: bool) -> list[str]:
        return [one.key for one in conditions(settings, runs, FIRST, is_published=is_published)]

    assert found(is_published=False) == []
    assert found(is_published=True) == ["stale:timesca/daily"]
    assert found(run(0), is_published=False) == ["release_missing"]
    assert found(run(0, status="checks_failed"), is_published=False) == ["checks_failed"]
    assert found(away(0), is_published=False) == []


def test_a_file_that_cannot_be_read_is_a_condition_with_its_next_command(settings: Settings) -> None:
    damage = Damage("data/decisions.csv has a bad line 2", "restore it", "decisions")
    (condition,) = conditions(settings, [run(0)], FIRST + timedelta(hours=1), damaged=[damage])
    assert (condition.key, condition.area) == ("damaged:decisions", "decisions")
    assert (condition.detail, condition.next_command) == (damage.message, damage.next_command)


STALE = CheckResult(
    "page_date_is_not_stale", "main.fct_rate_observation", "warning", 4, "a page", alerts=True
)


def test_a_check_that_alerts_does_so_from_the_first_run_that_it_fires_in_to_the_first_that_it_does_not(
    settings: Settings,
) -> None:
    firing = [run(day, checks=(STALE,)) for day in (1, 2)]
    condition = by_key(settings, run(0), *firing)["check:page_date_is_not_stale"]
    assert condition.since == firing[0].finished_at
    assert condition.detail == "Run day-2 found 4 rows in main.fct_rate_observation: a page"
    assert keys(settings, run(0), *firing, run(3)) == set()


def test_a_run_without_checks_neither_opens_nor_ends_the_alert_of_one(settings: Settings) -> None:
    assert "check:page_date_is_not_stale" in keys(settings, run(0, checks=(STALE,)), away(1))
    assert keys(settings, run(0), run(1, checks=(replace(STALE, alerts=False),))) == set()
    assert keys(settings, run(0), run(1, checks=(replace(STALE, offending_rows=0),))) == set()


def test_a_check_that_fires_in_a_run_of_any_kind_is_an_alert(settings: Settings) -> None:
    given = run(1, None, checks=(STALE,), run_id="given", rejects=0)
    assert keys(settings, run(0), run(1), given) == {"check:page_date_is_not_stale"}


def test_a_cancelled_run_is_not_a_failed_one_and_does_not_end_a_series_of_them(settings: Settings) -> None:
    cancelled = [
        failed(day, "stopped by the user (Ctrl-C)", status="cancelled", cause=Cause.INTERRUPTED)
        for day in (1, 2, 3)
    ]
    assert "run_failed" not in keys(settings, run(0), *cancelled)
    assert "run_failed" not in keys(settings, run(0), away(0), *cancelled)
    assert by_key(settings, run(0), away(1), *cancelled, away(4))["run_failed"].detail.endswith(
        "Failed runs in a row: 2."
    )


def test_pages_without_rates_are_a_site_that_differs(settings: Settings) -> None:
    empty = run(1, "failed", "no page had rates", why=Cause.NO_RATES, checks=(NO_RATE,))
    assert keys(settings, run(0), empty) == {"site_differs:timesca/daily"}
    assert keys(settings, run(0), empty, run(2)) == set()


def test_the_check_for_rates_is_respected_where_the_slot_was_observed_before(settings: Settings) -> None:
    assert keys(settings, run(0), run(1, checks=(NO_RATE,))) == {"site_differs:timesca/daily"}


def test_a_page_fewer_than_usual_is_reported_and_the_usual_lack_of_one_is_not(settings: Settings) -> None:
    lacking = (4, 3)
    assert keys(settings, run(0), run(1, pages=lacking)) == {"site_differs:timesca/daily"}
    usual = [run(day, pages=lacking) for day in range(4)]
    assert keys(settings, *usual) == set()
    assert keys(settings, *usual, run(4, pages=(4, 2))) == {"site_differs:timesca/daily"}


def test_of_lines_without_numbers_none_is_read_from_their_texts_or_counted_as_usual(
    settings: Settings,
) -> None:
    text = "3 of 4 pages; 1 http_error"
    assert keys(settings, run(0, pages=(4, 4)), run(1, reason=text)) == set()
    before = [run(day, reason=text) for day in range(9)]
    assert keys(settings, *before, run(9, pages=(4, 3)), run(10, pages=(4, 3))) == set()


def test_so_many_missing_pages_are_a_setting(settings_with: MakeSettings) -> None:
    runs = [run(0), run(1, pages=(4, 3))]
    assert keys(settings_with(alert_missing_pages=2), *runs) == set()


def test_a_site_that_is_away_is_reported_when_two_runs_have_failed(settings: Settings) -> None:
    assert keys(settings, run(0), away(1)) == set()
    by_name = by_key(settings, run(0), away(1), away(2))
    assert by_name["run_failed"].since == away(1).finished_at
    assert by_name["run_failed"].title == "Runs fail"
    assert keys(settings, run(0), away(1), away(2), run(3)) == set()


def test_a_failed_run_without_a_cause_keeps_the_alert_of_the_version_before_open(settings: Settings) -> None:
    assert "run_failed" in keys(settings, run(0), failed(1, FULL_DISK, cause=None))


def test_an_error_of_the_machine_after_pages_without_rates_is_reported_at_once(settings: Settings) -> None:
    full = replace(failed(1, FULL_DISK, reason="no page had rates"), captures=4)
    without = replace(full, slots=(replace(full.slots[0], cause=Cause.NO_RATES),))
    assert "run_failed" in keys(settings, run(0), without)


def test_a_full_disk_is_reported_at_once(settings: Settings) -> None:
    assert by_key(settings, run(0), failed(1, FULL_DISK))["run_failed"].detail == (
        f"Run day-1 (run) failed: {FULL_DISK}. Failed runs in a row: 1."
    )
    assert "run_failed" in keys(settings, run(0), failed(1, FULL_DISK, outcome="observed", reason=None))
    assert "run_failed" in keys(settings, run(0), failed(1, FULL_DISK), away(2))
    assert "run_failed" in keys(settings, run(0), failed(1, FULL_DISK), refused(2))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("stopped by KeyboardInterrupt", Cause.INTERRUPTED),
        ("stopped by SystemExit", Cause.INTERRUPTED),
        ("killed in step load", Cause.KILLED),
    ],
)
def test_a_run_that_was_stopped_or_killed_once_is_left_to_the_next(
    settings: Settings, error: str, cause: Cause
) -> None:
    status = "crashed" if cause is Cause.KILLED else "failed"
    stopped = [failed(day, error, status=status, cause=cause) for day in (1, 2)]
    assert keys(settings, run(0), stopped[0]) == set()
    assert "run_failed" in keys(settings, run(0), *stopped)


def test_a_wrong_command_of_a_person_is_not_an_alert_and_a_wrong_setting_of_the_schedule_is(
    settings: Settings,
) -> None:
    wrong = failed(1, "nowhere.txt: no such file", exit_status=2)
    assert "run_failed" in keys(settings, run(0), wrong)
    by_hand = run(1, None, status="failed", exit_status=2, error="nowhere.txt: no such file", captures=0)
    assert keys(settings, run(0), run(1), by_hand) == set()


def test_words_of_a_page_cannot_steer_a_terminal_or_fill_a_screen(settings: Settings) -> None:
    nasty = CheckResult("rate_does_not_jump", "m", "error", 1, "\x1b[2J\n" + "x" * 9_000)
    condition = by_key(settings, run(0), run(1, status="checks_failed", checks=(nasty,)))["checks_failed"]
    assert condition.detail.isprintable()
    assert len(condition.detail) < 700


def with_articles(day: int, **outcomes: str) -> RunRecord:
    """A good run with these outcomes of the sources of articles: `posts="closed"`."""
    good = run(day)
    articles = tuple(
        SlotRecord(f"timesca-{name}", "daily", good.slots[0].slot, good.slots[0].day, outcome, "status 0")
        for name, outcome in outcomes.items()
    )
    return run(day, slots=(*articles, *good.slots))


def test_articles_that_no_source_gives_are_reported_when_that_repeats(settings: Settings) -> None:
    first, second = (with_articles(day, posts="closed", feed="failed") for day in (1, 2))
    assert keys(settings, run(0), first) == set()
    condition = by_key(settings, run(0), first, second)["articles_missing:daily"]
    assert condition.detail == (
        "Run day-2 got no article: timesca-posts closed (status 0); timesca-feed failed (status 0). "
        "Runs without articles in a row: 2."
    )
    assert keys(settings, first, second, with_articles(3, posts="closed", feed="observed")) == set()


def test_a_source_that_fails_for_days_is_reported_though_another_one_gives_articles(
    settings: Settings,
) -> None:
    fails = [with_articles(day, posts="failed", feed="observed") for day in (1, 2)]
    assert keys(settings, run(0), fails[0]) == set()
    assert keys(settings, run(0), *fails) == {"source_fails:timesca-posts/daily"}
    assert keys(settings, run(0), *fails, with_articles(3, posts="unchanged")) == set()
    assert keys(settings, *(with_articles(day, posts="closed", feed="observed") for day in range(3))) == set()


def test_a_source_that_is_no_longer_requested_does_not_fail_for_ever(settings: Settings) -> None:
    fails = [with_articles(day, posts="failed", feed="failed") for day in (1, 2)]
    assert keys(settings, *fails) == {"articles_missing:daily"}
    assert keys(settings, *fails, with_articles(3, posts="observed")) == set()


def test_a_site_on_which_every_source_of_articles_becomes_unavailable_is_reported(settings: Settings) -> None:
    shut = [with_articles(day, posts="closed", feed="closed") for day in (2, 3)]
    assert keys(settings, run(0), with_articles(1, posts="observed"), *shut) == {"articles_missing:daily"}


def test_a_site_that_never_offered_a_source_of_articles_has_no_condition(settings: Settings) -> None:
    assert keys(settings, *(with_articles(day, posts="closed", feed="closed") for day in range(4))) == set()


@pytest.mark.parametrize("ahead", [2, 31, 27_000])
def test_a_run_of_the_future_silences_nothing_and_opens_nothing(
    settings_with: MakeSettings, ahead: int
) -> None:
    runs = (run(0), failed(1 + ahead, FULL_DISK), run(1 + ahead, pages=(4, 2)))
    late = conditions(settings_with(), runs, FIRST + timedelta(days=2))
    assert late[0].detail.startswith("The clock shows 2026-03-04 02:00 UTC, but the journal has later runs")
    assert [condition.key for condition in late] == ["clock", "stale:timesca/daily"]
