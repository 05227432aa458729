"""The rows and rejects of a capture, whatever its bytes; the facts of the real page of 5 December 2025."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.parse.page import PARSER_VERSION, Page
from ca_etl.parse.rows import rows_of
from ca_etl.parse.ticker import is_ticker_line, read_ticker
from ca_etl.records import Capture, Rows

Maker = Callable[..., Rows]
NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
TICKER = "".join(f"  • {base}/USD = 0.01144 0%\n" for base in ("KGS", "KZT", "TJS", "UZS", "TMT"))
HTML = b"<html><body><h2><a href='/s/'>A Title of Ours</a></h2><p>Our own text.</p></body></html>"


def _reasons(read: Rows) -> list[str]:
    return [row["reason"] for row in read.reject]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"http_status": 404}, "http_error"),
        ({"http_status": 301}, "http_error"),
        ({"http_status": 503}, "http_error"),
        ({"http_status": 304}, "http_error"),
        ({"http_status": 403}, "blocked"),
        ({"truncated": "length"}, "truncated"),
        ({"content_type": "image/png"}, "binary"),
        ({"content_type": "application/json"}, "binary"),
    ],
)
def test_a_response_that_is_not_a_page_is_one_reject_and_its_capture_row(
    rows: Maker, listing: str, known: dict[str, object], reason: str
) -> None:
    read = rows(listing.encode(), **known)
    assert _reasons(read) == [reason]
    assert (len(read.capture), read.rate_observation, read.article_observation, read.article_text) == (
        1,
        [],
        [],
        [],
    )
    assert read.capture[0]["page_kind"] is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (bytes(range(256)) * 40, "binary"),
        (b"%PDF-1.7 text", "binary"),
        (b"\x89PNG\r\n", "binary"),
        (b"PK\x03\x04" + b"x" * 100, "binary"),
        (b"x" * 8_000_001, "too_large"),
        (b"<html>" + b"x" * 4_000_001, "too_large"),
        (b"<!doctype html>" + b"<div>" * 100_000, "too_large"),
        (b"<!doctype html>" + b"<br>" * 200_000, "too_large"),
        (b"<!doctype html><title>Just a moment...</title>", "blocked"),
        ("\N{EM DASH}".encode() * 9 + b"\xff" * 9, "undecodable"),
    ],
)
def test_bytes_that_are_not_a_page_are_one_reject(rows: Maker, payload: bytes, reason: str) -> None:
    read = rows(payload, captured_at=NIGHT)
    assert _reasons(read) == [reason]
    assert len(read.reject[0]["excerpt"]) <= 200
    assert "\x00" not in read.reject[0]["excerpt"]


def test_a_bot_check_with_an_error_status_is_blocked(rows: Maker) -> None:
    assert _reasons(rows(b"<title>Just a moment...</title>", http_status=503)) == ["blocked"]


def test_a_resolved_revisit_is_read_like_any_page(rows: Maker, listing: str) -> None:
    read = rows(listing.encode(), http_status=304, refers_to="urn:uuid:0", captured_at=NIGHT)
    assert read.reject == []
    assert len(read.rate_observation) == 5


def test_a_page_with_neither_date_nor_capture_time_is_undated_and_kept(rows: Maker) -> None:
    read = rows(f"{TICKER}\nViewing results 1 - 6 of 8\n\nA Title of Ours\n\nOur own text.\n".encode())
    assert _reasons(read) == ["undated"]
    assert "KGS 0.01144 0%" in read.reject[0]["excerpt"]
    assert (read.rate_observation, read.article_observation) == ([], [])
    assert read.capture[0]["ticker_cycles"] == 1
    assert read.capture[0]["articles_parsed"] == 0


def test_the_day_of_a_capture_is_the_day_in_the_zone_of_the_site(rows: Maker) -> None:
    read = rows(TICKER.encode(), captured_at=NIGHT)
    assert read.capture[0]["captured_date"] == date(2025, 12, 5)
    assert read.capture[0]["captured_at"] == NIGHT
    assert "undated" not in _reasons(read)


@pytest.mark.parametrize(
    ("captured_at", "day"),
    [
        (datetime(2024, 2, 28, 18, 30, tzinfo=UTC), date(2024, 2, 29)),
        (datetime(2024, 2, 29, 18, 30, tzinfo=UTC), date(2024, 2, 29)),
        (datetime(2024, 2, 29, 19, 30, tzinfo=UTC), date(2024, 3, 1)),
        (datetime(2024, 3, 28, 18, 30, tzinfo=UTC), date(2024, 3, 28)),
    ],
)
def test_the_zone_moved_by_an_hour_on_the_first_of_march_2024(
    rows: Maker, captured_at: datetime, day: date
) -> None:
    assert rows(TICKER.encode(), captured_at=captured_at).capture[0]["captured_date"] == day


def test_an_article_page_without_capture_time_is_undated_though_it_prints_a_date(rows: Maker) -> None:
    text = f"{TICKER}28 August 2018\n\nA Title of Ours and More\n\nOur own text.\n".encode()
    url = "https://timesca.com/a-title-of-ours/"
    assert "undated" in _reasons(rows(text, url=url))
    dated = rows(text, url=url, captured_at=NIGHT)
    assert dated.capture[0]["page_kind"] == "article"
    assert dated.capture[0]["page_date"] == date(2018, 8, 28)
    assert len(dated.rate_observation) == 5


def test_a_page_without_ticker_is_reported_and_its_articles_are_kept(rows: Maker) -> None:
    read = rows(HTML, captured_at=NIGHT, content_type="text/html")
    assert _reasons(read) == ["no_ticker"]
    assert [row["title"] for row in read.article_observation] == ["A Title of Ours"]


def test_a_listing_without_articles_is_reported(rows: Maker) -> None:
    read = rows(f"{TICKER}05 December 2025\n\nViewing results 1 - 6 of 8\n".encode())
    assert _reasons(read) == ["no_articles"]


def test_html_served_as_plain_text_or_as_nothing_is_html(rows: Maker) -> None:
    for content_type in ("text/plain", None, "text/html; charset=utf-8", "TEXT/HTML"):
        assert rows(HTML, captured_at=NIGHT, content_type=content_type).article_observation[0]["url"] is None
        assert (
            rows(HTML, captured_at=NIGHT, content_type=content_type).article_observation[0]["title"]
            == "A Title of Ours"
        )


def test_damaged_utf8_keeps_the_rates_and_reports_the_damage(rows: Maker, listing: str) -> None:
    read = rows(listing.encode().replace(b"Tuesday", b"T\xffesday").replace(b"harvest", b"h\xffrvest"))
    assert len(read.rate_observation) == 5
    assert _reasons(read) == ["undecodable"]
    assert read.capture[0]["charset"] == "utf-8 (1 replaced)"


def test_nul_never_reaches_a_row(rows: Maker, listing: str) -> None:
    read = rows(listing.replace("apricots", "apri\x00cots").encode())
    assert all("\x00" not in row["text"] for row in read.article_text)


def test_the_text_id_is_the_hash_of_the_stored_text_and_a_text_is_stored_once(
    rows: Maker, listing: str
) -> None:
    read = rows(listing.encode())
    for row in read.article_text:
        assert row["text_id"] == hashlib.sha256(row["text"].encode()).hexdigest()
    twice = rows(
        f"{TICKER}05 December 2025\n\nViewing results 1 - 6 of 8\n\nOne Title of Ours\n\nSame text.\n\n"
        "Other Title of Ours\n\nSame text.\n".encode()
    )
    assert len(twice.article_observation) == 2
    assert len(twice.article_text) == 1


def test_rows_name_their_parser_their_run_and_their_payload(rows: Maker, listing: str) -> None:
    read = rows(
        listing.encode(),
        captured_at=NIGHT,
        http_status=200,
        content_type="text/plain",
        url="https://timesca.com/latest/",
    )
    assert {row["parser_version"] for row in read.capture} == {PARSER_VERSION}
    assert read.capture[0]["run_id"] == "run-1"
    assert read.capture[0]["payload_sha256"] == hashlib.sha256(listing.encode()).hexdigest()
    assert read.capture[0]["payload_bytes"] == len(listing.encode())


def test_more_lines_than_any_page_has_are_too_large(rows: Callable[..., Rows]) -> None:
    read = rows(b"A Title\n" * 100_001, content_type="text/plain")
    assert _reasons(read) == ["too_large"]
    assert read.capture[0]["page_kind"] is None


@pytest.mark.parametrize(
    ("printed", "began"),
    [("15 January 2024", "2024-01-14T18:00:00+00:00"), ("15 April 2024", "2024-04-14T19:00:00+00:00")],
)
def test_a_page_of_unknown_time_counts_from_the_start_of_its_day_in_the_zone(rows, listing, printed, began):
    (row,) = rows(listing.replace("05 December 2025", printed).encode()).capture
    assert row["observed_from"].astimezone(UTC).isoformat() == began


def test_a_page_of_known_time_counts_from_then(rows, listing):
    at = datetime(2025, 12, 6, 2, tzinfo=UTC)
    (row,) = rows(listing.encode(), captured_at=at).capture
    assert (row["observed_from"], row["observed_date"].isoformat()) == (at, "2025-12-05")


MARCH = "In March the river rose by a metre, and the town that lies on it was cut off for days on end."
APRIL = "In April the river fell again, and the town that lies on it could be reached by road once more."


def _listing(*articles: tuple[str, str]) -> bytes:
    shown = "\n\n".join(part for article in articles for part in article)
    return f"{TICKER * 2}\n05 December 2025\n\nViewing results 1 - 6 of 8\n\n{shown}\n".encode()


def _titles(read: Rows) -> list[str]:
    return [row["title"] for row in read.article_observation]


def test_articles_of_one_title_without_links_and_with_different_texts_are_rejects(rows: Maker) -> None:
    read = rows(
        _listing(
            ("Letter from the River", MARCH),
            ("A Road Opens", "It is open."),
            ("Letter From The River", APRIL),
        )
    )
    assert _titles(read) == ["A Road Opens"]
    assert _reasons(read) == ["ambiguous_title", "ambiguous_title"]
    assert [row["excerpt"] for row in read.reject] == [
        f"Letter from the River\n{MARCH}",
        f"Letter From The River\n{APRIL}",
    ]
    assert read.capture[0]["articles_parsed"] == 1
    assert [row["text"] for row in read.article_text] == ["It is open."]


def test_a_page_of_such_articles_alone_has_no_other_reject(rows: Maker) -> None:
    read = rows(_listing(("Letter from the River", MARCH), ("Letter from the River", APRIL)))
    assert _reasons(read) == ["ambiguous_title", "ambiguous_title"]
    assert (len(read.rate_observation), read.article_observation) == (5, [])


@pytest.mark.parametrize(
    "also", [MARCH, "In March the river rose by a metre, and the town that lies on it was …"]
)
def test_one_article_that_a_page_shows_twice_is_not_a_reject(rows: Maker, also: str) -> None:
    read = rows(_listing(("Letter from the River", MARCH), ("Letter from the River", also)))
    assert _titles(read) == ["Letter from the River"] * 2
    assert read.reject == []


def test_links_and_post_ids_distinguish_articles_of_one_title(rows: Maker) -> None:
    linked = "".join(
        f"<article><h2><a href='/letter-{n}/'>Letter from the River</a></h2><p>{text}</p></article>"
        for n, text in enumerate((MARCH, APRIL))
    )
    page = f"<html><body>{linked}</body></html>".encode()
    read = rows(page, url="https://timesca.com/latest/", captured_at=NIGHT)
    assert [row["url_slug"] for row in read.article_observation] == ["letter-0", "letter-1"]
    posts = [
        {"id": n, "title": {"rendered": "Letter from the River"}, "content": {"rendered": f"<p>{text}</p>"}}
        for n, text in enumerate((MARCH, APRIL), start=7)
    ]
    api = "https://timesca.com/wp-json/wp/v2/posts"
    read = rows(json.dumps(posts).encode(), url=api, content_type="application/json", captured_at=NIGHT)
    assert [row["post_id"] for row in read.article_observation] == [7, 8]
    assert "ambiguous_title" not in _reasons(read)


def test_an_article_has_the_slugs_of_its_link_and_of_its_title(rows: Maker) -> None:
    page = b"<html><body><h2><a href='/a-road-2/amp/'>A Road</a></h2><p>Text.</p></body></html>"
    linked = rows(page, url="https://timesca.com/latest/", captured_at=NIGHT)
    unlinked = rows(_listing(("A Bridge", "Text of it.")))
    shown = [*linked.article_observation, *unlinked.article_observation]
    assert [(row["url_slug"], row["title_slug"]) for row in shown] == [
        ("a-road-2", "a-road"),
        (None, "a-bridge"),
    ]


API = "https://timesca.com/wp-json/wp/v2/posts"
POST = {
    "id": 7,
    "link": "https://timesca.com/a-road/",
    "title": {"rendered": "A Road"},
    "content": {"rendered": "<p>Text.</p>"},
}


def class_of(rows, payload, **known):
    return rows(payload, **known).capture[0]["response_class"]


def test_a_page_of_any_kind_is_a_page(rows, listing):
    assert class_of(rows, listing.encode()) == "page"
    assert class_of(rows, b"<html><body><p>Our team.</p></body></html>", http_status=200) == "page"
    assert class_of(rows, json.dumps([POST]).encode(), url=API, http_status=200) == "page"


@pytest.mark.parametrize("status", [200, 304])
def test_a_body_of_an_earlier_capture_is_unchanged(rows, listing, status):
    assert class_of(rows, listing.encode(), http_status=status, refers_to="urn:uuid:0") == "unchanged"


@pytest.mark.parametrize("status", [404, 410])
def test_only_the_page_of_an_article_is_deleted(rows, status):
    assert class_of(rows, b"<p>Not here", http_status=status, source="timesca-articles") == "deleted"
    assert class_of(rows, b"<p>Not here", http_status=status, source="timesca") == "error"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 410, 451])
@pytest.mark.parametrize("source", ["timesca-posts", "timesca-feed"])
def test_an_api_or_a_feed_that_refuses_is_unavailable(rows, source, status):
    assert class_of(rows, b"No.", http_status=status, source=source, url=API) == "unavailable"
    assert class_of(rows, b"No.", http_status=status, source="timesca") == "error"


@pytest.mark.parametrize("source", ["timesca", "timesca-articles", "timesca-posts", "timesca-feed"])
def test_a_bad_day_of_the_site_is_an_error(rows, source):
    for status in (429, 500, 503):
        assert class_of(rows, b"Busy.", http_status=status, source=source, url=API) == "error"


def test_what_cannot_be_read_is_an_error(rows):
    assert class_of(rows, b"\x89PNG\r\n\x1a\n" + bytes(100), http_status=200) == "error"
    assert class_of(rows, b"[{", url=API, http_status=200, source="timesca-posts") == "error"
    assert class_of(rows, b"<html>Access denied", url=API, http_status=200, source="timesca-posts") == "error"
    assert class_of(rows, b"", http_status=304) == "error"


def test_a_response_that_counts_no_post_is_a_page(rows):
    assert class_of(rows, b"[]", url=API, http_status=200, total=0, source="timesca-posts") == "page"


LISTING_URL = "https://timesca.com/tag/initiative/"
RATES = [
    ("KGS", "0.01144", "0%", "0"),
    ("KZT", "0.00198", "-0%", "0"),
    ("TJS", "0.10857", "-0.18%", "-0.18"),
    ("UZS", "0.00008", "0%", "0"),
    ("TMT", "0.28571", "0%", "0"),
]


def _assert_facts(read: Rows, caption: str) -> None:
    assert read.reject == []
    (capture,) = read.capture
    assert capture["page_date"] == date(2025, 12, 5)
    assert capture["page_kind"] == "listing"
    assert (capture["shown_from"], capture["shown_to"], capture["shown_total"]) == (1, 6, 8)
    assert (capture["ticker_cycles"], capture["articles_parsed"]) == (8, 4)
    assert [
        (row["base"], row["rate_text"], row["change_text"], row["change_pct"])
        for row in read.rate_observation
    ] == [(base, rate, change, Decimal(number)) for base, rate, change, number in RATES]
    assert [row["rate"] for row in read.rate_observation] == [Decimal(rate) for _, rate, _, _ in RATES]
    articles = read.article_observation
    assert [row["is_truncated"] for row in articles] == [False, True, False, False]
    texts = {row["text_id"]: row["text"] for row in read.article_text}
    assert len(texts) == 4
    third = texts[articles[2]["text_id"]]
    assert "[caption" not in third
    assert caption not in third
    assert "  " not in third
    assert articles[2]["media"] == [{"kind": "caption", "attachment_id": 34461, "caption": caption}]
    assert [row["media"] for row in articles if row["position"] != 3] == [[], [], []]


def _title_lines(text: str) -> list[str]:
    return [line for line in text.split("\n")[44:] if line][::2]


def test_a_page_in_the_shape_of_the_real_one_gives_its_facts(rows: Callable[..., Rows], listing: str) -> None:
    read = rows(listing.encode())
    _assert_facts(read, "@rescue.example")
    assert [row["title"] for row in read.article_observation] == _title_lines(listing)


@pytest.mark.shared
def test_the_real_page_gives_its_facts(rows: Callable[..., Rows], seed_page: Path) -> None:
    read = rows(seed_page.read_bytes())
    _assert_facts(read, "@iom.int")
    assert [row["title"] for row in read.article_observation] == _title_lines(seed_page.read_text())


def _without_urls(read: Page) -> dict[str, Any]:
    return {
        "kind": read.kind,
        "page_date": read.page_date,
        "rates": read.rates,
        "cycles": read.ticker_cycles,
        "shown": read.shown,
        "rejects": read.rejects,
        "articles": [
            (a.position, a.title, a.text, a.is_truncated, a.author, a.dateline, a.media)
            for a in read.articles
        ],
    }


def _assert_same_as_text(text: str, html: str, page: Callable[..., Page]) -> None:
    rendered = page(html, html=True, url=LISTING_URL)
    assert _without_urls(rendered) == _without_urls(page(text))
    assert [article.url for article in rendered.articles] == [
        f"https://timesca.com/story-number-{number}/" for number in range(1, len(rendered.articles) + 1)
    ]


def test_html_of_any_theme_gives_the_observations_of_the_text_and_the_urls(
    render: Callable[[str], str], page: Callable[..., Page], listing: str
) -> None:
    _assert_same_as_text(listing, render(listing), page)


@pytest.mark.shared
def test_the_real_page_as_html_gives_the_same_observations_and_the_urls(
    render: Callable[[str], str], page: Callable[..., Page], seed_page: Path
) -> None:
    _assert_same_as_text(seed_page.read_text(), render(seed_page.read_text()), page)


def test_the_prose_of_the_text_is_stored_to_the_letter(page: Callable[..., Page], listing: str) -> None:
    first = page(listing).articles[0]
    assert first.text == listing.split("\n")[46]
    assert "[sic]" in (page(listing).articles[1].text or "")
    assert "[approximately 37%]" in (page(listing).articles[2].text or "")


LISTING = (Path(__file__).parent / "fixtures" / "listing_2025-12-05.txt").read_bytes()
HTML_TYPE = b"""<html><head><base href='https://timesca.com/'></head><body>
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


def _assert_whole(read: Rows, fit: Callable[[Rows], None]) -> None:
    assert len(read.capture) == 1
    assert read.rate_observation or read.article_observation or read.reject
    fit(read)


@given(st.lists(PIECE, max_size=30))
def test_no_composition_of_pieces_gives_a_rate_that_no_line_printed(
    fit: Callable[[Rows], None], pieces: list[str]
) -> None:
    text = "\n".join(pieces)
    read = _rows(text.encode("utf-8", "replace"), "text/plain")
    printed = {line.strip(" •\r") for line in text.split("\n")}
    for rate in read.rate_observation:
        assert f"{rate['base']}/{rate['quote']} = {rate['rate_text']} {rate['change_text']}" in printed
    _assert_whole(read, fit)


@given(st.lists(PIECE, max_size=30))
def test_no_ticker_line_is_lost_unreported(pieces: list[str]) -> None:
    lines = "\n".join(pieces).split("\n")
    ticker = read_ticker(lines)
    well_formed = {f"{r.base}/{r.quote} = {r.rate_text} {r.change_text}" for r in ticker.rates}
    if any(is_ticker_line(line) and line.strip(" •\r") not in well_formed for line in lines):
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
def test_any_bytes_give_rows_or_rejects(
    fit: Callable[[Rows], None], payload: bytes, content_type: str | None
) -> None:
    _assert_whole(_rows(payload, content_type), fit)


@given(st.text(alphabet="<>/ahp123\"'= &#;x\x02\x03\x04!-[]KGS%.\n", max_size=200))
def test_any_markup_gives_rows_or_rejects(fit: Callable[[Rows], None], html: str) -> None:
    _assert_whole(_rows(f"<html><body>{html}".encode(), "text/html"), fit)


@pytest.mark.parametrize("page", [LISTING, HTML_TYPE], ids=["text", "html"])
def test_a_page_cut_anywhere_raises_nothing(fit: Callable[[Rows], None], page: bytes) -> None:
    for end in range(0, len(page), 7 if page is LISTING else 1):
        _assert_whole(_rows(page[:end]), fit)


@pytest.mark.parametrize("page", [LISTING, HTML_TYPE], ids=["text", "html"])
@settings(max_examples=60)
@given(changes=st.lists(st.tuples(st.integers(0, 2**16), STREWN, st.integers(0, 2)), min_size=1, max_size=30))
def test_a_page_with_changed_bytes_raises_nothing(
    fit: Callable[[Rows], None], page: bytes, changes: list[tuple[int, bytes, int]]
) -> None:
    mutated = bytearray(page)
    for position, strewn, lost in changes:
        at = position % len(mutated)
        mutated[at : at + lost] = strewn
    _assert_whole(_rows(bytes(mutated)), fit)


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
def test_hostile_pages_end(fit: Callable[[Rows], None], payload: bytes) -> None:
    _assert_whole(_rows(payload), fit)
