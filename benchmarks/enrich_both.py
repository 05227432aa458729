"""Megabytes of text per second on one core from texts to countries and amounts, and to all that `enrich` makes of them.

The texts are those of `enrich_amounts`. Beside both searches stand each alone, and both with language and bands, on
the same texts in the same run; what each is against other programs is told by `enrich_places`, `enrich_amounts` and
`enrich_profiles`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

# One core: Polars would use all of them.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from benchmarks.enrich_amounts import dense, thinned
from benchmarks.enrich_places import PLACES, gazetteer_of
from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from ca_etl.enrich.amounts import amount_rows
from ca_etl.enrich.countries import Gazetteer, place_rows
from ca_etl.enrich.near_duplicates import profile_rows

AIM_MB: Final = 20.0


def claims() -> Iterator[Claim]:
    """Both together on both kinds of text; the aim is for news as it comes."""
    gazetteer = gazetteer_of(PLACES)
    for kind, texts, aim in (("news", thinned(), AIM_MB), ("dense", dense(), None)):
        yield _speed(kind, texts, aim, gazetteer)


def _speed(kind: str, texts: list[str], aim: float | None, gazetteer: Gazetteer) -> Claim:
    frame = pl.DataFrame({"text_id": [f"{number}" for number in range(len(texts))], "text": texts})
    size = sum(len(text.encode()) for text in texts) / 1e6
    tell(f"places and amounts, {kind}: {len(texts)} texts, {size:.1f} MB")
    took = interleaved(
        {
            "both": lambda: processor(lambda: (place_rows(frame, gazetteer), amount_rows(frame))),
            "places": lambda: processor(lambda: place_rows(frame, gazetteer)),
            "amounts": lambda: processor(lambda: amount_rows(frame)),
            "all": lambda: processor(
                lambda: (place_rows(frame, gazetteer), amount_rows(frame), profile_rows(frame))
            ),
        }
    )
    speed = {what: size / seconds for what, seconds in took.items()}
    return Claim(
        f"Places and amounts in texts, {kind}",
        f"{speed['both']:.1f} MB/s",
        f"{speed['places']:.1f} MB/s (places alone); {speed['amounts']:.1f} MB/s (amounts alone); "
        f"{speed['all']:.1f} MB/s (with language and bands)",
        "-",
        "-" if aim is None else f"at least {aim:g} MB/s",
        None if aim is None else speed["both"] >= aim,
    )


if __name__ == "__main__":
    print_table(claims())
