/*
description: >-
  One row per bank, currency, day in force and revision of the rate that the bank published for the day, in units of the
  currency per US dollar - base USD, quote KZT, rate 521.11 is 521.11 tenge per dollar, the other way round than in
  fct_rate_best. A correction by the bank is a new revision, and the earlier one stays (see known_until). A peg
  has one row, dated with its first day. Rates of the day itself and of days without publication are in fct_rate_best.
grain: [source, base, quote, rate_date, revision]
columns:
  source: Bank that published the rate, a key of main.dim_source.
  base: Base currency, of which one unit is priced, ISO 4217 code (always USD).
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_date: Day in force that the bank states, in the zone of the bank; of a peg the first day in force.
  rate: Units of quote per unit of base; of a cross rounded half up to 12 decimals.
  revision: Number of the revision of the rate of the day, from 1.
  rate_low: Lower bound of rate, in units of quote per unit of base; equals rate unless rate_type is cross.
  rate_high: Upper bound of rate, in units of quote per unit of base; equals rate unless rate_type is cross.
  inverse_rate: Units of base per unit of quote, 1 / rate, rounded half up to 12 decimals.
  inverse_low: Lower bound of inverse_rate, 1 / rate_high rounded down, in units of base per unit of quote.
  inverse_high: Upper bound of inverse_rate, 1 / rate_low rounded up, in units of base per unit of quote.
  rate_type: >-
    Kind of the rate - official (set by the bank of the currency), peg (fixed by law until the next peg) or cross
    (computed from two rates of one table of another bank).
  nominal: Number of units of base that the printed price is for; of a cross the number of units of quote.
  published_for: >-
    Day in the zone of the bank that was requested; null for a request of the latest rates or of a range, and of a peg.
  known_from: Time at which the revision was first fetched, UTC; null where unknown, and of a peg.
  known_until: Time at which the next revision was first fetched, UTC; null for the current revision.
  is_current: True for the latest revision of the day.
  captures: Number of captures that show the revision; 0 for a peg.
  capture_id: WARC record id of the first capture that shows the revision; null for a peg.
  series_key: >-
    Key of the series in the order of the ECB's exchange rates, such as D.KZT.USD.SP00.A - daily, tenge per dollar, spot,
    average of the day.
sort: [source, quote, rate_date, revision]
checks:
  - not_null:
      [rate, rate_low, rate_high, inverse_rate, inverse_high, rate_type, nominal, is_current, captures, series_key]
  - references: {source: main.dim_source.source}
  - references: {quote: main.dim_currency.currency_code}
  - accepted: {rate_type: [official, peg, cross]}
  - name: rate_is_plausible
    sql: >-
      select source, quote, rate_date, rate, capture_id, plausible_low, plausible_high
      from main.fct_official_rate
      inner join main.dim_currency on currency_code = quote
      where is_current and inverse_rate not between plausible_low and plausible_high
  - name: rate_does_not_jump
    severity: warning
    alerts: false
    sql: >-
      select source, quote, rate_date, rate, previous_rate, capture_id from (
          select *, lag(rate) over (partition by source, quote order by rate_date) as previous_rate
          from main.fct_official_rate where is_current and rate_type <> 'peg'
      ) where abs(rate - previous_rate) > previous_rate * 0.1
*/
with changes as (
    select
        *,
        rate is distinct from lag(rate) over by_time as is_change
    from staging.stg_official_rate
    window by_time as (
        partition by source, base, quote, rate_date order by observed_at nulls first, capture_order
    )
),

numbered as (
    select
        *,
        sum(is_change::integer) over (
            partition by source, base, quote, rate_date
            order by observed_at nulls first, capture_order
            rows unbounded preceding
        )::integer as revision
    from changes
),

revisions as (
    select
        source,
        base,
        quote,
        rate_date,
        revision,
        any_value(rate) as rate,
        min(rate_low) as rate_low,
        max(rate_high) as rate_high,
        any_value(rate_type) as rate_type,
        min(observed_at) as known_from,
        count(*)::integer as captures,
        min_by(capture_id, capture_order) as capture_id,
        min_by(nominal, capture_order) as nominal,
        min_by(published_for, capture_order) as published_for
    from numbered
    group by all
),

pegs as (
    select
        source,
        base,
        quote,
        since::date as rate_date,
        1 as revision,
        rate::decimal(28, 12) as rate,
        rate::decimal(28, 12) as rate_low,
        rate::decimal(28, 12) as rate_high,
        'peg' as rate_type,
        0 as captures,
        1 as nominal
    from seeds.pegs
),

every_rate as (
    from revisions
    union all by name
    from pegs
)

select
    source,
    base,
    quote,
    rate_date,
    rate,
    revision,
    rate_low,
    rate_high,
    inverse(rate) as inverse_rate,
    inverse_down(rate_high) as inverse_low,
    inverse_up(rate_low) as inverse_high,
    rate_type,
    nominal,
    published_for,
    known_from,
    lead(known_from) over by_revision as known_until,
    lead(revision) over by_revision is null as is_current,
    captures,
    capture_id,
    concat_ws('.', 'D', quote, base, 'SP00', 'A') as series_key
from every_rate
window by_revision as (partition by source, base, quote, rate_date order by revision)
