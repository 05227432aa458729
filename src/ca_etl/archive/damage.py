"""Bytes of an input that are no whole record, as a record of their own: what it says, and how that is read again. Pure.

The archive alone thus accounts for every byte of an input, on the first load and on each rebuild.
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from ca_etl.archive.build import record_id
from ca_etl.archive.fields import CAPTURED_AT, DAMAGED, UNKNOWN
from ca_etl.archive.members import BadStretch, Stretch
from ca_etl.archive.parsed import Parsed, parse_record
from ca_etl.archive.payload import PayloadError
from ca_etl.records import BadRecord, RejectReason

MAX_DAMAGED_BYTES: Final = 8 * 1024 * 1024
CONTENT_TYPE: Final = "application/octet-stream"
# A record can have a header of 256 KiB, and the detail of a wrong one repeats a part of it.
MAX_DETAIL: Final = 500
# All but "%" and what ends a line or is not ASCII, so that the header can be read without tools.
PLAIN: Final = string.punctuation.replace("%", "") + " "


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `start` to `end` of the input `name`, whose whole content has the digest `sha256` (hex)."""

    name: str
    sha256: str
    start: int
    end: int
    reason: RejectReason
    detail: str

    @property
    def record_id(self) -> str:
        """Equal for the same place in the same content, under whatever name."""
        return record_id("damaged", self.sha256, self.start)

    @property
    def uri(self) -> str:
        """`file:<name>#<offset>`."""
        return f"file:{quote(os.fsencode(self.name))}#{self.start}"

    @property
    def stored_bytes(self) -> int:
        """How many of the bytes go into the record."""
        return min(self.end - self.start, MAX_DAMAGED_BYTES)

    @property
    def is_whole(self) -> bool:
        """Whether all of the bytes go into the record."""
        return self.stored_bytes == self.end - self.start

    def headers(self) -> Mapping[str, str]:
        """The WARC headers that say what the record is."""
        name = os.fsencode(self.name).decode("utf-8", "replace")
        detail = f"{name} at byte {self.start}: {self.detail[:MAX_DETAIL]}"
        fields = {DAMAGED: f"{self.reason}; {quote(detail, safe=PLAIN)}", CAPTURED_AT: UNKNOWN}
        return fields if self.is_whole else {**fields, "WARC-Truncated": "length"}

    def bad_record(self) -> BadRecord:
        """What a report of the ingest says; places are those of the input."""
        return BadRecord(self.name, self.start, self.reason, self.detail, self.record_id)


def examined(stretch: Stretch, name: str, sha256: str) -> Parsed | Damage:
    """The verified record of a stretch of the input `name`, or what is damaged there."""
    if isinstance(stretch, BadStretch):
        return Damage(name, sha256, stretch.start, stretch.end, stretch.reason, stretch.detail)
    try:
        return parse_record(stretch)
    except PayloadError as error:
        return Damage(name, sha256, stretch.start, stretch.end, error.reason, error.detail)


def read_damage(value: str) -> tuple[RejectReason, str]:
    r"""Reason and detail of a `CA-ETL-Damaged` header; `bad_record` for a reason that is not known here.

    >>> read_damage("truncated; in.wet at byte 7: half%0Aa line")
    (<RejectReason.TRUNCATED: 'truncated'>, 'in.wet at byte 7: half\na line')
    """
    code, _, detail = value.partition(";")
    try:
        reason = RejectReason(code.strip())
    except ValueError:
        return RejectReason.BAD_RECORD, unquote(value)
    return reason, unquote(detail.strip())
