"""Precision and recall of amounts over our labelled sentences do not fall below what is promised."""

from __future__ import annotations

import pytest

from tests.enrich import amounts_corpus as corpus

# Whoever changes the sentences changes this, and states in the same change what precision and recall were before.
HASH = "16d78ffe999033320070f5837737b45d9b64924a67474f0bdb6d5c28e4b34c06"
PRECISION = {corpus.AMOUNT_ALONE: 1.0, corpus.ALL_FIELDS: 0.99}
RECALL = 0.97


def test_the_floors_belong_to_these_sentences() -> None:
    assert corpus.corpus_hash() == HASH


@pytest.mark.parametrize("part", corpus.PARTS)
@pytest.mark.parametrize("fields", [corpus.AMOUNT_ALONE, corpus.ALL_FIELDS])
def test_amounts_are_found_and_nothing_else_is(part: str, fields: int) -> None:
    score = corpus.measured(part, fields)
    assert score.told > 150
    assert score.precision >= PRECISION[fields]
    assert score.recall >= RECALL


def test_at_least_half_of_four_hundred_sentences_are_held_out() -> None:
    build, held_out = (corpus.sentences(part) for part in corpus.PARTS)
    assert len(build) + len(held_out) >= 400
    assert len(held_out) >= len(build)
    assert not {text for text, _ in build} & {text for text, _ in held_out}


def test_a_quarter_of_the_sentences_are_traps_without_an_amount() -> None:
    labels = [labels for part in corpus.PARTS for _, labels in corpus.sentences(part)]
    assert sum(not told for told in labels) > len(labels) / 4
