"""The language of a text: its little words and the letters of its alphabet, for seven languages and no others.

News of Central Asia comes in English and Russian and in the five languages of its states. These are told apart by
what a reader looks at first: `the` and `of`, `и` and `что`, the letters ң, ғ, ҷ, ý. A word counts for a language
when it is one of its little words or bears a letter of its own, and against it when it bears a letter that its
alphabet lacks. Words of the rarer script are quotations and are not counted. `language_words` is the list.

Of the libraries that know all seven, py3langid takes half a second before its first text and brings numpy, and CLD2
has to be compiled for Python 3.14 and for ARM: much for a site whose articles are in English.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ca_etl.enrich.language_words import LANGUAGES, SCRIPTS, Language
from ca_etl.enrich.words import Words

# "Ош — Баткен", a photographer's name or a dateline says nothing of a language; a sentence has more letters than this.
MIN_LETTERS: Final = 40


def languages(words: Words) -> pl.Series:
    """ISO 639-1 code of the language of each text, in order.

    One of en, ru, ky, kk, uz (in either script), tg and tk; null where the text is too short to tell, or in none of
    these.
    """
    count = pl.col("count")
    told = (
        _counted(words)
        .group_by("text")
        .agg(
            *(
                (pl.col("letters") * count * pl.col(script)).sum().alias(f"letters {script}")
                for script in SCRIPTS
            ),
            *(
                (count * pl.col(counted)).sum().alias(counted)
                for counted in (
                    *SCRIPTS,
                    *(f"{what} {at}" for at in range(len(LANGUAGES)) for what in _SIGNS),
                )
            ),
        )
        .select("text", language=_best())
    )
    return words.of_each(told, "language")


_SIGNS: Final = ("little", "own", "against")


def _counted(words: Words) -> pl.DataFrame:
    """How many words of each kind a text has: text, count, and what `_facts` says of the kind.

    A text has thousands of words, of a hundred kinds: what is alike in all that counts is added up as one.
    """
    facts = _facts(words.vocabulary)
    kinds = facts.unique().with_row_index("kind")
    kind = facts.join(kinds, on=facts.columns, maintain_order="left")["kind"]
    pair = words.found["text"].cast(pl.UInt64) * len(kinds) + kind.gather(words.found["word"])
    return (
        pair.alias("pair")
        .value_counts()
        .select(
            pl.col("count").cast(pl.Int64),
            text=(pl.col("pair") // len(kinds)).cast(pl.UInt32),
            kind=(pl.col("pair") % len(kinds)).cast(pl.UInt32),
        )
        .join(kinds, on="kind")
    )


def _facts(vocabulary: pl.Series) -> pl.DataFrame:
    """Of each word its letters, whether it is in each script, and of each language what it is a sign of."""
    word = pl.col("word")
    rest = pl.lit(value=True)
    scripts = {}
    for script, begin in SCRIPTS.items():
        scripts[script] = rest & word.str.contains(begin)
        rest &= ~word.str.contains(begin)
    return (
        pl.DataFrame({"word": vocabulary})
        .with_columns(letters=word.str.len_chars().cast(pl.Int64), **scripts)
        .select(
            "letters",
            *SCRIPTS,
            *(sign.alias(f"{what} {at}") for at, each in enumerate(LANGUAGES) for what, sign in _signs(each)),
        )
    )


def _signs(one: Language) -> list[tuple[str, pl.Expr]]:
    word, mine = pl.col("word"), pl.col(one.script)
    little = word.is_in(sorted(one.little))
    own = pl.lit(value=False) if one.own is None else word.str.contains(one.own)
    against = word.str.contains(f"[^{one.alphabet}']")
    return list(zip(_SIGNS, (mine & little, mine & own & ~little, mine & against), strict=True))


def _best() -> pl.Expr:
    """The language with the best score in the script of most letters; of equal ones the first of `LANGUAGES`."""
    letters = [pl.col(f"letters {script}") for script in SCRIPTS]
    scores = []
    for at, one in enumerate(LANGUAGES):
        mine = pl.col(f"letters {one.script}")
        is_script = (mine >= MIN_LETTERS) & (2 * mine > pl.sum_horizontal(letters))
        scores.append(pl.when(is_script).then(_score(one, at)).otherwise(0.0))
    best = pl.concat_list(scores)
    codes = pl.Series([one.code for one in LANGUAGES])
    index = best.list.arg_max()
    return pl.when(best.list.max() > 0).then(
        index.replace_strict(list(range(len(LANGUAGES))), codes, return_dtype=pl.String)
    )


def _score(one: Language, at: int) -> pl.Expr:
    """Words for a language less those against it, as a share of all; 0 where that is not enough."""
    little, own, against = (pl.col(f"{what} {at}") for what in _SIGNS)
    total = pl.col(one.script)
    # A letter that does not exist weighs more than one that may: Belarusian has as many ы as Russian, and ў besides.
    score = (little + own - 2 * against) / total
    return pl.when(little.gt(0) & (score >= one.floor)).then(score).otherwise(0.0)
