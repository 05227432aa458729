/*
description: >-
  One row per bank, currency and weekend day or holiday on which the bank dates the rate of the day before again, as some
  banks do on each calendar day. Neither a series nor a comparison counts such a row as a new rate.
materialized: table
grain: [source, base, quote, rate_date]
columns:
  source: Bank that dates the rate again, a key of main.dim_source.
  base: Base currency, of which one unit is priced, ISO 4217 code (always USD).
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_date: Day in force that the bank states, in the zone of the bank, for which the calendar of the bank expects no new rate.
*/
with dated as (
    select
        source,
        base,
        quote,
        rate_date,
        rate = lag(rate) over (partition by source, base, quote order by rate_date) as is_repeated
    from main.fct_official_rate
    where is_current and rate_type <> 'peg'
)

select dated.source, base, quote, rate_date
from dated
inner join raw.publication_day as calendar on calendar.source = dated.source and calendar.day = rate_date
where is_repeated and calendar.day_kind <> 'expected'
