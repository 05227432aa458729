from decimal import Decimal

import pytest

from tests.models.rows import bank_response, capture

BANKS = {"KGS": "nbkr", "KZT": "nbk", "TJS": "nbt", "UZS": "cbu", "TMT": "cbt"}
TICKER = {"KGS": "0.01144", "KZT": "0.00198", "TJS": "0.10857", "UZS": "0.00008", "TMT": "0.28571"}
# Units per US dollar on 5 December 2025; of the somoni the cross of another bank, from another fixing.
OFFICIAL = {"KGS": "87.4500", "KZT": "505.92", "TJS": "9.1900", "UZS": "11963.23"}
VERDICTS = (
    "select base, verdict, cause from main.fct_rate_agreement where rate_date = '2025-12-05' order by base"
)


def compare(given, printed, official=OFFICIAL, days=(5,)):
    return given(
        capture=[
            *(capture(f"t{day}", day) for day in days),
            *(bank_response(f"b{base}", BANKS[base], 5) for base in official),
        ],
        rate_observation=[
            {"capture_id": f"t{day}", "base": base, "rate_text": text, "position": position}
            for day in days
            for position, (base, text) in enumerate(printed.items(), start=1)
        ],
        official_rate=[
            {"capture_id": f"b{base}", "quote": base, "rate_text": text} for base, text in official.items()
        ],
    )


def test_the_fifth_of_december_2025_comes_out_as_checked_by_hand(given):
    warehouse = compare(given, TICKER)
    assert warehouse.rows(VERDICTS) == [
        ("KGS", "agrees", None),
        ("KZT", "agrees", None),
        # a fifth of a percent off: the site shows another fixing
        ("TJS", "agrees", "other_fixing"),
        ("TMT", "agrees", None),
        ("UZS", "uninformative", None),
    ]
    assert warehouse.row(
        "select official_type, official_rate, difference_pct from main.fct_rate_agreement where base = 'TMT'"
    ) == ("peg", Decimal("3.5"), Decimal("0.0015"))


@pytest.mark.parametrize("factor", ["10", "100", "0.1", "0.01"])
@pytest.mark.parametrize("base", TICKER)
def test_a_unit_that_slipped_is_flagged(given, base, factor):
    slipped = f"{Decimal(TICKER[base]) * Decimal(factor):f}"
    warehouse = compare(given, TICKER | {base: slipped})
    assert (base, "disagrees", "slipped_unit") in warehouse.rows(VERDICTS)


@pytest.mark.parametrize("base", TICKER)
def test_an_inverted_rate_is_flagged(given, base):
    warehouse = compare(given, TICKER | {base: OFFICIAL.get(base, "3.5")})
    assert (base, "disagrees", "inverted") in warehouse.rows(VERDICTS)


def test_a_frozen_ticker_is_flagged_for_each_of_the_five(given):
    warehouse = compare(given, TICKER, days=(4, 5))
    assert warehouse.rows(VERDICTS) == [
        ("KGS", "agrees", "stale_ticker"),
        ("KZT", "agrees", "stale_ticker"),
        ("TJS", "agrees", "stale_ticker"),
        ("TMT", "agrees", "stale_ticker"),
        ("UZS", "uninformative", "stale_ticker"),
    ]


def test_a_rate_that_fits_no_official_one_is_unexplained(given):
    warehouse = compare(given, TICKER | {"KZT": "0.00230"})
    assert ("KZT", "disagrees", "unexplained") in warehouse.rows(VERDICTS)
