"""The grammar of the ticker: cycles, pairs, malformed lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ca_etl.parse.page import GAP
from ca_etl.parse.ticker import find_ticker, is_ticker_line, missing_cycles_reject, read_ticker
from ca_etl.records import RejectReason

FOUR = [
    "• KGS/USD = 0.01189 0.2%",
    "• KZT/USD = 0.00210 0%",
    "• TJS/USD = 0.09382 -0.1%",
    "• UZS/USD = 0.00008 -0%",
]
FIVE = [*FOUR, "• TMT/USD = 0.28571 0%"]


def _values(lines: list[str], on: date | None = None) -> dict[str, tuple[str, str]]:
    return {rate.base: (rate.rate_text, rate.change_text) for rate in read_ticker(lines, on).rates}


def _reasons(lines: list[str], on: date | None = None) -> list[RejectReason]:
    return [reject.reason for reject in read_ticker(lines, on).rejects]


@pytest.mark.parametrize("times", [1, 2, 8, 10_000])
def test_a_repeated_cycle_is_one_observation_a_pair(times: int) -> None:
    ticker = read_ticker(FIVE * times)
    assert [(rate.base, rate.position) for rate in ticker.rates] == [
        ("KGS", 1), ("KZT", 2), ("TJS", 3), ("UZS", 4), ("TMT", 5),
    ]  # fmt: skip
    assert ticker.cycles == times
    assert ticker.rejects == ()


def test_a_fall_that_rounds_to_nothing_keeps_its_sign_as_text_and_is_zero_as_a_number() -> None:
    (rate,) = (rate for rate in read_ticker(FIVE).rates if rate.base == "UZS")
    assert rate.change_text == "-0%"
    assert str(rate.change_pct) == "0"
    assert rate.rate == Decimal("0.00008")
    assert str(rate.rate) == "0.00008"


def test_a_zero_with_the_other_sign_makes_a_cycle_differ() -> None:
    other = [line.replace("UZS/USD = 0.00008 -0%", "UZS/USD = 0.00008 0%") for line in FIVE]
    ticker = read_ticker(FIVE * 7 + other)
    (reject,) = ticker.rejects
    assert reject.reason is RejectReason.CYCLE_DIFFERS
    assert reject.detail == "cycle 8 of 8: UZS/USD 0.00008 0% instead of 0.00008 -0%"
    assert _values(FIVE * 7 + other)["UZS"] == ("0.00008", "-0%")


def test_without_a_majority_of_cycles_no_rate_is_taken_and_both_are_reported() -> None:
    other = [line.replace("0.01189", "0.11890") for line in FIVE]
    ticker = read_ticker(FIVE * 2 + other * 2)
    assert ticker.rates == ()
    assert [reject.reason for reject in ticker.rejects] == [RejectReason.CYCLE_DIFFERS] * 2
    assert "0.01189" in ticker.rejects[0].excerpt
    assert "0.11890" in ticker.rejects[1].excerpt


def test_values_of_different_cycles_are_never_mixed() -> None:
    three = [
        [line.replace("0.00210", f"0.0021{n}").replace("0.01189", f"0.0118{n}") for line in FIVE]
        for n in range(3)
    ]
    assert _values([line for cycle in three for line in cycle]) == {}


def test_a_sixth_pair_is_reported_and_the_five_are_taken() -> None:
    ticker = read_ticker([*FIVE, "• AFN/USD = 0.01510 0.1%"] * 8)
    assert len(ticker.rates) == 5
    (reject,) = ticker.rejects
    assert reject.reason is RejectReason.UNKNOWN_PAIR
    assert reject.excerpt == "• AFN/USD = 0.01510 0.1%"
    assert reject.detail.endswith("printed 8 times")


def test_a_known_currency_against_another_quote_is_an_unknown_pair() -> None:
    ticker = read_ticker([*FIVE, "• KGS/EUR = 0.01089 0%"])
    assert [(rate.base, rate.quote) for rate in ticker.rates if rate.base == "KGS"] == [("KGS", "USD")]
    assert _reasons([*FIVE, "• KGS/EUR = 0.01089 0%"]) == [RejectReason.UNKNOWN_PAIR]


def test_a_reordered_cycle_is_reported_and_its_values_are_taken_by_their_names() -> None:
    swapped = [FIVE[1], FIVE[0], *FIVE[2:]]
    ticker = read_ticker(swapped * 8)
    assert _values(swapped * 8) == _values(FIVE)
    (reject,) = ticker.rejects
    assert reject.reason is RejectReason.PAIR_ORDER
    assert "KZT KGS TJS UZS TMT" in reject.detail
    assert FIVE[1] in reject.excerpt


def test_one_reordered_cycle_among_eight_is_reported_with_its_number() -> None:
    (reject,) = read_ticker(FIVE * 3 + [FIVE[1], FIVE[0], *FIVE[2:]] + FIVE * 4).rejects
    assert reject.detail.startswith("cycle 4 of 8 ")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("• KGS/USD = 0,01144 0%", "a decimal comma"),
        ("• KGS/USD = 0.01144 0", "no percent sign"),
        ("• KGS/USD = 0.01144", "no change"),
        ("• KGS/USD 0.01144 0%", "no equals sign"),
        ("• KGS/USD = 0.01144 +0.2%", "a plus sign, which the site never printed"),
        ("• KGS/USD = 1,011.44 0%", "a thousands comma"),
        ("• KGS/USD = .01144 0%", "no digit before the point"),
        ("• KGS/USD = 0.00000 0%", "a price of nothing"),
        ("• KGS/USD = 0.01144 \N{MINUS SIGN}0.2%", "a typographic minus"),
        ("• KGS/USD = 0.011440000001 0%", "more decimals than decimal(18,8) holds"),
        ("• \N{CYRILLIC CAPITAL LETTER KA}GS/USD = 0.01144 0%", "a Cyrillic look-alike"),
        ("• kgs/usd = 0.01144 0%", "small letters"),
        ("• KGS/USD = 0.01144 0% " + "x" * 500, "a paragraph that begins like a line"),
    ],
)
def test_a_malformed_line_is_reported_and_gives_no_rate(line: str, why: str) -> None:
    ticker = read_ticker([line])
    assert ticker.rates == (), why
    assert RejectReason.BAD_RATE_LINE in _reasons([line]), why
    assert line[:60] in ticker.rejects[0].excerpt


def test_a_malformed_line_keeps_its_position_and_the_other_cycles_give_its_rate() -> None:
    broken = ["• KGS/USD = 0,01189 0.2%", *FIVE[1:]]
    assert _values(FIVE * 3 + broken + FIVE * 4) == _values(FIVE)
    assert _reasons(FIVE * 3 + broken + FIVE * 4) == [RejectReason.BAD_RATE_LINE]


def test_a_line_malformed_in_every_cycle_costs_its_pair_alone() -> None:
    broken = ["• KGS/USD = 0,01189 0.2%", *FIVE[1:]]
    assert set(_values(broken * 8)) == {"KZT", "TJS", "UZS", "TMT"}
    assert _reasons(broken * 8) == [RejectReason.BAD_RATE_LINE]


def test_whole_cycles_that_contradict_each_other_are_not_chosen_between() -> None:
    other = [line.replace("0.01189", "0.01190") for line in FIVE]
    broken = ["• KGS/USD = 0,01189 0.2%", *FIVE[1:]]
    assert set(_values(FIVE + other + broken * 3)) == {"KZT", "TJS", "UZS", "TMT"}


@pytest.mark.parametrize(
    ("on", "reasons"),
    [
        (None, []),
        (date(2024, 3, 1), []),
        (date(2024, 8, 15), []),
        (date(2024, 9, 6), []),
        (date(2024, 9, 7), [RejectReason.INCOMPLETE_CYCLE]),
        (date(2026, 2, 25), [RejectReason.INCOMPLETE_CYCLE]),
    ],
)
def test_four_pairs_are_whole_in_their_time_only(on: date | None, reasons: list[RejectReason]) -> None:
    assert _reasons(FOUR * 8, on) == reasons
    assert len(_values(FOUR * 8, on)) == 4


def test_five_pairs_before_their_time_are_reported_and_taken() -> None:
    ticker = read_ticker(FIVE, date(2024, 3, 1))
    assert len(ticker.rates) == 5
    assert "TMT before its time" in ticker.rejects[0].detail


def test_a_missing_pair_is_reported_by_name() -> None:
    (reject,) = read_ticker([FIVE[0], *FIVE[2:]] * 8).rejects
    assert reject.reason is RejectReason.INCOMPLETE_CYCLE
    assert "KZT missing" in reject.detail


@pytest.mark.parametrize(
    "prose",
    [
        "The loan of 85 billion KGS (KZT 400 million) was signed.",
        "KGS 85 million, KZT 400 million, TJS, UZS and TMT all fell against the USD.",
        "The bank quotes KGS/USD = 0.01144 0% today.",
        "• The pair KGS/USD was at 0.01144.",
        "KGS/USD pairs were quiet.",
        "• News/Radio = 5 0%",
        "",
        "/",
    ],
)
def test_codes_and_amounts_in_running_text_are_not_a_ticker(prose: str) -> None:
    assert not is_ticker_line(prose)
    assert read_ticker([prose]) == read_ticker([])


@pytest.mark.parametrize(
    "line",
    [
        "KGS/USD = 0.01144 0%",
        "  • KGS/USD = 0.01144 0%\r",
        "\N{NO-BREAK SPACE}•\N{NO-BREAK SPACE}KGS/USD = 0.01144\N{NO-BREAK SPACE}0%",
        "\ufeff• KGS/USD\u200b = 0.01144 0%",
    ],
)
def test_bullets_spaces_and_invisible_characters_do_not_matter(line: str) -> None:
    assert is_ticker_line(line)
    assert _values([line]) == {"KGS": ("0.01144", "0%")}


def test_a_page_of_bad_lines_has_a_bounded_number_of_rejects_and_states_how_many_more() -> None:
    ticker = read_ticker([f"• KGS/USD = {n},5 0%" for n in range(1000)])
    assert len(ticker.rejects) == 50
    assert "more)" in ticker.rejects[-1].detail


def test_the_fiftieth_reject_of_a_page_of_bad_lines_counts_those_after_it() -> None:
    ticker = read_ticker([f"• KGS/USD = {n},5 0%" for n in range(50)])
    assert [reject.excerpt for reject in ticker.rejects[-2:]] == [
        "• KGS/USD = 48,5 0%",
        "• KGS/USD = 49,5 0%",
    ]
    assert ticker.rejects[-1].detail.endswith("printed once (and 1 more)")


def test_fifty_rejects_are_all_reported() -> None:
    ticker = read_ticker([f"• KGS/USD = {n},5 0%" for n in range(49)])
    assert [reject.reason for reject in ticker.rejects] == [
        *[RejectReason.BAD_RATE_LINE] * 49,
        RejectReason.INCOMPLETE_CYCLE,
    ]
    assert ticker.rejects[-1].detail == "KZT missing, TJS missing, UZS missing"


def test_two_cycles_that_differ_give_no_rate() -> None:
    other = [line.replace("0.01189", "0.11890") for line in FIVE]
    assert _values(FIVE + other) == {}
    assert _reasons(FIVE + other) == [RejectReason.CYCLE_DIFFERS] * 2


def test_half_of_the_cycles_is_not_a_majority_and_one_more_is() -> None:
    other = [line.replace("0.01189", "0.11890") for line in FIVE]
    third = [line.replace("0.01189", "0.21890") for line in FIVE]
    assert _values(FIVE * 2 + other + third) == {}
    assert _values(FIVE * 3 + other + third)["KGS"] == ("0.01189", "0.2%")


def test_of_cycles_with_one_malformed_line_the_more_frequent_counts() -> None:
    without_kgs = ["• KGS/USD = 0,01189 0.2%", *FIVE[1:]]
    without_tmt = [*FOUR, "• TMT/USD = 0,28571 0%"]
    assert set(_values(without_tmt * 2 + without_kgs * 3)) == {"KZT", "TJS", "UZS", "TMT"}
    assert set(_values(without_tmt * 3 + without_kgs * 2)) == {"KGS", "KZT", "TJS", "UZS"}


def test_the_excerpt_of_a_reordered_cycle_is_that_cycle() -> None:
    swapped = [FIVE[1], FIVE[0], *FIVE[2:]]
    (reject,) = read_ticker(FIVE * 3 + swapped + FIVE * 4).rejects
    assert reject.excerpt == "\n".join(swapped)


def test_of_many_cycles_that_differ_eight_are_numbered_and_the_rest_counted() -> None:
    other = [line.replace("0.01189", "0.11890") for line in FIVE]
    for times, which in [
        (8, "cycle 1, 2, 3, 4, 5, 6, 7, 8 of 18: "),
        (9, "cycle 1, 2, 3, 4, 5, 6, 7, 8 and 1 more of 19: "),
    ]:
        (reject,) = read_ticker(other * times + FIVE * 10).rejects
        assert reject.detail == f"{which}KGS/USD 0.11890 0.2% instead of 0.01189 0.2%"


@pytest.mark.parametrize(("on", "is_early"), [(date(2024, 7, 31), True), (date(2024, 8, 1), False)])
def test_the_fifth_pair_is_due_from_august_2024(on: date, *, is_early: bool) -> None:
    assert _reasons(FIVE, on) == [RejectReason.INCOMPLETE_CYCLE] * is_early


@pytest.mark.parametrize(
    ("cycles", "on", "detail"),
    [
        (1, date(2024, 2, 29), "1 of 2 cycles on 2024-02-29"),
        (2, date(2024, 2, 29), None),
        (2, date(2024, 4, 30), None),
        (2, date(2024, 5, 1), "2 of 8 cycles on 2024-05-01"),
        (7, date(2024, 9, 6), "7 of 8 cycles on 2024-09-06"),
        (8, date(2024, 9, 6), None),
        (7, date(2024, 9, 7), "7 of 8 cycles on 2024-09-07"),
        (8, date(2024, 9, 7), None),
        (9, date(2024, 9, 7), None),
        (0, date(2024, 9, 7), None),
        (1, None, None),
    ],
)
def test_a_text_that_ends_within_its_ticker_lacks_the_cycles_of_its_day(
    cycles: int, on: date | None, detail: str | None
) -> None:
    reject = missing_cycles_reject(cycles, on)
    if detail is None:
        assert reject is None
    else:
        assert reject is not None
        assert (reject.reason, reject.detail) == (
            RejectReason.TRUNCATED,
            f"the text ends within the ticker: {detail}",
        )


@pytest.mark.parametrize(("length", "rate"), [(120, {"KGS": ("0.01144", "0%")}), (121, {})])
def test_a_ticker_line_has_at_most_120_characters(length: int, rate: dict[str, tuple[str, str]]) -> None:
    line = "• KGS/USD = 0.01144" + "0%".rjust(length - 19)
    assert len(line) == length
    assert _values([line]) == rate


@pytest.mark.parametrize(
    ("rate", "change"),
    [("999999999.99999999", "-99999.9999%"), ("0.00000001", "0%")],
)
def test_a_number_that_just_fits_its_column_is_a_rate(rate: str, change: str) -> None:
    assert _values([f"• KGS/USD = {rate} {change}"]) == {"KGS": (rate, change)}


@pytest.mark.parametrize(
    "numbers",
    ["1234567890 0%", "1.123456789 0%", "1.1 123456%", "1.1 0.12345%", "1. 0%", "1.1 1.%"],
)
def test_a_number_that_does_not_fit_its_column_is_not_a_rate(numbers: str) -> None:
    assert _reasons([f"• KGS/USD = {numbers}"])[0] is RejectReason.BAD_RATE_LINE
    assert _values([f"• KGS/USD = {numbers}"]) == {}


@pytest.mark.parametrize(
    ("flat", "lines"),
    [
        (f"KGS/USD{GAP}= {GAP}0.01144{GAP}0%{GAP}A headline", ("KGS/USD = 0.01144 0%",)),
        (f"KGS/USD{GAP}= {GAP}0.01144{GAP}0% up", ("• KGS/USD",)),
        ("KGS/USD = 0.01144 0% • KZT/USD = 0.00198 -0%", ("KGS/USD = 0.01144 0%", "KZT/USD = 0.00198 -0%")),
        ("KGS/USD = 0.01144 0% KZT/USD = 0.00198 -0%", ("KGS/USD = 0.01144 0%", "KZT/USD = 0.00198 -0%")),
        ("A bank quotes KGS/USD = 0.01144 0%", ()),
        ("kGS/USD = 0.01144 0%", ()),
        ("AKGS/USD = 0.01144 0%", ()),
    ],
)
def test_an_item_of_flat_text_ends_with_its_node_a_bullet_or_the_next_item(
    flat: str, lines: tuple[str, ...]
) -> None:
    assert find_ticker(flat).lines == lines


@pytest.mark.parametrize(
    ("usual", "other", "how"),
    [(FIVE, FOUR, "TMT/USD missing"), (FOUR, FIVE, "TMT/USD too many")],
)
def test_a_cycle_of_other_pairs_than_the_rest_differs(usual: list[str], other: list[str], how: str) -> None:
    ticker = read_ticker(usual * 3 + other + usual * 4)
    assert [(reject.reason, reject.detail) for reject in ticker.rejects] == [
        (RejectReason.CYCLE_DIFFERS, f"cycle 4 of 8: {how}")
    ]
    assert len(ticker.rates) == len(usual)


def test_one_whole_cycle_among_malformed_ones_that_agree_gives_all_rates() -> None:
    broken = ["• KGS/USD = 0,01189 0.2%", *FIVE[1:]]
    assert _values(broken * 3 + FIVE) == _values(FIVE)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_one_pair_printed_over_and_over_is_one_rate(times: int) -> None:
    ticker = read_ticker(FIVE[:1] * times)
    assert [(rate.base, rate.rate_text) for rate in ticker.rates] == [("KGS", "0.01189")]
    assert ticker.cycles == times


@pytest.mark.parametrize("pair", ["KGS/EUR", "KGS/UZS", "AFN/USD", "USD/KGS"])
def test_only_a_known_currency_against_the_dollar_is_a_known_pair(pair: str) -> None:
    line = f"• {pair} = 0.01510 0.1%"
    ticker = read_ticker([*FIVE, line])
    assert [(reject.reason, reject.excerpt) for reject in ticker.rejects] == [
        (RejectReason.UNKNOWN_PAIR, line)
    ]
    assert len(ticker.rates) == 5


def test_many_whole_cycles_that_contradict_each_other_leave_what_a_malformed_one_shares_with_all() -> None:
    others = [[line.replace("0.01189", f"0.0119{n}") for line in FIVE] * 4 for n in range(3)]
    broken = ["• KGS/USD = 0,01189 0.2%", *FIVE[1:]]
    assert set(_values([*others[0], *others[1], *others[2], *broken])) == {"KZT", "TJS", "UZS", "TMT"}


def test_a_malformed_cycle_with_another_value_is_not_a_vote_for_the_rest() -> None:
    other = [line.replace("0.01189", "0.11890") for line in FIVE]
    third = [line.replace("0.01189", "0.21890") for line in FIVE]
    broken = ["• KGS/USD = 0,01189 0.2%", FIVE[1].replace("0.00210", "0.00310"), *FIVE[2:]]
    assert _values([*FIVE, *FIVE, *other, *third, *broken]) == {}


def test_cycles_of_flat_text_are_read_as_printed_where_one_differs() -> None:
    usual = ("KGS/USD = 0.01144 0%", "KZT/USD = 0.00198 -0%")
    other = ("KGS/USD = 0.01145 0%", "KZT/USD = 0.00198 -0%")
    for cycles in ([usual, other], [usual, other, usual], [usual, usual, other, usual]):
        lines = tuple(line for cycle in cycles for line in cycle)
        ticker = find_ticker(f"{' '.join(lines)}{GAP}05 December 2025")
        assert ticker.lines == lines
        assert ticker.end == len(" ".join(lines))
