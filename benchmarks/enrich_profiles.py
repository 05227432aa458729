"""Megabytes of text per second of processor time from unique texts to language and bands, on one core.

The texts are those of `enrich_places`, with made-up words in place of every fourth: those have two thousand different
words only, and ours looks at each different one once. Beside ours are a MinHash as one would write it without a
library, by 64 seeded hashes of each run of words, on a part of the texts; and, where they are installed, py3langid for
the language with datasketch for the signatures. Told at the end is what each costs before its first text: a run of a
day has ten.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from typing import Final

# One core: Polars would use all of them.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from benchmarks.enrich_places import corpus
from benchmarks.measure import Claim, interleaved, print_table, processor, tell, wall_of_process
from ca_etl.enrich.near_duplicates import BANDS, ROWS, SHINGLE_WORDS, profile_rows

HASHES: Final = BANDS * ROWS
# The plain loop takes a second for each.
PLAIN_TEXTS: Final = 20
LIBRARIES: Final = ("py3langid", "datasketch")
AIM: Final = 15.0
VOCABULARY: Final = 80_000
MADE_UP: Final = 0.25
_WORD: Final = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*")

OURS_FIRST: Final = """
import polars as pl
from ca_etl.enrich.near_duplicates import profile_rows
profile_rows(pl.DataFrame({"text_id": ["a"], "text": ["the road and the river " * 20]}))
"""
THEIRS_FIRST: Final = """
import polars as pl
import datasketch, py3langid
py3langid.classify("the road and the river " * 20)
datasketch.MinHash(num_perm=64).update_batch([b"the road and"])
"""


def claims() -> Iterator[Claim]:
    """The speed on many texts, and the start."""
    texts = varied(corpus())
    plain = texts["text"].to_list()
    sizes = {"ours": _size(plain), "plain": _size(plain[:PLAIN_TEXTS]), "libraries": _size(plain[:400])}
    tell(f"profiles: {len(plain)} texts, {sizes['ours']:.1f} MB")
    ways: dict[str, Callable[[], float]] = {
        "ours": lambda: processor(lambda: profile_rows(texts)),
        "plain": lambda: processor(lambda: [_plain(text) for text in plain[:PLAIN_TEXTS]]),
    }
    installed = all(map(find_spec, LIBRARIES))
    if installed:
        other = _libraries()
        ways["libraries"] = lambda: processor(lambda: [other(text) for text in plain[:400]])
    else:
        tell(f"{' or '.join(LIBRARIES)} is not installed: their figures are left out")
    took = interleaved(ways, repeats=3)
    speeds = {way: sizes[way] / seconds for way, seconds in took.items()}
    for way, name in (("plain", "seeded blake2b in a loop"), ("libraries", " and ".join(LIBRARIES))):
        if way in speeds:
            yield Claim(
                "Language and bands of unique texts",
                f"{speeds['ours']:.1f} MB/s",
                f"{speeds[way]:.2f} MB/s ({name})",
                f"{speeds['ours'] / speeds[way]:.1f}",
                f"at least {AIM:g} MB/s",
                speeds["ours"] >= AIM,
            )
    if installed:
        yield _start()


def varied(texts: pl.DataFrame) -> pl.DataFrame:
    """The same texts with made-up words, some of which come often and most of which hardly ever."""
    draw = random.Random(5)  # noqa: S311 - which words is no secret
    made = ["".join(draw.choices("etaoinshrdlucm", k=draw.randrange(4, 11))) for _ in range(VOCABULARY)]

    def word(said: str) -> str:
        return said if draw.random() > MADE_UP else made[int(VOCABULARY ** draw.random()) - 1]

    return texts.with_columns(
        text=pl.Series([" ".join(map(word, text.split(" "))) for text in texts["text"]], dtype=pl.String)
    )


def _start() -> Claim:
    python = [sys.executable, "-c"]
    took = interleaved(
        {
            "polars": lambda: wall_of_process([*python, "import polars as pl; pl.DataFrame({'a': [1]})"]),
            "ours": lambda: wall_of_process([*python, OURS_FIRST]),
            "libraries": lambda: wall_of_process([*python, THEIRS_FIRST]),
        }
    )
    ours, theirs = took["ours"] - took["polars"], took["libraries"] - took["polars"]
    return Claim(
        "Start to the first text, beyond polars",
        f"{ours:.2f} s",
        f"{theirs:.2f} s ({' and '.join(LIBRARIES)})",
        f"{theirs / ours:.1f}",
    )


def _plain(text: str) -> list[int]:
    runs = _runs(text)
    return [
        min(int.from_bytes(blake2b(run, digest_size=8, salt=seed.to_bytes(8)).digest()) for run in runs)
        for seed in range(HASHES)
    ]


def _libraries() -> Callable[[str], object]:
    classify, minhash = import_module("py3langid").classify, import_module("datasketch").MinHash

    def both(text: str) -> object:
        made = minhash(num_perm=HASHES)
        made.update_batch(list(_runs(text)))
        return classify(text), made.digest()

    return both


def _runs(text: str) -> set[bytes]:
    words = _WORD.findall(text.lower())
    return {" ".join(words[at : at + SHINGLE_WORDS]).encode() for at in range(len(words) - SHINGLE_WORDS + 1)}


def _size(texts: Sequence[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


if __name__ == "__main__":
    print_table(claims())
