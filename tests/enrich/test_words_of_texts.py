import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.enrich.near_duplicates import words_in, words_of

# The whole text searched at once, by another engine.
WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*")
APOSTROPHES = re.compile("[\u2018\u2019\u02bb\u02bc`\u00b4]")
LETTERS = st.characters(categories=["L", "N", "P", "Z"]) | st.sampled_from("aбқ'ʼ’1 2.,:-²Ⅷ\n")  # noqa: RUF001


def test_words_are_small_figures_whole_and_apostrophes_of_one_kind() -> None:
    assert words_of(["It’s $5m, or 1,000.5 at 10:30", "OʻZBEKISTON o'zbekiston", "— …"]) == [  # noqa: RUF001
        ["it's", "5", "m", "or", "1,000.5", "at", "10:30"],
        ["o'zbekiston", "o'zbekiston"],
        [],
    ]


def test_a_word_of_many_texts_stands_in_the_vocabulary_once() -> None:
    words = words_in(pl.Series(["a road, a Road", None, "road"]))
    assert words.texts == 3
    assert words.vocabulary.to_list() == ["a", "road"]
    assert words.uses.rows() == [(0, 0), (0, 1), (0, 0), (0, 1), (2, 1)]


def test_of_no_text_there_are_no_words() -> None:
    assert words_of([]) == []
    assert words_of([""]) == [[]]


@given(st.lists(st.text(LETTERS, max_size=30), max_size=5))
def test_cut_at_blanks_or_not_any_texts_have_the_same_words(texts: list[str]) -> None:
    assert words_of(texts) == [WORD.findall(APOSTROPHES.sub("'", text.lower())) for text in texts]
