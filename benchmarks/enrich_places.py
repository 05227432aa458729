"""Megabytes of text per second of processor time from unique texts to country rows, on one core.

The alternative is what one would write first: a plain `re` alternation of the same names, the longest first, between
word borders, in a loop over the same texts, counting names a country and asking no rule. The texts are paragraphs of
the articles of `titles_corpus/` with sentences of the labelled corpus of `tests/enrich/` between them, so many that
a country is named about as often as in news from Central Asia, once in some 150 bytes; for the traps among them the
rules are asked far more often.
"""

from __future__ import annotations

import csv
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

# One core: Polars would use all of them.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from benchmarks.measure import ROOT, Claim, interleaved, print_table, processor, tell
from benchmarks.titles import HALVES, stories
from ca_etl.enrich.countries import Gazetteer, place_rows

TEXTS: Final = 4000
PIECES: Final = 40
PARAGRAPHS_TO_A_SENTENCE: Final = 6
AIM: Final = 60
CORPUS: Final = ROOT / "tests" / "enrich"
PLACES: Final = ROOT / "sql" / "seeds" / "places.csv"
_MARKED: Final = re.compile(r"\[([^\]]+) [A-Z]{2}\]")


def claims() -> Iterator[Claim]:
    """One figure against a fixed aim, beside the plain loop."""
    texts, gazetteer = corpus(), gazetteer_of(PLACES)
    size = sum(len(text.encode()) for text in texts["text"]) / 1e6
    dense = cast("int", place_rows(texts, gazetteer)["mentions"].sum()) / size
    tell(
        f"places: {len(texts)} texts, {size:.1f} MB, {len(gazetteer.names)} names, {dense:,.0f} found in a MB"
    )
    took = interleaved(
        {
            "ours": lambda: processor(lambda: place_rows(texts, gazetteer)),
            "plain": lambda: processor(lambda: plain(texts, gazetteer)),
        },
        repeats=3,
    )
    ours, loop = size / took["ours"], size / took["plain"]
    yield Claim(
        f"Countries in unique texts, {dense:,.0f} names a MB",
        f"{ours:,.1f} MB/s",
        f"{loop:,.1f} MB/s (`re` alternation, no rules)",
        f"{ours / loop:.1f}",
        f"at least {AIM} MB/s",
        ours >= AIM,
    )


def gazetteer_of(path: Path) -> Gazetteer:
    """The gazetteer of a seed table."""
    with path.open(encoding="utf-8", newline="") as rows:
        return Gazetteer.of(csv.DictReader(rows))


def corpus() -> pl.DataFrame:
    """Texts of some three kilobytes each, the same at every run."""
    paragraphs = [text for half in HALVES for story in stories(half) for _, text in story.paragraphs]
    sentences = [
        _MARKED.sub(r"\1", line)
        for path in sorted(CORPUS.glob("places_labelled_*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    draw = random.Random(5)  # noqa: S311 - the order of sentences is no secret
    pieces = paragraphs + sentences
    weights = [PARAGRAPHS_TO_A_SENTENCE / len(paragraphs)] * len(paragraphs) + [1 / len(sentences)] * len(
        sentences
    )
    texts = [" ".join(draw.choices(pieces, weights, k=PIECES)) for _ in range(TEXTS)]
    return pl.DataFrame({"text_id": [str(number) for number in range(TEXTS)], "text": texts})


def plain(texts: pl.DataFrame, gazetteer: Gazetteer) -> dict[str, Counter[str]]:
    """What a loop over the texts does with one regular expression."""
    codes = {entry.name: entry.country_codes for entry in gazetteer.names}
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, codes))})(?!\w)")
    named: dict[str, Counter[str]] = {}
    for text_id, text in texts.rows():
        named[text_id] = Counter(code for name in pattern.findall(text) for code in codes[name])
    return named


if __name__ == "__main__":
    print_table(claims())
