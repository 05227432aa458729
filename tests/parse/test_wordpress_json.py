"""Responses of the posts API, whole, broken, and with text around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.item_validation import html_to_text
from ca_etl.parse.links import url_slug
from ca_etl.parse.page import Article, Page
from ca_etl.parse.rows import read_page
from ca_etl.parse.wordpress_json import read_posts
from ca_etl.records import Rows

NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
API = "https://timesca.com/wp-json/wp/v2/posts?per_page=100"
POST: dict[str, Any] = {
    "id": 41,
    "date": "2025-12-05T06:15:00",
    "date_gmt": "2025-12-05T01:15:00",
    "guid": {"rendered": "https://timesca.com/?p=41"},
    "modified": "2025-12-05T14:00:00",
    "modified_gmt": "2025-12-05T09:00:00",
    "slug": "a-baker-of-osh",
    "link": "https://timesca.com/a-baker-of-osh/",
    "title": {"rendered": "A Baker&#8217;s Day &amp; Night in <em>Osh</em>"},
    "content": {
        "rendered": "<p>OSH (TCA) &#8212; The oven&#8217;s lit at four.</p>\n"
        '<figure id="attachment_7" class="wp-caption"><img src="/7.jpg">'
        '<figcaption class="wp-caption-text">The oven</figcaption></figure>\n<p>Bread <b>sells</b> by six.</p>\n',
        "protected": False,
    },
    "excerpt": {"rendered": "<p>OSH (TCA) &#8212; The oven&#8217;s lit [&hellip;]</p>\n"},
    "_embedded": {
        "author": [{"id": 2, "name": "Anna O&#8217;Hara"}],
        "wp:term": [[{"name": "Life &amp; Culture"}], [{"name": "Bread"}]],
    },
}


def read(*posts: object) -> Page:
    return read_posts(json.dumps(posts), url=API, charset="utf-8")


def one(**changed: object) -> Article:
    (article,) = read(POST | changed).articles
    return article


def test_a_post_is_read_with_all_that_the_api_states() -> None:
    article = one()
    assert article.title == "A Baker\u2019s Day & Night in Osh"
    assert article.text == "The oven\u2019s lit at four.\n\nBread sells by six."
    assert (article.dateline, article.author) == ("OSH (TCA)", "Anna O\u2019Hara")
    assert [(item.attachment_id, item.caption) for item in article.media] == [(7, "The oven")]
    assert (article.post_id, url_slug(article.url or "")) == (41, "a-baker-of-osh")
    assert article.url == "https://timesca.com/a-baker-of-osh/"
    assert article.categories == ("Life & Culture", "Bread")
    assert article.is_truncated is False


def test_times_come_from_the_gmt_fields_alone() -> None:
    article = one()
    assert article.published_at == datetime(2025, 12, 5, 1, 15, tzinfo=UTC)
    assert article.modified_at == datetime(2025, 12, 5, 9, 0, tzinfo=UTC)
    assert one(date_gmt="0000-00-00T00:00:00", modified_gmt=None).published_at is None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Tom &amp; Co", "Tom & Co"),
        ("&amp;#8217;", "&#8217;"),
        ("&amp;amp;", "&amp;"),
        ("1 &lt; 2 &lt;b&gt;", "1 < 2 <b>"),
        ("<i>A</i>&nbsp; B", "A B"),
        ("plain", "plain"),
        ("<br>", None),
    ],
)
def test_entities_are_resolved_once_and_after_the_tags(html: str, text: str | None) -> None:
    assert html_to_text(html) == text


def test_a_hidden_author_is_an_error_object_and_not_a_name() -> None:
    hidden = {"code": "rest_user_invalid_id", "message": "Invalid user ID.", "data": {"status": 404}}
    assert one(_embedded={"author": [hidden]}).author is None


def test_without_the_content_the_excerpt_is_the_text_and_is_truncated() -> None:
    bare = {name: value for name, value in POST.items() if name != "content"}
    (article,) = read(bare).articles
    assert article.text == "The oven\u2019s lit [\u2026]"
    assert article.is_truncated


@pytest.mark.parametrize(
    ("html", "is_cut"),
    [
        ("<p>And so it goes on…</p>", False),
        ("<p>And so it goes on...</p>", False),
        ("<p>And so it goes [&hellip;]</p>", True),
        ("<p>And so it goes... <a>Continue reading</a></p>", True),
    ],
)
def test_a_whole_text_may_end_in_an_ellipsis_of_its_author(html: str, is_cut: bool) -> None:
    assert one(content={"rendered": html}).is_truncated is is_cut


def test_a_guid_is_never_taken_for_the_link() -> None:
    assert one(link=None).url is None


def test_a_shortcode_left_in_the_content_is_taken_out() -> None:
    html = '<p>One.</p><p>[video mp4="https://timesca.com/a.mp4"][/video]</p><p>Two [sic].</p>'
    article = one(content={"rendered": html})
    assert article.text == "One.\n\nTwo [sic]."
    assert [item.kind for item in article.media] == ["video"]


def test_a_linked_heading_within_the_text_is_text() -> None:
    html = '<p>One.</p><h2><a href="/other/">See the Other Story</a></h2><p>Two.</p>'
    assert one(content={"rendered": html}).text == "One.\n\nSee the Other Story\n\nTwo."


def test_one_post_by_itself_is_a_page_of_one() -> None:
    page = read_posts(json.dumps(POST), url=f"{API}/41", charset="utf-8")
    assert [article.post_id for article in page.articles] == [41]


def test_an_item_without_an_id_is_a_reject_and_the_others_stay() -> None:
    page = read(POST, {"title": "x"}, 7, POST | {"id": 42}, {"id": True})
    assert [(a.position, a.post_id) for a in page.articles] == [(1, 41), (2, 42)]
    assert [(r.reason, r.detail) for r in page.rejects] == [
        ("bad_json", "item 2 is no post: it has no id"),
        ("bad_json", "item 3 is no post: it has no id"),
        ("bad_json", "item 5 is no post: it has no id"),
    ]


def rows_of_response(rows: Callable[..., Rows], payload: bytes, **known: object) -> Rows:
    given = {"url": API, "content_type": "application/json; charset=UTF-8", "captured_at": NIGHT}
    return rows(payload, **(given | known))


def test_a_response_of_the_api_becomes_rows_without_a_ticker_and_without_a_reject(
    rows: Callable[..., Rows],
) -> None:
    loaded = rows_of_response(rows, json.dumps([POST]).encode(), http_status=200)
    assert loaded.capture[0]["page_kind"] == "posts_api"
    assert loaded.reject == []
    (row,) = loaded.article_observation
    assert (row["post_id"], row["categories"]) == (41, ["Life & Culture", "Bread"])
    assert loaded.article_text[0]["text_id"] == row["text_id"]


def test_a_response_keeps_the_number_of_posts_that_the_site_counts(rows: Callable[..., Rows]) -> None:
    loaded = rows_of_response(rows, json.dumps([POST]).encode(), total=41)
    assert loaded.capture[0]["shown_total"] == 41


def test_a_response_that_states_that_there_is_no_post_is_not_a_reject(rows: Callable[..., Rows]) -> None:
    assert rows_of_response(rows, b"[]", total=0).reject == []
    assert [row["reason"] for row in rows_of_response(rows, b"[]", total=3).reject] == ["no_articles"]


@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/plain", None])
def test_content_and_address_decide_the_api_where_the_type_does_not(
    rows: Callable[..., Rows], content_type: str | None
) -> None:
    loaded = rows_of_response(rows, json.dumps([POST]).encode(), content_type=content_type)
    assert loaded.capture[0]["page_kind"] == "posts_api"


@pytest.mark.parametrize(
    ("payload", "known", "kind", "reason", "detail"),
    [
        (b'[{"id": 1', {}, "posts_api", "bad_json", "no JSON: "),
        (b"[" * 100_000, {}, "posts_api", "bad_json", "no JSON: "),
        (b"[]", {}, "posts_api", "no_articles", "no article on a page of kind posts_api"),
        (
            b'{"code":"rest_forbidden","message":"Sorry.","data":{"status":403}}',
            {"http_status": 403},
            "api_error",
            "api_refused",
            "status 403, rest_forbidden: Sorry.",
        ),
        (
            b'{"code":"rest_no_route","message":"No route.","data":{"status":404}}',
            {"http_status": 404},
            "api_error",
            "api_refused",
            "status 404, rest_no_route: No route.",
        ),
        (
            b'{"code":"rest_disabled","message":"Off.","data":[]}',
            {"http_status": 200},
            "api_error",
            "api_refused",
            "rest_disabled: Off.",
        ),
        (
            b"<!DOCTYPE html><html><body>Request refused</body></html>",
            {"content_type": "text/html", "http_status": 403},
            "api_error",
            "api_refused",
            "status 403, html where JSON was asked for",
        ),
        (
            b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
            {"content_type": "text/html", "http_status": 200},
            "api_error",
            "api_refused",
            "html where JSON was asked for, told by '<title>just a moment...</title>'",
        ),
        (b"<html></html>", {}, "api_error", "api_refused", "html where JSON was asked for"),
        (b"", {"http_status": 401}, "api_error", "api_refused", "status 401"),
        (b'{"code":"x","message":"y"}', {"http_status": 503}, None, "http_error", "status 503"),
        (
            b'{"name":"x","gmt_offset":"5","timezone_string":"Asia/Almaty","namespaces":["wp/v2"]}',
            {},
            "other",
            "no_articles",
            "the API's index; gmt_offset '5', timezone_string 'Asia/Almaty'",
        ),
    ],
)
def test_a_response_without_posts_is_one_reject_with_the_reason(
    rows: Callable[..., Rows],
    payload: bytes,
    known: dict[str, object],
    *,
    kind: str | None,
    reason: str,
    detail: str,
) -> None:
    loaded = rows_of_response(rows, payload, **known)
    assert [row["reason"] for row in loaded.reject] == [reason]
    assert loaded.reject[0]["detail"].startswith(detail)
    assert loaded.capture[0]["page_kind"] == kind
    assert loaded.article_observation == []


NOTICE = (
    "<br />\n<b>Notice</b>: Undefined index [foo] of {bar} [] in <b>/srv/a.php</b> on line <b>3</b><br />\n"
)
XDEBUG = (
    "<br />\n<font size='1'><table class='xdebug-error'><tr><td>( ! ) Notice: [0]</td></tr></table></font>\n"
)
LOG = '[05-Dec-2025 09:00:00 UTC] PHP Notice: bad value [{"a" b}] and {"id": 7} in /srv/a.php on line 3\n'
CACHED = "\n<!-- Page cached by a plugin [1] in 0.2 seconds -->"
AROUND = [
    (NOTICE, "", "before"),
    (NOTICE * 9, "", "before"),
    (XDEBUG, "", "before"),
    (LOG, "", "before"),
    ("Warning: [] is empty\n", "", "before"),
    ("Warning: []\n", "", "before"),
    ("<div class='notice'>Deprecated</div>", "", "before"),
    ('<script>var a = {"a": [1]};</script>', "", "before"),
    ('Notice: Array [{"a": 1}] in a.php\n', "", "before"),
    ("/*-secure-\n", "*/", "before"),
    (")]}',\n", "", "before"),
    ("for(;;);", "", "before"),
    ("got_posts(", ");", "before"),
    ("", CACHED, "after"),
    ("", "\n" + NOTICE, "after"),
    ("", "{}", "after"),
    ("\ufeff" + NOTICE, CACHED, "before"),
]


@pytest.mark.parametrize(("before", "after", "where"), AROUND)
@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", "text/html; charset=UTF-8", None]
)
def test_posts_with_text_around_them_are_read_and_the_text_is_one_reject(
    rows: Callable[..., Rows], content_type: str | None, before: str, after: str, where: str
) -> None:
    array = json.dumps([POST | {"id": number} for number in range(1, 101)])
    stored = rows_of_response(rows, (before + array + after).encode(), content_type=content_type)
    assert stored.capture[0]["page_kind"] == "posts_api"
    assert [row["post_id"] for row in stored.article_observation] == list(range(1, 101))
    (reject,) = stored.reject
    assert reject["reason"] == "extra_text"
    assert where in reject["detail"]
    assert reject["excerpt"].startswith((before or after).strip("\ufeff\n ")[:20])


def test_the_texts_before_and_after_are_in_one_reject() -> None:
    page = read_posts(NOTICE + json.dumps([POST]) + CACHED, url=API, charset="u")
    (reject,) = page.rejects
    assert reject.detail == "cut off: 99 characters before the document, 51 characters after the document"
    assert NOTICE.strip()[:90] in reject.excerpt
    assert CACHED.strip() in reject.excerpt


@pytest.mark.parametrize("mark", ["\ufeff", "\ufeff\n", "\n\n ", "\t"])
def test_a_mark_or_space_before_the_posts_is_not_a_reject(rows: Callable[..., Rows], mark: str) -> None:
    stored = rows_of_response(rows, f"{mark}{json.dumps([POST])}\n\n".encode())
    assert ([row["post_id"] for row in stored.article_observation], stored.reject) == ([41], [])


def test_one_post_an_error_and_the_index_are_read_within_text_too() -> None:
    page = read_posts(NOTICE + json.dumps(POST), url=f"{API}/41", charset="u")
    assert [article.post_id for article in page.articles] == [41]
    error = '{"code":"rest_forbidden","message":"Sorry.","data":{"status":403}}'
    index = '{"name":"x","gmt_offset":"5","timezone_string":"Asia/Almaty","namespaces":["wp/v2"]}'
    for text, kind, reason in ((error, "api_error", "api_refused"), (index, "other", "no_articles")):
        page = read_posts(NOTICE + text, url=API, charset="u")
        assert (page.kind, [reject.reason for reject in page.rejects]) == (kind, [reason, "extra_text"])


@pytest.mark.parametrize(("before", "after"), [(NOTICE, ""), ("", CACHED), (NOTICE, CACHED), ("", NOTICE)])
def test_an_empty_list_with_text_around_it_is_an_empty_list(
    rows: Callable[..., Rows], before: str, after: str
) -> None:
    payload = f"{before}[]{after}".encode()
    stored = rows_of_response(rows, payload, total=0)
    assert (stored.capture[0]["page_kind"], stored.article_observation) == ("posts_api", [])
    assert [row["reason"] for row in stored.reject] == ["extra_text"]
    missing = rows_of_response(rows, payload, total=3)
    assert [row["reason"] for row in missing.reject] == ["extra_text", "no_articles"]


@pytest.mark.parametrize(
    "text",
    [
        NOTICE,
        LOG,
        "[foo]",
        "[] is empty",
        "see [] here",
        NOTICE + json.dumps([POST, POST])[:-40],
        NOTICE + json.dumps([POST, POST])[:-1],
        json.dumps([POST, POST])[:-1],
        json.dumps([POST, POST]).replace("}, {", "}, <b>Notice</b>, {", 1),
        NOTICE + '[{"a": ' * 100_000,
        NOTICE + '{"id": 7}',
        NOTICE + '[{"id": 7}]',
    ],
)
def test_a_list_that_breaks_off_and_a_stray_bracket_stay_rejects(
    rows: Callable[..., Rows], text: str
) -> None:
    stored = rows_of_response(rows, text.encode())
    assert [row["reason"] for row in stored.reject] == ["bad_json"]
    assert stored.article_observation == []


@pytest.mark.parametrize(
    "script",
    [
        'var menu = [{"id": 3, "title": "Home", "link": "https://timesca.com/"}];',
        "var list =\n[]\n;",
        "var list = [];",
        'var api = {"code": "x", "message": "y"};',
        'var nested = {"body": [{"id": 1, "date_gmt": "2025-12-04T09:00:00", "title": {"rendered": "x"}}]};',
    ],
)
def test_the_scripts_of_a_page_at_the_address_of_the_api_are_not_posts(
    rows: Callable[..., Rows], script: str
) -> None:
    text = f"<!DOCTYPE html><html><script>{script}</script><p>Request refused</p></html>"
    for content_type in ("text/html", None):
        stored = rows_of_response(rows, text.encode(), content_type=content_type)
        assert [row["reason"] for row in stored.reject] == ["api_refused"]


def test_text_that_no_encoding_takes_is_replaced(rows: Callable[..., Rows]) -> None:
    post = POST | {"title": {"rendered": "A \ud800 \x00 Title"}, "slug": "\udfff"}
    loaded = rows_of_response(rows, json.dumps([post]).encode())
    assert loaded.article_observation[0]["title"] == "A \ufffd \ufffd Title"


def test_a_page_of_too_many_posts_or_tags_is_refused_before_it_is_read() -> None:
    assert [r.reason for r in read(*({"id": n} for n in range(1, 1_002))).rejects] == ["too_large"]
    assert [r.reason for r in read(POST | {"content": {"rendered": "<b>" * 200_000}}).rejects] == [
        "too_large"
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(POST)), inner),
    max_leaves=12,
)


@given(changed=st.dictionaries(st.sampled_from(sorted(POST)), values))
def test_a_post_of_any_shape_is_rows_or_rejects(changed: dict[str, object]) -> None:
    page = read(POST | changed)
    # a field that cannot be so is a reject beside its article
    whole = [reject for reject in page.rejects if reject.reason not in {"bad_time", "other_site"}]
    assert len(page.articles) + len(whole) == 1


@given(at=st.integers(0, 900), cut=st.integers(0, 60), put=st.binary(max_size=8))
def test_mutated_responses_give_rows_or_rejects(at: int, cut: int, put: bytes) -> None:
    payload = json.dumps([POST]).encode()
    mutated = payload[:at] + put + payload[at + cut :]
    read = read_page(mutated, content_type="application/json", url=API, on=NIGHT.date())
    if isinstance(read, Page):
        assert read.articles or read.rejects or json.loads(mutated) == []
