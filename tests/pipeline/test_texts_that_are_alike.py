"""Each new text is compared with those that share a band with it, and with no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import polars as pl
import pytest

from ca_etl.enrich.profiles import profile_rows
from ca_etl.pipeline.alike import replace_pairs
from ca_etl.warehouse.landing import ensure_raw

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
    return replace_pairs(con, frame["text_id"])


def pairs(con: duckdb.DuckDBPyConnection) -> list[Pair]:
    return con.execute("from raw.text_pair order by all").fetchall()


def test_alike_are_texts_of_the_same_words_and_figures(con: duckdb.DuckDBPyConnection) -> None:
    assert bring(con, TEXTS) == 1
    assert pairs(con) == [("a", "b", 81, 89, 0)]


def test_a_text_that_comes_later_meets_those_that_stand_already(con: duckdb.DuckDBPyConnection) -> None:
    assert [bring(con, {text_id: TEXTS[text_id]}) for text_id in "bcdea"] == [0, 0, 0, 0, 1]
    assert pairs(con) == [("a", "b", 81, 89, 0)]


def test_a_text_that_is_searched_again_keeps_its_pairs(con: duckdb.DuckDBPyConnection) -> None:
    bring(con, TEXTS)
    assert replace_pairs(con, pl.Series(["a"])) == 1
    assert pairs(con) == [("a", "b", 81, 89, 0)]


def test_a_pair_that_is_alike_no_more_is_gone(con: duckdb.DuckDBPyConnection) -> None:
    bring(con, TEXTS)
    con.execute("update raw.text_profile set bands = [] where text_id = 'a'")
    assert replace_pairs(con, pl.Series(["a"])) == 0
    assert pairs(con) == []


def test_texts_with_less_than_half_in_common_are_not_kept(con: duckdb.DuckDBPyConnection) -> None:
    words = STORY.split()
    other = " ".join(
        [*words[:44], "and so it went on with other words for a good long while, as such things do"]
    )
    # told to share a band, they are compared
    bring(con, {"a": STORY, "f": other})
    con.execute("update raw.text_profile set bands = [1]")
    assert replace_pairs(con, pl.Series(["a", "f"])) == 0


def test_no_text_no_pair(con: duckdb.DuckDBPyConnection) -> None:
    assert replace_pairs(con, pl.Series([], dtype=pl.String)) == 0
