"""The conditions of an installation that need an operator: alerts report them, `status` and `doctor` show them.

They follow from the journal and what was read of the data directory, without clock, network or disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from statistics import median
from typing import Final, TypeVar

from pydantic import AwareDatetime

from ca_etl.errors import Problem, UsageError, counted
from ca_etl.pipeline.capture import ARTICLES, SITE_SOURCES
from ca_etl.pipeline.clock import evidence
from ca_etl.pipeline.slots import is_present, overdue, present
from ca_etl.sanitize import visible
from ca_etl.settings import Settings
from ca_etl.sources.schedules import Schedule, run_command, schedules
from ca_etl.warehouse.journal import (
    GOOD,
    Cause,
    CheckResult,
    RunKind,
    RunRecord,
    RunStatus,
    SlotOutcome,
    SlotRecord,
)

T = TypeVar("T")

USUAL_RUNS: Final = 20
OBSERVES_RATES: Final = "run_observes_rates"
CHECKED: Final = frozenset({RunStatus.SUCCEEDED, RunStatus.CHECKS_FAILED})
FAULTY: Final = frozenset({SlotOutcome.FAILED.value, SlotOutcome.BLOCKED.value})
LONGEST: Final = 600
# Areas of `ca-etl doctor` under which it shows conditions and damaged files.
ALERTS: Final = "alerts"
CLOCK: Final = "clock"
DECISIONS: Final = "decisions"
JOURNAL: Final = "last run"
LOCK: Final = "lock"
RELEASE: Final = "release"


@dataclass(frozen=True, slots=True)
class Damage(Problem):
    """A file of the data directory that cannot be read or lacks content; `area` is its row in `ca-etl doctor`."""

    area: str
    title: str = "A file is damaged"


@dataclass(frozen=True, slots=True)
class Condition:
    """A state of the installation that needs an operator now, such as a schedule without fresh data.

    `key` identifies the condition for as long as it lasts; `since` (UTC) is when it began, as far as the journal
    shows. `area` is its row in the table of `ca-etl doctor`.
    """

    key: str
    title: str
    detail: str
    next_command: str
    since: AwareDatetime
    area: str = field(default=ALERTS, kw_only=True)


def conditions(
    settings: Settings,
    runs: Sequence[RunRecord],
    now: datetime,
    *,
    damaged: Iterable[Damage] = (),
    is_published: bool | None = None,
) -> tuple[Condition, ...]:
    """Every condition that needs an operator at `now` (zone-aware). `runs` are those of the journal, in its order.

    `damaged` are files that cannot be read; `is_published` states whether the data directory has a release, None where
    that is unknown. A directory without runs and release has no condition, since it is not in use yet.
    """
    past_runs = present(runs, now)
    ahead = [run for run in evidence(runs) if not is_present(run, now)]
    return (
        *(_damage(damage, now) for damage in damaged),
        *(_release_missing(past_runs) if is_published is False else ()),
        *_clock_behind(ahead, now),
        *(_stale(settings, past_runs, now) if past_runs or is_published else ()),
        *_checks_failed(past_runs),
        *_checks_fire(past_runs),
        *_runs_failed(settings, past_runs),
        *(
            condition
            for planned in schedules(settings)
            for condition in _of_schedule(settings, planned, past_runs)
        ),
        *_of_ingest(settings, past_runs),
    )


def _damage(damage: Damage, now: datetime) -> Condition:
    key = f"damaged:{damage.area.replace(' ', '_')}"
    title = f"{damage.title} ({damage.area})"
    return Condition(key, title, damage.message, damage.next_command, now, area=damage.area)


def _clock_behind(ahead: Sequence[RunRecord], now: datetime) -> Iterator[Condition]:
    """The condition that `ahead`, runs with which a clock is compared, began after `now` or were for a later slot."""
    if ahead:
        yield Condition(
            "clock",
            "The clock is behind the last run",
            f"The clock shows {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, but the journal has later runs, which are "
            f"ignored until then. Number of them: {len(ahead)}, the last is {ahead[-1].run_id}. "
            "If this clock is right, a run with --trust-clock goes by it.",
            "timedatectl",
            now,
            area=CLOCK,
        )


def _release_missing(runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """The condition of a data directory that has no release, though runs have published some."""
    published = [run for run in runs if run.release_id]
    if published:
        last = published[-1]
        yield Condition(
            "release_missing",
            "The release is missing",
            f"The data directory has no current release, though run {last.run_id} published {last.release_id}.",
            "ca-etl run",
            _ended(last),
            area=RELEASE,
        )


def _runs_failed(settings: Settings, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """Consecutive runs that ended before their checks: one is enough where the machine is at fault.

    A cancelled run is not one of them, and does not end the series. A run that the site refused is left out, since that
    is a condition of its own, and so is a mistyped command.
    """
    ended = [run for run in runs if run.status != RunStatus.CANCELLED]
    failures = [
        run
        for run in _streak(ended, lambda run: run.status in {RunStatus.FAILED, RunStatus.CRASHED})
        if not (run.slots and _is_refused(run.slots[-1]))
        and not (run.exit_status == UsageError.exit_status and run.schedule is None)
    ]
    if failures and (len(failures) >= settings.alert_failed_runs or any(map(_is_of_machine, failures))):
        last, number = failures[-1], len(failures)
        yield Condition(
            "run_failed",
            "Runs fail" if number > 1 else "A run failed",
            f"Run {last.run_id} ({last.kind}) failed: {one_line(last.error or last.status)}. "
            f"Failed runs in a row: {number}.",
            "ca-etl status",
            _ended(failures[0]),
            area=JOURNAL,
        )


def _is_of_machine(run: RunRecord) -> bool:
    """Whether a run failed because of the machine or the code, such as a full disk, so that waiting does not help.

    A failed run without a cause, of an earlier version, counts too: left out, it would resolve an alert that is open.
    """
    return run.status == RunStatus.FAILED and run.cause in {None, Cause.MACHINE}


def _stale(settings: Settings, runs: Sequence[RunRecord], now: datetime) -> Iterator[Condition]:
    for late in overdue(settings, runs, now):
        last = (
            f"The last observed slot is {local_time(late.last_observed, settings)}"
            if late.last_observed
            else "No slot was observed yet"
        )
        yield Condition(
            f"stale:{late.source}/{late.schedule}",
            f"No fresh data of {late.source}/{late.schedule}",
            f"{last}; the slot of {local_time(late.due, settings)} is overdue.",
            f"ca-etl status && {run_command(late.schedule)}",
            late.due,
            area=schedule_area(late.schedule),
        )


def schedule_area(schedule: str) -> str:
    """The row of a schedule in the table of `ca-etl doctor`, by the name of the schedule."""
    return f"schedule {schedule}"


def _checks_failed(runs: Sequence[RunRecord]) -> Iterator[Condition]:
    checked = [run for run in runs if run.status in CHECKED]
    streak = _streak(checked, lambda run: run.status == RunStatus.CHECKS_FAILED)
    if streak:
        last = streak[-1]
        errors = [f"{check.check_name}: {check.sample}" for check in last.checks if check.severity == "error"]
        reason = "; ".join(errors) or last.error or ""
        yield Condition(
            "checks_failed",
            "Checks failed, nothing is published",
            f"Checks of run {last.run_id} failed: {one_line(reason)}. "
            "`ca-etl decide` excludes or accepts a capture, for the next run.",
            "ca-etl status && ca-etl decide --help",
            _ended(streak[0]),
            area=JOURNAL,
        )


def _checks_fire(runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """The warnings of the last checked run whose checks alert. These are about the data, whatever the run did."""
    checked = [run for run in runs if run.status in CHECKED]
    for name, check in _alerting(checked[-1]).items() if checked else ():
        firing = _streak(checked, lambda run, name=name: name in _alerting(run))  # type: ignore[misc]
        yield Condition(
            f"check:{name}",
            f"The check {name} fires",
            f"Run {checked[-1].run_id} found {counted(check.offending_rows, 'row')} in {check.model}: "
            f"{one_line(check.sample)}",
            "ca-etl status && ca-etl decide --help",
            _ended(firing[0]),
        )


def _alerting(run: RunRecord) -> dict[str, CheckResult]:
    return {check.check_name: check for check in run.checks if check.alerts and check.offending_rows}


def _of_schedule(settings: Settings, planned: Schedule, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    mine = [run for run in runs if run.schedule == planned.name]
    yield from _rejects_unusual(settings, f"{planned.source}/{planned.name}", mine)
    slots = [(run, slot) for run in mine if (slot := _own_slot(run)) is not None]
    yield from _site_refuses(planned, slots)
    yield from _site_differs(settings, planned, slots)
    yield from _articles_missing(settings, planned, mine)
    yield from _source_fails(settings, planned, mine)


def _of_ingest(settings: Settings, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """The conditions of an ingest, while it is the last run: its alert ends with the next run of any kind.

    A rebuild or a retry has no conditions of its own: its rejects were reported before.
    """
    if runs and runs[-1].kind == RunKind.INGEST:
        yield from _rejects_unusual(settings, "ingest", [run for run in runs if run.kind == RunKind.INGEST])


def _rejects_unusual(settings: Settings, name: str, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    before: Sequence[RunRecord | None] = (None, *runs)
    loaded = [run for run, previous in zip(runs, before, strict=False) if _has_own_rejects(run, previous)]
    if not loaded:
        return
    *earlier, last = loaded
    usual = _usual(run.rejects for run in earlier if run.status == RunStatus.SUCCEEDED)
    bound = max(settings.alert_rejects_least, settings.alert_rejects_times * usual)
    if last.rejects > bound:
        yield Condition(
            f"rejects_unusual:{name}",
            f"More rejects than usual in {name}",
            f"Run {last.run_id} has {counted(last.rejects, 'reject')}; {usual:g} are usual.",
            'ca-etl sql "select reason, detail, count(*) from etl_reject group by all order by all"',
            _ended(last),
        )


def _has_own_rejects(run: RunRecord, previous: RunRecord | None) -> bool:
    """Whether all rejects of a run are of pages that this run captured.

    A second run in a slot loads nothing. The run after an outage also rejects the error pages of the days before,
    24 of them after two days of status 503: they were reported as failures.
    """
    if previous is not None and previous.status not in CHECKED:
        return False
    return run.status in CHECKED and bool(run.captures or run.rejects)


def _site_refuses(planned: Schedule, slots: Sequence[tuple[RunRecord, SlotRecord]]) -> Iterator[Condition]:
    # a slot without any response does not show that the site has stopped refusing
    responses = [pair for pair in slots if _has_pages(pair[1]) or _is_refused(pair[1])]
    streak = _streak(responses, lambda pair: _is_refused(pair[1]))
    if streak:
        name = f"{planned.source}/{planned.name}"
        yield Condition(
            f"site_refuses:{name}",
            f"The site refuses {name}",
            f"The site refused the requests: {one_line(streak[-1][1].reason or 'blocked')}. "
            f"Refused slots in a row: {len(streak)}. The refusal is respected, not circumvented.",
            "ca-etl status",
            _ended(streak[0][0]),
        )


def _site_differs(
    settings: Settings, planned: Schedule, slots: Sequence[tuple[RunRecord, SlotRecord]]
) -> Iterator[Condition]:
    responses = [pair for pair in slots if _has_pages(pair[1])]
    if not responses:
        return
    *earlier, (run, slot) = responses
    usual = _usual(_missing(before) for _, before in earlier if before.outcome in GOOD)
    without_rates = slot.cause == Cause.NO_RATES or any(
        check.check_name == OBSERVES_RATES and check.offending_rows for check in run.checks
    )
    if without_rates or (_missing(slot) or 0) - usual >= settings.alert_missing_pages:
        name = f"{planned.source}/{planned.name}"
        yield Condition(
            f"site_differs:{name}",
            f"The pages of {name} are not as usual",
            f"Run {run.run_id}: {'no page had rates' if without_rates else one_line(slot.reason or '')}. "
            f"Usual number of missing pages: {usual:g}.",
            f"ca-etl status && {run_command(planned.name)} --again",
            _ended(run),
        )


def _articles_missing(
    settings: Settings, planned: Schedule, runs: Sequence[RunRecord]
) -> Iterator[Condition]:
    """Consecutive runs without articles from any source, from `alert_failed_runs` runs on.

    Sources that have been unavailable in all runs are no condition: the site never offered them.
    """
    requested = [(run, slots) for run in runs if (slots := _articles(run))]
    streak = _streak(requested, lambda pair: all(slot.outcome not in GOOD for slot in pair[1]))
    if len(streak) < settings.alert_failed_runs:
        return
    run, slots = streak[-1]
    if len(streak) == len(requested) and all(slot.outcome == SlotOutcome.CLOSED for slot in slots):
        return
    outcomes = "; ".join(f"{slot.source} {slot.outcome} ({slot.reason})" for slot in slots)
    yield Condition(
        f"articles_missing:{planned.name}",
        "No source gives articles",
        f"Run {run.run_id} got no article: {one_line(outcomes)}. Runs without articles in a row: {len(streak)}.",
        "ca-etl status",
        _ended(streak[0][0]),
    )


def _source_fails(settings: Settings, planned: Schedule, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """`alert_failed_runs` consecutive failures of a bank, or of a source of articles while another gives articles.

    The other one may have fewer: a feed has no deleted articles, and few texts.
    """
    requested = [slots for run in runs if (slots := _articles(run))]
    watched = requested[-1] if requested and any(slot.outcome in GOOD for slot in requested[-1]) else ()
    banks = [slot for run in runs[-1:] for slot in run.slots if slot.source not in SITE_SOURCES]
    for last in (*watched, *banks):
        mine = [slot for run in runs for slot in run.slots if slot.source == last.source]
        streak = _streak(mine, lambda slot: slot.outcome in FAULTY)
        if len(streak) >= settings.alert_failed_runs:
            yield Condition(
                f"source_fails:{last.source}/{planned.name}",
                f"The source {last.source} fails",
                f"The last outcome of {last.source} in {planned.name} is {last.outcome}: "
                f"{one_line(last.reason or 'no reason is known')}. Failed slots in a row: {len(streak)}.",
                "ca-etl status",
                streak[0].slot,
            )


def _articles(run: RunRecord) -> tuple[SlotRecord, ...]:
    """The slot records of a run that are about article sources; none for a slot that passed without a run."""
    return tuple(slot for slot in run.slots if slot.source in ARTICLES)


def _is_refused(slot: SlotRecord) -> bool:
    """Whether the site refused the requests of a slot: by a status, a challenge page, or its robots.txt."""
    return slot.outcome == SlotOutcome.BLOCKED


def _has_pages(slot: SlotRecord) -> bool:
    """Whether the site gave any pages in a slot, with rates or without."""
    return slot.outcome in GOOD or slot.cause == Cause.NO_RATES


def _missing(slot: SlotRecord) -> int | None:
    """How many requested pages of a slot were not usable; None where that is unknown."""
    if slot.pages_requested is None or slot.pages_usable is None:
        return None
    return slot.pages_requested - slot.pages_usable


def _own_slot(run: RunRecord) -> SlotRecord | None:
    """The slot that a run was for, which its record lists after the slots without a run; None without a slot."""
    return run.slots[-1] if run.slots and run.slots[-1].outcome != SlotOutcome.MISSED else None


def _ended(run: RunRecord) -> datetime:
    return run.finished_at or run.started_at


def _usual(numbers: Iterable[int | None]) -> float:
    """The median of the latest 20 numbers, 0 without any; None, a number that is unknown, is left out."""
    return median([number for number in numbers if number is not None][-USUAL_RUNS:] or [0])


def _streak(values: Sequence[T], holds: Callable[[T], bool]) -> list[T]:
    """The unbroken series of values at the end of `values` for which `holds` is true, oldest first."""
    return list(takewhile(holds, reversed(values)))[::-1]


def local_time(instant: datetime, settings: Settings) -> str:
    """An instant as text to the minute, in the zone of the schedules, with its offset."""
    return f"{instant.astimezone(settings.zone):%Y-%m-%d %H:%M %z}"


def one_line(text: str) -> str:
    """A text on one line of at most 600 characters, control characters written as escapes: it may quote a page."""
    line = " ".join(visible(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def duration(length: timedelta) -> str:
    """A length of time in its two largest units, such as "2 d 3 h" or "5 min"."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
