"""Pages of one article as themes and plugins write them; a page that lists articles stays a list."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from ca_etl.parse.article_page import MAX_TAGS
from ca_etl.parse.page import Article, Page, PageKind
from ca_etl.parse.rows import read_page
from ca_etl.records import RejectReason, Rows

URL = "https://timesca.com/a-fold-for-sheep/"
TEXT = "Shepherds of the Talas valley built a fold of stone and reed before the first snow fell on the pass."
MORE = "It holds two hundred sheep, and the wind does not come in."
WHOLE = f"{TEXT}\n\n{MORE}"
POST = "<article id='post-31'><h1>A Fold for Sheep</h1>{}</article>"
BODY = POST.format(f"<p>{TEXT}</p><p>{MORE}</p>")
CARD = (
    "<article><h3><a href='/{0}/'>Boats of the {0}</a></h3><p>Kenya paid $9 million for boats.</p></article>"
)
RELATED = f"<section class='related'><h2>Related</h2>{CARD.format('lake')}{CARD.format('port')}</section>"
SINGLE = "class='post-template-default single single-post postid-31'"
TYPED = "<meta property='og:type' content='article'>"
CANONICAL = f"<link rel='canonical' href='{URL}'>"
AT_NINE = datetime(2025, 12, 4, 9, tzinfo=UTC)


def linked(**changed: object) -> str:
    node = {
        "@type": "NewsArticle",
        "headline": "A Fold for Sheep",
        "datePublished": "2025-12-04T14:00:00+05:00",
        "author": {"@type": "Person", "name": "A. Shepherd"},
    }
    return json.dumps(node | changed)


def script(content: str, kind: str = "application/ld+json") -> str:
    return f'<script type="{kind}">{content}</script>'


def page(body: str, *, head: str = CANONICAL + TYPED, classes: str = SINGLE, url: str | None = URL) -> Page:
    html = f"<html><head>{head}</head><body {classes}><main>{body}</main></body></html>"
    read = read_page(html.encode(), content_type="text/html", url=url, on=date(2025, 12, 5))
    assert isinstance(read, Page)
    return read


def article(body: str, *, head: str = CANONICAL + TYPED, classes: str = SINGLE) -> Article:
    read = page(body, head=head, classes=classes)
    assert read.kind is PageKind.ARTICLE
    (one,) = read.articles
    return one


@pytest.mark.parametrize(
    "body",
    [
        BODY + RELATED,
        RELATED + BODY,
        POST.format(f"<p>{TEXT}</p><p>{MORE}</p>{RELATED}"),
        BODY + f"<div id='comments'>{CARD.format('comment')}</div>",
        BODY
        + "<h2><a href='/lake/'>Boats of the Lake</a></h2><h2><a href='/port/'>Bakers of the Port</a></h2>",
    ],
    ids=["below", "above", "within", "in comments", "bare headings"],
)
@pytest.mark.parametrize(
    ("head", "classes"),
    [
        (CANONICAL + TYPED, SINGLE),
        (CANONICAL + TYPED, ""),
        (CANONICAL, ""),
        ("", SINGLE),
        ("", ""),
        (script(linked()), ""),
    ],
    ids=["all signs", "no class", "canonical alone", "class alone", "number alone", "json-ld alone"],
)
def test_linked_headings_of_others_never_replace_the_article(body: str, head: str, classes: str) -> None:
    one = article(body, head=head, classes=classes)
    assert (one.title, one.url) == ("A Fold for Sheep", URL)
    assert one.text == WHOLE


@pytest.mark.parametrize("classes", [SINGLE, ""])
@pytest.mark.parametrize(
    "head", [TYPED, CANONICAL, script(linked())], ids=["og:type", "canonical", "json-ld"]
)
def test_a_linked_heading_within_the_text_is_text(head: str, classes: str) -> None:
    body = POST.format(f"<p>A fold.</p><h2>What <a href='/rule/'>the rule</a> says</h2><p>{TEXT}</p>")
    one = article(body, head=head, classes=classes)
    assert (one.title, one.text) == ("A Fold for Sheep", f"A fold.\n\nWhat the rule says\n\n{TEXT}")


@pytest.mark.parametrize(
    "site",
    [
        "<h1 class='site-title'><a href='/'>Sample Times</a></h1>",
        "<h1><a href='https://timesca.com/'>Sample Times</a></h1>",
        "<h1 class='site-title'>Sample Times</h1>",
        "<h1>Sample Times</h1>",
        "<h1 id='logo'><img src='/logo.png' alt='Sample Times'></h1>",
    ],
)
@pytest.mark.parametrize("headline", ["A Fold for Sheep", "A Fold for Sheep: What We Know", "Sheep"])
def test_the_name_of_the_site_is_not_the_title(site: str, headline: str) -> None:
    head = CANONICAL + "<title>A Fold for Sheep - Sample Times</title>" + script(linked(headline=headline))
    one = article(f"<header>{site}</header>{BODY}", head=head)
    assert (one.title, one.text, one.author) == ("A Fold for Sheep", WHOLE, "A. Shepherd")


def test_a_title_that_links_to_its_own_page_is_the_title() -> None:
    body = BODY.replace("A Fold for Sheep", f"<a href='{URL}' rel='bookmark'>A Fold for Sheep</a>")
    assert article(body + RELATED).text == WHOLE


def test_a_title_that_is_a_second_level_heading_is_found_by_the_head() -> None:
    head = CANONICAL + "<meta property='og:title' content='A Fold for Sheep'>"
    body = f"<h1><a href='/'>Sample Times</a></h1>{BODY.replace('h1>', 'h2>')}"
    assert (article(body, head=head).title, article(body, head=head).text) == ("A Fold for Sheep", WHOLE)


@pytest.mark.parametrize(
    "content",
    [
        linked() + ";",
        f"<!-- {linked()} -->",
        f"<![CDATA[{linked()}]]>",
        f"//<![CDATA[\n{linked()}\n//]]>",
        f"/* <![CDATA[ */ {linked()} /* ]]> */",
        linked().replace("}", ",}"),
        f"[{linked()},\n]",
        linked() + linked(headline="Another"),
        "\ufeff" + linked(),
        linked(headline="A Fold for Sheep // and ,} more"),
    ],
)
def test_json_ld_is_read_as_search_engines_read_it(content: str) -> None:
    read = page(BODY, head=CANONICAL + script(content))
    (one,) = read.articles
    assert (one.author, one.published_at) == ("A. Shepherd", AT_NINE)
    assert [reject.reason for reject in read.rejects] == []


@pytest.mark.parametrize(
    "kind", ["application/ld+json; charset=utf-8", "APPLICATION/LD+JSON", " application/ld+json "]
)
@pytest.mark.parametrize("place", ["{}<main>", "<main>{}"])
def test_the_type_of_json_ld_may_have_parameters(kind: str, place: str) -> None:
    html = place.format(script(linked(), kind))
    assert article(html + BODY).author == "A. Shepherd"


@pytest.mark.parametrize("content", ["{", linked()[:-5], "{'@type': 'Article'}", linked() + "}", "soon"])
def test_json_ld_that_cannot_be_read_is_a_reject(content: str) -> None:
    read = page(BODY, head=CANONICAL + script(content))
    assert read.articles[0].text == WHOLE
    assert [reject.reason for reject in read.rejects] == [RejectReason.BAD_JSON]


def test_json_ld_of_several_articles_is_matched_by_address_or_headline() -> None:
    other = {"@type": "NewsArticle", "headline": "Boats", "author": {"name": "X. Other"}}
    own = json.loads(linked())
    graph = script(json.dumps({"@graph": [other, own]}))
    assert article(BODY, head=CANONICAL + graph).author == "A. Shepherd"
    by_address = script(
        json.dumps([other | {"headline": "A Fold for Sheep"}, own | {"headline": "x", "url": URL}])
    )
    assert article(BODY, head=CANONICAL + by_address).author == "A. Shepherd"
    neither = script(json.dumps([other, other | {"headline": "Bakers"}]))
    assert article(BODY, head=CANONICAL + neither).author is None
    elsewhere = script(json.dumps(other | {"headline": "A Fold for Sheep", "url": f"{URL}other/"}))
    assert article(BODY, head=CANONICAL + elsewhere).author is None


@pytest.mark.parametrize(
    "author",
    [
        "https://www.facebook.com/sample",
        "http://example.org",
        "//example.org/me",
        "www.example.org",
        "facebook.com/sample",
        "desk@example.org",
        {"@type": "Person", "name": "https://example.org/me"},
        [{"url": "https://example.org/me"}],
        "",
        7,
    ],
)
def test_an_address_is_not_an_author(author: object) -> None:
    assert article(BODY, head=CANONICAL + script(linked(author=author))).author is None


def test_an_author_is_what_the_page_shows_where_its_head_gives_an_address() -> None:
    body = POST.format(
        f"<p class='byline'>By <a rel='author' href='/author/b/'>B. Weaver</a></p><p>{TEXT}</p>"
    )
    assert article(body, head=CANONICAL + script(linked(author="https://example.org"))).author == "B. Weaver"
    named = "<meta name='author' content='{}'>"
    assert article(BODY, head=CANONICAL + named.format("C. Smith")).author == "C. Smith"
    assert article(BODY, head=CANONICAL + named.format("https://example.org/c")).author is None


@pytest.mark.parametrize(
    "value", ["2025-12-04T14:00:00", "2025-12-04 14:00", "2025-12-04", "4 December 2025", "soon"]
)
def test_a_time_without_an_offset_is_null_and_a_reject(value: str) -> None:
    read = page(BODY, head=CANONICAL + script(linked(datePublished=value, dateModified=value)))
    assert (read.articles[0].published_at, read.articles[0].modified_at) == (None, None)
    assert [reject.reason for reject in read.rejects] == [RejectReason.BAD_TIME] * 2
    meta = f"<meta property='article:published_time' content='{value}'>"
    read = page(BODY, head=CANONICAL + meta)
    assert read.articles[0].published_at is None
    assert [reject.reason for reject in read.rejects] == [RejectReason.BAD_TIME]


def test_times_of_meta_tags_are_utc() -> None:
    meta = "<meta property='article:{}_time' content='2025-12-04T14:00:00+05:00'>"
    one = article(BODY, head=CANONICAL + meta.format("published") + meta.format("modified"))
    assert (one.published_at, one.modified_at) == (AT_NINE, AT_NINE)


TIME = "<time datetime='2024-01-01T00:00:00+00:00'>1 January 2024</time>"


@pytest.mark.parametrize(
    "body",
    [
        BODY + f"<div id='comments'><ol><li class='comment'>{TIME}<p>Well put.</p></li></ol></div>",
        BODY.replace("</article>", f"<div class='comment-list'><p>{TIME}</p></div></article>"),
        BODY + f"<section><article><h3><a href='/lake/'>Boats</a></h3>{TIME}</article></section>",
        BODY.replace("</article>", f"<article><h3>Boats</h3>{TIME}</article></article>"),
        BODY + f"<div class='sidebar'>{TIME}</div>",
        f"<div>{TIME}</div>{BODY}",
        BODY.replace(
            MORE, f"{MORE} The old one was of {TIME}, and it had fallen in long ago, they remember."
        ),
        BODY.replace("</article>", f"<blockquote><p>A note {TIME}</p></blockquote></article>"),
    ],
    ids=["comments", "comments within", "card", "card within", "sidebar", "above", "sentence", "quotation"],
)
def test_times_of_other_things_on_the_page_are_not_the_articles(body: str) -> None:
    assert article(body).published_at is None


def test_a_time_beside_the_title_is_the_articles() -> None:
    meta = "<div class='meta'><time datetime='2025-12-04T14:00:00+05:00'>4 December</time></div>"
    assert article(BODY.replace("</h1>", f"</h1>{meta}")).published_at == AT_NINE
    bare = (
        f"<h1>A Fold for Sheep</h1>{meta}<p>{TEXT}</p><p>{MORE}</p><h3><a href='/lake/'>Boats</a></h3>{TIME}"
    )
    assert article(bare).published_at == AT_NINE


LISTING = "".join(CARD.format(name) for name in ("lake", "port", "river"))


@pytest.mark.parametrize(
    ("head", "classes", "url"),
    [
        (TYPED, "class='archive category category-news'", "https://timesca.com/news/"),
        (TYPED, "", "https://timesca.com/category/news/"),
        (TYPED, "", "https://timesca.com/news/"),
        (script('{"@type": "CollectionPage"}'), "", "https://timesca.com/news/"),
        (CANONICAL, "class='blog'", URL),
        ("", "", None),
    ],
)
@pytest.mark.parametrize("heading", ["<h1>News</h1>", "<h1>News</h1><p>All news of the day.</p>", ""])
def test_a_page_with_several_linked_headings_is_a_list(
    head: str, classes: str, url: str | None, heading: str
) -> None:
    read = page(heading + LISTING, head=head, classes=classes, url=url)
    assert read.kind is not PageKind.ARTICLE
    assert [one.title for one in read.articles] == [
        f"Boats of the {name}" for name in ("lake", "port", "river")
    ]


def test_an_unproven_article_among_cards_is_a_reject_and_no_card_replaces_it() -> None:
    read = page(BODY.replace(" id='post-31'", "") + LISTING, head="", classes="")
    assert (read.kind, read.articles) == (PageKind.OTHER, ())
    assert [reject.reason for reject in read.rejects] == [RejectReason.NO_ARTICLES]


def test_an_article_without_text_is_kept_with_a_reject() -> None:
    read = page("<article id='post-31'><h1>A Fold for Sheep</h1></article>")
    assert [(one.title, one.text) for one in read.articles] == [("A Fold for Sheep", None)]
    assert [reject.reason for reject in read.rejects] == [RejectReason.NO_TEXT]


def test_a_page_of_more_tags_than_articles_have_gives_no_text_and_a_reject() -> None:
    read = page(BODY.replace("</article>", "<p>x</p>" * (MAX_TAGS // 2) + "</article>"))
    assert [(one.title, one.text) for one in read.articles] == [("A Fold for Sheep", None)]
    assert [reject.reason for reject in read.rejects] == [RejectReason.TOO_LARGE]


@pytest.mark.parametrize(
    "form",
    ["amp/", "amp", "?amp=1", "?amp", "feed/", "print/", "amp/?amp=1&noamp=mobile", "print/?print=pdf"],
)
def test_other_forms_of_its_page_are_the_same_article(rows: Callable[..., Rows], form: str) -> None:
    head = script(linked(mainEntityOfPage=URL))
    html = f"<html><head>{head}</head><body {SINGLE}>{BODY}</body></html>"
    made = rows(html.encode(), url=URL + form, content_type="text/html", captured_at=AT_NINE)
    shown = [(row["url"], row["url_slug"], row["author"]) for row in made.article_observation]
    assert shown == [(URL, "a-fold-for-sheep", "A. Shepherd")]
    assert [row["page_kind"] for row in made.capture] == ["article"]


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (
            f"<p>{TEXT}</p><div>They gave 9 million tenge.</div><p>{MORE}</p>",
            f"{TEXT}\n\nThey gave 9 million tenge.\n\n{MORE}",
        ),
        (f"{TEXT}<br><br>They agreed on a road.<p>{MORE}</p>", f"{TEXT}\n\nThey agreed on a road.\n\n{MORE}"),
        (f"<strong>They met</strong> on Friday.<p>{MORE}</p>", f"They met on Friday.\n\n{MORE}"),
        (
            f"<p>The strike began on <time datetime='2025-12-01'>December 1</time> in Osh.</p><p>{MORE}</p>",
            f"The strike began on December 1 in Osh.\n\n{MORE}",
        ),
    ],
    ids=["div", "bare text", "bare inline text", "time"],
)
def test_text_without_a_paragraph_of_its_own_is_kept(inner: str, text: str) -> None:
    assert article(POST.format(f"<div class='entry-content'>{inner}</div>")).text == text


@pytest.mark.parametrize("cards", [1, 4])
def test_a_short_article_does_not_get_the_text_of_the_next(cards: int) -> None:
    card = f"<article class='post'><h2><a href='/next/'>Next</a></h2><div><p>{TEXT * 3}</p></div></article>"
    assert (
        article(POST.format("<p>It rained in Osh on Friday.</p>") + card * cards).text
        == "It rained in Osh on Friday."
    )


def test_a_page_without_text_does_not_get_that_of_a_box() -> None:
    box = f"<div><h3>Join us</h3><p>{TEXT}</p><p>{MORE}</p><p>{TEXT}</p></div>"
    read = page(POST.format("<iframe src='/video'></iframe>") + box)
    assert [one.text for one in read.articles] == [None]
    assert [reject.reason for reject in read.rejects] == [RejectReason.NO_TEXT]
