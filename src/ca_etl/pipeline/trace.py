"""The way of a published value back to its bytes, and what an edit of an article changed, word by word.

All is read from the current release and the archive: a trace needs no lock, and works while a run holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl.archive.reader import read_capture, read_record
from ca_etl.archive.record import HTTP_HEAD_END
from ca_etl.errors import CaEtlError, Problem, UsageError
from ca_etl.parse.decode import decode
from ca_etl.parse.page import GAP
from ca_etl.parse.rows import find_title, printed_text
from ca_etl.parse.ticker import find_line
from ca_etl.records import BadRecord, Capture
from ca_etl.screen import Mark, Piece, compare_words
from ca_etl.sources.banks.table import find_price
from ca_etl.warehouse.reading import RESTORE, consult, resolver

Span = tuple[int, int] | None
Find = Callable[[str], Span]
Excerpt = tuple[Piece, ...] | None

# Characters of the page on each side of a span.
CONTEXT_CHARS: Final = 160
LISTED: Final = 3
# The characters that an unknown id must share with the ids that are named as the nearest.
LEAST_SHARED: Final = 4
ID_PREFIX: Final = "urn:uuid:"

RATE: Final = """
    select daily.rate_date, daily.base, daily.quote, daily.rate, daily.rate_low, daily.rate_high, daily.is_filled,
        daily.fill_reason, daily.rate_date - daily.fill_age_days as observed_date, observed.rate_text,
        observed.change_text, observed.position, daily.capture_id,
        case when best.method in ('inverse', 'cross') then best.rate_source end as official_source
    from main.fct_rate_daily as daily
    inner join main.fct_rate_observation as observed using (capture_id, base, quote)
    left join main.fct_rate_best as best
        on best.rate_date = daily.rate_date and best.base = daily.base and best.quote = daily.quote
    where daily.base = $1 and daily.quote = $2 and daily.rate_date = $3
"""
PAIRS: Final = """
    select base, quote, min(rate_date), max(rate_date) from main.fct_rate_daily group by all order by all
"""
# The rates of banks, with base and quote as in `fct_rate_best`; a rate counts for 14 days, as there.
OFFICIAL_PAIRS: Final = """
    select source, quote, base, min(rate_date), max(rate_date) from main.fct_official_rate
    where capture_id is not null group by all order by all
"""
OFFICIAL: Final = """
    select $3::date as rate_date, quote as base, base as quote, inverse_rate as rate, inverse_low as rate_low,
        inverse_high as rate_high, source, rate as official_rate, rate_low as official_low, rate_high as official_high,
        rate_type, rate_date as observed_date, capture_id
    from main.fct_official_rate
    where quote = $1 and base = $2 and rate_date between $3::date - 14 and $3 and source = $4 and is_current
        and capture_id is not null
    order by observed_date desc limit 1
"""
BANKS: Final = 'ca-etl sql "from fct_rate_best select base, rate_source, count(*) as days group by all"'
# The lines of a table that make a rate; `repeats` counts the earlier ones that have the same currency and price.
LINES: Final = """
    select base, quote, nominal, rate_text, rate_date, position, (
            select count(*) from raw.official_rate as earlier
            where earlier.capture_id = line.capture_id and earlier.base = line.base
                and earlier.rate_text = line.rate_text and earlier.position < line.position
        ) as repeats
    from raw.official_rate as line
    where capture_id = $1 and rate_date = $2 and base in ($3, $4)
    order by position
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
    `official_source` is the bank whose rate `fct_rate_best` has for the day, null without one.
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
    official_source: str | None
    evidence: ArchiveEvidence


@dataclass(frozen=True, slots=True)
class OfficialLine:
    """A line of a bank's table: `rate_text` is the printed price of `nominal` units of `base` in units of `quote`.

    `position` counts the lines of the table from 0, `repeats` the earlier ones with the same currency and price.
    """

    base: str
    quote: str
    nominal: int
    rate_text: str
    rate_date: date
    position: int
    repeats: int


@dataclass(frozen=True, slots=True)
class OfficialTrace:
    """The rate of a bank for a day, as in `fct_rate_best` and `fct_official_rate`, with its lines and capture.

    `rate` and its bounds are units of `quote` per unit of `base`; `official_rate` and its bounds are the inverse, as
    the bank publishes it. `observed_date` is the day of the table, `rate_date` or up to 14 days earlier. A cross has
    two lines.
    """

    rate_date: date
    base: str
    quote: str
    rate: Decimal
    rate_low: Decimal
    rate_high: Decimal
    source: str
    official_rate: Decimal
    official_low: Decimal
    official_high: Decimal
    rate_type: str
    observed_date: date
    lines: tuple[OfficialLine, ...]
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
    """Trace the rate of a day, `pair` is a base such as KZT, or KZT/USD. Raises `UsageError` for a rate without row."""
    row = _rate_row(con, con.execute(PAIRS).fetchall(), pair, day)
    of = (row["base"], row["quote"])
    find = partial(find_line, pair=of, rate=row["rate_text"], change=row["change_text"])
    evidence = _evidence(con, archive_dir, row.pop("capture_id"), partial(_page, find=find))
    return RateTrace(**row, evidence=evidence)


def trace_official_rate(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, pair: str, day: str | None, source: str
) -> OfficialTrace:
    """Trace the rate of the bank `source` for a day to the lines of its table. Raises `UsageError` without one."""
    every_pair = con.execute(OFFICIAL_PAIRS).fetchall()
    pairs = [of_pair for bank, *of_pair in every_pair if bank == source]
    if not pairs:
        names = ", ".join(dict.fromkeys(bank for bank, *_ in every_pair)) or "no bank"
        problem = f"no table of a bank {source!r}; it has {names}; a peg has none"
        raise UsageError(f"the current release has {problem}", BANKS)
    row = _rate_row(con, pairs, pair, day, source)
    capture_id = row.pop("capture_id")
    made_of = [capture_id, row["observed_date"], row["base"], row["quote"]]
    lines = tuple(OfficialLine(**line) for line in _dicts(con, LINES, made_of))
    evidence = _evidence(con, archive_dir, capture_id, partial(_table, lines=lines))
    return OfficialTrace(**row, lines=lines, evidence=evidence)


def trace_article(con: duckdb.DuckDBPyConnection, archive_dir: Path, prefix: str) -> ArticleTrace:
    """Find states and captures of the article whose id begins with `prefix`. Raises `UsageError` unless it is one."""
    article_id = _id_of(con, ARTICLES, prefix, "ca-etl trace article")
    revisions = []
    for row in _dicts(con, REVISIONS, [article_id]):
        del row["text"]
        show = partial(_page, find=partial(find_title, title=row["title"]))
        evidence = _evidence(con, archive_dir, row.pop("capture_id"), show)
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
    con: duckdb.DuckDBPyConnection,
    archive_dir: Path,
    stored: StoredCapture,
    show: Callable[[Capture], Excerpt] | None = None,
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
    page = None if show is None else show(read)
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


def _evidence(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, capture_id: str, show: Callable[[Capture], Excerpt]
) -> ArchiveEvidence:
    return examine_capture(con, archive_dir, _stored(con, capture_id), show)


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


def _page(capture: Capture, find: Find) -> Excerpt:
    """The span that `find` gives, between the whole words of the page around it; null where it gives none."""
    text = printed_text(capture.payload, content_type=capture.content_type, url=capture.url)
    span = None if text is None else find(text)
    if text is None or span is None:
        return None
    return _excerpt(text.replace(GAP, "\n"), span)


def _table(capture: Capture, lines: Iterable[OfficialLine]) -> Excerpt:
    """The lines of a bank's table as sent, each between what is around it; null where one is not in one piece."""
    text = decode(capture.payload, capture.content_type, is_html=False, is_xml=True).text
    spans = [find_price(text, line.base, line.rate_text, line.rate_date, line.repeats) for line in lines]
    found = [_excerpt(text, span) for span in spans if span is not None]
    if len(found) < len(spans):
        return None
    return tuple(piece for part in found for piece in (*part, Piece("\n")))


def _excerpt(text: str, span: tuple[int, int]) -> tuple[Piece, ...]:
    start, end = span
    before, after = text[max(0, start - CONTEXT_CHARS) : start], text[end : end + CONTEXT_CHARS]
    parts = (
        Piece(before if len(before) == start else re.sub(r"^\S*\s+", "… ", before)),
        Piece(text[start:end], Mark.SPAN),
        Piece(after if end + len(after) == len(text) else re.sub(r"\s+\S*$", " …", after)),
    )
    return tuple(Piece(re.sub(r"\s*\n\s*", "\n", part.text), part.mark) for part in parts)


def _rate_row(
    con: duckdb.DuckDBPyConnection,
    pairs: Sequence[Sequence[Any]],
    pair: str,
    day: str | None,
    source: str | None = None,
) -> dict[str, Any]:
    """The row of a rate of one of `pairs` (base, quote, first day, last day). Raises `UsageError` that names these."""
    of, option = (f" of {source}", f" --source {source}") if source else ("", "")
    wanted = pair.upper()
    matches = [row for row in pairs if wanted in {row[0], f"{row[0]}/{row[1]}"}]
    if len(matches) != 1:
        names = ", ".join(f"{base}/{quote}" for base, quote, *_ in matches or pairs)
        hint = (
            f"ca-etl trace rate {pairs[0][0]}/{pairs[0][1]} {pairs[0][3]}{option}"
            if pairs
            else "ca-etl status"
        )
        problem = "several pairs" if matches else "no pair"
        raise UsageError(f"the current release has {problem} {pair!r}{of}; it has {names or 'no rate'}", hint)
    base, quote, first, last = matches[0]
    known = f"{base}/{quote} has rates{of} from {first} to {last}"
    hint = f"ca-etl trace rate {base}/{quote} {last}{option}"
    try:
        on = date.fromisoformat(day or "")
    except ValueError as error:
        problem = f"{day!r} is not a day such as {last}" if day else "the day of the rate is missing"
        raise UsageError(f"{problem}; {known}", hint) from error
    rows = _dicts(con, OFFICIAL if source else RATE, [base, quote, on, *([source] if source else [])])
    if not rows:
        raise UsageError(f"{base}/{quote} has no rate{of} on {on}; {known}", hint)
    return rows[0]


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
