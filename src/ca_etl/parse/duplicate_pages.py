"""Pages of different articles that say the same: a server answered with one page whatever it was asked for.

One page cannot tell: it may bear every sign of an article. A post that was published twice is told from it by the
numbers of its two posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ca_etl.parse.links import bare_address
from ca_etl.parse.page import PARSER_VERSION, PageKind, Reject
from ca_etl.records import RejectReason, Rows


class Saying(NamedTuple):
    """What the page of one article said; `text` stands for its text, by hash or in full."""

    url: str
    title: str | None
    text: str | None
    post_id: int | None


def repeats(sayings: Sequence[Saying]) -> dict[int, int]:
    """The places in `sayings` that are no article's, each with the number of addresses that say the same.

    The same is one text, or one title where no text is, under several addresses; not of posts that have a number
    each and one title.
    """
    same: dict[tuple[str | None, str | None], list[int]] = {}
    for place, said in enumerate(sayings):
        if said.text or said.title:
            same.setdefault((said.text, None if said.text else said.title), []).append(place)
    found: dict[int, int] = {}
    for places in same.values():
        several = [sayings[place] for place in places]
        addresses = {bare_address(said.url) for said in several}
        if len(addresses) > 1 and not _is_published_again(several, len(addresses)):
            found |= dict.fromkeys(places, len(addresses))
    return found


def reject_repeats(rows: Rows, *, source: str, run_id: str) -> None:
    """Make rejects of the pages in `rows`, those of one archive file, that say what pages of other articles say.

    Only captures of `source`, which asks for the page of one article after the other.
    """
    pages = {
        row["capture_id"]: row
        for row in rows.capture
        if row["source"] == source and row["page_kind"] == PageKind.ARTICLE and row["articles_parsed"] == 1
    }
    shown = [row for row in rows.article_observation if row["capture_id"] in pages and row["url"]]
    found = repeats([Saying(row["url"], row["title"], row["text_id"], row["post_id"]) for row in shown])
    for place, addresses in found.items():
        row = shown[place]
        why = Reject.of(RejectReason.NO_ARTICLES, f"{addresses} pages say the same", row["title"] or "")
        rows.reject.append(_reject_row(rows.reject, row["capture_id"], why, run_id))
        pages[row["capture_id"]] |= {
            "page_kind": str(PageKind.OTHER),
            "page_date": None,
            "articles_parsed": 0,
        }
    lost = {shown[place]["capture_id"] for place in found}
    if lost:
        _drop(rows, lost)


def _drop(rows: Rows, lost: set[str]) -> None:
    dropped = {row["text_id"] for row in rows.article_observation if row["capture_id"] in lost}
    rows.article_observation = [row for row in rows.article_observation if row["capture_id"] not in lost]
    kept = {row["text_id"] for row in rows.article_observation}
    rows.article_text = [
        row for row in rows.article_text if row["text_id"] in kept or row["text_id"] not in dropped
    ]


def _reject_row(
    rejects: Iterable[dict[str, Any]], capture_id: str, why: Reject, run_id: str
) -> dict[str, Any]:
    positions = (row["position"] for row in rejects if row["capture_id"] == capture_id)
    return {
        "capture_id": capture_id,
        "position": max(positions, default=0) + 1,
        "reason": str(why.reason),
        "detail": why.detail,
        "excerpt": why.excerpt,
        "parser_version": PARSER_VERSION,
        "run_id": run_id,
    }


def _is_published_again(several: Sequence[Saying], addresses: int) -> bool:
    numbers = {said.post_id for said in several}
    return None not in numbers and len(numbers) >= addresses and len({said.title for said in several}) == 1
