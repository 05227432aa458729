"""Rows that the tests of several models are given."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def capture(capture_id: str, day: int, time: str = "02:00:00", **columns: Any) -> Row:
    """A capture of a day of December 2025 at a UTC time, of a page that prints that day."""
    date = f"2025-12-{day:02}"
    return {
        "capture_id": capture_id,
        "captured_at": f"{date} {time}+00",
        "captured_date": date,
        "page_date": date,
    } | columns


def posts_response(capture_id: str, day: int, **columns: Any) -> Row:
    """A response of the posts API at the time of a sweep of December 2025; it prints no date."""
    return (
        capture(capture_id, day, "04:30:00", source="timesca-posts", page_date=None)
        | {"page_kind": "posts_api", "http_status": 200}
        | columns
    )


def bank_response(capture_id: str, source: str, day: int, **columns: Any) -> Row:
    """A response of a central bank, fetched at 13:00 UTC of a day of December 2025."""
    return capture(capture_id, day, "13:00:00", source=source, page_date=None, http_status=200) | columns
