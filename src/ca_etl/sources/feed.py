"""The feed of WordPress: the newest articles, ten a page as a rule, and older ones behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin

# Ten pages of ten: more than a week of a site that publishes a dozen articles a day.
MOST_PAGES: Final = 10


def pages(site_url: str) -> Iterator[str]:
    """The addresses of its pages, the newest first."""
    first = urljoin(site_url, "feed/")
    yield first
    for number in range(2, MOST_PAGES + 1):
        yield f"{first}?paged={number}"
