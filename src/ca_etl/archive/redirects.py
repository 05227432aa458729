"""Which address led to which, as the archive tells it."""

from __future__ import annotations

from pathlib import Path

from ca_etl.archive.members import RawRecord, stretches
from ca_etl.archive.parsed import parse_record
from ca_etl.archive.payload import PayloadError
from ca_etl.archive.policy import REDIRECTS, redirect_target


def redirects(path: Path) -> dict[str, str]:
    """Absolute URLs that were redirected in an archive file, with the absolute URL that each led to.

    Raises `OSError`. Records that cannot be trusted tell nothing.
    """
    found = {}
    with path.open("rb") as file:
        for stretch in stretches(file):
            if not isinstance(stretch, RawRecord):
                continue
            try:
                record = parse_record(stretch)
            except PayloadError:
                continue
            if record.kind == "response" and record.uri and record.http_status in REDIRECTS:
                target = redirect_target(record.uri, record.http_headers.get("location"))
                if target is not None:
                    found[record.uri] = target
    return found


def leading_to(urls: set[str], redirected: dict[str, str]) -> set[str]:
    """`urls`, and those from which redirects lead to one of them.

    >>> sorted(leading_to({"b"}, {"a": "b", "c": "a", "d": "e"}))
    ['a', 'b', 'c']
    """
    reached = set(urls)
    while more := {source for source, target in redirected.items() if target in reached} - reached:
        reached |= more
    return reached
