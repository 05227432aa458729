"""price-parser over lists of strings, in its own environment: `python read_prices.py FILE`.

FILE holds a JSON object of lists by name. Each line on stdin names one to be read, and each line on stdout is the
seconds of processor time that it took, and how many strings gave an amount. Stands alone: the environment has
nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from price_parser import Price  # type: ignore[import-not-found]

lists = json.loads(Path(sys.argv[1]).read_bytes())
for line in sys.stdin:
    strings = lists[line.strip()]
    started = time.process_time()
    found = sum(Price.fromstring(each).amount is not None for each in strings)
    seconds = time.process_time() - started
    print(seconds, found, flush=True)
