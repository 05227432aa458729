/*
description: >-
  One row with the prices of two currencies on a day in one unit, of which main.cross_rate and main.convert_amount are
  made. The unit is the US dollar, or the currency itself where base and quote are the same.
parameters:
  base: Base currency, ISO 4217 code.
  quote: Quote currency, ISO 4217 code.
  day: Day of the rates (Asia/Almaty), a date.
columns:
  rate_date: Day of the rates (Asia/Almaty); null where no day is given.
  base: Base currency, ISO 4217 code; null where none is given.
  quote: Quote currency, ISO 4217 code; null where none is given.
  base_price: Price of one unit of base, a number of billionths; null without a rate.
  base_price_low: Lower bound of base_price, a number of billionths; null without a rate.
  base_price_high: Upper bound of base_price, a number of billionths; null without a rate.
  quote_price: Price of one unit of quote, a number of billionths; null without a rate.
  quote_price_low: Lower bound of quote_price, a number of billionths; null without a rate.
  quote_price_high: Upper bound of quote_price, a number of billionths; null without a rate.
  base_observed_date: >-
    Day in Asia/Almaty on which the rate of base in US dollars was printed; null without a rate, and where none is needed.
  quote_observed_date: >-
    Day in Asia/Almaty on which the rate of quote in US dollars was printed; null without a rate, and where none is needed.
  no_rate_reason: >-
    Reason why no rate is given - no_day, currency_without_rates, before_first_rate or after_last_rate (the day is
    outside the series of one of the two currencies); null with a rate.
  is_filled: True where at least one of the two rates was carried over from an earlier day; null without a rate.
*/
-- `case`, never `if()`: DuckDB 1.2.2 cannot call a macro with `if()` that 2.0.0 has stored
select
    sides.day_argument as rate_date,
    sides.base_argument as base,
    sides.quote_argument as quote,
    (case when sides.base_is_unit then 1000000000 else base_day.rate * 1000000000 end)::hugeint as base_price,
    (case when sides.base_is_unit then 1000000000 else base_day.rate_low * 1000000000 end)::hugeint as base_price_low,
    (case when sides.base_is_unit then 1000000000 else base_day.rate_high * 1000000000 end)::hugeint as base_price_high,
    (case when sides.quote_is_unit then 1000000000 else quote_day.rate * 1000000000 end)::hugeint as quote_price,
    (case when sides.quote_is_unit then 1000000000 else quote_day.rate_low * 1000000000 end)::hugeint as quote_price_low,
    (case when sides.quote_is_unit then 1000000000 else quote_day.rate_high * 1000000000 end)::hugeint as quote_price_high,
    base_day.rate_date - base_day.fill_age_days as base_observed_date,
    quote_day.rate_date - quote_day.fill_age_days as quote_observed_date,
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
        else 'after_last_rate' -- a series has no gap
    end as no_rate_reason,
    case
        when no_rate_reason is null
            then coalesce(base_day.is_filled, false) or coalesce(quote_day.is_filled, false)
    end as is_filled
from (
    select
        arguments.*,
        base_currency.first_rate_date as base_first_date,
        quote_currency.first_rate_date as quote_first_date,
        coalesce(base_currency.currency_code in ('USD', quote_currency.currency_code), false) as base_is_unit,
        coalesce(quote_currency.currency_code in ('USD', base_currency.currency_code), false) as quote_is_unit
    from (
        -- an argument may be a column of the caller: one named base would else be read as that of a table here
        select base::varchar as base_argument, quote::varchar as quote_argument, day::date as day_argument
    ) as arguments
    left join main.dim_currency as base_currency on base_currency.currency_code = arguments.base_argument
    left join main.dim_currency as quote_currency on quote_currency.currency_code = arguments.quote_argument
) as sides
left join main.fct_rate_daily as base_day
    on base_day.rate_date = sides.day_argument
    and base_day.base = sides.base_argument
    and base_day.quote = 'USD'
    and not sides.base_is_unit
left join main.fct_rate_daily as quote_day
    on quote_day.rate_date = sides.day_argument
    and quote_day.base = sides.quote_argument
    and quote_day.quote = 'USD'
    and not sides.quote_is_unit
