"""Daily Central Asian exchange rates and articles, from page to DuckDB release."""

__version__ = "0.2.0"
