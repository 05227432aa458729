/*
description: >-
  One row with the rate between two currencies on a day, from main.fct_rate_best by way of the US dollar, and its
  interval. A currency without a rate of the day gives null and a reason; the US dollar is a currency like the others,
  and a currency costs 1 of itself on any day.
parameters:
  base: Base currency, ISO 4217 code.
  quote: Quote currency, ISO 4217 code.
  day: Day of the rates (Asia/Almaty), a date.
columns:
  rate_date: Day of the rates (Asia/Almaty); null where no day is given.
  base: Base currency, ISO 4217 code; null where none is given.
  quote: Quote currency, ISO 4217 code; null where none is given.
  rate: Units of quote per unit of base, rounded half up to 12 decimals; null without a rate.
  rate_low: >-
    Lower bound of rate, from the lower bound of base and the upper bound of quote, rounded down to 12 decimals, in
    units of quote per unit of base; null without a rate.
  rate_high: >-
    Upper bound of rate, from the upper bound of base and the lower bound of quote, rounded up to 12 decimals, in units
    of quote per unit of base; null without a rate.
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
  no_rate_reason: >-
    Reason why no rate is given - no_day, currency_without_rates, before_first_rate or after_last_rate (the day is
    outside the series of one of the two currencies), older_than_14_days (the latest rate of a currency); null with a
    rate.
*/
select
    ratios.rate_date,
    ratios.base,
    ratios.quote,
    (ratios.rate_units::decimal(26, 0) * 0.000000000001)::decimal(28, 12) as rate,
    (ratios.low_units::decimal(26, 0) * 0.000000000001)::decimal(28, 12) as rate_low,
    (ratios.high_units::decimal(26, 0) * 0.000000000001)::decimal(28, 12) as rate_high,
    ratios.is_filled,
    ratios.base_observed_date,
    ratios.quote_observed_date,
    ratios.base_source,
    ratios.quote_source,
    ratios.no_rate_reason
from (
    -- whole numbers, since `/` on decimals gives a binary float: units of 1e-12
    select
        terms.*,
        (2 * terms.base_price * 1000000000000 + terms.quote_price) // nullif(2 * terms.quote_price, 0) as rate_units,
        terms.base_price_low * 1000000000000 // nullif(terms.quote_price_high, 0) as low_units,
        (terms.base_price_high * 1000000000000 + terms.quote_price_low - 1) // nullif(terms.quote_price_low, 0)
            as high_units
    from staging.rate_terms(base, quote, day) as terms
) as ratios
