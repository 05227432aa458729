"""Texts that are nearly the same: bands that such texts share, and an exact comparison of two texts.

The bands of a text (MinHash over runs of three words) are made once. Of two texts with four fifths of their runs in
common, 2 in 10,000 pairs share no band; texts that share none are never compared. The figures of a text are part of
its bands: a daily note on one template names other figures every day, and other figures are other news.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import rensa  # type: ignore[import-untyped]

from ca_etl.enrich.words import words_of

# "Photo: AP" and "Read more" are the same under any article, and a note of two sentences comes again by chance.
MIN_WORDS: Final = 30
RUN: Final = 3
BANDS: Final = 16
ROWS: Final = 4
SEED: Final = 5
# News spells small numbers out. "One" is an article as often as a number, "may" a verb.
_SPELLED: Final = """
    two three four five six seven eight nine ten eleven twelve monday tuesday wednesday thursday friday saturday
    sunday january february march april june july august september october november december
"""
_AS_FIGURES: Final = frozenset(_SPELLED.split())
_LETTERS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts have in common, counted in runs of three words, each once."""

    shared: int
    runs: int
    """Runs of either text."""
    names_apart: int
    """Names that one text has and the other lacks, the lesser of both sides: 0 where one only adds."""


def bands_of(words: Sequence[str]) -> tuple[int, ...]:
    """64 bits a band, for the words of a text as `words_of` makes them; none for fewer than `MIN_WORDS`."""
    if len(words) < MIN_WORDS:
        return ()
    minhash = rensa.RMinHash(num_perm=BANDS * ROWS, seed=SEED)
    minhash.update(list(_runs(words)))
    digest = minhash.digest()
    figures = " ".join(sorted(_figures(words))).encode()
    return tuple(
        int.from_bytes(
            blake2b(
                struct.pack(f"<B{ROWS}I", band, *digest[band * ROWS : (band + 1) * ROWS]) + figures,
                digest_size=8,
            ).digest()
        )
        for band in range(BANDS)
    )


def likeness(text: str, other: str) -> Likeness | None:
    """How much of two texts is the same; None where their figures differ."""
    words, others = words_of(text), words_of(other)
    if _figures(words) != _figures(others):
        return None
    runs, other_runs = _runs(words), _runs(others)
    names, other_names = _names(text), _names(other)
    return Likeness(
        shared=len(runs & other_runs),
        runs=len(runs | other_runs),
        names_apart=min(len(names - other_names), len(other_names - names)),
    )


def _runs(words: Sequence[str]) -> set[str]:
    return set(map(" ".join, zip(*(words[start:] for start in range(RUN)), strict=False)))


def _figures(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word for word in words if word[0].isdigit() or word in _AS_FIGURES)


def _names(text: str) -> frozenset[str]:
    """Words with a capital after a small letter or a comma, where no sentence begins; `Osh's` is `Osh`."""
    inside = (
        _LETTERS.match(word)
        for before, word in pairwise(text.split())
        if word[0].isupper() and (before[-1].islower() or before[-1] == ",")
    )
    return frozenset(name[0] for name in inside if name)
