import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from benchmarks.pages import render_text
from ca_etl.demo.content import FIRST_DAY, LAST_DAY, articles, published_by, ticker_of
from ca_etl.demo.pages import (
    CYCLES,
    DemoArticlePage,
    Listing,
    Moved,
    PageOptions,
    date_line,
    render_html,
    resolve,
)
from ca_etl.demo.posts import default_snapshot

BASE = "http://127.0.0.1:8808/"
DAY = date(2025, 12, 5)
SNAPSHOT = default_snapshot(DAY)
LISTINGS = ["/", "/latest/", "/category/home/local-politics/", "/category/home/business-economy/"]
days = st.dates(FIRST_DAY, LAST_DAY)


def html(path: str, day: date = DAY) -> LexborHTMLParser:
    page = resolve(path, default_snapshot(day))
    assert isinstance(page, Listing | DemoArticlePage)
    return LexborHTMLParser(render_html(page, PageOptions.of(day), BASE))


def rate_lines(tree: LexborHTMLParser) -> list[str]:
    return [" ".join(item.text().split()) for item in tree.css("li") if "/USD" in item.text()]


@pytest.mark.parametrize("path", LISTINGS)
@given(day=days)
def test_any_day_plays_with_exactly_its_rates(path, day):
    tree = html(path, day)
    assert rate_lines(tree) == [rate.line for rate in ticker_of(day)] * CYCLES
    assert len(tree.css("article h2 a")) == 6
    assert date_line(day) in tree.body.text()


@given(day=days, path=st.sampled_from(LISTINGS))
def test_the_same_day_gives_the_same_page(day, path):
    first, second = (
        render_html(resolve(path, default_snapshot(day)), PageOptions.of(day), BASE) for _ in range(2)
    )
    assert first == second


def test_the_date_line_follows_the_ticker_and_the_results_line_the_date():
    words = " ".join(html("/latest/").body.text().split())
    total = len(published_by(DAY))
    assert f"TMT/USD = 0.28571 0% 05 December 2025 Latest Viewing results 1 - 6 of {total} " in words


def test_the_results_line_counts_on_and_is_never_clamped():
    total = len(published_by(DAY))
    last = -(-total // 6)
    assert total % 6
    assert resolve("/latest/page/2/", SNAPSHOT).results_line == f"Viewing results 7 - 12 of {total}"
    assert resolve(f"/latest/page/{last}/", SNAPSHOT).results_line == (
        f"Viewing results {6 * last - 5} - {6 * last} of {total}"
    )
    assert len(resolve(f"/latest/page/{last}/", SNAPSHOT).articles) == total % 6


def test_the_home_page_counts_no_results():
    assert "Viewing results" not in html("/").body.text()


def test_pages_of_a_listing_join_without_gap_or_overlap():
    first = resolve("/latest/", SNAPSHOT)
    pages = [resolve(first.path(number), SNAPSHOT) for number in range(1, first.pages + 1)]
    assert tuple(article for page in pages for article in page.articles) == published_by(DAY)


def test_a_category_holds_its_articles_alone():
    page = resolve("/category/home/local-politics/", SNAPSHOT)
    assert {article.category for article in page.articles} == {"local-politics"}
    assert page.total == sum(article.category == "local-politics" for article in published_by(DAY))


def test_every_title_is_a_heading_with_a_link_to_a_page_that_exists():
    for link in html("/latest/").css("article h2 a"):
        target = resolve("/" + link.attributes["href"].removeprefix(BASE), SNAPSHOT)
        assert isinstance(target, DemoArticlePage)
        assert target.article.title == link.text()


def test_every_link_of_a_page_leads_somewhere():
    for link in html("/").css("a"):
        assert resolve("/" + link.attributes["href"].removeprefix(BASE), SNAPSHOT) is not None


def test_listings_print_a_body_as_one_paragraph_with_its_shortcode():
    page = resolve("/latest/", SNAPSHOT)
    bodies = html("/latest/").css("article .entry-summary")
    assert [body.css_first("p").text() for body in bodies] == [a.listing_text for a in page.articles]
    assert all(len(body.css("p")) == 1 for body in bodies)
    assert any("[caption id=" in body.text() for body in bodies)


def test_the_home_page_prints_paragraphs_and_pictures_and_cuts_teasers():
    bodies = html("/").css("article .entry-summary")
    for article, body in zip(resolve("/", SNAPSHOT).articles, bodies, strict=True):
        texts = [paragraph.text() for paragraph in body.css("p")]
        if article.teaser:
            assert texts == [article.teaser, "Continue reading"]
        else:
            assert tuple(texts) == article.paragraphs
            captions = [caption.text() for caption in body.css("figcaption")]
            assert captions == ([article.caption.text] if article.caption else [])
    assert any(article.teaser for article in resolve("/", SNAPSHOT).articles)


def test_an_article_page_prints_its_own_date_beside_the_ticker_of_the_day():
    article = articles()[100]
    tree = html(f"/{article.slug}/")
    assert tree.css_first("h1").text() == article.title
    assert rate_lines(tree) == [rate.line for rate in ticker_of(DAY)] * CYCLES
    assert date_line(article.published_at.date()) in tree.body.text()
    assert date_line(DAY) not in tree.body.text()


def test_linked_data_and_canonical_address_name_the_page():
    article = articles()[100]
    tree = html(f"/{article.slug}/")
    graph = json.loads(tree.css_first('script[type="application/ld+json"]').text())["@graph"]
    assert graph[0]["headline"] == article.title
    assert graph[0]["datePublished"] == article.published_at.isoformat()
    assert tree.css_first('link[rel="canonical"]').attributes["href"] == f"{BASE}{article.slug}/"


def test_an_article_of_tomorrow_is_not_published_yet():
    article = next(a for a in articles() if a.published_at.date() > DAY)
    assert resolve(f"/{article.slug}/", SNAPSHOT) is None


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/latest", "/latest/"),
        ("/page/1/", "/"),
        ("/latest/page/1/", "/latest/"),
        ("/category/home/society", "/category/home/society/"),
    ],
)
def test_another_spelling_of_an_address_has_moved(path, to):
    assert resolve(path, SNAPSHOT) == Moved(to)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/",
        "/page/9999/",
        "/page/0/",
        "/category/home/sports/",
        "//",
        "/latest/page/x/",
        "/page/2/page/2/",
    ],
)
def test_an_unknown_address_is_not_found(path):
    assert resolve(path, SNAPSHOT) is None


@given(path=st.text(max_size=40))
def test_no_address_breaks_the_routes(path):
    resolve(f"/{path}", SNAPSHOT)


def test_the_text_form_has_the_skeleton_of_a_text_capture():
    page = resolve("/category/home/local-politics/", SNAPSHOT)
    lines = render_text(page, PageOptions.of(DAY)).split("\n")
    cycle = [f"  • {rate.line}" for rate in ticker_of(DAY)]
    expected = cycle * 8
    expected[0] = expected[0].lstrip()
    assert lines[:40] == expected
    assert lines[40:44] == ["05 December 2025", "", f"Viewing results 1 - 6 of {page.total}", ""]
    blocks = "\n".join(lines[44:]).split("\n\n")
    assert blocks == [text for a in page.articles for text in (a.title, a.listing_text)]


def test_the_text_form_of_the_home_page_keeps_paragraphs():
    page = resolve("/", SNAPSHOT)
    blocks = render_text(page, PageOptions.of(DAY)).split("\n\n")[1:]
    expected = []
    for a in page.articles:
        expected += [a.title, *((a.teaser, "Continue reading") if a.teaser else a.paragraphs)]
    assert blocks == expected


def test_a_page_without_ticker_and_date_begins_with_the_results_line():
    text = render_text(resolve("/latest/", SNAPSHOT), PageOptions(DAY, (), dated=False))
    assert text.lstrip("\n").startswith("Viewing results 1 - 6 of ")


def test_pages_are_small():
    for path in LISTINGS:
        assert len(render_html(resolve(path, SNAPSHOT), PageOptions.of(DAY), BASE).encode()) < 40_000
