from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from ca_etl.parse.page import PARSER_VERSION
from ca_etl.records import KEYS, Rows

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
def test_an_answer_that_is_no_page_is_one_reject_and_its_capture_row(
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
    read.tables()


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
def test_bytes_that_are_no_page_are_one_reject(rows: Maker, payload: bytes, reason: str) -> None:
    read = rows(payload, captured_at=NIGHT)
    assert _reasons(read) == [reason]
    assert len(read.reject[0]["excerpt"]) <= 200
    assert "\x00" not in read.reject[0]["excerpt"]
    read.tables()


def test_a_bot_check_behind_an_error_status_is_blocked(rows: Maker) -> None:
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


def test_a_page_without_ticker_says_so_and_its_articles_stand(rows: Maker) -> None:
    read = rows(HTML, captured_at=NIGHT, content_type="text/html")
    assert _reasons(read) == ["no_ticker"]
    assert [row["title"] for row in read.article_observation] == ["A Title of Ours"]


def test_a_listing_without_articles_says_so(rows: Maker) -> None:
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


def test_rows_fit_the_schemas_and_their_keys_are_unique(rows: Maker, listing: str) -> None:
    read = rows(
        listing.encode(),
        captured_at=NIGHT,
        http_status=200,
        content_type="text/plain",
        url="https://timesca.com/latest/",
    )
    tables = read.tables()
    for name, key in KEYS.items():
        found = [tuple(row[column] for column in key) for row in getattr(read, name)]
        assert len(found) == len(set(found)) == tables[name].num_rows
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
def test_a_page_of_unknown_time_counts_from_the_beginning_of_its_day_in_the_zone(
    rows, listing, printed, began
):
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


def test_a_page_of_such_articles_alone_states_no_more_than_that(rows: Maker) -> None:
    read = rows(_listing(("Letter from the River", MARCH), ("Letter from the River", APRIL)))
    assert _reasons(read) == ["ambiguous_title", "ambiguous_title"]
    assert (len(read.rate_observation), read.article_observation) == (5, [])


@pytest.mark.parametrize(
    "also", [MARCH, "In March the river rose by a metre, and the town that lies on it was …"]
)
def test_one_article_that_a_page_shows_twice_is_no_reject(rows: Maker, also: str) -> None:
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
