"""The Times of Central Asia: the sources of its articles, by the name that the settings give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ca_etl.settings import ArticleSource
from ca_etl.sources.source import Source
from ca_etl.sources.timesca import article_pages, feed, posts_api

# Requested in the order of the setting CA_ETL_ARTICLE_SOURCES, until one gives all that is new.
ARTICLE_SOURCES: Final[Mapping[ArticleSource, Source]] = {
    ArticleSource.POSTS: posts_api.SOURCE,
    ArticleSource.FEED: feed.SOURCE,
    ArticleSource.PAGES: article_pages.SOURCE,
}
