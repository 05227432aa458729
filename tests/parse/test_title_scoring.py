"""Precision and recall of titles over the labelled corpus do not fall below what is promised."""

from __future__ import annotations

import pytest

from benchmarks.titles import LAYOUTS, corpus_hash, measured, stories

# Whoever changes the corpus changes these, and states in the same change what the numbers were before.
HASHES = {
    "build": "c77275095fd807102f22c691482b6d7b0fd77cb1f800454c74c1c9f07f17f44a",
    "measure": "6601bfd77339309a810c1e21bb92cc00fe890adcac712ccd18cd80511b88d56e",
}
FLOORS = {"listing": 1.0, "author": 1.0, "home": 0.95, "old": 1.0}


def _floor(layout: str) -> float:
    return FLOORS[layout.split()[1].rstrip(",")]


@pytest.mark.parametrize("half", sorted(HASHES))
def test_the_floors_belong_to_this_corpus(half: str) -> None:
    assert corpus_hash(half) == HASHES[half]


@pytest.mark.parametrize("half", sorted(HASHES))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_titles_are_recognized_and_nothing_else_is(half: str, layout: str) -> None:
    score = measured(half, layout)
    assert score.told > 50
    assert score.precision >= _floor(layout)
    assert score.recall >= _floor(layout)


def test_the_halves_share_no_title() -> None:
    build, measure = ({story.title for story in stories(half)} for half in ("build", "measure"))
    assert not build & measure
