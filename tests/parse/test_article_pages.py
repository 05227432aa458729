from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.demo.faults import Fault
from ca_etl.demo.handlers import respond
from ca_etl.parse.links import url_slug
from ca_etl.parse.page import Article, Page, PageKind
from ca_etl.parse.rows import read_page, rows_of
from ca_etl.records import Capture, Rows

URL = "https://timesca.com/a-baker-of-osh/"
NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
DAY = date(2025, 12, 5)
BASE = "http://127.0.0.1:8808/"
LINKED = {
    "@type": "NewsArticle",
    "mainEntityOfPage": {"@id": URL},
    "headline": "A Baker&#8217;s Day",
    "datePublished": "2025-12-05T06:15:00+05:00",
    "dateModified": "2025-12-05T14:00:00+05:00",
    "author": {"@id": "#anna"},
    "articleSection": ["Life &amp; Culture"],
    "keywords": "Bread, Osh",
}
GRAPH = {"@context": "https://schema.org", "@graph": [LINKED, {"@id": "#anna", "name": "Anna Ilmenova"}]}


def html(linked: str, *, head: str = "", behind: str = "") -> str:
    return (
        f'<html><head>{head}<script type="application/ld+json">{linked}</script></head><body class="single">'
        '<main><article id="post-41"><h1>A Baker\u2019s Day</h1><p>By Anna I.</p>'
        '<time class="published" datetime="2025-12-05T07:00:00+05:00">5 December</time>'
        f"<p>The oven is lit.</p><p>Bread sells.</p></article>{behind}</main></body></html>"
    )


def one(markup: str, url: str | None = URL) -> Article:
    read = read_page(markup.encode(), content_type="text/html", url=url, on=DAY)
    assert isinstance(read, Page)
    assert read.kind is PageKind.ARTICLE
    (article,) = read.articles
    return article


def test_an_article_page_is_read_with_what_its_json_ld_tells() -> None:
    article = one(html(json.dumps(GRAPH)))
    assert (article.title, article.author) == ("A Baker\u2019s Day", "Anna Ilmenova")
    assert article.published_at == datetime(2025, 12, 5, 1, 15, tzinfo=UTC)
    assert article.modified_at == datetime(2025, 12, 5, 9, 0, tzinfo=UTC)
    assert article.categories == ("Life & Culture", "Bread", "Osh")
    assert (article.post_id, url_slug(article.url or "")) == (41, "a-baker-of-osh")
    assert article.text == "The oven is lit.\n\nBread sells."


@pytest.mark.parametrize(
    "broken", [json.dumps(GRAPH)[:-9], "", "null", "[1, 2]", '{"@graph": 7}', "[" * 50_000, '{"@type": {}}']
)
def test_with_broken_json_ld_the_page_itself_tells(broken: str) -> None:
    article = one(html(broken))
    assert (article.title, article.author) == ("A Baker\u2019s Day", "Anna I.")
    assert article.published_at == datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
    assert article.modified_at is None
    assert article.text == "The oven is lit.\n\nBread sells."


def test_line_breaks_within_a_string_of_json_ld_are_borne() -> None:
    assert one(html(json.dumps(GRAPH).replace("Ilmenova", "\nIlmenova"))).author == "Anna Ilmenova"


def test_a_time_without_an_offset_is_not_taken() -> None:
    local = LINKED | {"datePublished": "2025-12-05T06:15:00", "dateModified": "2025-12-05 14:00"}
    article = one(html(json.dumps(local)))
    assert article.published_at == datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
    assert article.modified_at is None


def test_json_ld_of_another_page_is_not_this_one_s() -> None:
    other = LINKED | {"mainEntityOfPage": "https://timesca.com/other/"}
    assert one(html(json.dumps(other))).author == "Anna I."


def test_the_canonical_link_of_the_same_site_is_the_address() -> None:
    head = '<link rel="canonical" href="https://www.timesca.com/a-baker-of-osh/">'
    article = one(html(json.dumps(GRAPH), head=head), url=f"{URL}?utm_source=x")
    assert article.url == "https://www.timesca.com/a-baker-of-osh/"
    foreign = '<link rel="canonical" href="https://example.org/a-baker/">'
    assert one(html(json.dumps(GRAPH), head=foreign)).url == URL


def test_headings_of_other_articles_below_do_not_hide_the_article() -> None:
    behind = '<h3><a href="/other/">Another Story</a></h3><p>Its teaser.</p>'
    article = one(html(json.dumps(GRAPH), behind=behind))
    assert (article.title, article.text) == ("A Baker\u2019s Day", "The oven is lit.\n\nBread sells.")


def test_a_short_link_names_the_post() -> None:
    head = '<link rel="shortlink" href="https://timesca.com/?p=77">'
    assert one(html("", head=head)).post_id == 77


def test_json_ld_alone_gives_an_article_where_no_heading_does() -> None:
    told = json.dumps(LINKED | {"articleBody": "The oven is lit. Bread sells."})
    article = one(
        f'<html><head><script type="application/ld+json">{told}</script></head><body></body></html>'
    )
    assert (article.title, article.text) == ("A Baker\u2019s Day", "The oven is lit. Bread sells.")


def test_the_times_of_a_page_reach_the_row(rows: Callable[..., Rows]) -> None:
    found = rows(html(json.dumps(GRAPH)).encode(), url=URL, content_type="text/html", captured_at=NIGHT)
    (row,) = found.article_observation
    assert (row["post_id"], row["modified_at"]) == (41, datetime(2025, 12, 5, 9, 0, tzinfo=UTC))
    assert [reject["reason"] for reject in found.reject] == ["no_ticker"]
    found.tables()


@cache
def demo_rows(target: str, *faults: Fault) -> Rows:
    said = respond(target, MappingProxyType({}), DAY, faults, BASE)
    capture = Capture(
        capture_id="c",
        source="demo",
        payload=said.body,
        archive_file="a",
        archive_offset=0,
        url=BASE + target[1:],
        captured_at=NIGHT,
        http_status=said.status,
        content_type=said.headers["Content-Type"],
    )
    return rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="r")


def by_id(target: str, *faults: Fault) -> dict[int, dict[str, object]]:
    return {row["post_id"]: row for row in demo_rows(target, *faults).article_observation}


LOST = (
    '<body class="error404"><h1>Oops! That page can not be found.</h1>'
    "<p>It looks like nothing was found at this location.</p>"
)
PARKED = "<body><h1>Buy this domain</h1><p>The domain may be for sale for $5 million.</p>"
ILL = "<body><article><h1>We will be back soon!</h1><p>Sorry for the inconvenience.</p></article>"
LOGIN = '<body class="login"><h1>Subscribe to read</h1><p>This content is for subscribers.</p>'
TYPED = '<html><head><meta property="og:type" content="article"></head>'


@pytest.mark.parametrize(
    ("markup", "excerpt"),
    [
        (LOST, "Oops! That page can not be found. It looks like nothing was found at this location."),
        (TYPED + LOST, "Oops! That page can not be found. It looks like nothing was found at this location."),
        (PARKED, "Buy this domain The domain may be for sale for $5 million."),
        (ILL, "We will be back soon! Sorry for the inconvenience."),
        (LOGIN, "Subscribe to read This content is for subscribers."),
        ("<body><p>Briefly unavailable for scheduled maintenance.</p>", ""),
    ],
    ids=["lost", "lost, with a type", "parked", "maintenance", "login", "no heading"],
)
def test_an_error_page_at_the_address_of_an_article_is_a_reject(
    rows: Callable[..., Rows], markup: str, excerpt: str
) -> None:
    found = rows(markup.encode(), url=URL, content_type="text/html", captured_at=NIGHT, http_status=200)
    assert found.article_observation == []
    assert [capture["page_kind"] for capture in found.capture] == ["other"]
    assert [(reject["reason"], reject["excerpt"]) for reject in found.reject] == [("no_articles", excerpt)]


PAIRS = (
    "KGS/USD = 0.01144",
    "KZT/USD = 0.00198",
    "TJS/USD = 0.10857",
    "UZS/USD = 0.00008",
    "TMT/USD = 0.28571",
)
TICKER = "".join(f"<li>{pair} 0%</li>" for pair in PAIRS)


def test_the_ticker_of_an_unproven_page_keeps_the_day_of_its_capture(rows: Callable[..., Rows]) -> None:
    themed = f"<body><ul>{TICKER * 8}</ul><p>28 August 2018</p><h1>Nothing here</h1><p>Nothing at all.</p>"
    found = rows(themed.encode(), url=URL, content_type="text/html", captured_at=NIGHT)
    assert (found.capture[0]["page_kind"], found.capture[0]["page_date"]) == ("other", None)
    assert len(found.rate_observation) == 5
    assert [reject["reason"] for reject in found.reject] == ["no_articles"]


@pytest.mark.parametrize(
    ("path", "kind"), [("category/bread/", "listing"), ("", "home"), ("author/anna/", "author")]
)
def test_a_lone_heading_on_a_list_is_no_article(rows: Callable[..., Rows], path: str, kind: str) -> None:
    empty = "<body><h1>We will be back soon!</h1><p>Sorry for the inconvenience.</p>"
    found = rows(
        empty.encode(), url=f"https://timesca.com/{path}", content_type="text/html", captured_at=NIGHT
    )
    assert (found.article_observation, found.capture[0]["page_kind"]) == ([], kind)
    assert "no_articles" in {reject["reason"] for reject in found.reject}


def test_the_old_site_has_no_signs_and_keeps_its_articles(rows: Callable[..., Rows]) -> None:
    old = "<body><h1>A Mill</h1><p>The wheel turns.</p>"
    address = "https://timesca.com/index.php/news/7-a-mill"
    found = rows(old.encode(), url=address, content_type="text/html", captured_at=NIGHT)
    assert [row["title"] for row in found.article_observation] == ["A Mill"]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<script type="application/ld+json">{"@type": "Article"}</script>', "<body>{}"),
        ('<meta property="og:type" content="article">', "<body>{}"),
        ("", '<body class="post-template-default single single-post">{}'),
        ("", '<body class="single postid-41">{}'),
        (f'<link rel="canonical" href="{URL}">', "<body><article>{}</article>"),
        ("", '<body><article><time datetime="2025-12-05T07:00:00+05:00">5 December</time>{}</article>'),
        ("", '<body><article id="post-41">{}</article>'),
    ],
    ids=["json-ld", "og:type", "single-post", "postid", "canonical", "time", "number"],
)
def test_one_sign_of_its_own_is_enough_for_an_article(head: str, body: str) -> None:
    shown = body.format("<h1>A Baker\u2019s Day</h1><p>The oven is lit.</p>")
    article = one(f"<html><head>{head}</head>{shown}</body></html>")
    assert (article.title, article.text) == ("A Baker\u2019s Day", "The oven is lit.")


def test_a_canonical_link_elsewhere_is_no_sign() -> None:
    head = '<link rel="canonical" href="https://timesca.com/"><title>x</title>'
    read = read_page(
        f"<html><head>{head}</head><body><article><h1>Sorry</h1></article></body></html>".encode(),
        content_type="text/html",
        url=URL,
        on=DAY,
    )
    assert isinstance(read, Page)
    assert (read.kind, read.articles) == (PageKind.OTHER, ())


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 99))
def test_the_api_the_feed_and_the_page_of_an_article_say_the_same(number: int) -> None:
    api = list(by_id("/wp-json/wp/v2/posts?per_page=100&_embed=author,wp:term").values())[number]
    page = by_id(f"/{api['url_slug']}/")[api["post_id"]]
    feed = by_id(f"/feed/?paged={number // 10 + 1}")[api["post_id"]]
    assert api["text_id"] is not None
    assert page | {"position": 0} == api | {"position": 0}
    assert feed | {"position": 0} == api | {"position": 0, "modified_at": None}
    broken = by_id(f"/{api['url_slug']}/", Fault(broken_linked_data=True))[api["post_id"]]
    shared = ("text_id", "title", "author", "url", "published_at", "url_slug")
    assert {name: broken[name] for name in shared} == {name: api[name] for name in shared}


def test_a_feed_that_holds_excerpts_says_so_of_every_long_article() -> None:
    texts = {row["text_id"]: str(row["text"]) for row in demo_rows("/feed/").article_text}
    lengths = {number: len(texts[str(row["text_id"])].split()) for number, row in by_id("/feed/").items()}
    cut = {number: row["is_truncated"] for number, row in by_id("/feed/", Fault(feed_excerpts=True)).items()}
    # A dateline is words of the excerpt and no words of the text.
    assert {number for number in cut if lengths[number] > 55} <= {n for n, is_cut in cut.items() if is_cut}
    assert {number for number in cut if lengths[number] < 50} <= {
        n for n, is_cut in cut.items() if not is_cut
    }
    assert set(cut.values()) == {True, False}


def test_the_closed_api_of_the_demo_site_is_a_reject_with_its_status() -> None:
    for fault in (Fault(status=401), Fault(status=403, waf_page=True), Fault(waf_page=True)):
        found = demo_rows("/wp-json/wp/v2/posts", fault)
        assert [row["reason"] for row in found.reject] == ["api_refused"]
        assert found.capture[0]["page_kind"] == "api_error"


@given(at=st.integers(0, 1_200), cut=st.integers(0, 80), put=st.binary(max_size=8))
def test_mutated_article_pages_give_rows_or_rejects(at: int, cut: int, put: bytes) -> None:
    payload = html(json.dumps(GRAPH)).encode()
    mutated = payload[:at] + put + payload[at + cut :]
    read_page(mutated, content_type="text/html", url=URL, on=DAY)
