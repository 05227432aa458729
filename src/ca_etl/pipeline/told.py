"""What each source of articles answered in a slot, and a note of it for the case that the run is killed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ca_etl.archive.fetch import FetchResult
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.visit import FINAL, USABLE
from ca_etl.records import UNAVAILABLE_STATUSES
from ca_etl.warehouse.files import read_if_there, write_atomic

log = logging.getLogger(__name__)

NOTE_FILE: Final = "articles.json"
TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one source of articles in a slot. `articles` counts those it showed."""

    source: str
    outcome: SlotOutcome
    reason: str | None = None
    articles: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """What the run of that id was told."""

    run_id: str
    told: tuple[Told, ...]


def good(source: str, articles: int, reason: str | None) -> Told:
    """What became of a source that answered: with articles, or with the word that there are none."""
    return Told(source, SlotOutcome.OBSERVED if articles else SlotOutcome.UNCHANGED, reason, articles)


def write_note(data_dir: Path, run_id: str, told: Iterable[Told]) -> None:
    """Keep what a run was told until its journal line is written. Raises `StorageError`."""
    note = TypeAdapter(Note).dump_json(Note(run_id, tuple(told)))
    write_atomic(data_dir / NOTE_FILE, note + b"\n")


def read_note(data_dir: Path, run_id: str) -> tuple[Told, ...]:
    """What the run of that id was told, empty where no note says so. Raises `StorageError`.

    Of a damaged note nothing is taken: the next run asks once more.
    """
    path = data_dir / NOTE_FILE
    data = read_if_there(path)
    if data is None:
        return ()
    try:
        note = TypeAdapter(Note).validate_json(data)
    except ValidationError as error:
        log.warning("%s is damaged, and passed over: %s", path, error)
        return ()
    return note.told if note.run_id == run_id else ()


def outcome_of(result: FetchResult | None) -> SlotOutcome:
    """What the answer that ended a walk, and gave no articles, makes of its source."""
    if result is None:
        return SlotOutcome.FAILED
    last = result.attempts[-1] if result.attempts else None
    if last is not None and (last.status in UNAVAILABLE_STATUSES or result.verdict in USABLE):
        return SlotOutcome.CLOSED
    is_no = result.verdict in FINAL or result.ends_visit or (last is not None and last.status == TOO_MANY)
    return SlotOutcome.BLOCKED if is_no else SlotOutcome.FAILED


def refused(source: str, last: FetchResult | None, reason: str, articles: int) -> Told:
    """What became of a source whose `last` answer ended the asking."""
    return Told(source, outcome_of(last), reason, articles)


def status_of(result: FetchResult) -> int | None:
    """The status of the answer that the asking ended with, None where there was none."""
    return result.attempts[-1].status if result.attempts else None
