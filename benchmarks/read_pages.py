"""Pages of a WARC file to DuckDB by trafilatura and dlt, in their own environment: `python read_pages.py FILE FOLDER`.

Prints the seconds of processor time for the texts and for the load, the number of pages, and their characters of text.
Stands alone: the environment has nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import dlt  # type: ignore[import-not-found]
from trafilatura import extract  # type: ignore[import-not-found]
from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-not-found]

folder = Path(sys.argv[2])
started = time.process_time()
with Path(sys.argv[1]).open("rb") as file:
    rows = [
        {
            "id": record.rec_headers.get_header("WARC-Record-ID"),
            "url": record.rec_headers.get_header("WARC-Target-URI"),
            "captured_at": record.rec_headers.get_header("WARC-Date"),
            "text": extract(record.content_stream().read()),
        }
        for record in ArchiveIterator(file)
        if record.rec_type == "response"
    ]
read = time.process_time()
pipeline = dlt.pipeline(
    "pages", destination=dlt.destinations.duckdb(str(folder / "pages.duckdb")), dataset_name="raw"
)
pipeline.run(rows, table_name="page", write_disposition="append")
loaded = time.process_time()
print(
    json.dumps(
        {
            "read": read - started,
            "load": loaded - read,
            "pages": len(rows),
            "characters": sum(len(row["text"] or "") for row in rows),
        }
    )
)
