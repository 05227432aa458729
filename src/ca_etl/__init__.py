"""Daily Central Asian exchange rates and articles, from page to DuckDB release.

For analysts: `connect` opens the current release; `rates`, `articles` and `search` are frames of it, `convert` prices
a frame.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ca_etl.analyst import articles, connect, convert, rates, search

__all__ = ["__version__", "articles", "connect", "convert", "rates", "search"]
__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    """A function of `ca_etl.analyst`, imported at its first use: each command imports this package, and no Polars."""
    if name in __all__:
        return getattr(import_module("ca_etl.analyst"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
