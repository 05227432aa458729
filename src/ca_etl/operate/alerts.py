"""Conditions that alerts report, derived from the journal alone: no clock, no network, no disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from statistics import median
from typing import Final, TypeVar

from pydantic import AwareDatetime

from ca_etl.errors import UsageError
from ca_etl.pipeline.slots import overdue, present
from ca_etl.sanitize import visible
from ca_etl.settings import Settings
from ca_etl.sources.schedules import Schedule, run_command, schedules
from ca_etl.warehouse.journal import GOOD, Cause, RunKind, RunRecord, RunStatus, SlotOutcome, SlotRecord

T = TypeVar("T")

USUAL_RUNS: Final = 20
OBSERVES_RATES: Final = "run_observes_rates"
CHECKED: Final = frozenset({RunStatus.SUCCEEDED, RunStatus.CHECKS_FAILED})
LONGEST: Final = 600


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that needs an operator, now.

    `key` names it for as long as it lasts; `since` (UTC) is when it began, as far as the journal goes.
    """

    key: str
    title: str
    detail: str
    next_command: str
    since: AwareDatetime


def conditions(settings: Settings, runs: Sequence[RunRecord], now: datetime) -> tuple[Condition, ...]:
    """Every condition that holds at `now`. `runs` are the journal's, one line a run, in the order written."""
    runs = present(runs, now)
    return (
        *_stale(settings, runs, now),
        *_checks_failed(runs),
        *_runs_failed(settings, runs),
        *(
            condition
            for planned in schedules(settings)
            for condition in _of_schedule(settings, planned, runs)
        ),
        *_of_ingest(settings, runs),
    )


def _runs_failed(settings: Settings, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """Runs that ended before their checks: at once where the machine is at fault, else when they repeat.

    A refusal of the site is left out, since it is a condition of its own, and so is a wrong command of a person.
    """
    failures = [
        run
        for run in _streak(runs, lambda run: run.status in {RunStatus.FAILED, RunStatus.CRASHED})
        if not (run.slots and _is_refused(run.slots[-1]))
        and not (run.exit_status == UsageError.exit_status and run.schedule is None)
    ]
    if failures and (len(failures) >= settings.alert_failed_runs or any(map(_is_of_machine, failures))):
        last, number = failures[-1], len(failures)
        yield Condition(
            "run_failed",
            "Runs fail" if number > 1 else "A run failed",
            f"Run {last.run_id} ({last.kind}): {one_line(last.error or last.status)}. Failed in a row: {number}.",
            "ca-etl status",
            _ended(failures[0]),
        )


def _is_of_machine(run: RunRecord) -> bool:
    """Whether waiting does not help, as with a full disk or a defect.

    A failed run without a cause, of an earlier version, counts too: left out, it would resolve an alert that is open.
    """
    return run.status == RunStatus.FAILED and run.cause in {None, Cause.MACHINE}


def _stale(settings: Settings, runs: Sequence[RunRecord], now: datetime) -> Iterator[Condition]:
    for late in overdue(settings, runs, now):
        if not runs or late.due < runs[0].started_at:
            continue  # a slot that passed before the first run was not expected
        last = (
            f"The last slot observed is {local_time(late.last_observed, settings)}"
            if late.last_observed
            else "No slot was observed yet"
        )
        yield Condition(
            f"stale:{late.source}/{late.schedule}",
            f"No fresh data of {late.source}/{late.schedule}",
            f"{last}; the one of {local_time(late.due, settings)} is overdue.",
            f"ca-etl status, then: {run_command(late.schedule)}",
            late.due,
        )


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
            f"Run {last.run_id}: {one_line(reason)}",
            "ca-etl status, then: ca-etl decide CAPTURE_ID exclude|accept, or repair",
            _ended(streak[0]),
        )


def _of_schedule(settings: Settings, planned: Schedule, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    mine = [run for run in runs if run.schedule == planned.name]
    yield from _rejects_unusual(settings, f"{planned.source}/{planned.name}", mine)
    slots = [(run, slot) for run in mine if (slot := _own_slot(run)) is not None]
    yield from _site_refuses(planned, slots)
    yield from _site_differs(settings, planned, slots)
    yield from _articles_missing(settings, planned, mine)


def _of_ingest(settings: Settings, runs: Sequence[RunRecord]) -> Iterator[Condition]:
    """An ingest is evaluated while it is the last run: its alert ends with the next run of any kind.

    A rebuild or a retry never is: what it rejects was rejected, and reported, before.
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
            f"Run {last.run_id} rejected {last.rejects}; {usual:g} are usual.",
            'ca-etl sql "select reason, detail, count(*) from etl_reject group by all order by all"',
            _ended(last),
        )


def _has_own_rejects(run: RunRecord, previous: RunRecord | None) -> bool:
    """Whether the rejects of a run are those of its own pages.

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
            f"{one_line(streak[-1][1].reason or 'blocked')}. Slots refused in a row: {len(streak)}. "
            "Nothing is done to get round it.",
            "ca-etl status (is the contact set, are the pages still allowed?)",
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
            f"Pages usually missing: {usual:g}.",
            f"ca-etl status, then: {run_command(planned.name)} --again",
            _ended(run),
        )


def _articles_missing(
    settings: Settings, planned: Schedule, runs: Sequence[RunRecord]
) -> Iterator[Condition]:
    """Whether no source of articles has given any, for as many runs in a row as may fail.

    Where all of them have always been unavailable, the site never offered them; that they became so is news.
    """
    requested = [(run, slots) for run in runs if (slots := _articles(planned, run))]
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
        f"Run {run.run_id}: {one_line(outcomes)}. Runs without in a row: {len(streak)}.",
        "ca-etl status (the next good run requests what was missed)",
        _ended(streak[0][0]),
    )


def _articles(planned: Schedule, run: RunRecord) -> tuple[SlotRecord, ...]:
    """The slots of article sources in a run; a slot that passed without a run has none of them."""
    return tuple(slot for slot in run.slots if slot.source != planned.source)


def _is_refused(slot: SlotRecord) -> bool:
    """Whether the site refused: by its status, a challenge page, or its robots.txt."""
    return slot.outcome == SlotOutcome.BLOCKED


def _has_pages(slot: SlotRecord) -> bool:
    """Whether the site gave pages, of whatever kind."""
    return slot.outcome in GOOD or slot.cause == Cause.NO_RATES


def _missing(slot: SlotRecord) -> int | None:
    """How many requested pages of the slot were not usable; None where that is unknown."""
    if slot.pages_requested is None or slot.pages_usable is None:
        return None
    return slot.pages_requested - slot.pages_usable


def _own_slot(run: RunRecord) -> SlotRecord | None:
    """The slot of a run itself: the last of its lines, after those that passed without a run."""
    return run.slots[-1] if run.slots and run.slots[-1].outcome != SlotOutcome.MISSED else None


def _ended(run: RunRecord) -> datetime:
    return run.finished_at or run.started_at


def _usual(numbers: Iterable[int | None]) -> float:
    """The median of the latest 20; an unknown number, of a line of an earlier version, is not zero and is left out."""
    return median([number for number in numbers if number is not None][-USUAL_RUNS:] or [0])


def _streak(values: Sequence[T], holds: Callable[[T], bool]) -> list[T]:
    """The values at the end for which `holds` is true without a gap, oldest first."""
    return list(takewhile(holds, reversed(values)))[::-1]


def local_time(instant: datetime, settings: Settings) -> str:
    """An instant to the minute, in the zone of the schedules, with its offset."""
    return f"{instant.astimezone(settings.zone):%Y-%m-%d %H:%M %z}"


def one_line(text: str) -> str:
    """A text that may have words of a page: on one line, control characters visible, at most 600 characters."""
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
