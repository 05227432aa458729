"""Pages of one article as themes and plugins write them; a page that lists articles stays a list."""

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
from ca_etl.parse.article_page import MAX_TAGS
from ca_etl.parse.links import url_slug
from ca_etl.parse.page import Article, Page, PageKind
from ca_etl.parse.rows import read_page, rows_of
from ca_etl.records import Capture, RejectReason, Rows

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


def test_a_title_that_is_a_second_level_heading_is_chosen_by_the_head() -> None:
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
@pytest.mark.parametrize("template", ["{}<main>", "<main>{}"])
def test_the_type_of_json_ld_may_have_parameters(kind: str, template: str) -> None:
    html = template.format(script(linked(), kind))
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
    loaded = rows(html.encode(), url=URL + form, content_type="text/html", captured_at=AT_NINE)
    shown = [(row["url"], row["url_slug"], row["author"]) for row in loaded.article_observation]
    assert shown == [(URL, "a-fold-for-sheep", "A. Shepherd")]
    assert [row["page_kind"] for row in loaded.capture] == ["article"]


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


STORY_URL = "https://timesca.com/a-baker-of-osh/"
NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
DAY = date(2025, 12, 5)
BASE = "http://127.0.0.1:8808/"
LINKED = {
    "@type": "NewsArticle",
    "mainEntityOfPage": {"@id": STORY_URL},
    "headline": "A Baker&#8217;s Day",
    "datePublished": "2025-12-05T06:15:00+05:00",
    "dateModified": "2025-12-05T14:00:00+05:00",
    "author": {"@id": "#anna"},
    "articleSection": ["Life &amp; Culture"],
    "keywords": "Bread, Osh",
}
GRAPH = {"@context": "https://schema.org", "@graph": [LINKED, {"@id": "#anna", "name": "Anna Ilmenova"}]}


def html(linked: str, *, head: str = "", after: str = "") -> str:
    return (
        f'<html><head>{head}<script type="application/ld+json">{linked}</script></head><body class="single">'
        '<main><article id="post-41"><h1>A Baker\u2019s Day</h1><p>By Anna I.</p>'
        '<time class="published" datetime="2025-12-05T07:00:00+05:00">5 December</time>'
        f"<p>The oven is lit.</p><p>Bread sells.</p></article>{after}</main></body></html>"
    )


def one(markup: str, url: str | None = STORY_URL) -> Article:
    read = read_page(markup.encode(), content_type="text/html", url=url, on=DAY)
    assert isinstance(read, Page)
    assert read.kind is PageKind.ARTICLE
    (article,) = read.articles
    return article


def test_an_article_page_is_read_with_what_its_json_ld_states() -> None:
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
def test_with_broken_json_ld_the_page_itself_decides(broken: str) -> None:
    article = one(html(broken))
    assert (article.title, article.author) == ("A Baker\u2019s Day", "Anna I.")
    assert article.published_at == datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
    assert article.modified_at is None
    assert article.text == "The oven is lit.\n\nBread sells."


def test_line_breaks_within_a_string_of_json_ld_are_accepted() -> None:
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
    article = one(html(json.dumps(GRAPH), head=head), url=f"{STORY_URL}?utm_source=x")
    assert article.url == "https://www.timesca.com/a-baker-of-osh/"
    foreign = '<link rel="canonical" href="https://example.org/a-baker/">'
    assert one(html(json.dumps(GRAPH), head=foreign)).url == STORY_URL


def test_headings_of_other_articles_below_do_not_hide_the_article() -> None:
    after = '<h3><a href="/other/">Another Story</a></h3><p>Its teaser.</p>'
    article = one(html(json.dumps(GRAPH), after=after))
    assert (article.title, article.text) == ("A Baker\u2019s Day", "The oven is lit.\n\nBread sells.")


def test_a_short_link_names_the_post() -> None:
    head = '<link rel="shortlink" href="https://timesca.com/?p=77">'
    assert one(html("", head=head)).post_id == 77


def test_json_ld_alone_gives_an_article_where_no_heading_does() -> None:
    data = json.dumps(LINKED | {"articleBody": "The oven is lit. Bread sells."})
    article = one(
        f'<html><head><script type="application/ld+json">{data}</script></head><body></body></html>'
    )
    assert (article.title, article.text) == ("A Baker\u2019s Day", "The oven is lit. Bread sells.")


def test_the_times_of_a_page_reach_the_row(rows: Callable[..., Rows]) -> None:
    loaded = rows(
        html(json.dumps(GRAPH)).encode(), url=STORY_URL, content_type="text/html", captured_at=NIGHT
    )
    (row,) = loaded.article_observation
    assert (row["post_id"], row["modified_at"]) == (41, datetime(2025, 12, 5, 9, 0, tzinfo=UTC))
    assert [reject["reason"] for reject in loaded.reject] == ["no_ticker"]


@cache
def demo_rows(target: str, *faults: Fault) -> Rows:
    response = respond(target, MappingProxyType({}), DAY, faults, BASE)
    capture = Capture(
        capture_id="c",
        source="demo",
        payload=response.body,
        archive_file="a",
        archive_offset=0,
        url=BASE + target[1:],
        captured_at=NIGHT,
        http_status=response.status,
        content_type=response.headers["Content-Type"],
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
OG_TYPE = '<html><head><meta property="og:type" content="article"></head>'


@pytest.mark.parametrize(
    ("markup", "excerpt"),
    [
        (LOST, "Oops! That page can not be found. It looks like nothing was found at this location."),
        (
            OG_TYPE + LOST,
            "Oops! That page can not be found. It looks like nothing was found at this location.",
        ),
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
    loaded = rows(
        markup.encode(), url=STORY_URL, content_type="text/html", captured_at=NIGHT, http_status=200
    )
    assert loaded.article_observation == []
    assert [capture["page_kind"] for capture in loaded.capture] == ["other"]
    assert [(reject["reason"], reject["excerpt"]) for reject in loaded.reject] == [("no_articles", excerpt)]


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
    loaded = rows(themed.encode(), url=STORY_URL, content_type="text/html", captured_at=NIGHT)
    assert (loaded.capture[0]["page_kind"], loaded.capture[0]["page_date"]) == ("other", None)
    assert len(loaded.rate_observation) == 5
    assert [reject["reason"] for reject in loaded.reject] == ["no_articles"]


@pytest.mark.parametrize(
    ("path", "kind"), [("category/bread/", "listing"), ("", "home"), ("author/anna/", "author")]
)
def test_a_lone_heading_on_a_list_is_not_an_article(rows: Callable[..., Rows], path: str, kind: str) -> None:
    empty = "<body><h1>We will be back soon!</h1><p>Sorry for the inconvenience.</p>"
    loaded = rows(
        empty.encode(), url=f"https://timesca.com/{path}", content_type="text/html", captured_at=NIGHT
    )
    assert (loaded.article_observation, loaded.capture[0]["page_kind"]) == ([], kind)
    assert "no_articles" in {reject["reason"] for reject in loaded.reject}


def test_the_old_site_has_no_signs_and_keeps_its_articles(rows: Callable[..., Rows]) -> None:
    old = "<body><h1>A Mill</h1><p>The wheel turns.</p>"
    address = "https://timesca.com/index.php/news/7-a-mill"
    loaded = rows(old.encode(), url=address, content_type="text/html", captured_at=NIGHT)
    assert [row["title"] for row in loaded.article_observation] == ["A Mill"]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<script type="application/ld+json">{"@type": "Article"}</script>', "<body>{}"),
        ('<meta property="og:type" content="article">', "<body>{}"),
        ("", '<body class="post-template-default single single-post">{}'),
        ("", '<body class="single postid-41">{}'),
        (f'<link rel="canonical" href="{STORY_URL}">', "<body><article>{}</article>"),
        ("", '<body><article><time datetime="2025-12-05T07:00:00+05:00">5 December</time>{}</article>'),
        ("", '<body><article id="post-41">{}</article>'),
    ],
    ids=["json-ld", "og:type", "single-post", "postid", "canonical", "time", "number"],
)
def test_one_sign_of_its_own_is_enough_for_an_article(head: str, body: str) -> None:
    shown = body.format("<h1>A Baker\u2019s Day</h1><p>The oven is lit.</p>")
    article = one(f"<html><head>{head}</head>{shown}</body></html>")
    assert (article.title, article.text) == ("A Baker\u2019s Day", "The oven is lit.")


def test_a_canonical_link_elsewhere_is_not_a_sign() -> None:
    head = '<link rel="canonical" href="https://timesca.com/"><title>x</title>'
    read = read_page(
        f"<html><head>{head}</head><body><article><h1>Sorry</h1></article></body></html>".encode(),
        content_type="text/html",
        url=STORY_URL,
        on=DAY,
    )
    assert isinstance(read, Page)
    assert (read.kind, read.articles) == (PageKind.OTHER, ())


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 99))
def test_the_api_the_feed_and_the_page_of_an_article_state_the_same(number: int) -> None:
    api = list(by_id("/wp-json/wp/v2/posts?per_page=100&_embed=author,wp:term").values())[number]
    page = by_id(f"/{api['url_slug']}/")[api["post_id"]]
    feed = by_id(f"/feed/?paged={number // 10 + 1}")[api["post_id"]]
    assert api["text_id"] is not None
    assert page | {"position": 0} == api | {"position": 0}
    assert feed | {"position": 0} == api | {"position": 0, "modified_at": None}
    broken = by_id(f"/{api['url_slug']}/", Fault(broken_linked_data=True))[api["post_id"]]
    shared = ("text_id", "title", "author", "url", "published_at", "url_slug")
    assert {name: broken[name] for name in shared} == {name: api[name] for name in shared}


def test_a_feed_of_excerpts_marks_every_long_article_as_truncated() -> None:
    texts = {row["text_id"]: str(row["text"]) for row in demo_rows("/feed/").article_text}
    lengths = {number: len(texts[str(row["text_id"])].split()) for number, row in by_id("/feed/").items()}
    cut = {number: row["is_truncated"] for number, row in by_id("/feed/", Fault(feed_excerpts=True)).items()}
    # A dateline is words of the excerpt and no words of the text.
    assert {number for number in cut if lengths[number] > 55} <= {n for n, is_cut in cut.items() if is_cut}
    assert {number for number in cut if lengths[number] < 50} <= {
        n for n, is_cut in cut.items() if not is_cut
    }
    assert set(cut.values()) == {True, False}


def test_the_unavailable_api_of_the_demo_site_is_a_reject_with_its_status() -> None:
    for fault in (Fault(status=401), Fault(status=403, waf_page=True), Fault(waf_page=True)):
        loaded = demo_rows("/wp-json/wp/v2/posts", fault)
        assert [row["reason"] for row in loaded.reject] == ["api_refused"]
        assert loaded.capture[0]["page_kind"] == "api_error"


@given(at=st.integers(0, 1_200), cut=st.integers(0, 80), put=st.binary(max_size=8))
def test_mutated_article_pages_give_rows_or_rejects(at: int, cut: int, put: bytes) -> None:
    payload = html(json.dumps(GRAPH)).encode()
    mutated = payload[:at] + put + payload[at + cut :]
    read_page(mutated, content_type="text/html", url=STORY_URL, on=DAY)
