"""Listings as themes write them: ticker, date line, cards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from ca_etl.parse.page import Article, Media, Page, PageKind
from ca_etl.records import RejectReason

Reader = Callable[..., Page]
TICKER = "<ul><li>KGS/USD = 0.01144 0%</li><li>KZT/USD = 0.00198 -0%</li></ul>"
PROSE = "The council met on Friday and put the matter off until the spring, as it had done before."


def _articles(page: Reader, body: str, head: str = "") -> tuple[Article, ...]:
    read = page(
        f"<html><head>{head}</head><body>{body}</body></html>", html=True, url="https://timesca.com/tag/a/"
    )
    return read.articles


def _rates(page: Reader, body: str) -> dict[str, tuple[str, str]]:
    return {rate.base: (rate.rate_text, rate.change_text) for rate in page(body, html=True).rates}


@pytest.mark.parametrize(
    "body",
    [
        "<nav><ul><li>KGS/USD = 0.01144 0%</li></ul></nav>",
        "<aside><p>KGS/USD = 0.01144 0%</p></aside>",
        "<footer>KGS/USD = 0.01144 0%</footer>",
        "<div><span>KGS</span>/<span>USD</span> = <b>0.01144</b> <i>0%</i></div>",
        "<table><tr><td>KGS/USD =</td><td>0.01144</td><td>0%</td></tr></table>",
        "<p>\n  &bull;&nbsp;KGS/USD&nbsp;=&nbsp;0.01144&nbsp;0%\n</p>",
        "<div>KGS/USD = 0.01144 0% | more rates</div>",
    ],
)
def test_the_ticker_is_read_wherever_it_is_printed(page: Reader, body: str) -> None:
    assert _rates(page, body) == {"KGS": ("0.01144", "0%")}


@pytest.mark.parametrize(
    "body",
    [
        "<script>var t = 'KGS/USD = 0.01144 0%';</script>",
        "<style>/* KGS/USD = 0.01144 0% */</style>",
        "<!-- KGS/USD = 0.01144 0% -->",
        "<template><p>KGS/USD = 0.01144 0%</p></template>",
        "<p>The bank gave KGS/USD = 0.01144 0%</p>",
        "<p>The sum fell by 5% KGS/USD = 0.01144 0%</p>",
        "<img alt='KGS/USD = 0.01144 0%'>",
        "<p>KGS 85 million (KZT) and USD/KZT alike</p>",
    ],
)
def test_scripts_attributes_and_running_text_hold_no_ticker(page: Reader, body: str) -> None:
    read = page(body, html=True)
    assert read.rates == ()
    assert read.ticker_cycles == 0


def test_an_item_with_prose_after_it_is_reported(page: Reader) -> None:
    read = page("<p>KGS/USD = 0.01144 0% was the rate</p>", html=True)
    assert read.rates == ()
    assert read.rejects[0].reason is RejectReason.BAD_RATE_LINE


def test_a_malformed_item_is_reported(page: Reader) -> None:
    read = page("<ul><li>KGS/USD = 0,01144 0%</li><li>KZT/USD = 0.00198 -0%</li></ul>", html=True)
    assert [rate.base for rate in read.rates] == ["KZT"]
    assert RejectReason.BAD_RATE_LINE in [reject.reason for reject in read.rejects]


def test_a_cycle_that_differs_is_reported_after_equal_ones(page: Reader) -> None:
    cycle = "<li>KGS/USD = 0.01144 0%</li><li>KZT/USD = 0.00198 -0%</li>"
    read = page(f"<ul>{cycle * 7}{cycle.replace('0.00198', '0.00199')}</ul>", html=True)
    assert read.ticker_cycles == 8
    assert {rate.base: rate.rate_text for rate in read.rates} == {"KGS": "0.01144", "KZT": "0.00198"}
    assert "cycle 8 of 8: KZT/USD 0.00199" in read.rejects[0].detail


def test_entities_are_unescaped_once(page: Reader) -> None:
    (article,) = _articles(
        page, f"<h2><a href='/a-b/'>Tea &amp;amp; Bread</a></h2><p>{PROSE} &lt;b&gt; &#8217;</p>"
    )
    assert article.title == "Tea &amp; Bread"
    assert article.text == f"{PROSE} <b> \N{RIGHT SINGLE QUOTATION MARK}"


def test_menus_margins_and_footers_are_never_articles(page: Reader) -> None:
    chrome = "".join(
        f"<{tag}><h2><a href='/in-{tag}/'>In a {tag}</a></h2><p>{PROSE}</p></{tag}>"
        for tag in ("nav", "aside", "footer")
    )
    articles = _articles(page, f"{chrome}<h2><a href='/real/'>A Real One</a></h2><p>{PROSE}</p>")
    assert [article.title for article in articles] == ["A Real One"]


@pytest.mark.parametrize(
    "href", ["/", "#top", "mailto:a@b.example", "javascript:void(0)", "/category/home/", "/author/x/"]
)
def test_headings_that_lead_to_no_article_are_left_out(page: Reader, href: str) -> None:
    articles = _articles(
        page,
        f"<h2><a href='{href}'>Not an Article</a></h2><p>x</p><h2><a href='/real/'>A Real One</a></h2><p>{PROSE}</p>",
    )
    assert [article.title for article in articles] == ["A Real One"]


def test_headings_of_a_widget_that_never_has_text_are_not_articles(page: Reader) -> None:
    cards = "".join(f"<div><h3><a href='/s{n}/'>Story {n}</a></h3><p>{PROSE}</p></div>" for n in range(3))
    widget = "".join(f"<div><h4><a href='/p{n}/'>Popular {n}</a></h4></div>" for n in range(3))
    articles = _articles(page, f"<div>{cards}</div><div>{widget}</div>")
    assert [article.title for article in articles] == ["Story 0", "Story 1", "Story 2"]


def test_titles_without_any_text_are_kept_where_no_heading_has_text(page: Reader) -> None:
    articles = _articles(
        page, "<div><h3><a href='/s1/'>Story 1</a></h3></div><div><h3><a href='/s2/'>Story 2</a></h3></div>"
    )
    assert [(article.title, article.text) for article in articles] == [("Story 1", None), ("Story 2", None)]


def test_section_headings_without_links_are_text_of_the_article(page: Reader) -> None:
    (article,) = _articles(
        page,
        f"<article><h2><a href='/s/'>Story</a></h2><p>{PROSE}</p><h2>Old Rooms</h2><p>{PROSE}</p></article>",
    )
    assert article.text == f"{PROSE}\n\nOld Rooms\n\n{PROSE}"


def test_links_are_resolved_against_the_page_the_base_or_the_canonical_link(page: Reader) -> None:
    body = f"<h2><a href='deep/story/'>Story</a></h2><p>{PROSE}</p>"
    assert _articles(page, body)[0].url == "https://timesca.com/tag/a/deep/story/"
    assert _articles(page, body, "<base href='/b/'>")[0].url == "https://timesca.com/b/deep/story/"
    canonical = f"<head><link rel='canonical' href='https://timesca.com/c/'></head><body>{body}</body>"
    assert page(canonical, html=True).articles[0].url == "https://timesca.com/c/deep/story/"
    assert page(body, html=True).articles[0].url is None


def test_author_and_times_are_read_and_their_line_is_not_text(page: Reader) -> None:
    meta = (
        "<div>By <a rel='author' href='/author/a-writer/'>A. Writer</a> | "
        "<time class='published' datetime='2025-12-05T09:00:00+05:00'>5 December</time>"
        "<time class='updated' datetime='2025-12-06T00:00:00Z'>6 December</time></div>"
    )
    card = f"<article><h2><a href='/s/'>Story</a></h2>{meta}<p>{PROSE}</p></article>"
    first, second = _articles(page, card + card.replace(meta, "").replace("/s/", "/t/"))
    assert (first.author, first.text) == ("A. Writer", PROSE)
    assert first.published_at == datetime(2025, 12, 5, 4, tzinfo=UTC)
    assert first.modified_at == datetime(2025, 12, 6, tzinfo=UTC)
    assert (second.author, second.published_at) == (None, None)


def test_a_link_or_a_time_within_a_name_or_a_caption_leaves_no_trace_in_it(page: Reader) -> None:
    name = "<span itemprop='author'><a href='/author/a-writer/'>A. Writer</a></span>"
    dated = "<time datetime='2019-05-01T00:00:00Z'>2019</time>"
    figure = f"<figure><figcaption>A bridge, {dated}, by <a href='/author/b/'>B.</a></figcaption></figure>"
    card = f"<article><h2><a href='/s/'>Story</a></h2><div>{name}</div>{figure}<p>{PROSE}</p></article>"
    (article,) = _articles(page, card)
    assert article.author == "A. Writer"
    assert article.media == (Media("caption", None, "A bridge, 2019, by B."),)
    assert article.published_at is None
    assert article.text == PROSE


def test_a_linked_heading_within_a_caption_is_part_of_the_caption(page: Reader) -> None:
    figure = "<figure><figcaption><h3><a href='/in/'>A bridge</a></h3></figcaption></figure>"
    card = f"<article><h2><a href='/s/'>Story</a></h2>{figure}<p>{PROSE}</p></article>"
    articles = _articles(page, card * 3)
    assert [(article.title, article.text) for article in articles] == [("Story", PROSE)] * 3
    assert articles[0].media == (Media("caption", None, "A bridge"),)


def test_an_address_is_not_the_author_of_a_card(page: Reader) -> None:
    card = "<article><h2><a href='/s/'>Story</a></h2><a rel='author' href='/a/'>desk@example.org</a>"
    (article,) = _articles(page, f"{card}<p>{PROSE}</p></article>")
    assert article.author is None


def test_a_menu_within_a_plugins_block_is_dropped_with_it(page: Reader) -> None:
    block = "<div class='sharedaddy'><nav><ul class='share-links'><li>Share</li></ul></nav></div>"
    card = f"<article><h2><a href='/s/'>Story</a></h2>{block}<p>{PROSE}</p></article>"
    assert [article.text for article in _articles(page, card * 9)] == [PROSE] * 9


@pytest.mark.parametrize(
    "inner",
    [
        "Story",
        "<b>Story</b>",
        " <a>no link</a> <a href='/s/'>Story</a>",
        "<span><a href='/s/'>Story</a></span>",
    ],
)
def test_the_link_of_a_title_may_be_anywhere_in_it_or_around_it(page: Reader, inner: str) -> None:
    heading = f"<h2>{inner}</h2>" if "href" in inner else f"<a href='/s/'><h2>{inner}</h2></a>"
    other = f"<article><h2><a href='/t/'>Another</a></h2><p>{PROSE}</p></article>"
    first, _ = _articles(page, f"<article>{heading}<p>{PROSE}</p></article>{other}")
    assert first.url == "https://timesca.com/s/"


@pytest.mark.parametrize(
    "value", ["2025-12-05T09:00:00", "2025-12-05", "soon", "", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_without_an_offset_is_not_an_instant(page: Reader, value: str) -> None:
    (article,) = _articles(
        page,
        f"<article><h2><a href='/s/'>Story</a></h2><time datetime='{value}'>x</time><p>{PROSE}</p></article>",
    )
    assert article.published_at is None


def test_a_byline_of_plain_text_is_the_author_and_not_text(page: Reader) -> None:
    (article,) = _articles(page, f"<h2><a href='/s/'>Story</a></h2><p>By Aigul B. Writer</p><p>{PROSE}</p>")
    assert (article.author, article.text) == ("Aigul B. Writer", PROSE)


def test_figure_captions_leave_the_text_and_become_media(page: Reader) -> None:
    figure = "<figure id='attachment_77'><img src='x.jpg'><figcaption>A bridge, 2019</figcaption></figure>"
    (article,) = _articles(page, f"<article><h2><a href='/s/'>Story</a></h2>{figure}<p>{PROSE}</p></article>")
    assert article.text == PROSE
    assert article.media == (Media("caption", 77, "A bridge, 2019"),)


def test_a_shortcode_with_an_image_inside_leaves_the_text(page: Reader) -> None:
    code = '[caption id="attachment_5" width="300"]<img src="x.jpg"> A dam[/caption]'
    (article,) = _articles(
        page, f"<article><h2><a href='/s/'>Story</a></h2><p>{code}</p><p>{PROSE}</p></article>"
    )
    assert article.text == PROSE
    assert article.media == (Media("caption", 5, "A dam"),)


def test_a_page_with_one_heading_and_no_linked_one_is_an_article(page: Reader) -> None:
    read = page(
        f"<body>{TICKER}<main><h1>Story</h1><p>28 August 2018</p><p>{PROSE}</p></main></body>",
        html=True,
        url="https://timesca.com/story/",
    )
    assert read.kind is PageKind.ARTICLE
    assert read.articles[0].title == "Story"
    assert read.articles[0].url == "https://timesca.com/story/"
    assert read.articles[0].text == PROSE


def test_the_date_line_is_the_one_after_the_ticker_and_not_an_articles(page: Reader) -> None:
    card = f"<article><span>01 January 2020</span><h2><a href='/s/'>Story</a></h2><p>{PROSE}</p></article>"
    other = card.replace("/s/", "/t/")
    assert page(f"{TICKER}<p>05 December 2025</p>{card}{other}", html=True).page_date == date(2025, 12, 5)
    assert page(f"<p>05 December 2025</p><div>{card}{other}</div>{TICKER}", html=True).page_date == date(
        2025, 12, 5
    )
    assert page(f"{TICKER}<div>{card}{other}</div>", html=True).page_date is None


def test_marks_of_the_reader_cannot_be_brought_in_by_a_page(page: Reader) -> None:
    for mark in ("\x021\x03", "&#2;1&#3;", "&#x02;1&#x3;", "&#0002;99&#3;"):
        (article,) = _articles(
            page, f"<article><h2><a href='/s/'>Story</a></h2><p>{mark} {PROSE}</p></article>"
        )
        assert article.text is not None
        assert article.text.endswith(PROSE)
        assert "\x02" not in article.text


@pytest.mark.parametrize(
    "html",
    [
        "<frameset><frame></frameset>",
        "<html></html>",
        "<",
        "<p",
        "<h2><a href='//'>x",
        "<h2><a href='http://[bad/x'>x</a></h2>",
    ],
)
def test_broken_markup_gives_a_page_without_articles(page: Reader, html: str) -> None:
    assert [article.url for article in page(html, html=True).articles if article.url] == []
