"""Names that the writing and the reading half of the archive share."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

# Our own header fields, as WARC 1.1 section 5 lets any writer have them.
SOURCE: Final = "CA-ETL-Source"
VERDICT: Final = "CA-ETL-Verdict"
CAPTURED_AT: Final = "CA-ETL-Captured-At"
UNKNOWN: Final = "unknown"
# How many lines of the response's head were no header field, and are not in the record.
DROPPED_LINES: Final = "CA-ETL-Dropped-Header-Lines"
# Reason and detail of bytes of an ingested file that are no whole record.
DAMAGED: Final = "CA-ETL-Damaged"

# The same source, as a field of the warcinfo record, for records of a file that carry no header of their own.
INFO_SOURCE: Final = "ca-etl-source"
# Source of captures that other crawlers wrote.
FOREIGN_SOURCE: Final = "web-archive"

SEALED_SUFFIX: Final = ".warc.gz"
RECOVERED: Final = ".recovered"
OPEN_SUFFIX: Final = ".open"
DAMAGED_SUFFIX: Final = ".damaged"


def sha256_label(data: bytes) -> str:
    """A digest as a WARC header carries it; warcio and FastWARC verify this form."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def warc_date(when: datetime) -> str:
    """A zone-aware instant as WARC-Date, with microseconds where there are any (WARC 1.1).

    >>> warc_date(datetime(2025, 12, 5, 2, 0, 0, 120000, tzinfo=UTC))
    '2025-12-05T02:00:00.120000Z'
    """
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone")
    utc = when.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat()}Z"
