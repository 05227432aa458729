"""What became of each expected slot: decided from what a run saw, without clock or disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

from ca_etl.archive.policy import Verdict
from ca_etl.pipeline.capture import Captured, Page
from ca_etl.pipeline.load import Loaded
from ca_etl.pipeline.slots import GOOD, SlotOutcome, present, slots_of
from ca_etl.pipeline.told import Told
from ca_etl.pipeline.visit import FINAL, USABLE
from ca_etl.sources.schedules import Schedule
from ca_etl.warehouse.journal import RunRecord, SlotRecord

# A year of days; a schedule of seconds that stood still for a week is not worth a million lines.
MOST_MISSED: Final = 400


def slot_record(
    schedule: Schedule, slot: datetime, outcome: SlotOutcome, reason: str | None = None
) -> SlotRecord:
    """A line of the ledger. A `slot` between two of the schedule counts for the one before it."""
    expected = schedule.latest(slot)
    return SlotRecord(schedule.source, schedule.name, expected, schedule.day(expected), outcome.value, reason)


def article_slots(schedule: Schedule, slot: datetime, told: Iterable[Told]) -> tuple[SlotRecord, ...]:
    """The lines of the sources of articles that were asked. One that was not asked has none.

    Neither has a slot that passed without a run: the next one asks for what is new since the last good one.
    """
    return tuple(
        replace(slot_record(schedule, slot, each.outcome, each.reason), source=each.source) for each in told
    )


def missed_slots(schedule: Schedule, runs: Iterable[RunRecord], slot: datetime) -> tuple[SlotRecord, ...]:
    """The slots that passed before `slot` without a run since the last one that any run by then has recorded.

    Oldest first, at most the latest 400; none before the first run, when no slot was expected.
    """
    last = max((record.slot for record in slots_of(schedule, present(runs, slot))), default=None)
    if last is None:
        return ()
    passed = islice(schedule.between(last, schedule.latest(slot)), MOST_MISSED)
    reason = "no run began before the next slot"
    return tuple(slot_record(schedule, each, SlotOutcome.MISSED, reason) for each in reversed(list(passed)))


def is_done(schedule: Schedule, runs: Iterable[RunRecord], slot: datetime) -> str | None:
    """The run that has published the slot already, None when none has."""
    expected = schedule.latest(slot)
    for run in runs:
        mine = slots_of(schedule, [run])
        if run.release_id and any(each.slot == expected and each.outcome in GOOD for each in mine):
            return run.run_id
    return None


def judged(
    captured: Captured | None, loaded: Loaded | None, asked: Sequence[Page], error: str
) -> tuple[SlotOutcome, str | None]:
    """The outcome of a run's own slot, and why.

    `asked` are the pages of a capture that gave nothing, `error` what ended the run. A run that failed after its
    pages were archived has observed its slot: the next run loads them.
    """
    pages = captured.pages if captured else tuple(asked)
    refused = [page for page in pages if page.verdict in FINAL]
    usable = sum(page.verdict in USABLE for page in pages)
    held = captured.already_archived if captured else 0
    if not usable and not held:
        if refused:
            return SlotOutcome.BLOCKED, f"{refused[0].verdict}: {refused[0].detail}"
        return SlotOutcome.FAILED, counted(pages) or error or None
    if loaded and not loaded.rates and not held and _all_unchanged(pages) is False:
        return SlotOutcome.FAILED, "no page had rates"
    missing = counted(page for page in pages if page.verdict not in USABLE)
    reason = f"{usable + held} of {len(pages) + held} pages; {missing}" if missing else None
    if pages and not held and _all_unchanged(pages):
        return SlotOutcome.UNCHANGED, reason
    return SlotOutcome.OBSERVED, reason


def counted(pages: Iterable[Page]) -> str:
    """Verdicts with their numbers, such as "3 http_error, 1 blocked"."""
    return ", ".join(f"{number} {verdict}" for verdict, number in Counter(p.verdict for p in pages).items())


def _all_unchanged(pages: Sequence[Page]) -> bool:
    return all(page.verdict == Verdict.UNCHANGED for page in pages if page.verdict in USABLE)
