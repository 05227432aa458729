"""A source of one exchange rate a day, as a bank would be one: what it requests, and what its responses become."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, DecimalException
from functools import partial
from typing import Final

from ca_etl.parse.page import Article, Content, Parser, Reject, Terms
from ca_etl.records import Capture, RateObservation, RejectReason
from ca_etl.sources.schedules import DAILY
from ca_etl.sources.session import FetchedUrl, Session
from ca_etl.sources.source import Source, SourceReply, outcome_of_pages

NAME: Final = "toy-bank"


def request_rate(url: str, session: Session, _leads: Iterable[Article]) -> SourceReply:
    """Archive the bank's response of the slot."""
    with session.slot_file(NAME):
        result = session.get(url)
    page = FetchedUrl(url, result.verdict, result.detail)
    return SourceReply(outcome_of_pages(NAME, [page], 0, rates=None))


def read_rate(capture: Capture, _terms: Terms) -> Content:
    """The rate of the day that the body names, which need not be the day of the request."""
    try:
        body = json.loads(capture.payload)
        rate = RateObservation(
            capture.capture_id,
            body["base"],
            body["quote"],
            Decimal(body["rate"]),
            body["rate"],
            Decimal(0),
            "0%",
            position=1,
        )
        return Content((rate,), day=date.fromisoformat(body["date"]))
    except (ValueError, KeyError, DecimalException) as error:
        shown = capture.payload.decode("utf-8", "replace")
        return Content.unreadable(Reject.of(RejectReason.BAD_JSON, f"not a rate: {error!r}", shown))


def source(url: str) -> Source:
    """The source as it is listed in `all_sources`; a real one has its address in its module."""
    return Source(
        name=NAME,
        schedules=frozenset({DAILY}),
        tables=frozenset({"rate_observation"}),
        request=partial(request_rate, url),
        parser=Parser("2026-11-28.1", read_rate),
        hosts=frozenset({"127.0.0.1"}),
    )
