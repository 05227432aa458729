/*
description: >-
  One row per capture and currency pair, for every rate that any page printed. A correction by the site is a further
  row, never an overwrite. Captures that an operator excluded and captures without a day are not here.
grain: [capture_id, base, quote]
columns:
  rate_date: >-
    Day of the rate, which is the date that the page prints, else the Asia/Almaty day of the capture; always the day of
    the capture for an article page, and where the printed date is more than a day later.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate: Units of quote per unit of base, as printed.
  rate_low: >-
    Lower bound of the printed rate, half a unit of the last digit below rate, not below 0, in units of quote per unit
    of base.
  rate_high: >-
    Upper bound of the printed rate, half a unit of the last digit above rate, in units of quote per unit of base.
  significant_digits: Number of significant digits of the printed rate, counted from the first that is not zero.
  inverse_rate: Units of base per unit of quote, 1 / rate, rounded half up to 12 decimals; null where rate is zero.
  inverse_low: Lower bound of inverse_rate, 1 / rate_high rounded down, in units of base per unit of quote.
  inverse_high: >-
    Upper bound of inverse_rate, 1 / rate_low rounded up, in units of base per unit of quote; null where rate_low is
    zero.
  change_pct: Printed change of the rate in percent; the page does not state the day compared with.
  change_sign: Sign of the printed change, -1, 0 or 1; -1 also for -0%, a fall rounded to zero.
  rate_text: Text of the rate as printed; the last digit bounds the accuracy.
  change_text: Text of the change as printed; -0% is a fall rounded to zero.
  position: Position of the currency pair in the ticker, from 1.
  observed_at: Time at which the capture was fetched, UTC; null where unknown.
  page_date: Date that the page prints; null where no date was read.
  captured_date: Calendar day on which the capture was fetched, in Asia/Almaty; null where unknown.
  date_conflict: >-
    True where page_date and the Asia/Almaty day of the capture differ by more than two days; null where one of the two
    is unknown.
  capture_order: >-
    Ordinal of the capture by observed_date, time of the fetch (unknown first) and position in the archive, from 1;
    shifts when older captures are added. The highest of a day gives the rate of fct_rate_daily.
  is_accepted: True where an operator checked the capture and accepted the rates.
  source: Source of the capture, a key of main.dim_source.
  is_backfilled: >-
    True where the capture comes from a web archive, an ingested file or a backfill, and not from a scheduled run.
  url: URL of the capture; null for an ingested file without a URL.
  capture_id: WARC record id of the capture that printed the rate.
  run_id: Id of the run that loaded the capture.
sort: [rate_date, capture_order, position]
partition_year: rate_date
checks:
  - not_null: [rate_date, rate, rate_low, rate_high, significant_digits, change_pct, change_sign, source, is_backfilled]
  - accepted: {change_sign: [-1, 0, 1]}
  - references: {base: main.dim_currency.currency_code}
  - references: {quote: main.dim_currency.currency_code}
  - references: {source: main.dim_source.source}
    severity: warning
    alerts: false
  - name: rate_is_positive
    sql: select capture_id, base, quote, rate_text from main.fct_rate_observation where rate <= 0
  - name: interval_holds_rate
    sql: >-
      select capture_id, base, quote, rate_low, rate, rate_high from main.fct_rate_observation
      where not (rate_low < rate and rate < rate_high)
  - name: inverse_interval_holds_inverse
    sql: >-
      select capture_id, base, quote, inverse_low, inverse_rate, inverse_high from main.fct_rate_observation
      where inverse_rate not between inverse_low and inverse_high
*/
with prints as materialized (
    from staging.stg_rate_observation
),

-- for speed: the same few hundred rates are printed again and again, and are inverted once
inverses as materialized (
    select
        rate,
        rate_low,
        rate_high,
        inverse(rate) as inverse_rate,
        inverse_down(rate_high) as inverse_low,
        inverse_up(rate_low) as inverse_high
    from (select distinct rate, rate_low, rate_high from prints)
)

select
    capture.observed_date as rate_date,
    printed.base,
    printed.quote,
    printed.rate,
    printed.rate_low,
    printed.rate_high,
    printed.significant_digits,
    inverses.inverse_rate,
    inverses.inverse_low,
    inverses.inverse_high,
    printed.change_pct,
    printed.change_sign,
    printed.rate_text,
    printed.change_text,
    printed.position,
    capture.observed_at,
    capture.page_date,
    capture.captured_date,
    capture.date_conflict,
    capture.capture_order,
    capture.is_accepted,
    capture.source,
    capture.is_backfilled,
    capture.url,
    capture.capture_id,
    capture.run_id
from prints as printed
inner join inverses using (rate, rate_low, rate_high)
inner join staging.stg_capture as capture on capture.capture_id = printed.capture_id
where capture.observed_date is not null
