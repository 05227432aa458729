"""Detection of near-duplicate texts (MinHash over 3-word shingles), and the words and language of texts.

Words are in lower case with one kind of apostrophe, numbers are complete: `it's` and `1,000.5` are one word each, `$5m`
is `5` and `m`. A text is split at its spaces first, and each distinct piece is divided into words once: the texts have
few distinct pieces, each of them often. A text is English by its share of function words and letters; only English
texts are searched for countries and amounts.

Only texts that share a band (a hash of some MinHash values) are compared. Of pairs with four fifths of their shingles
in common, 2 in 10,000 share no band. The numbers of a text are part of its bands: a daily note on one template has
other numbers every day, and other numbers are other news.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

import polars as pl
import rensa  # type: ignore[import-untyped]

_APOSTROPHES: Final = "[\u2018\u2019\u02bb\u02bc`\u00b4]"
_LETTERS: Final = r"[\p{L}\p{Nl}\p{No}]+"
_WORD: Final = rf"\p{{Nd}}+(?:[.,:]\p{{Nd}}+)*|{_LETTERS}(?:'{_LETTERS})*"

# "Osh, Batken", a photographer's name or a dateline states no language; a sentence has more letters than this.
MIN_LETTERS: Final = 40
# Function words, less twice the words with foreign letters, are so many percent of all words in Latin letters.
FLOOR: Final = 15
FUNCTION_WORDS: Final = frozenset(
    "the and of to in on as that with from which this are is was were said but not they their been its it he "  # noqa: SIM905
    "she who when will would there than more after before between under while by have has had for at his her "
    "be an or until we you your no all one".split()
)

# "Photo: AP" and "Read more" are the same under any article, and two notes of two sentences can be equal by chance.
MIN_WORDS: Final = 30
# A long read has 5,000; a text of 30 MB would be compared with the next one in 2 GB.
MOST_WORDS: Final = 20_000
SHINGLE_WORDS: Final = 3
BANDS: Final = 16
ROWS: Final = 4
SEED: Final = 5
# News spells small numbers out. "One" is an article as often as a number, "may" a verb.
_SPELLED: Final = """
    two three four five six seven eight nine ten eleven twelve monday tuesday wednesday thursday friday saturday
    sunday january february march april june july august september october november december
"""
_NUMBER_WORDS: Final = frozenset(_SPELLED.split())
_NAME: Final = re.compile(r"[^\W\d_]+")
# Odd, so that nothing is lost when 64 bits are multiplied by them: they make one number of several.
_MULTIPLIERS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
# The words of so many texts are in memory at once, some 20 MB; more take longer, too.
PART: Final = 1000


class Words(NamedTuple):
    """The words of several texts; `texts` is the number of the texts.

    `vocabulary` has each distinct word once. `uses` has a row for each word of a text, in order, with the columns text
    (the number of the text, from 0) and word (its index in the vocabulary).
    """

    texts: int
    vocabulary: pl.Series
    uses: pl.DataFrame

    def for_all_texts(self, rows: pl.DataFrame, column: str) -> pl.Series:
        """The values of `column` for every text, in the order of the texts; null for a text without a row in `rows`.

        `rows` has the number of a text in the column text.
        """
        every = pl.DataFrame({"text": pl.arange(self.texts, dtype=pl.UInt32, eager=True)})
        return every.join(rows, on="text", how="left", maintain_order="left")[column]


class Similarity(NamedTuple):
    """The similarity of two texts, in distinct 3-word shingles.

    `shingles` counts the shingles in either text, `shared` those in both texts. `names_apart` is the number of names
    that only the first text has, or only the second, whichever is smaller: 0 where one text only adds names.
    """

    shared: int
    shingles: int
    names_apart: int


def profile_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """Profile texts for comparison: one row per text of `texts` (columns text_id, text), in the same order.

    Columns: text_id, language (`en` or null), words (their number), bands (MinHash bands, empty for a text that is too
    short or too long); see `languages` and `bands`.
    """
    return pl.concat(map(_profiles, texts.iter_slices(PART))) if len(texts) else _profiles(texts)


def _profiles(texts: pl.DataFrame) -> pl.DataFrame:
    words = words_in(texts["text"])
    counts = words.for_all_texts(words.uses["text"].value_counts(), "count").fill_null(0).cast(pl.Int32)
    return texts.select(
        "text_id",
        languages(words).alias("language"),
        counts.alias("words"),
        bands(words).alias("bands"),
    )


def words_in(texts: pl.Series) -> Words:
    """Split each text of a column into its words, as `Words`; a null text has no words."""
    split = pl.DataFrame({"piece": texts.str.split(" ")}).with_row_index("text")
    split = split.explode("piece", keep_nulls=False)
    pieces = _numbered(split["piece"])
    plain = pieces.unique(maintain_order=True).cast(pl.String).str.to_lowercase()
    piece_words = plain.str.replace_all(_APOSTROPHES, "'").str.extract_all(_WORD)
    words = _numbered(piece_words.explode(empty_as_null=False))
    vocabulary = words.unique(maintain_order=True).cast(pl.String).alias("word")
    numbers = piece_words.cast(pl.List(words.dtype)).list.eval(pl.element().to_physical())
    uses = split.select("text", word=numbers.gather(pieces.to_physical())).explode("word")
    return Words(len(texts), vocabulary, uses)


def _numbered(strings: pl.Series) -> pl.Series:
    """Number the different strings, from 0 in the order of their first uses; the table is freed with the column."""
    return strings.cast(pl.Categorical(pl.Categories.random()))


def words_of(texts: Sequence[str]) -> list[list[str]]:
    """Split each text into a list of its words, in the order of the text."""
    words = words_in(pl.Series(texts, dtype=pl.String))
    lists: list[list[str]] = [[] for _ in texts]
    for text, word in zip(words.uses["text"], words.vocabulary.gather(words.uses["word"]), strict=True):
        lists[text].append(word)
    return lists


def languages(words: Words) -> pl.Series:
    """Detect the language of each text: `en` for English, null for any other language or too few letters."""
    word = pl.col("word")
    is_latin = word.str.contains(r"^[a-z\u00df-\u024f]")
    letters = pl.when(word.str.contains(r"^\p{L}")).then(word.str.len_chars()).otherwise(0).cast(pl.Int32)
    is_function, is_foreign = word.is_in(sorted(FUNCTION_WORDS)), is_latin & word.str.contains("[^a-z']")
    facts = pl.DataFrame(words.vocabulary.alias("word")).select(
        latin_letters=letters * is_latin,
        lead=letters * (2 * is_latin.cast(pl.Int32) - 1),
        score=100 * is_function.cast(pl.Int32)
        - 200 * is_foreign.cast(pl.Int32)
        - FLOOR * is_latin.cast(pl.Int32),
    )
    counts = (
        facts.select(pl.all().gather(words.uses["word"]))
        .with_columns(words.uses["text"])
        .group_by("text")
        .sum()
    )
    is_english = (pl.col("latin_letters") >= MIN_LETTERS) & (pl.col("lead") > 0) & (pl.col("score") >= 0)
    english = counts.select("text", language=pl.when(is_english).then(pl.lit("en")))
    return words.for_all_texts(english, "language")


def bands(words: Words) -> pl.Series:
    """Compute the MinHash bands of each text: a list of `BANDS` 64-bit numbers, some of which near-duplicates share.

    The list is empty for a text of fewer than `MIN_WORDS` or more than `MOST_WORDS` words.
    """
    hashes = _hashes(words.vocabulary)
    uses = words.uses.select("text", hash=hashes.gather(words.uses["word"])).filter(
        pl.len().over("text").is_between(MIN_WORDS, MOST_WORDS)
    )
    is_start = pl.col("text") == pl.col("text").shift(1 - SHINGLE_WORDS)
    terms = (pl.col("hash").shift(-index) * _u64(factor) for index, factor in enumerate(_MULTIPLIERS))
    shingles = uses.select("text", shingle=pl.sum_horizontal(terms)).filter(is_start)
    signatures = _signatures(shingles).join(_numbers_of(words, hashes), on="text", how="left")
    banded = signatures.select("text", bands=pl.concat_list(_band(number) for number in range(BANDS)))
    return words.for_all_texts(banded, "bands").fill_null([])


def _hashes(vocabulary: pl.Series) -> pl.Series:
    """A 64-bit hash of each word, the same on every machine."""
    (hashes,) = rensa.RMinHash.hash_token_sets([vocabulary.to_list()])
    return pl.Series(hashes, dtype=pl.UInt64)


def _signatures(shingles: pl.DataFrame) -> pl.DataFrame:
    """The MinHash signature of each text's shingles: the column text, and a column for each hash."""
    lengths = shingles.group_by("text", maintain_order=True).len()
    ends = accumulate(lengths["len"].to_list(), initial=0)
    _, hashes = shingles["shingle"].rechunk().to_arrow().buffers()
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        memoryview(hashes or b"").cast("Q"), list(ends), BANDS * ROWS, SEED
    )
    columns = {f"{number}": pl.UInt64 for number in range(BANDS * ROWS)}
    # By columns, Polars takes half the time that it takes by rows.
    by_column = [*zip(*matrix.to_rows(), strict=True)]
    return pl.DataFrame(by_column, schema=columns, orient="col").with_columns(lengths["text"])


def _numbers_of(words: Words, hashes: pl.Series) -> pl.DataFrame:
    """A hash of the set of numbers in each text that has some: the columns text and numbers."""
    is_number = words.vocabulary.str.contains(r"^\p{Nd}") | words.vocabulary.is_in(sorted(_NUMBER_WORDS))
    uses = words.uses.filter(is_number.gather(words.uses["word"]))
    numbers = uses.select("text", numbers=hashes.gather(uses["word"]))
    return numbers.group_by("text").agg(pl.col("numbers").unique().sum())


def _band(number: int) -> pl.Expr:
    band = pl.col("numbers").fill_null(0) + _u64(number)
    for row in range(number * ROWS, (number + 1) * ROWS):
        band = (band ^ pl.col(f"{row}")) * _u64(_MULTIPLIERS[0])
    return band


def _u64(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.UInt64)


def similarities(pairs: Sequence[tuple[str, str]]) -> list[Similarity | None]:
    """Compare the two texts of each pair; the similarity is None where the texts have different numbers."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    words = dict(zip(texts, words_of(texts), strict=True))
    numbers = {text: {word for word in words[text] if _is_number(word)} for text in texts}
    shingles = {text: _shingles(words[text]) for text in texts}
    names = {text: _names(text) for text in texts}
    return [
        Similarity(
            shared=len(shingles[text] & shingles[other]),
            shingles=len(shingles[text] | shingles[other]),
            names_apart=min(len(names[text] - names[other]), len(names[other] - names[text])),
        )
        if numbers[text] == numbers[other]
        else None
        for text, other in pairs
    ]


def _is_number(word: str) -> bool:
    return word[0].isdecimal() or word in _NUMBER_WORDS


def _shingles(words: Sequence[str]) -> set[str]:
    return set(map(" ".join, zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)))


def _names(text: str) -> set[str]:
    """The names in a text: words with a capital that do not begin a sentence; `Osh's` is `Osh`."""
    inside = (
        _NAME.match(word)
        for before, word in pairwise(text.split())
        if word[0].isupper() and (before[-1].islower() or before[-1] == ",")
    )
    return {name[0] for name in inside if name}
