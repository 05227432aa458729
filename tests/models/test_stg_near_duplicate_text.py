from decimal import Decimal

import pytest


def near_texts(given, **pair):
    warehouse = given(text_pair=[{"text_id": "t1", "other_id": "t2"} | pair])
    return warehouse.rows("select text_id, other_id, share from staging.stg_near_duplicate_text order by all")


def test_a_pair_is_listed_from_both_sides_with_the_share_of_its_shingles(given):
    assert near_texts(given, shared_runs=7, runs=8) == [
        ("t1", "t2", Decimal("0.8750")),
        ("t2", "t1", Decimal("0.8750")),
    ]


def test_four_fifths_of_the_shingles_are_enough(given):
    assert len(near_texts(given, shared_runs=4, runs=5)) == 2


@pytest.mark.parametrize("pair", [{"shared_runs": 79, "runs": 100}, {"names_apart": 1}])
def test_fewer_shingles_or_other_names_make_no_near_duplicate(given, pair):
    assert near_texts(given, **pair) == []
