"""How instants, lengths of time and texts from elsewhere read in a message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ca_etl.sanitize import visible
from ca_etl.settings import Settings

LONGEST: Final = 600


def shown(instant: datetime, settings: Settings) -> str:
    """An instant to the minute, in the zone of the schedules."""
    return f"{instant.astimezone(settings.zone):%Y-%m-%d %H:%M %z}"


def one_line(text: str) -> str:
    """A text that may hold words of a page: on one line, controls visible, at most 600 characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def lasted(length: timedelta) -> str:
    """A length of time in its two largest units, such as "2 d 3 h" or "5 min"."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
