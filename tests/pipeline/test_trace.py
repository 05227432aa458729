"""From a published value to its bytes, on an archive and a release of the demo."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.parse.rows import find_title
from ca_etl.parse.ticker import find_line
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.trace import (
    ArchiveEvidence,
    body_of,
    edits_of,
    find_capture,
    headers_of,
    trace_article,
    trace_official_rate,
    trace_rate,
)
from ca_etl.screen import Mark, Piece, compare_words, marked
from ca_etl.settings import Settings
from ca_etl.warehouse.connection import open_release


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two days of the demo with its banks. Not to be written to."""
    folder = tmp_path_factory.mktemp("days")
    settings = Settings(data_dir=folder, demo_port=0, sources=("all",), _env_file=None)
    list(play_days(settings, 2))
    return settings


@pytest.fixture
def con(days: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_release(days.data_dir / "current" / "warehouse.duckdb") as con:
        yield con


def newest(con: duckdb.DuckDBPyConnection) -> str:
    return str(con.execute("select max(rate_date) from fct_rate_daily").fetchall()[0][0])


def span(evidence: ArchiveEvidence) -> str:
    return "".join(piece.text for piece in evidence.page or () if piece.mark is Mark.SPAN)


def test_a_rate_is_traced_to_its_line_on_the_page(con, days):
    trace = trace_rate(con, days.archive_dir, "kzt", newest(con))
    assert trace.rate_low < trace.rate < trace.rate_high
    assert trace.evidence.problem is None
    assert trace.evidence.computed_sha256 == trace.evidence.capture.payload_sha256
    assert span(trace.evidence).split() == ["KZT/USD", "=", trace.rate_text, trace.change_text]


def test_a_rate_names_the_bank_whose_rate_is_the_best_of_the_day(con, days):
    query = "select base, any_value(rate_source) from fct_rate_best where rate_date = $1 group by all"
    best = dict(con.execute(query, [newest(con)]).fetchall())
    named = {
        base: trace_rate(con, days.archive_dir, base, newest(con)).official_source
        for base in ("KGS", "KZT", "TJS", "TMT", "UZS")
    }
    assert best.pop("TMT") == "cbt"
    assert named == {**best, "TMT": None}


def test_every_official_rate_is_traced_to_its_lines_in_the_table_of_the_bank(con, days):
    best = con.execute("""
        select rate_date, base, rate_source, rate, inverse_rate, value_date from fct_rate_best
        where method in ('inverse', 'cross')
    """).fetchall()
    assert {source for _, _, source, *_ in best} == {"cbr", "cbu", "nbkr", "nbt"}
    for day, base, source, rate, inverse_rate, value_date in best:
        trace = trace_official_rate(con, days.archive_dir, base, str(day), source)
        assert (trace.rate, trace.official_rate) == (rate, inverse_rate)
        # a table that only dates the rate of an earlier day again is the later one here
        assert value_date <= trace.observed_date <= day
        assert trace.evidence.computed_sha256 == trace.evidence.capture.payload_sha256
        assert span(trace.evidence).startswith("USD")
        assert span(trace.evidence).endswith(trace.lines[-1].rate_text)


def test_a_cross_is_traced_to_both_lines_that_it_is_made_of(con, days):
    (day,) = con.execute("select max(rate_date) from fct_official_rate where source = 'cbr'").fetchall()[0]
    trace = trace_official_rate(con, days.archive_dir, "KZT/USD", str(day), "cbr")
    assert [(line.base, line.quote, line.nominal) for line in trace.lines] == [
        ("USD", "RUB", 1),
        ("KZT", "RUB", 100),
    ]
    spans = [piece.text for piece in trace.evidence.page if piece.mark is Mark.SPAN]
    assert [(text[:3], text.rpartition(">")[2]) for text in spans] == [
        (line.base, line.rate_text) for line in trace.lines
    ]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("KGS", "1999-01-01", "nbkr"), "KGS/USD has rates of nbkr from"),
        (("KZT", "2025-12-22", "nbkr"), "no pair 'KZT' of nbkr; it has KGS/USD"),
        (
            ("TMT", "2025-12-22", "cbt"),
            "no table of a bank 'cbt'; it has cbr, cbu, nbkr, nbt; a peg has none",
        ),
    ],
)
def test_an_official_rate_that_is_not_there_names_what_is(con, days, wanted, message):
    with pytest.raises(UsageError, match=message) as raised:
        trace_official_rate(con, days.archive_dir, *wanted)
    command = shlex.split(raised.value.hint)
    if command[1] == "trace":
        assert trace_official_rate(con, days.archive_dir, *command[3:5], command[6]).rate > 0
    else:
        assert "rate_source" in con.sql(command[2]).columns


@pytest.mark.parametrize("pair", ["KZT", "TJS", "KGS", "UZS", "TMT"])
def test_every_pair_has_its_own_line(con, days, pair):
    trace = trace_rate(con, days.archive_dir, f"{pair}/USD", newest(con))
    assert span(trace.evidence).startswith(f"{pair}/USD")


@pytest.mark.parametrize(
    ("pair", "day", "message"),
    [
        ("KZT", "1999-01-01", "has rates from"),
        ("KZT", "yesterday", "is not a day"),
        ("XXX", "2025-12-22", "KGS/USD, KZT/USD"),
    ],
)
def test_a_rate_that_is_not_there_names_what_is(con, days, pair, day, message):
    with pytest.raises(UsageError, match=message) as raised:
        trace_rate(con, days.archive_dir, pair, day)
    _, _, _, other_pair, other_day = raised.value.hint.split()
    assert trace_rate(con, days.archive_dir, other_pair, other_day).rate > 0


def test_an_article_is_traced_to_its_title_on_the_page(con, days):
    article_id, title = con.execute("select article_id, title from fct_article limit 1").fetchall()[0]
    trace = trace_article(con, days.archive_dir, article_id)
    assert [state.title for state in trace.revisions] == [title]
    assert span(trace.revisions[0].evidence) == title


def test_every_title_of_every_state_is_marked_where_its_capture_prints_it(con, days):
    for (article_id,) in con.execute("select article_id from fct_article").fetchall():
        for state in trace_article(con, days.archive_dir, article_id).revisions:
            assert state.evidence.page is not None, state.title


def test_an_unknown_id_names_those_that_begin_like_it(con, days):
    (article_id,) = con.execute("select max(article_id) from fct_article").fetchall()[0]
    with pytest.raises(UsageError, match="no article whose id begins with") as raised:
        trace_article(con, days.archive_dir, f"{article_id[:10]}zz")
    assert raised.value.hint == f"ca-etl trace article {article_id}"


@pytest.mark.parametrize(
    ("find", "column"),
    [
        (lambda con: edits_of(con, "zzzzzzzz"), "article_id"),
        (lambda con: find_capture(con, "zz"), "capture_id"),
    ],
)
def test_an_id_like_no_other_names_the_query_that_lists_all(con, find, column):
    with pytest.raises(UsageError, match="whose id begins with 'zz") as raised:
        find(con)
    assert "nearest" not in str(raised.value)
    program, command, query = shlex.split(raised.value.hint)
    assert (program, command) == ("ca-etl", "sql")
    assert column in con.sql(query).columns


def test_an_ambiguous_id_names_the_first_ones(con):
    with pytest.raises(UsageError, match="captures whose ids begin with") as raised:
        find_capture(con, "urn:uuid:")
    assert find_capture(con, raised.value.hint.split()[-1])


def test_an_id_in_upper_case_is_the_same_id(con):
    (capture_id,) = con.execute("select max(capture_id) from raw.capture").fetchall()[0]
    assert find_capture(con, capture_id.upper()).capture_id == capture_id
    (article_id,) = con.execute("select max(article_id) from fct_article").fetchall()[0]
    assert edits_of(con, article_id.upper())[0] == article_id


def test_a_prefix_of_the_id_with_or_without_its_scheme_is_enough(con):
    (capture_id,) = con.execute("select max(capture_id) from raw.capture").fetchall()[0]
    assert find_capture(con, capture_id[:20]) == find_capture(con, capture_id.removeprefix("urn:uuid:"))


def test_headers_and_body_are_those_of_the_response(con, days):
    stored = trace_rate(con, days.archive_dir, "KZT", newest(con)).evidence.capture
    assert headers_of(days.archive_dir, stored).startswith(b"HTTP/1.1 200")
    assert len(body_of(con, days.archive_dir, stored)) == stored.payload_bytes


def test_a_missing_archive_file_ends_the_chain_with_the_next_command(con, days, tmp_path):
    evidence = trace_rate(con, tmp_path, "KZT", newest(con)).evidence
    assert evidence.problem is not None
    assert "cannot be read: No such file" in evidence.problem.message
    assert "ca-etl doctor --deep" in evidence.problem.next_command
    assert (evidence.computed_sha256, evidence.page) == (None, None)
    with pytest.raises(CaEtlError, match="No such file"):
        headers_of(tmp_path, evidence.capture)


@pytest.mark.parametrize("byte", [0, 40, 200])
def test_a_damaged_archive_file_ends_the_chain_at_its_byte(con, days, tmp_path, byte):
    archive = tmp_path / "archive"
    shutil.copytree(days.archive_dir, archive)
    stored = trace_rate(con, days.archive_dir, "KZT", newest(con)).evidence.capture
    damage(archive / stored.archive_file, stored.archive_offset + byte)
    evidence = trace_rate(con, archive, "KZT", newest(con)).evidence
    assert evidence.problem is not None
    assert f"is damaged at byte {stored.archive_offset}" in evidence.problem.message


def damage(path: Path, at: int) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def test_the_line_of_a_text_page_is_found_between_line_ends():
    text = "\n".join(["• KGS/USD = 0.01144 0%", "• KZT/USD = 0.00198 -0%", "05 December 2025"])
    start, end = find_line(text.replace("\n", "\x04"), ("KZT", "USD"), "0.00198", "-0%") or (0, 0)
    assert text[start:end] == "KZT/USD = 0.00198 -0%"


@pytest.mark.parametrize(("rate", "change"), [("0.0019", "-0%"), ("0.00198", "0%")])
def test_a_line_with_other_digits_is_another_line(rate, change):
    assert find_line("• KZT/USD = 0.00198 -0%", ("KZT", "USD"), rate, change) is None


@pytest.mark.parametrize(
    "page",
    [
        "A Farmer's Market Opens",
        r"A Farmer\u2019s Market Opens",
        "A Farmer&#8217;s Market <em>Opens</em>",
        "A  Farmer's\nMarket Opens",
    ],
)
def test_a_title_is_found_with_the_escapes_of_the_page(page):
    start, end = find_title(f"before {page} after", "A Farmer's Market Opens") or (0, 0)
    assert f"before {page} after"[start:end] in {page, page.removesuffix("</em>")}


def test_a_title_that_the_page_does_not_have_has_no_span():
    assert find_title("A Farmer Opens", "A Farmer's Market Opens") is None


def test_unchanged_words_around_a_change_are_abbreviated():
    old = " ".join(["far"] * 20 + ["one"] + ["near"] * 20)
    pieces = compare_words(old, old.replace("one", "two"))
    shown = marked(pieces, with_style=False, separator=" ").plain
    assert shown == f"… {'far ' * 8}[-one-] {{+two+}} {'near ' * 8}…"


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("one\ntwo", "one two", "one [-↵-] two"),
        ("one two", "one\n\ntwo", "one {+↵↵+} two"),
        ("one", "one\ntwo\nthree", "one {+↵\ntwo↵\nthree+}"),
    ],
)
def test_a_changed_line_end_is_visible(old, new, shown):
    assert marked(compare_words(old, new), with_style=False, separator=" ").plain == shown


def test_the_part_of_a_page_begins_and_ends_with_a_whole_word(con, days):
    evidence = trace_rate(con, days.archive_dir, "TMT", newest(con)).evidence
    before, _, after = [piece.text for piece in evidence.page or ()]
    assert (before[:2], after[-2:]) == ("… ", " …")
    words = re.findall(r"[^\s<>]+", body_of(con, days.archive_dir, evidence.capture).decode())
    assert before.split()[1] in words
    assert after.split()[-2] in words


def test_equal_words_have_no_changes():
    assert compare_words("one  two", "one two") == ()


def test_a_span_has_signs_in_a_pipe_and_a_style_on_a_terminal():
    pieces = (Piece("a "), Piece("b", Mark.SPAN))
    assert marked(pieces, with_style=False).plain == "a >>b<<"
    assert marked(pieces, with_style=True).plain == "a b"
    assert marked(pieces, with_style=True).spans


def test_an_article_with_one_state_has_no_edit(con):
    (article_id,) = con.execute("select min(article_id) from fct_article where revisions = 0").fetchall()[0]
    assert edits_of(con, article_id) == (article_id, ())


def test_edits_come_newest_first_with_what_each_changed():
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute("create table fct_article as select 'abc1' as article_id")
        con.execute(
            "create table raw.article_text as from (values ('a', 'One two.'), ('b', 'One three.')) as t (text_id, text)"
        )
        con.execute(
            "create table fct_article_revision as select 'abc1' as article_id, *, null as valid_to, 'c' as capture_id,"
            " timestamptz '2025-12-05 02:00:00+00' as valid_from from (values (0, null, 'Old', 'a'),"
            " (1, 'text', 'Old', 'b'), (2, 'title', 'New', 'b')) as state (revision, changed, title, text_id)"
        )
        article_id, edits = edits_of(con, "abc")
    assert article_id == "abc1"
    assert [edit.revision for edit in edits] == [2, 1]
    assert [marked(edit.title, with_style=False, separator=" ").plain for edit in edits] == [
        "[-Old-] {+New+}",
        "",
    ]
    assert [marked(edit.text, with_style=False, separator=" ").plain for edit in edits] == [
        "",
        "One [-two.-] {+three.+}",
    ]
