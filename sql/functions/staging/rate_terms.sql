/*
description: >-
  One row with the prices of two currencies on a day in equal parts of one
  currency, of which main.cross_rate and main.convert_amount are
  made, from main.fct_rate_best. The rate between the two is base_price / quote_price.
parameters:
  base: Base currency, ISO 4217 code.
  quote: Quote currency, ISO 4217 code.
  day: Day of the rates (Asia/Almaty), a date.
columns:
  rate_date: Day of the rates (Asia/Almaty); null where no day is given.
  base: Base currency, ISO 4217 code; null where none is given.
  quote: Quote currency, ISO 4217 code; null where none is given.
  base_price: Price of one unit of base, a number of tiny equal parts; null without a rate.
  base_price_low: Lower bound of base_price, a number of tiny equal parts; null without a rate.
  base_price_high: Upper bound of base_price, a number of tiny equal parts; null without a rate.
  quote_price: Price of one unit of quote, a number of tiny equal parts; null without a rate.
  quote_price_low: Lower bound of quote_price, a number of tiny equal parts; null without a rate.
  quote_price_high: Upper bound of quote_price, a number of tiny equal parts; null without a rate.
  base_observed_date: >-
    Day of the rate of base in US dollars, in Asia/Almaty or in the zone of the bank; null without a rate, and where none
    is needed.
  quote_observed_date: >-
    Day of the rate of quote in US dollars, in Asia/Almaty or in the zone of the bank; null without a rate, and where none
    is needed.
  base_source: >-
    Source of the rate of base in US dollars, a key of main.dim_source; null without a rate, and where none is needed.
  quote_source: >-
    Source of the rate of quote in US dollars, a key of main.dim_source; null without a rate, and where none is needed.
  no_rate_reason: >-
    Reason why no rate is given - no_day, currency_without_rates, before_first_rate or after_last_rate (the day is
    outside the series of one of the two currencies), older_than_14_days (the latest rate of a currency); null with a
    rate.
  is_filled: True where at least one of the two rates was carried over from an earlier day; null without a rate.
*/
-- `case`, never `if()`: DuckDB 1.2.2 cannot call a macro with `if()` that 2.0.0 has stored
select
    prices.day_argument as rate_date,
    prices.base_argument as base,
    prices.quote_argument as quote,
    -- Of an official rate of quote the inverse is exact, and multiplies the price of base: the unit of the row is then a
    -- ten-billionth of a quote. Otherwise it is a trillionth of a dollar.
    case
        when prices.is_exact then (2 * prices.base_units * prices.per_dollar + 1000000000000) // 2000000000000
        else prices.base_units
    end as base_price,
    case
        when prices.is_exact then prices.base_low * prices.per_dollar_low // 1000000000000
        else prices.base_low
    end as base_price_low,
    case
        when prices.is_exact then (prices.base_high * prices.per_dollar_high + 999999999999) // 1000000000000
        else prices.base_high
    end as base_price_high,
    case when prices.is_exact then 10000000000 else prices.quote_units end::hugeint as quote_price,
    case when prices.is_exact then 10000000000 else prices.quote_low end::hugeint as quote_price_low,
    case when prices.is_exact then 10000000000 else prices.quote_high end::hugeint as quote_price_high,
    prices.base_observed_date,
    prices.quote_observed_date,
    prices.base_source,
    prices.quote_source,
    prices.no_rate_reason,
    prices.is_filled
from (
    select
        sides.*,
        quote_day.method <> 'published' as is_exact,
        (case when sides.base_is_unit then 1 else base_day.rate end * 1000000000000)::hugeint as base_units,
        (case when sides.base_is_unit then 1 else base_day.rate_low end * 1000000000000)::hugeint as base_low,
        (case when sides.base_is_unit then 1 else base_day.rate_high end * 1000000000000)::hugeint as base_high,
        (case when sides.quote_is_unit then 1 else quote_day.rate end * 1000000000000)::hugeint as quote_units,
        (case when sides.quote_is_unit then 1 else quote_day.rate_low end * 1000000000000)::hugeint as quote_low,
        (case when sides.quote_is_unit then 1 else quote_day.rate_high end * 1000000000000)::hugeint as quote_high,
        (quote_day.inverse_rate * 10000000000)::hugeint as per_dollar,
        floor(quote_day.inverse_low * 10000000000)::hugeint as per_dollar_low,
        ceil(quote_day.inverse_high * 10000000000)::hugeint as per_dollar_high,
        base_day.value_date as base_observed_date,
        quote_day.value_date as quote_observed_date,
        base_day.rate_source as base_source,
        quote_day.rate_source as quote_source,
        case
            when (sides.base_is_unit or base_day.rate is not null)
            and (sides.quote_is_unit or quote_day.rate is not null)
            then null
            when sides.day_argument is null then 'no_day'
            when (not sides.base_is_unit and sides.base_first_date is null)
            or (not sides.quote_is_unit and sides.quote_first_date is null)
            then 'currency_without_rates'
            when sides.day_argument < sides.base_first_date or sides.day_argument < sides.quote_first_date
            then 'before_first_rate'
            when sides.day_argument > sides.base_last_date or sides.day_argument > sides.quote_last_date
            then 'after_last_rate'
            else 'older_than_14_days' -- a series has no gap
        end as no_rate_reason,
        case
            when no_rate_reason is null
                then coalesce(base_day.is_filled, false) or coalesce(quote_day.is_filled, false)
        end as is_filled
    from (
        select
            arguments.*,
            base_currency.first_rate_date as base_first_date,
            base_currency.last_rate_date as base_last_date,
            quote_currency.first_rate_date as quote_first_date,
            quote_currency.last_rate_date as quote_last_date,
            coalesce(base_currency.currency_code in ('USD', quote_currency.currency_code), false) as base_is_unit,
            coalesce(quote_currency.currency_code in ('USD', base_currency.currency_code), false) as quote_is_unit
        from (
            -- an argument may be a column of the caller: one named base would else be read as that of a table here
            select base::varchar as base_argument, quote::varchar as quote_argument, day::date as day_argument
        ) as arguments
        left join main.dim_currency as base_currency on base_currency.currency_code = arguments.base_argument
        left join main.dim_currency as quote_currency on quote_currency.currency_code = arguments.quote_argument
    ) as sides
    left join main.fct_rate_best as base_day
        on base_day.rate_date = sides.day_argument
        and base_day.base = sides.base_argument
        and base_day.quote = 'USD'
        and not sides.base_is_unit
    left join main.fct_rate_best as quote_day
        on quote_day.rate_date = sides.day_argument
        and quote_day.base = sides.quote_argument
        and quote_day.quote = 'USD'
        and not sides.quote_is_unit
) as prices
