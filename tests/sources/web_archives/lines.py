"""Index lines as the servers of the two web archives write them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ca_etl.sources.web_archives.cdx import WAYBACK_FIELDS, IndexLine


def common_crawl_line(line: IndexLine) -> str:
    """A line of Common Crawl's index: numbers are strings, and there are more fields than needed."""
    fields = {
        "urlkey": line.urlkey,
        "timestamp": line.timestamp,
        "url": line.url,
        "mime": line.mime,
        "mime-detected": "text/html",
        "status": _status(line),
        "digest": line.digest,
        "length": str(line.length),
        "offset": str(line.offset),
        "filename": line.filename,
        "languages": "eng",
        "encoding": "UTF-8",
    }
    return json.dumps(fields)


def wayback_rows(lines: Sequence[IndexLine], resume_key: str | None) -> str:
    """A response of Wayback's index: a row a line, and the resume key after an empty row."""
    rows: list[list[str]] = [list(WAYBACK_FIELDS)]
    rows += [
        [line.urlkey, line.timestamp, line.url, line.mime, _status(line), line.digest, str(line.length)]
        for line in lines
    ]
    rows += [] if resume_key is None else [[], [resume_key]]
    return "[" + ",\n".join(json.dumps(row) for row in rows) + "]\n"


def _status(line: IndexLine) -> str:
    return "-" if line.status is None else str(line.status)
