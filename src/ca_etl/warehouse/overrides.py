"""The decisions of the operator about single captures: `decisions.csv` in the data directory.

A capture that fails a check is in the archive for good, and would stop the publication of every later run. The
operator inspects the capture and decides: `exclude` (its observations stay out of the facts, and out of the checks on
them) or `accept` (its rates are right, however unlikely). The operator can edit the file and keep it under version
control, and a rebuild applies it. A decision is changed by another line about its capture: where a decision that the
current release has is missing, the file is taken for damaged (`lost`).
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb
from filelock import FileLock

from ca_etl.errors import CaEtlError, Problem
from ca_etl.warehouse.durable_files import storage, write_atomic
from ca_etl.warehouse.raw_load import CaptureDecision

DECISIONS_FILE: Final = "decisions.csv"
LOCK_FILE: Final = ".decisions.lock"
WORDS: Final = ("exclude", "accept")
DECIDED: Final = "select capture_id, decision from raw.decision order by all"
FIELDS: Final = ("capture_id", "decision", "reason", "decided_at")


class DecisionError(CaEtlError):
    """The file `decisions.csv` is damaged: it cannot be read, or one of its lines is not a decision."""


def read(data_dir: Path) -> tuple[CaptureDecision, ...]:
    """Read the decisions in `decisions.csv`, one for each capture: the last line about it. Raises `DecisionError`."""
    path = data_dir / DECISIONS_FILE
    with storage(path):
        try:
            text = path.read_text(encoding="utf-8-sig")  # spreadsheets save a byte order mark
        except FileNotFoundError:
            return ()
        except UnicodeDecodeError as error:
            raise DecisionError(f"{path} is not UTF-8: {error}", _repair(path)) from error
    if not text:
        return ()
    rows = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(rows.fieldnames or ()) != FIELDS:
        raise DecisionError(f"{path} does not begin with the line {','.join(FIELDS)}", _repair(path))
    try:
        decisions = [_parse(row, path, number) for number, row in enumerate(rows, start=2)]
    except csv.Error as error:
        raise DecisionError(f"{path} line {rows.line_num}: {error}", _repair(path)) from error
    return tuple({decision.capture_id: decision for decision in decisions}.values())


def lost(con: duckdb.DuckDBPyConnection | None, data_dir: Path) -> Problem | None:
    """The problem that `decisions.csv` lacks decisions that the release has, read through `con`; None where it has all.

    Without this report, excluded captures would count again unnoticed. Raises `DecisionError`.
    """
    decided = con.execute(DECIDED).fetchall() if con else []
    given = {decision.capture_id for decision in read(data_dir)} if decided else set()
    missing = [(capture_id, word) for capture_id, word in decided if capture_id not in given]
    if not missing:
        return None
    path, (capture_id, word) = data_dir / DECISIONS_FILE, missing[0]
    noun = "decision" if len(missing) == 1 else "decisions"
    return Problem(
        f"{path} lacks {len(missing)} {noun} of the current release, the first is: {word} {capture_id}; "
        "restore it from a backup, or decide again",
        f'ca-etl decide {word} {capture_id} --reason "decided before"',
    )


def append(data_dir: Path, decision: CaptureDecision) -> None:
    """Append one decision to `decisions.csv`; processes that do so at the same time wait for each other.

    `decided_at` is zone-aware. Raises `StorageError`, and `DecisionError` for a damaged file, since a further line
    would not repair it.
    """
    path = data_dir / DECISIONS_FILE
    with storage(path), FileLock(data_dir / LOCK_FILE, fallback_to_soft=False):
        before = path.read_text(encoding="utf-8-sig") if read(data_dir) else f"{','.join(FIELDS)}\n"
        out = io.StringIO(before if before.endswith("\n") else f"{before}\n")
        out.seek(0, io.SEEK_END)
        decided_at = decision.decided_at.astimezone(UTC).isoformat(timespec="seconds")
        csv.writer(out, lineterminator="\n").writerow(
            (decision.capture_id, decision.decision, decision.reason, decided_at)
        )
        write_atomic(path, out.getvalue().encode())


def _repair(path: Path) -> str:
    """The command that moves a damaged file away and lists the decisions of the release, which are to be made again."""
    return f'mv {path} {path}.damaged && ca-etl sql "from raw.decision"'


def _parse(row: dict[str, str], path: Path, number: int) -> CaptureDecision:
    hint = _repair(path)
    if None in row.values() or None in row or set(row) != set(FIELDS):
        raise DecisionError(f"{path} line {number} does not have the four fields {','.join(FIELDS)}", hint)
    if row["decision"] not in WORDS:
        raise DecisionError(f"{path} line {number}: {row['decision']!r} is neither exclude nor accept", hint)
    try:
        decided_at = datetime.fromisoformat(row["decided_at"])
    except ValueError as error:
        raise DecisionError(f"{path} line {number}: {error}", hint) from error
    if decided_at.tzinfo is None:
        decided_at = decided_at.replace(tzinfo=UTC)
    return CaptureDecision(row["capture_id"], row["decision"], row["reason"], decided_at)
