"""Whether a text is English, by its function words and the letters of its words.

The site is English, and only English texts are searched for countries and amounts. A text in another language shares a
few function words with English at the most, or has letters that English has not.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ca_etl.enrich.words import Words

# "Osh, Batken", a photographer's name or a dateline states no language; a sentence has more letters than this.
MIN_LETTERS: Final = 40
# Function words, less twice the words with foreign letters, are this share of all words in Latin letters.
FLOOR: Final = 0.15
FUNCTION_WORDS: Final = frozenset(
    "the and of to in on as that with from which this are is was were said but not they their been its it he "  # noqa: SIM905
    "she who when will would there than more after before between under while by have has had for at his her "
    "be an or until we you your no all one".split()
)


def languages(words: Words) -> pl.Series:
    """`en` for each English text, in order; null for one that is in another language, or too short."""
    word = pl.col("word")
    is_latin = word.str.contains(r"^[a-z\u00df-\u024f]")
    letters = pl.when(word.str.contains(r"^\p{L}")).then(word.str.len_chars()).otherwise(0).cast(pl.Int64)
    facts = pl.DataFrame(words.vocabulary.alias("word")).select(
        letters=letters,
        latin_letters=letters * is_latin,
        latin=is_latin.cast(pl.Int64),
        function=word.is_in(sorted(FUNCTION_WORDS)).cast(pl.Int64),
        foreign=(is_latin & word.str.contains("[^a-z']")).cast(pl.Int64),
    )
    counts = (
        facts.select(pl.all().gather(words.found["word"]))
        .with_columns(words.found["text"])
        .group_by("text")
        .sum()
    )
    is_english = (
        (pl.col("latin_letters") >= MIN_LETTERS)
        & (2 * pl.col("latin_letters") > pl.col("letters"))
        & (pl.col("function") > 0)
        & (pl.col("function") - 2 * pl.col("foreign") >= FLOOR * pl.col("latin"))
    )
    return words.of_each(counts.select("text", language=pl.when(is_english).then(pl.lit("en"))), "language")
