"""Whatever the bytes: rows or rejects, the same ones each time, and no rate that no line printed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.parse.rows import rows_of
from ca_etl.parse.ticker import is_ticker_line, read_ticker
from ca_etl.records import Capture, Rows

LISTING = (Path(__file__).parent / "fixtures" / "listing_2025-12-05.txt").read_bytes()
HTML = b"""<html><head><base href='https://timesca.com/'></head><body>
<ul><li>KGS/USD = 0.01144 0%</li><li>KZT/USD = 0.00198 -0%</li></ul>
<p>05 December 2025</p><p>Viewing results 1 - 6 of 8</p>
<article><h2><a href='/s/'>Story <b>One</b></a></h2><time datetime='2025-12-05T01:00:00Z'>x</time>
<p>Some [sic] text.</p></article>
<article><h2><a href='/t/'>Story Two</a></h2>
<p>[caption id="attachment_1"]<img> A dam[/caption] More text...</p></article></body></html>"""
NOON = datetime(2025, 12, 5, 7, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Almaty")

RATE = st.from_regex(r"[0-9]{1,3}\.[0-9]{5}", fullmatch=True)
CHANGE = st.from_regex(r"-?[0-9]{1,2}(\.[0-9]{1,2})?%", fullmatch=True)
PAIR = st.sampled_from(["KGS/USD", "KZT/USD", "TJS/USD", "UZS/USD", "TMT/USD", "AFN/USD", "USD/KGS"])
ITEM = st.builds("{} = {} {}".format, PAIR, RATE, CHANGE)
PIECE = st.one_of(
    ITEM.map("  • {}".format),
    ITEM.map("The bank said {} on Friday.".format),
    ITEM.map(lambda item: f"• {item}".replace(".", ",")),
    st.sampled_from(
        ["", "05 December 2025", "5 December 2025", "Viewing results 1 - 6 of 8", "Viewing results of none",
         "Our People > A. Writer", "Articles", "Continue reading", "A Title of Ours About the Border",
         "85 million KGS (KZT 400 million) were lent, the bank said.", "[caption id=\"attachment_1\"]", "[/caption]",
         "divider", "Written by TCA", "\N{NO-BREAK SPACE}", "...", "KGS/USD", "•"]
    ),
    st.text(max_size=30),
)  # fmt: skip
STREWN = st.sampled_from(
    [b"\xc2\xa0", b"\xe2\x80\x8b", b"\xd0\x9a", b"\x00", b"<", b"[", b"\xff", b"", b"\n", b"&#2;"]
)


def _rows(payload: bytes, content_type: str | None = None) -> Rows:
    capture = Capture(
        "urn:uuid:1", "files", payload, "a.warc.gz", 0, "https://timesca.com/latest/", NOON, 200, content_type
    )
    return rows_of(capture, zone=ZONE, run_id="run-1")


def _assert_whole(read: Rows) -> None:
    assert len(read.capture) == 1
    assert read.rate_observation or read.article_observation or read.reject
    read.tables()


@given(st.lists(PIECE, max_size=30))
def test_no_composition_of_pieces_gives_a_rate_that_no_line_printed(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    read = _rows(text.encode("utf-8", "replace"), "text/plain")
    printed = {line.strip(" •\r") for line in text.split("\n")}
    for rate in read.rate_observation:
        assert f"{rate['base']}/{rate['quote']} = {rate['rate_text']} {rate['change_text']}" in printed
    _assert_whole(read)


@given(st.lists(PIECE, max_size=30))
def test_no_ticker_line_is_lost_unreported(pieces: list[str]) -> None:
    lines = "\n".join(pieces).split("\n")
    ticker = read_ticker(lines)
    stand = {f"{r.base}/{r.quote} = {r.rate_text} {r.change_text}" for r in ticker.rates}
    if any(is_ticker_line(line) and line.strip(" •\r") not in stand for line in lines):
        assert ticker.rejects


@given(
    st.lists(
        st.one_of(ITEM, st.sampled_from(["The bank gave", "05 December 2025", "Some text."])), max_size=12
    )
)
def test_no_composition_of_nodes_gives_a_rate_that_no_node_printed(nodes: list[str]) -> None:
    html = "<body>" + "".join(f"<div>{escape(node)}</div>" for node in nodes) + "</body>"
    for rate in _rows(html.encode(), "text/html").rate_observation:
        assert f"{rate['base']}/{rate['quote']} = {rate['rate_text']} {rate['change_text']}" in nodes


@given(st.lists(PIECE, max_size=20), st.booleans())
def test_parsing_is_a_function(pieces: list[str], is_html: bool) -> None:
    payload = "\n".join(pieces).encode("utf-8", "replace")
    content_type = "text/html" if is_html else "text/plain"
    assert _rows(payload, content_type) == _rows(payload, content_type)


@given(RATE, CHANGE)
def test_numbers_round_trip(rate: str, change: str) -> None:
    ticker = read_ticker([f"• KGS/USD = {rate} {change}"])
    if Decimal(rate) == 0:
        assert ticker.rates == ()
        return
    (read,) = ticker.rates
    assert (str(read.rate), read.rate_text, read.change_text) == (str(Decimal(rate)), rate, change)
    assert read.change_pct == Decimal(change.removesuffix("%"))


@given(
    st.binary(max_size=400), st.sampled_from([None, "text/html", "text/plain", "text/html; charset=koi8-r"])
)
def test_any_bytes_give_rows_or_rejects(payload: bytes, content_type: str | None) -> None:
    _assert_whole(_rows(payload, content_type))


@given(st.text(alphabet="<>/ahp123\"'= &#;x\x02\x03\x04!-[]KGS%.\n", max_size=200))
def test_any_markup_gives_rows_or_rejects(html: str) -> None:
    _assert_whole(_rows(f"<html><body>{html}".encode(), "text/html"))


@pytest.mark.parametrize("page", [LISTING, HTML], ids=["text", "html"])
def test_a_page_cut_anywhere_raises_nothing(page: bytes) -> None:
    for end in range(0, len(page), 7 if page is LISTING else 1):
        _assert_whole(_rows(page[:end]))


@pytest.mark.parametrize("page", [LISTING, HTML], ids=["text", "html"])
@settings(max_examples=60)
@given(changes=st.lists(st.tuples(st.integers(0, 2**16), STREWN, st.integers(0, 2)), min_size=1, max_size=30))
def test_a_page_with_changed_bytes_raises_nothing(page: bytes, changes: list[tuple[int, bytes, int]]) -> None:
    mutated = bytearray(page)
    for place, strewn, lost in changes:
        at = place % len(mutated)
        mutated[at : at + lost] = strewn
    _assert_whole(_rows(bytes(mutated)))


@pytest.mark.parametrize(
    "payload",
    [
        b"<html><body>" + b"<div>" * 7_000 + b"KGS/USD = 0.01144 0%",
        b"<html><body>" + b"<b>" * 7_000 + b"x",
        b"<html><body>" + b"".join(b"<b a=%d>" % n for n in range(3_000)) + b"<p>x" * 3_000,
        b"<html><body>" + b"<div><h2><a href=/x>" * 2_000,
        b"<html><body>" + b"<h2><a href='/s/'>T</a></h2><p>x</p>" * 1_000,
        b"<html><body>" + b"<!--" * 100_000,
        b"<html><body>" + b"&#" * 200_000,
        LISTING * 100,
        b"x" * 7_900_000,
        b"\xe2\x80\xa2 KGS/USD = " + b"0" * 7_900_000,
        b"[caption " * 850_000,
        b"[caption id=x]" * 200_000,
        b" " * 5_000_000 + b"x",
        b"KGS/USD = 0.01144 0%\n" * 59_000,
        b"\n".join(b"KGS/USD = 0.%05d 0%%" % (n % 99_999 + 1) for n in range(50_000)),
        b"/" * 1_000_000,
        b"<html><body>" + b"KGS/USD " * 100_000,
        b"<html><body>" + b"KGS/USD = 1 0%% " * 100_000,
        b"<html><body>" + b"Viewing results 1 " * 100_000,
        ("Our People > x\n" + "A Title\n" * 59_000).encode(),
    ],
    ids=lambda payload: f"{payload[12:30]!r}-{len(payload)}",
)
def test_hostile_pages_end(payload: bytes) -> None:
    _assert_whole(_rows(payload))
