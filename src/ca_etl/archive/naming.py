"""Names of archive files, and of the WARC headers of our own, for the writer and the reader of the archive."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

# Our own header fields, as WARC 1.1 section 5 lets any writer have them.
SOURCE: Final = "CA-ETL-Source"
VERDICT: Final = "CA-ETL-Verdict"
CAPTURED_AT: Final = "CA-ETL-Captured-At"
UNKNOWN: Final = "unknown"
# How many lines of the response's head were not header fields, and are not in the record.
DROPPED_LINES: Final = "CA-ETL-Dropped-Header-Lines"
# On a response that a source needed to find captures, such as an index of a web archive: it gives no capture.
EVIDENCE: Final = "CA-ETL-Evidence"
# Of a page that a web archive played back: where it was served, the timestamp that was requested, and when.
MEMENTO: Final = "CA-ETL-Memento"
REQUESTED: Final = "CA-ETL-Requested-Timestamp"
FETCHED_AT: Final = "CA-ETL-Fetched-At"
# How many records of the ingested file were left out, since their pages are of other sites.
OF_OTHER_SITES: Final = "CA-ETL-Of-Other-Sites"
# Reason and detail of bytes of an ingested file that are not a whole record.
DAMAGED: Final = "CA-ETL-Damaged"

# The same source, as a field of the warcinfo record, for records of a file that have no header of their own.
INFO_SOURCE: Final = "ca-etl-source"
# Fields of the warcinfo record of a file that was written for a slot.
INFO_SCHEDULE: Final = "ca-etl-schedule"
INFO_SLOT: Final = "ca-etl-slot"
# Source of files given by hand.
HAND_SOURCE: Final = "file"
# Source of captures that other crawlers wrote.
FOREIGN_SOURCE: Final = "web-archive"

# The schedule that is not in the names of its files.
DAILY: Final = "daily"
STAMP: Final = "%Y%m%dT%H%M%SZ"
# Until November 2026 warcinfo did not have the schedule, which was "daily" or "sweep": STAMP-SOURCE[-sweep]. What an
# ingest has after its stamp, and the day at the end of the name of a backfill, are neither source nor schedule.
OLD_NAME: Final = re.compile(
    r"(?P<slot>\d{8}T\d{6}Z)-(?P<source>(?!ingest)[a-z]+(?:-[a-z]+)*?)(?:-(?P<schedule>sweep))?"
)

SEALED_SUFFIX: Final = ".warc.gz"
RECOVERED: Final = ".recovered"
OPEN_SUFFIX: Final = ".open"
DAMAGED_SUFFIX: Final = ".damaged"
# Of an archive file that has path, digest and size of a file elsewhere, and no records itself.
REFERENCE_SUFFIX: Final = ".reference.json"


class Origin(NamedTuple):
    """The source, schedule and slot (UTC) of an archive file; an ingest or a backfill has no schedule and slot."""

    source: str
    schedule: str | None = None
    slot: datetime | None = None

    @property
    def name(self) -> str:
        """The name of the archive file of a slot, without suffix: instant, source, and schedule unless `daily`.

        Raises `ValueError` without a slot.

        >>> Origin("timesca-posts", "sweep", datetime(2025, 12, 7, 4, 30, tzinfo=UTC)).name
        '20251207T043000Z-timesca-posts-sweep'
        """
        if self.slot is None:
            raise ValueError(f"{self} has no slot to name an archive file by")
        stem = f"{self.slot.astimezone(UTC):{STAMP}}-{self.source}"
        return stem if self.schedule in {None, DAILY} else f"{stem}-{self.schedule}"

    @property
    def info(self) -> dict[str, str]:
        """The schedule and slot of an archive file as fields of its warcinfo record."""
        schedule = {} if self.schedule is None else {INFO_SCHEDULE: self.schedule}
        return schedule if self.slot is None else {**schedule, INFO_SLOT: self.slot.isoformat()}


def origin_of(info: Mapping[str, str], filename: str) -> Origin:
    """The source, schedule and slot of an archive file, from its warcinfo fields, or else from its name.

    Files written before November 2026 lack the fields, and so do files with a damaged warcinfo record.

    >>> origin_of({"ca-etl-slot": "2025-12-07T04:30:00+00:00"}, "20251207T043000Z-timesca-sweep.2.warc.gz").schedule
    'sweep'
    >>> origin_of({"ca-etl-source": "web-archive"}, "20251207T091500Z-ingest-0123456789ab.warc.gz").slot is None
    True
    """
    match = OLD_NAME.fullmatch(filename.partition(".")[0])
    slot = None if match is None else _instant(match["slot"])
    by_name = Origin(FOREIGN_SOURCE)
    if match is not None and slot is not None:
        by_name = Origin(match["source"], match["schedule"] or DAILY, slot)
    return Origin(
        info.get(INFO_SOURCE) or by_name.source,
        info.get(INFO_SCHEDULE) or by_name.schedule,
        _instant(info.get(INFO_SLOT, "")) or by_name.slot,
    )


def _instant(text: str) -> datetime | None:
    """The instant that an ISO text with an offset names, in UTC; None for any other text."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.astimezone(UTC)


def sha256_label(data: bytes) -> str:
    """The SHA-256 of `data` in the form of a WARC header, `sha256:<hex>`; warcio and FastWARC verify this form."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def warc_date(when: datetime) -> str:
    """Format a zone-aware instant as a WARC-Date, with microseconds where it has any (WARC 1.1).

    Raises `ValueError` for an instant without zone.

    >>> warc_date(datetime(2025, 12, 5, 2, 0, 0, 120000, tzinfo=UTC))
    '2025-12-05T02:00:00.120000Z'
    """
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone, which a WARC-Date needs")
    utc = when.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat()}Z"
