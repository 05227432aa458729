/*
description: >-
  One row per currency, with the bounds outside which a rate against the US dollar is treated as an error. The bounds
  are wide enough for years of drift, and a rate ten times too high or too low lies outside.
grain: [currency_code]
columns:
  currency_code: Currency, ISO 4217 code.
  name: English name of the currency.
  minor_units: Number of decimal digits of the minor unit of the currency, by ISO 4217.
  country_code: Country that issues the currency, ISO 3166-1 alpha-2 code; EU for the euro.
  plausible_low: Lowest plausible price of one unit of the currency, in US dollars.
  plausible_high: Highest plausible price of one unit of the currency, in US dollars.
  ticker_tolerance_pct: >-
    Percent by which a printed rate may miss the official one beyond the interval of the printed digits,
    since the ticker shows an earlier
    fixing or another market; null for a currency that the ticker does not print.
  peg_currency: Currency of the latest peg, ISO 4217 code; null without a peg.
  peg_rate: Units of this currency for one unit of peg_currency, by the latest peg; null without a peg.
  peg_since: First day of the latest peg, in the issuing country; null without a peg.
  peg_note: Publisher of the peg, and what the peg means for the printed rate; null without a peg.
  first_rate_date: >-
    First day (Asia/Almaty) with a rate of the currency in US dollars in fct_rate_best; null without rates.
  last_rate_date: >-
    Last day (Asia/Almaty) with a rate of the currency in US dollars in fct_rate_best; null without rates.
sort: [currency_code]
checks:
  - not_null: [name, minor_units, plausible_low, plausible_high]
  - references: {country_code: main.dim_country.country_code}
  - references: {peg_currency: main.dim_currency.currency_code}
  - name: bounds_are_in_order
    sql: >-
      select currency_code, plausible_low, plausible_high from main.dim_currency
      where not (0 < plausible_low and plausible_low <= plausible_high)
*/
with rate_spans as (
    select base as code, min(rate_date) as first_rate_date, max(rate_date) as last_rate_date
    from main.fct_rate_best
    where quote = 'USD'
    group by all
),

latest_pegs as (
    from seeds.pegs
    qualify row_number() over (partition by quote order by since desc) = 1
)

select
    code as currency_code,
    name,
    minor_units::integer as minor_units,
    country_code,
    plausible_low::decimal(18, 8) as plausible_low,
    plausible_high::decimal(18, 8) as plausible_high,
    ticker_tolerance_pct::decimal(9, 4) as ticker_tolerance_pct,
    latest_pegs.base as peg_currency,
    latest_pegs.rate::decimal(18, 8) as peg_rate,
    latest_pegs.since::date as peg_since,
    latest_pegs.note as peg_note,
    first_rate_date,
    last_rate_date
from seeds.currencies
left join latest_pegs on latest_pegs.quote = code
left join rate_spans using (code)
