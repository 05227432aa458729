/*
description: >-
  Currencies by ISO 4217 code, with the bounds outside which a rate against the dollar is taken for an error. The
  bounds are wide enough for years of drift, and a rate ten times too high or too low lies outside.
grain: [currency_code]
columns:
  currency_code: ISO 4217 code.
  name: English name.
  minor_units: Decimal digits of the minor unit by ISO 4217.
  country_code: ISO 3166-1 alpha-2 code of the issuing country, EU for the euro.
  plausible_low: Least plausible number of US dollars for one unit.
  plausible_high: Highest plausible number of US dollars for one unit.
  peg_currency: The currency to which it is pegged, null without a peg.
  peg_rate: Units of it for one unit of peg_currency, by the peg.
  peg_since: The day since which the peg holds.
  peg_note: Where the peg is published, and what it means for the printed rate.
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
select
    code as currency_code,
    name,
    minor_units::integer as minor_units,
    country_code,
    plausible_low::decimal(18, 8) as plausible_low,
    plausible_high::decimal(18, 8) as plausible_high,
    peg_currency,
    peg_rate::decimal(18, 8) as peg_rate,
    peg_since::date as peg_since,
    peg_note
from seeds.currencies
