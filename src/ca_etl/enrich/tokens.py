"""The words of many texts (lower case, one kind of apostrophe, numbers whole), and whether a text is English.

`it's` and `1,000.5` are one word each, `$5m` is `5` and `m`. A text is split at its spaces first, and each distinct
piece is searched for words once: all texts together use few, each of them often. English is decided by function words
and letters; only English texts are searched for countries and amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

_APOSTROPHES: Final = "[\u2018\u2019\u02bb\u02bc`\u00b4]"
_LETTERS: Final = r"[\p{L}\p{Nl}\p{No}]+"
_WORD: Final = rf"\p{{Nd}}+(?:[.,:]\p{{Nd}}+)*|{_LETTERS}(?:'{_LETTERS})*"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of `texts` texts.

    `vocabulary` has each different word once. `found` has a row per word of a text, in order, with columns text (the
    number of the text, from 0) and word (its place in the vocabulary).
    """

    texts: int
    vocabulary: pl.Series
    found: pl.DataFrame

    def of_each(self, told: pl.DataFrame, column: str) -> pl.Series:
        """`column` of `told`, which has a row for some of the texts (text), for every text; null where it has none."""
        every = pl.DataFrame({"text": pl.arange(self.texts, dtype=pl.UInt32, eager=True)})
        return every.join(told, on="text", how="left", maintain_order="left")[column]


def words_in(texts: pl.Series) -> Words:
    """The words of each of `texts`. A null text has none."""
    pieces = (
        pl.DataFrame({"piece": texts.str.split(" ")})
        .with_row_index("text")
        .explode("piece")
        .drop_nulls()
        # a number for each different piece, given in one pass; its table is gone with the column
        .with_columns(pl.col("piece").cast(pl.Categorical(pl.Categories.random())))
    )
    plain = pl.col("piece").cast(pl.String).str.to_lowercase().str.replace_all(_APOSTROPHES, "'")
    each = (
        pieces.select(pl.col("piece").unique(maintain_order=True))
        .select(number=pl.col("piece").to_physical(), word=plain.str.extract_all(_WORD))
        .explode("word")
        .drop_nulls()
    )
    vocabulary = each["word"].unique(maintain_order=True).alias("word")
    of_piece = (
        each.join(pl.DataFrame(vocabulary).with_row_index("at"), on="word", maintain_order="left")
        .group_by("number", maintain_order=True)
        .agg("at")
        .with_row_index("place")
    )
    place = pieces.select("text", number=pl.col("piece").to_physical()).join(
        of_piece.select("number", "place"), on="number", maintain_order="left"
    )
    found = place.select("text", word=of_piece["at"].gather(place["place"])).explode("word")
    return Words(len(texts), vocabulary, found)


def words_of(texts: Sequence[str]) -> list[list[str]]:
    """The words of each of `texts`, in order."""
    words = words_in(pl.Series(texts, dtype=pl.String))
    lists: list[list[str]] = [[] for _ in texts]
    for text, word in zip(words.found["text"], words.vocabulary.gather(words.found["word"]), strict=True):
        lists[text].append(word)
    return lists


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
