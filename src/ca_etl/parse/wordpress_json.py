"""Parser of the WordPress posts API: a page of `wp/v2/posts`, one post, or an error object.

Times come from the `*_gmt` fields alone, because the others are in the site's zone, which has changed. `guid` is not a
link. Fields that the request's `_fields` left out are None. Text that PHP, a plugin or a cache printed around the JSON
is removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, Final

from ca_etl.parse.item_validation import (
    drop_foreign_link,
    html_to_text,
    read_content,
    refused_page,
    surrounding_rejects,
    time_rejects,
    to_valid_text,
    why_too_many_tags,
)
from ca_etl.parse.lines import parse_instant
from ca_etl.parse.links import resolve
from ca_etl.parse.page import Article, Page, PageKind, Reject
from ca_etl.records import RejectReason

# WordPress gives a hundred at most.
MAX_POSTS: Final = 1_000
_MAX_ID: Final = 2**63 - 1
_DECODER: Final = json.JSONDecoder()
# Where a list of posts or an object may begin within other text, or an empty list that nothing but markup precedes
# or a comment follows: at the address of an API there are also HTML pages, with scripts.
_VALUE: Final = re.compile(
    r'\[\s{0,40}\{\s{0,40}"|\{\s{0,40}"|\A\[\s{0,9}\](?=\s{0,9}<)'
    r"|(?:^|(?<=>))\[\s{0,9}\](?=\s{0,9}(?:<!--|/\*|\*/|\Z))",
    re.MULTILINE,
)
# A notice of PHP's quotes a bracket or two.
_MAX_TRIES: Final = 100


def read_posts(text: str, *, url: str | None, charset: str) -> Page:
    """Parse the JSON `text` of the posts API to a page of articles; `url` resolves links.

    A response without usable posts gives a page without articles, and a reject with the reason.
    """
    if (why := why_too_many_tags(text)) is not None:
        return refused_page(PageKind.POSTS_API, RejectReason.TOO_LARGE, why, text, charset)
    try:
        value, start, end = _value_in(text)
    except (ValueError, RecursionError) as error:
        return refused_page(PageKind.POSTS_API, RejectReason.BAD_JSON, f"no JSON: {error}", text, charset)
    page = _read_value(value, text[start:end], url, charset)
    return page._replace(rejects=(*page.rejects, *surrounding_rejects(text[:start], text[end:])))


def _read_value(value: object, text: str, url: str | None, charset: str) -> Page:
    if isinstance(value, dict) and (refusal := error_of(value)) is not None:
        page = refused_page(PageKind.API_ERROR, RejectReason.API_REFUSED, refusal, text, charset)
        return page._replace(error_code=value["code"])
    if isinstance(value, dict) and "namespaces" in value:
        zone = f"gmt_offset {value.get('gmt_offset')!r}, timezone_string {value.get('timezone_string')!r}"
        why = to_valid_text(f"the API's index; {zone}")
        return refused_page(PageKind.OTHER, RejectReason.NO_ARTICLES, why, to_valid_text(text), charset)
    posts = value if isinstance(value, list) else [value]
    if len(posts) > MAX_POSTS:
        why = f"{len(posts)} posts, more than {MAX_POSTS}"
        return refused_page(PageKind.POSTS_API, RejectReason.TOO_LARGE, why, text, charset)
    articles: list[Article] = []
    rejects: list[Reject] = []
    for number, post in enumerate(posts, start=1):
        read = _read_post(post, len(articles) + 1, number, url)
        if isinstance(read, Article):
            article, foreign = drop_foreign_link(read, url)
            articles.append(article)
            rejects += [
                *foreign,
                *time_rejects("date_gmt", post.get("date_gmt"), article.published_at),
                *time_rejects("modified_gmt", post.get("modified_gmt"), article.modified_at),
            ]
        else:
            rejects.append(read)
    return Page(PageKind.POSTS_API, charset, tuple(articles), tuple(rejects))


def _value_in(text: str) -> tuple[object, int, int]:
    """The JSON value of `text`, or the longest posts API value within it, with the start and end of the value.

    Raises ValueError or RecursionError as `json.loads` does, also for an incomplete list of posts: its complete posts
    are not taken for responses of one post.
    """
    problem: ValueError | RecursionError
    try:
        return json.loads(text), 0, len(text)
    except ValueError as error:
        problem = error
    values: list[tuple[object, int, int]] = []
    at, is_list_broken = 0, False
    for _ in range(_MAX_TRIES):
        match = _VALUE.search(text, at)
        if match is None:
            break
        start = match.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            if text[start] == "[":
                problem, is_list_broken = error, True
            at = max(getattr(error, "pos", 0), start + 1)
        else:
            if (isinstance(value, list) or not is_list_broken) and _is_response(value):
                values.append((value, start, at))
    if not values:
        raise problem
    return max(values, key=lambda value: value[2] - value[1])


def _is_response(value: list[Any] | dict[str, Any]) -> bool:
    """Whether the JSON value is a posts API response: a list of posts, an empty list, a post, an error or the index."""
    if isinstance(value, list):
        return not value or any(map(_is_post, value))
    is_error = "data" in value and error_of(value) is not None
    return is_error or _is_post(value) or {"namespaces", "gmt_offset"} <= value.keys()


def _is_post(value: object) -> bool:
    if not isinstance(value, dict) or _post_id(value.get("id")) is None:
        return False
    title = value.get("title")
    return "date_gmt" in value or (isinstance(title, dict) and "rendered" in title)


def error_of(value: Mapping[str, Any]) -> str | None:
    """The error in a WordPress error object, as text `code: message`; None for any other object."""
    code, message = value.get("code"), value.get("message")
    if not isinstance(code, str) or not isinstance(message, str) or "id" in value:
        return None
    return f"{to_valid_text(code)}: {html_to_text(to_valid_text(message)) or ''}"[:300]


def _read_post(post: object, position: int, number: int, url: str | None) -> Article | Reject:
    if not isinstance(post, dict) or (post_id := _post_id(post.get("id"))) is None:
        shown = to_valid_text(str(post)[:200])
        return Reject.of(RejectReason.BAD_JSON, f"item {number} is no post: it has no id", shown)
    whole, excerpt = _rendered(post, "content"), _rendered(post, "excerpt")
    shown_html = whole or excerpt or ""
    read = read_content(shown_html)
    if read is None:
        return Reject.of(RejectReason.TOO_LARGE, f"the text of post {post_id} has too many tags", shown_html)
    link = resolve(url, _string(post.get("link")) or "") if post.get("link") else None
    author, terms = _embedded(post)
    return read._replace(
        position=position,
        title=html_to_text(_rendered(post, "title") or ""),
        url=link,
        # Without the whole text it is the excerpt, which is truncated whatever it ends in.
        is_truncated=read.text is not None
        and (whole is None or (read.is_truncated and not _trails_off(whole))),
        author=author,
        published_at=parse_instant(post.get("date_gmt"), UTC),
        modified_at=parse_instant(post.get("modified_gmt"), UTC),
        post_id=post_id,
        categories=terms,
    )


def _trails_off(html: str) -> bool:
    """Whether the text ends in an author's ellipsis, without brackets or "Continue reading" after it."""
    return (html_to_text(html) or "").rstrip().endswith(("…", "..."))


def _post_id(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= _MAX_ID else None


def _string(value: object) -> str | None:
    return (to_valid_text(value).strip() or None) if isinstance(value, str) else None


def _rendered(post: Mapping[str, Any], name: str) -> str | None:
    """The HTML of a post's field `name`; None where it is missing or empty."""
    value = post.get(name)
    return _string(value.get("rendered") if isinstance(value, dict) else value)


def _embedded(post: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """The author's name and the names of categories and tags; None for a hidden author, who is an error object."""
    held = post.get("_embedded")
    if not isinstance(held, dict):
        return None, ()
    names = list(_names(held.get("author")))
    groups = held.get("wp:term")
    terms = [name for group in (groups if isinstance(groups, list) else []) for name in _names(group)]
    return (names[0] if names else None), tuple(dict.fromkeys(terms))


def _names(items: object) -> Iterator[str]:
    for item in items if isinstance(items, list) else []:
        if (
            isinstance(item, dict)
            and "code" not in item
            and (name := html_to_text(_string(item.get("name")) or ""))
        ):
            yield name
