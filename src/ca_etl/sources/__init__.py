"""One module per source: what it requests for a slot, and what its responses become; and the list of all sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ca_etl.sources.source import Source


def all_sources() -> tuple[Source, ...]:
    """Every source of the warehouse: those of the site first, in the order in which a run requests them."""
    # their modules import this package, and a command that requests nothing does not need them
    from ca_etl.sources.banks import BANK_SOURCES  # noqa: PLC0415
    from ca_etl.sources.timesca import ARTICLE_SOURCES, listings  # noqa: PLC0415
    from ca_etl.sources.web_archives import WEB_ARCHIVES  # noqa: PLC0415

    return (listings.SOURCE, *ARTICLE_SOURCES.values(), *BANK_SOURCES, *WEB_ARCHIVES)


def parser_versions() -> dict[str, str]:
    """The present version of each source's parser, by the name of the source.

    Captures of any other source are read by the parser of the site.
    """
    return {source.name: source.parser.version for source in all_sources()}
