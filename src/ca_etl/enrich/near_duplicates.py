"""Near-duplicate texts: bands that such texts share, an exact comparison of two texts, and a profile of each text.

The bands of a text (MinHash over 3-word shingles) are made once. Of two texts with four fifths of their shingles in
common, 2 in 10,000 pairs share no band; texts that share none are never compared. The numbers of a text are part of
its bands: a daily note on one template has other numbers every day, and other numbers are other news.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import polars as pl
import rensa  # type: ignore[import-untyped]

# "Photo: AP" and "Read more" are the same under any article, and a note of two sentences comes again by chance.
MIN_WORDS: Final = 30
# A long read has 5,000; a text of 30 MB would be compared with the next one in 2 GB.
MOST_WORDS: Final = 20_000
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
_LETTER_RUN: Final = re.compile(r"[^\W\d_]+")
# Odd, so that nothing is lost when 64 bits are multiplied by them: they make one number of several.
_ODD: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


# The numbers, 3-word shingles and names of a text.
Content = tuple[frozenset[str], set[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts have in common, counted in runs of three words, each once."""

    shared: int
    runs: int
    """Runs of either text."""
    names_apart: int
    """Names that one text has and the other lacks, the lesser of both sides: 0 where one only adds."""


def bands(words: Words) -> pl.Series:
    """The bands of each text, in order: lists of 64-bit numbers.

    Empty for a text of fewer words than `MIN_WORDS`, or more than `MOST_WORDS`.
    """
    hashes = _hashes(words.vocabulary)
    found = words.found.select("text", hash=hashes.gather(words.found["word"])).filter(
        pl.len().over("text").is_between(MIN_WORDS, MOST_WORDS)
    )
    begin = pl.col("text") == pl.col("text").shift(1 - RUN)
    runs = found.select(
        "text", run=pl.sum_horizontal(pl.col("hash").shift(-at) * _u64(odd) for at, odd in enumerate(_ODD))
    ).filter(begin)
    signatures = _signatures(runs).join(_figures_of(words, hashes), on="text", how="left")
    made = signatures.select("text", bands=pl.concat_list(_band(number) for number in range(BANDS)))
    return words.of_each(made, "bands").fill_null([])


def likenesses(pairs: Sequence[tuple[str, str]]) -> list[Likeness | None]:
    """How much of the two texts of each pair is the same; None where their numbers differ."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    contents = {
        text: (_figures(words), _runs(words), _names(text))
        for text, words in zip(texts, words_of(texts), strict=True)
    }
    return [_likeness(contents[text], contents[other]) for text, other in pairs]


def _likeness(content: Content, other: Content) -> Likeness | None:
    (figures, runs, names), (other_figures, other_runs, other_names) = content, other
    if figures != other_figures:
        return None
    shared = len(runs & other_runs)
    return Likeness(
        shared=shared,
        runs=len(runs) + len(other_runs) - shared,
        names_apart=min(len(names - other_names), len(other_names - names)),
    )


def _hashes(vocabulary: pl.Series) -> pl.Series:
    """64 bits a word, the same on every machine."""
    (made,) = rensa.RMinHash.hash_token_sets([vocabulary.to_list()])
    return pl.Series(made, dtype=pl.UInt64)


def _signatures(runs: pl.DataFrame) -> pl.DataFrame:
    """MinHash of the runs of each text: text, and a column for each hash."""
    lengths = runs.group_by("text", maintain_order=True).len()
    ends = accumulate(lengths["len"].to_list(), initial=0)
    _, hashes = runs["run"].rechunk().to_arrow().buffers()
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        memoryview(hashes or b"").cast("Q"), list(ends), BANDS * ROWS, SEED
    )
    columns = {f"{number}": pl.UInt64 for number in range(BANDS * ROWS)}
    return pl.DataFrame(matrix.to_rows(), schema=columns, orient="row").with_columns(lengths["text"])


def _figures_of(words: Words, hashes: pl.Series) -> pl.DataFrame:
    """The different figures of each text that has some, as one number: text, figures."""
    is_figure = words.vocabulary.str.contains(r"^\p{Nd}") | words.vocabulary.is_in(sorted(_AS_FIGURES))
    found = words.found.filter(is_figure.gather(words.found["word"])).unique()
    return (
        found.select("text", figures=hashes.gather(found["word"]))
        .group_by("text")
        .agg(pl.col("figures").sum())
    )


def _band(number: int) -> pl.Expr:
    made = pl.col("figures").fill_null(0) + _u64(number)
    for row in range(number * ROWS, (number + 1) * ROWS):
        made = (made ^ pl.col(f"{row}")) * _u64(_ODD[0])
    return made


def _u64(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.UInt64)


def _runs(words: Sequence[str]) -> set[str]:
    return set(map(" ".join, zip(*(words[start:] for start in range(RUN)), strict=False)))


def _figures(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word for word in words if word[0].isdecimal() or word in _AS_FIGURES)


def _names(text: str) -> frozenset[str]:
    """Words with a capital after a small letter or a comma, where no sentence begins; `Osh's` is `Osh`."""
    inside = (
        _LETTER_RUN.match(word)
        for before, word in pairwise(text.split())
        if word[0].isupper() and (before[-1].islower() or before[-1] == ",")
    )
    return frozenset(name[0] for name in inside if name)


# The words of so many texts are in memory at once, some 100 MB.
PART: Final = 5000


def profile_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """One row per text of `texts` (columns text_id, text), in their order.

    Columns: text_id, language (null for none), words and bands, an empty list where the text is too short; see
    `language.languages` and `likeness.bands`.
    """
    return pl.concat(map(_profiles, texts.iter_slices(PART))) if len(texts) else _profiles(texts)


def _profiles(texts: pl.DataFrame) -> pl.DataFrame:
    words = words_in(texts["text"])
    count = words.found["text"].value_counts()
    return (
        texts.select("text_id")
        .with_row_index("text")
        .with_columns(languages(words).alias("language"), bands(words).alias("bands"))
        .join(count, on="text", how="left", maintain_order="left")
        .select("text_id", "language", pl.col("count").fill_null(0).cast(pl.Int32).alias("words"), "bands")
    )


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
