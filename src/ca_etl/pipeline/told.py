"""What each source of articles answered in a slot, and a note of it for the case that the run is killed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.warehouse.files import storage, write_atomic

log = logging.getLogger(__name__)

NOTE_FILE: Final = "articles.json"


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
    with storage(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return ()
    try:
        note = TypeAdapter(Note).validate_json(data)
    except ValidationError as error:
        log.warning("%s is damaged, and passed over: %s", path, error)
        return ()
    return note.told if note.run_id == run_id else ()
