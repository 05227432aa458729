"""Precision and recall of amounts over our labelled sentences do not fall below what is promised."""

from __future__ import annotations

import pytest

from tests.enrich import amounts_corpus as corpus

# Whoever changes the sentences changes this, and says in the same change what the figures were before.
HASH = "87189680bcd2661afb72366d9d5f576ac9a0291adf3a21d684e6cc5d0dbb1996"
PRECISION = 0.98
RECALL = 0.95


def test_the_floors_belong_to_these_sentences() -> None:
    assert corpus.corpus_hash() == HASH


@pytest.mark.parametrize("part", corpus.PARTS)
@pytest.mark.parametrize("fields", [corpus.AMOUNT_ALONE, corpus.ALL_FIELDS])
def test_amounts_are_found_and_nothing_else_is(part: str, fields: int) -> None:
    score = corpus.measured(part, fields)
    assert score.told > 120
    assert score.precision >= PRECISION
    assert score.recall >= RECALL


def test_at_least_half_of_three_hundred_sentences_are_held_out() -> None:
    build, held_out = (corpus.sentences(part) for part in corpus.PARTS)
    assert len(build) + len(held_out) >= 300
    assert len(held_out) >= len(build)
    assert not {text for text, _ in build} & {text for text, _ in held_out}


def test_a_quarter_of_the_sentences_are_traps_without_an_amount() -> None:
    labels = [labels for part in corpus.PARTS for _, labels in corpus.sentences(part)]
    assert sum(not told for told in labels) > len(labels) / 4
