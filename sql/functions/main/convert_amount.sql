/*
description: >-
  One row with an amount of the base currency in the quote currency at the rates of a day, from main.fct_rate_best by
  way of the US dollar, and its interval. An amount or a currency that cannot be converted gives null and a reason.
parameters:
  amount: >-
    Amount in units of base, a number of at most 16 digits before and 8 after the decimal point; negative for a debt.
  base: Base currency, ISO 4217 code.
  quote: Quote currency, ISO 4217 code.
  day: Day of the rates (Asia/Almaty), a date.
columns:
  rate_date: Day of the rates (Asia/Almaty); null where no day is given.
  base: Base currency, ISO 4217 code; null where none is given.
  quote: Quote currency, ISO 4217 code; null where none is given.
  amount: Amount in units of base; null where no amount is given, or one that is not exact (see no_amount_reason).
  quote_amount: >-
    Amount in units of quote, rounded half away from zero to 8 decimals; null where no_amount_reason is given.
  quote_amount_low: >-
    Lower bound of quote_amount, rounded down to 8 decimals, in units of quote; null where no_amount_reason is given.
  quote_amount_high: >-
    Upper bound of quote_amount, rounded up to 8 decimals, in units of quote; null where no_amount_reason is given.
  is_filled: True where at least one of the two rates was carried over from an earlier day; null without a rate.
  base_observed_date: >-
    Day of the rate of base in US dollars, in Asia/Almaty or in the zone of the bank, earlier than rate_date where
    is_filled; null without a rate, and where none is needed.
  quote_observed_date: >-
    Day of the rate of quote in US dollars, in Asia/Almaty or in the zone of the bank, earlier than rate_date where
    is_filled; null without a rate, and where none is needed.
  base_source: >-
    Source of the rate of base in US dollars, a key of main.dim_source; null without a rate, and where none is needed.
  quote_source: >-
    Source of the rate of quote in US dollars, a key of main.dim_source; null without a rate, and where none is needed.
  no_amount_reason: >-
    Reason why quote_amount is null - no_amount, amount_not_a_number, amount_too_long (more digits than amount may
    have), or that of no_rate_reason in main.cross_rate; null where the amount is converted.
*/
select
    products.rate_date,
    products.base,
    products.quote,
    products.amount,
    (sign(products.amount)::hugeint * products.rounded)::decimal(30, 0) * 0.00000001 as quote_amount,
    (case when products.amount < 0 then -products.outer_bound else products.inner_bound end)::decimal(30, 0) * 0.00000001
        as quote_amount_low,
    (case when products.amount < 0 then -products.inner_bound else products.outer_bound end)::decimal(30, 0) * 0.00000001
        as quote_amount_high,
    products.is_filled,
    products.base_observed_date,
    products.quote_observed_date,
    products.base_source,
    products.quote_source,
    case
        when products.amount_argument is null then 'no_amount'
        when products.amount is not null then products.no_rate_reason
        when try_cast(products.amount_argument as double) is null then 'amount_not_a_number'
        else 'amount_too_long'
    end as no_amount_reason
from (
    -- whole numbers, since `/` on decimals gives a binary float: units of 1e-8, and bounds nearer to zero and farther
    select
        exact.*,
        (2 * exact.units * exact.base_price + exact.quote_price) // nullif(2 * exact.quote_price, 0) as rounded,
        exact.units * exact.base_price_low // nullif(exact.quote_price_high, 0) as inner_bound,
        (exact.units * exact.base_price_high + exact.quote_price_low - 1) // nullif(exact.quote_price_low, 0)
            as outer_bound
    from (
        select *, (abs(given.amount) * 100000000)::hugeint as units
        from (
            select
                terms.*,
                amount_arguments.amount_argument,
                case
                    when try_cast(amount_argument as decimal(24, 8)) = try_cast(amount_argument as decimal(38, 18))
                        then try_cast(amount_argument as decimal(24, 8))
                end as amount
            -- by way of text, so that the binary float 0.1 is 0.1; what is after it sees its one column, which no
            -- caller has
            from (select amount::varchar as amount_argument) as amount_arguments
            cross join staging.rate_terms(base, quote, day) as terms
        ) as given
    ) as exact
) as products
