"""Web archives: one module an archive, with the addresses of its index and its captures, and the checks of these."""

from __future__ import annotations

from typing import Final

from ca_etl.sources.web_archives import common_crawl, wayback

WEB_ARCHIVES: Final = (common_crawl.SOURCE, wayback.SOURCE)
