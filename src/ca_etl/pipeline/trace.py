"""The way of a published value back to its bytes, and what an edit of an article changed, word by word.

All is read from the current release and the archive: a trace needs no lock, and works while a run holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl.archive.reader import read_capture, read_record
from ca_etl.archive.record import HTTP_HEAD_END
from ca_etl.errors import CaEtlError, Problem, UsageError
from ca_etl.parse.page import GAP
from ca_etl.parse.rows import printed_text
from ca_etl.parse.ticker import find_line
from ca_etl.records import BadRecord, Capture
from ca_etl.screen import Mark, Piece
from ca_etl.warehouse.reading import RESTORE, consult, resolver

Span = tuple[int, int] | None
Find = Callable[[str], Span]

# Characters of the page on each side of a span, and words of a text on each side of a change.
CONTEXT_CHARS: Final = 160
CONTEXT_WORDS: Final = 8
LISTED: Final = 3
# The characters that an unknown id must share with the ids that are named as the nearest.
LEAST_SHARED: Final = 4
ID_PREFIX: Final = "urn:uuid:"

RATE: Final = """
    select daily.rate_date, daily.base, daily.quote, daily.rate, daily.rate_low, daily.rate_high, daily.is_filled,
        daily.fill_reason, daily.rate_date - daily.fill_age_days as observed_date, observed.rate_text,
        observed.change_text, observed.position, daily.capture_id
    from main.fct_rate_daily as daily
    inner join main.fct_rate_observation as observed using (capture_id, base, quote)
    where daily.base = $1 and daily.quote = $2 and daily.rate_date = $3
"""
PAIRS: Final = """
    select base, quote, min(rate_date), max(rate_date) from main.fct_rate_daily group by all order by all
"""
CAPTURE: Final = """
    select capture_id, source, url, captured_at, http_status, content_type, payload_bytes, payload_sha256,
        refers_to, archive_file, archive_offset
    from raw.capture where capture_id = $1
"""
# The text is read by its id, so that releases without the column `text` can be read, too.
REVISIONS: Final = """
    select state.revision, state.valid_from, state.valid_to, state.changed, state.title, stored.text, state.capture_id
    from main.fct_article_revision as state
    left join raw.article_text as stored on stored.text_id = state.text_id
    where state.article_id = $1
    order by state.revision desc
"""
# Noun, table and id of what has an id, and the columns of the query that lists all of them.
ARTICLES: Final = ("article", "main.fct_article", "article_id", "first_seen_date, article_id, title")
CAPTURES: Final = ("capture", "raw.capture", "capture_id", "captured_at, capture_id, url")

_WORD: Final = re.compile(r"\S+|\n+")
# What a title may have between its words on a page: spaces, marks, tags, and escapes of JSON and HTML.
_BETWEEN: Final = r"(?:\\u[0-9a-fA-F]{4}|&#?\w{1,8};|<[^>]{0,99}>|[^A-Za-z0-9]){1,8}?"


@dataclass(frozen=True, slots=True)
class StoredCapture:
    """A capture as the table `raw.capture` has it: sizes in bytes, `captured_at` in UTC, None where unknown."""

    capture_id: str
    source: str
    url: str | None
    captured_at: datetime | None
    http_status: int | None
    content_type: str | None
    payload_bytes: int
    payload_sha256: str
    refers_to: str | None
    archive_file: str
    archive_offset: int


@dataclass(frozen=True, slots=True)
class ArchiveEvidence:
    """A capture read back from the archive: the SHA-256 of its body computed again, and the place on the page.

    `computed_sha256` and `page` are None, and `problem` states why, where the archive does not give the body that was
    loaded. Only `page` is None where the text of the page does not have the value in one piece.
    """

    capture: StoredCapture
    computed_sha256: str | None = None
    page: tuple[Piece, ...] | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class RateTrace:
    """The rate of a day with its interval, in units of `quote` per unit of `base`, and the capture that printed it.

    `observed_date` is the day of the printed rate; it is before `rate_date` where the day `is_filled`.
    """

    rate_date: date
    base: str
    quote: str
    rate: Decimal
    rate_low: Decimal
    rate_high: Decimal
    is_filled: bool
    fill_reason: str | None
    observed_date: date
    rate_text: str
    change_text: str
    position: int
    evidence: ArchiveEvidence


@dataclass(frozen=True, slots=True)
class RevisionTrace:
    """A version of an article from `valid_from` to `valid_to` (UTC), and the capture that first showed it."""

    revision: int
    valid_from: datetime
    valid_to: datetime | None
    changed: str | None
    title: str
    evidence: ArchiveEvidence


@dataclass(frozen=True, slots=True)
class ArticleTrace:
    """An article with its versions, newest first, each with the capture that first showed it."""

    article_id: str
    revisions: tuple[RevisionTrace, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """The changes of one edit of an article: pieces of title and text, empty where the edit did not change these."""

    revision: int
    valid_from: datetime
    changed: str
    title: tuple[Piece, ...]
    text: tuple[Piece, ...]


def trace_rate(con: duckdb.DuckDBPyConnection, archive_dir: Path, pair: str, day: str | None) -> RateTrace:
    """Find the printed rate of a day and its capture; `pair` is a base such as KZT, or KZT/USD.

    Raises `UsageError` where the release has no such rate.
    """
    base, quote, first, last = _pair(con, pair)
    known = f"{base}/{quote} has rates from {first} to {last}"
    hint = f"ca-etl trace rate {base}/{quote} {last}"
    try:
        on = date.fromisoformat(day or "")
    except ValueError as error:
        problem = f"{day!r} is not a day such as {last}" if day else "the day of the rate is missing"
        raise UsageError(f"{problem}; {known}", hint) from error
    rows = _dicts(con, RATE, [base, quote, on])
    if not rows:
        raise UsageError(f"{base}/{quote} has no rate on {on}; {known}", hint)
    row = rows[0]
    find = partial(find_line, pair=(base, quote), rate=row["rate_text"], change=row["change_text"])
    evidence = _evidence(con, archive_dir, row.pop("capture_id"), find)
    return RateTrace(**row, evidence=evidence)


def trace_article(con: duckdb.DuckDBPyConnection, archive_dir: Path, prefix: str) -> ArticleTrace:
    """Find the versions and captures of the article whose id begins with `prefix`.

    Raises `UsageError` unless exactly one article matches.
    """
    article_id = _id_of(con, ARTICLES, prefix, "ca-etl trace article")
    revisions = []
    for row in _dicts(con, REVISIONS, [article_id]):
        del row["text"]
        evidence = _evidence(con, archive_dir, row.pop("capture_id"), partial(find_title, title=row["title"]))
        revisions.append(RevisionTrace(**row, evidence=evidence))
    return ArticleTrace(article_id, tuple(revisions))


def edits_of(con: duckdb.DuckDBPyConnection, prefix: str) -> tuple[str, tuple[Edit, ...]]:
    """The edits of the article whose id begins with `prefix`, newest first, after its whole id.

    Raises `UsageError` unless exactly one article matches.
    """
    article_id = _id_of(con, ARTICLES, prefix, "ca-etl diff")
    states = _dicts(con, REVISIONS, [article_id])
    return article_id, tuple(
        Edit(
            new["revision"],
            new["valid_from"],
            new["changed"],
            compare_words(old["title"], new["title"]),
            compare_words(old["text"] or "", new["text"] or ""),
        )
        for new, old in pairwise(states)
    )


def find_capture(con: duckdb.DuckDBPyConnection, prefix: str) -> StoredCapture:
    """The capture whose id begins with `prefix`, with or without `urn:uuid:`. Raises `UsageError` unless one does."""
    return _stored(con, _id_of(con, CAPTURES, prefix, "ca-etl capture"))


def examine_capture(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, stored: StoredCapture, find: Find | None = None
) -> ArchiveEvidence:
    """Read a capture back from the archive, and compare the SHA-256 of its body with that in `raw.capture`."""
    read = _read(con, archive_dir, stored)
    if isinstance(read, Problem):
        return ArchiveEvidence(stored, problem=read)
    computed = read.payload_sha256
    if computed != stored.payload_sha256:
        where = f"{archive_dir / stored.archive_file} at byte {stored.archive_offset}"
        message = f"{where} has a body with the SHA-256 {computed}, not {stored.payload_sha256}"
        return ArchiveEvidence(stored, computed, problem=Problem(message, RESTORE))
    page = None if find is None else _page(read, find)
    return ArchiveEvidence(stored, computed, page)


def body_of(con: duckdb.DuckDBPyConnection, archive_dir: Path, stored: StoredCapture) -> bytes:
    """The decoded body of a capture, from the archive. Raises `CaEtlError` where the archive does not have it."""
    read = _read(con, archive_dir, stored)
    if isinstance(read, Problem):
        raise CaEtlError(read.message, read.next_command)
    return read.payload


def headers_of(archive_dir: Path, stored: StoredCapture) -> bytes:
    """The status line and HTTP header of a capture, as received. Raises `CaEtlError` where the record has none."""
    path = archive_dir / stored.archive_file
    record = consult(partial(read_record, path, stored.archive_offset), None, path, RESTORE)
    if record.problem is not None:
        raise CaEtlError(record.problem.message, record.problem.next_command)
    end = None if record.value is None else HTTP_HEAD_END.search(record.value.raw.block)
    if record.value is None or record.value.http_body is None or end is None:
        raise UsageError(
            f"{stored.capture_id} has no HTTP header: it is a file, not a response",
            f"ca-etl capture {stored.capture_id} --body",
        )
    return record.value.raw.block[: end.end()]


def find_title(text: str, title: str) -> Span:
    """Find `title` in `text`, as written or with escapes between its words; returns start and end."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    at = text.find(title)
    if at >= 0 or not words:
        return (at, at + len(title)) if at >= 0 else None
    match = re.search(_BETWEEN.join(words), text)
    return None if match is None else match.span()


def compare_words(old: str, new: str) -> tuple[Piece, ...]:
    """Compare two texts word by word: the changes, with at most `CONTEXT_WORDS` words around each.

    Empty where the words are equal.

    >>> [(piece.mark.value, piece.text) for piece in compare_words("one two three", "one 2 three")]
    [('plain', 'one'), ('old', 'two'), ('new', '2'), ('plain', 'three')]
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    pieces: list[Piece] = []
    codes = matcher.get_opcodes()
    for number, (kind, start, end, new_start, new_end) in enumerate(codes):
        if kind == "equal":
            words = _abbreviate(after[new_start:new_end], number == 0, number == len(codes) - 1)
            pieces.append(Piece(_joined(words)))
            continue
        changes = ((before[start:end], Mark.OLD), (after[new_start:new_end], Mark.NEW))
        pieces += [Piece(_joined(words), mark) for words, mark in changes if words]
    return tuple(pieces) if any(piece.mark is not Mark.PLAIN for piece in pieces) else ()


def _abbreviate(words: list[str], is_first: bool, is_last: bool) -> list[str]:
    head = 0 if is_first else CONTEXT_WORDS
    tail = 0 if is_last else CONTEXT_WORDS
    if len(words) <= head + tail + 1:
        return words
    return [*words[:head], "…", *words[len(words) - tail :]]


def _joined(words: Iterable[str]) -> str:
    return re.sub(r" ?(\n+) ?", r"\1", " ".join(words))


def _evidence(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, capture_id: str, find: Find
) -> ArchiveEvidence:
    return examine_capture(con, archive_dir, _stored(con, capture_id), find)


def _stored(con: duckdb.DuckDBPyConnection, capture_id: str) -> StoredCapture:
    return StoredCapture(**_dicts(con, CAPTURE, [capture_id])[0])


def _read(con: duckdb.DuckDBPyConnection, archive_dir: Path, stored: StoredCapture) -> Capture | Problem:
    path, offset = archive_dir / stored.archive_file, stored.archive_offset
    resolve = resolver(con, archive_dir)
    read = consult(
        partial(read_capture, path, offset, root=archive_dir, resolve=resolve), None, path, RESTORE
    )
    if read.problem is not None:
        return read.problem
    if isinstance(read.value, Capture) and read.value.capture_id == stored.capture_id:
        return read.value
    detail = read.value.detail if isinstance(read.value, BadRecord) else "another capture is there"
    return Problem(f"{path} is damaged at byte {offset}: {detail}", RESTORE)


def _page(capture: Capture, find: Find) -> tuple[Piece, ...] | None:
    """The span that `find` gives, between the whole words of the page around it; null where it gives none."""
    text = printed_text(capture.payload, content_type=capture.content_type, url=capture.url)
    span = None if text is None else find(text)
    if text is None or span is None:
        return None
    text = text.replace(GAP, "\n")
    start, end = span
    before, after = text[max(0, start - CONTEXT_CHARS) : start], text[end : end + CONTEXT_CHARS]
    parts = (
        Piece(before if len(before) == start else re.sub(r"^\S*\s+", "… ", before)),
        Piece(text[start:end], Mark.SPAN),
        Piece(after if end + len(after) == len(text) else re.sub(r"\s+\S*$", " …", after)),
    )
    return tuple(Piece(re.sub(r"\s*\n\s*", "\n", part.text), part.mark) for part in parts)


def _pair(con: duckdb.DuckDBPyConnection, pair: str) -> tuple[str, str, date, date]:
    """Base, quote, first and last day of a pair of the release. Raises `UsageError` that names the pairs there are."""
    pairs = con.execute(PAIRS).fetchall()
    wanted = pair.upper()
    matches = [row for row in pairs if wanted in {row[0], f"{row[0]}/{row[1]}"}]
    if len(matches) == 1:
        base, quote, first, last = matches[0]
        return base, quote, first, last
    names = ", ".join(f"{base}/{quote}" for base, quote, *_ in matches or pairs)
    hint = f"ca-etl trace rate {pairs[0][0]}/{pairs[0][1]} {pairs[0][3]}" if pairs else "ca-etl status"
    problem = "several pairs" if matches else "no pair"
    raise UsageError(f"the current release has {problem} {pair!r}; it has {names or 'no rate'}", hint)


def _id_of(con: duckdb.DuckDBPyConnection, of: tuple[str, str, str, str], prefix: str, command: str) -> str:
    """The id that is `prefix`, or the one that begins with it. Raises `UsageError` that names the nearest ids."""
    noun, table, _, listed = of
    wanted = prefix.lower().removeprefix(ID_PREFIX)
    ids = _ids(con, of, wanted)
    if len(ids) == 1 or wanted in {known.lower().removeprefix(ID_PREFIX) for known in ids[:1]}:
        return ids[0]
    shorter = (wanted[:end] for end in range(len(wanted) - 1, LEAST_SHARED - 1, -1))
    nearest = ids or next(filter(None, (_ids(con, of, start) for start in shorter)), [])
    problem = f"{len(ids)} {noun}s whose ids begin with" if ids else f"no {noun} whose id begins with"
    named = f"; the nearest are {', '.join(nearest[:LISTED])}" if nearest else ""
    all_of_them = f'ca-etl sql "select {listed} from {table} order by all desc"'  # noqa: S608  names of ours
    raise UsageError(
        f"the current release has {problem} {prefix!r}{named}",
        f"{command} {nearest[0]}" if nearest else all_of_them,
    )


def _ids(con: duckdb.DuckDBPyConnection, of: tuple[str, str, str, str], prefix: str) -> list[str]:
    """The ids that begin with `prefix` (in lower case, without `urn:uuid:`), in their order: an exact one is first."""
    _, table, column, _ = of
    bare = f"replace(lower({column}), '{ID_PREFIX}', '')"
    query = f"select {column} from {table} where starts_with({bare}, $1) order by {column}"  # noqa: S608  names of ours
    return [row[0] for row in con.execute(query, [prefix]).fetchall()]


def _dicts(con: duckdb.DuckDBPyConnection, query: str, parameters: list[Any]) -> list[dict[str, Any]]:
    result = con.execute(query, parameters)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
