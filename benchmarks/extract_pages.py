"""trafilatura over a folder of pages, in its own environment: `python extract_pages.py FOLDER`.

Reads all pages first. Then each line on stdin asks for one pass ("fast" for one without its fallbacks), and each line
on stdout is the seconds of processor time that it took. Stands alone: the environment has nothing of ours.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from trafilatura import bare_extraction  # type: ignore[import-not-found]

pages = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
for line in sys.stdin:
    started = time.process_time()
    found = [bare_extraction(page, fast=line.strip() == "fast") for page in pages]
    seconds = time.process_time() - started
    if not any(found):
        sys.exit("trafilatura found nothing on any page")
    print(seconds, flush=True)
