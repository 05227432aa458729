from decimal import Decimal


def test_a_printed_rate_has_an_interval_its_digits_and_the_sign_of_its_change(given):
    warehouse = given(capture=[{}], rate_observation=[{"rate_text": "0.00198", "change_text": "-0%"}])
    assert warehouse.row(
        "select rate, rate_low, rate_high, significant_digits, change_sign from staging.stg_rate_observation"
    ) == (Decimal("0.00198"), Decimal("0.001975"), Decimal("0.001985"), 3, -1)


def test_the_interval_of_a_printed_zero_starts_at_zero(given):
    warehouse = given(capture=[{}], rate_observation=[{"rate_text": "0.00000"}])
    assert warehouse.row(
        "select rate_low, rate_high, significant_digits from staging.stg_rate_observation"
    ) == (
        Decimal(0),
        Decimal("0.000005"),
        0,
    )


def test_the_sign_of_a_change_is_that_of_its_print(given):
    changes = {"-0%": -1, "-0.5%": -1, "0%": 0, "0.5%": 1}
    warehouse = given(
        capture=[{}],
        rate_observation=[{"base": f"X{n}", "change_text": change} for n, change in enumerate(changes)],
    )
    assert (
        dict(warehouse.rows("select change_text, change_sign from staging.stg_rate_observation")) == changes
    )


def test_the_interval_is_half_a_unit_of_the_last_printed_digit_a_trailing_zero_counts(given):
    warehouse = given(
        capture=[{}], rate_observation=[{"rate_text": "0.00200"}, {"base": "B", "rate_text": "12"}]
    )
    assert warehouse.rows(
        "select rate_low, rate_high, significant_digits from staging.stg_rate_observation order by base desc"
    ) == [
        (Decimal("0.001995"), Decimal("0.002005"), 3),
        (Decimal("11.5"), Decimal("12.5"), 2),
    ]
