"""A new text is compared with those that share a band with it alone; other results need another version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.enrich.amounts import amount_rows
from ca_etl.enrich.countries import place_rows
from ca_etl.enrich.near_duplicates import MOST_WORDS, profile_rows
from ca_etl.pipeline.enrich import MOST_FIRST, VERSION, crowded_texts, read_gazetteer, replace_pairs
from ca_etl.warehouse.raw_schema import ensure_raw

Pair = tuple[str, str, int, int, int]

STORY = (
    "The old ferry across the Syr Darya has a new engine. Captain Rustam Nazarov, who has steered it since 1998, says "
    "that it drinks half as much fuel and makes a third of the noise. Passengers from the villages on the left bank "
    "paid for it with 3 sacks of rice each, and a workshop in Kyzylorda put it in for nothing. On the first evening "
    "the boat went over and back until it was dark, with children at the rail and an accordion in the bow."
)
TEXTS = {
    "a": STORY,
    "b": STORY.replace("an accordion in the bow", "a drum in the bow"),
    "c": STORY.replace("3 sacks", "4 sacks"),
    "d": "A quarry near Naryn has been closed for good, and the birds that left it are coming back, a herder says. "
    "They nest where the crusher stood, between rails and rusty cables, and nobody has the heart to clear them away.",
    "e": "Photo: AP",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        ensure_raw(connection)
        yield connection


def bring(con: duckdb.DuckDBPyConnection, texts: Mapping[str, str]) -> int:
    """Let some texts arrive together, as a run does."""
    frame = pl.DataFrame({"text_id": list(texts), "text": list(texts.values())})
    con.register("arrived", frame.to_arrow())
    con.execute("insert into raw.article_text from arrived")
    con.register("arrived", profile_rows(frame).to_arrow())
    con.execute("insert into raw.text_profile by name from arrived")
    return compare(con, frame["text_id"])


def compare(con: duckdb.DuckDBPyConnection, text_ids: Iterable[str]) -> int:
    """Compare some texts with all others, as a run does with those that it has searched."""
    for text_id in text_ids:
        con.execute("insert or replace into raw.enriched values (?, 'now', false)", [text_id])
    pairs = replace_pairs(con)
    con.execute("update raw.enriched set is_compared = true")
    return pairs


def pairs(con: duckdb.DuckDBPyConnection) -> list[Pair]:
    return con.execute("from raw.text_pair order by all").fetchall()


def test_near_duplicates_share_their_words_and_numbers(con: duckdb.DuckDBPyConnection) -> None:
    assert bring(con, TEXTS) == 1
    assert pairs(con) == [("a", "b", 81, 89, 0)]


def test_a_later_text_is_compared_with_those_that_are_stored(con: duckdb.DuckDBPyConnection) -> None:
    assert [bring(con, {text_id: TEXTS[text_id]}) for text_id in "bcdea"] == [0, 0, 0, 0, 1]
    assert pairs(con) == [("a", "b", 81, 89, 0)]


def test_a_text_that_is_searched_again_keeps_its_pairs(con: duckdb.DuckDBPyConnection) -> None:
    bring(con, TEXTS)
    assert compare(con, ["a"]) == 1
    assert pairs(con) == [("a", "b", 81, 89, 0)]


def test_a_pair_that_is_not_similar_any_more_is_removed(con: duckdb.DuckDBPyConnection) -> None:
    bring(con, TEXTS)
    con.execute("update raw.text_profile set bands = [] where text_id = 'a'")
    assert compare(con, ["a"]) == 0
    assert pairs(con) == []


def test_texts_with_less_than_half_in_common_are_not_kept(con: duckdb.DuckDBPyConnection) -> None:
    words = STORY.split()
    other = " ".join(
        [*words[:44], "and so it went on with other words for a good long while, as such things do"]
    )
    # with a band in common, they are compared
    bring(con, {"a": STORY, "f": other})
    con.execute("update raw.text_profile set bands = [1]")
    assert compare(con, ["a", "f"]) == 0


def notes(count: int) -> dict[str, str]:
    """Texts of 240 words that differ in one of them, under ids whose order is not that of the texts."""
    words = [f"word{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(239)]
    texts = {}
    for number in range(count):
        name = "".join(chr(97 + number // 26**power % 26) for power in range(3))
        texts[f"{number * 7919 % 10007:05}"] = " ".join(
            [*words[: number % 239], name, *words[number % 239 :]]
        )
    return texts


def linked(con: duckdb.DuckDBPyConnection) -> set[frozenset[str]]:
    """The groups of texts that pairs link to one another."""
    groups: dict[str, frozenset[str]] = {}
    for text_id, other_id, *_ in pairs(con):
        joined = groups.get(text_id, frozenset({text_id})) | groups.get(other_id, frozenset({other_id}))
        groups |= dict.fromkeys(joined, joined)
    return set(groups.values())


def test_up_to_the_bound_all_texts_of_a_band_are_compared(con: duckdb.DuckDBPyConnection) -> None:
    texts = notes(MOST_FIRST + 1)
    count = len(texts) * (len(texts) - 1) // 2
    assert bring(con, texts) == count
    assert crowded_texts(con) == 0


def test_a_thousand_texts_on_one_template_are_linked_by_few_pairs_each(
    con: duckdb.DuckDBPyConnection,
) -> None:
    texts = notes(1_000)
    kept = bring(con, texts)
    assert kept < 60 * len(texts)
    assert {len(group) for group in linked(con)} == {len(texts)}
    assert 900 < crowded_texts(con) < 1_000


@pytest.mark.slow
@given(st.permutations(list(notes(60).items())), st.lists(st.integers(1, 30), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_the_pairs_are_the_same_in_whatever_order_and_parts_the_texts_come(
    texts: list[tuple[str, str]], parts: list[int]
) -> None:
    with duckdb.connect() as together, duckdb.connect() as apart:
        for connection in (together, apart):
            ensure_raw(connection)
        bring(together, dict(texts))
        for part in parts:
            if texts[:part]:
                bring(apart, dict(texts[:part]))
            texts = texts[part:]
        if texts:
            bring(apart, dict(texts))
        assert pairs(apart) == pairs(together)


def test_a_text_of_a_book_s_length_is_not_compared(con: duckdb.DuckDBPyConnection) -> None:
    book = " ".join([STORY] * (MOST_WORDS // len(STORY.split()) + 1))
    assert bring(con, {"a": book, "b": f"{book} again"}) == 0


def test_no_text_no_pair(con: duckdb.DuckDBPyConnection) -> None:
    assert compare(con, []) == 0


def test_the_version_is_raised_when_the_labelled_texts_give_other_rows(
    con: duckdb.DuckDBPyConnection, hold_version: Callable[[str, str, object, object], None]
) -> None:
    labelled = sorted((Path(__file__).parents[1] / "enrich").glob("*_labelled*.txt"))
    lines = dict.fromkeys(line for path in labelled for line in path.read_text("utf-8").splitlines())
    texts = {f"{number}": line for number, line in enumerate(lines)} | TEXTS
    frame = pl.DataFrame({"text_id": list(texts), "text": list(texts.values())})
    bring(con, TEXTS)
    results = [
        *(
            rows.rows()
            for rows in (place_rows(frame, read_gazetteer()), amount_rows(frame), profile_rows(frame))
        ),
        pairs(con),
    ]
    hold_version("VERSION in src/ca_etl/pipeline/enrich.py", VERSION, texts, results)
