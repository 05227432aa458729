/*
description: >-
  One row per capture and currency pair - every rate that any page printed, as printed. A correction by the site
  is a further row, never an overwrite. Captures that an operator excluded and captures without a day are not here.
grain: [capture_id, base, quote]
columns:
  rate_date: >-
    The day of the capture - the date that the page prints, else the calendar day of the capture in Asia/Almaty. A page
    of one article prints the date of the article and the ticker of the capture, so its day is that of the capture; so
    is that of a page whose date lies more than a day after the capture.
  base: Currency of which one unit is priced.
  quote: Currency of the price.
  rate: Units of quote for one unit of base, as printed.
  rate_low: Lower end of the interval that the print leaves open, half a unit of its last digit below rate.
  rate_high: Upper end of that interval, half a unit of the last digit above rate.
  significant_digits: How many digits the print is good for.
  inverse_rate: Units of base for one unit of quote, 1 / rate, half-up to 12 decimals. Null where rate is zero.
  inverse_low: Lower end of its interval, 1 / rate_high, rounded down.
  inverse_high: Upper end of its interval, 1 / rate_low, rounded up. Null where rate_low is zero.
  change_pct: The change in percent as printed; the page does not state against what.
  change_sign: -1, 0 or 1; -1 also for a printed -0%, a fall that rounds to nothing.
  rate_text: The rate as printed.
  change_text: The change as printed.
  position: Position of the pair in the ticker, from 1.
  observed_at: When the page was fetched, null for files given by hand.
  page_date: The date that the page prints, null where it prints none.
  captured_date: The calendar day of observed_at in Asia/Almaty.
  date_conflict: >-
    True where page_date and captured_date are more than two days apart, whichever of them gave rate_date; null where
    one of them is unknown.
  capture_order: >-
    Orders the captures - the print of a day with the highest number is the rate of the day in fct_rate_daily. Shifts
    when older captures are added.
  is_accepted: True where an operator checked the capture and accepted its rates.
  source: What was captured, as in main.dim_source.
  url: The address of the page, null for files given by hand.
  capture_id: The capture (WARC record id) that printed it; raw.capture states where its bytes are.
  run_id: The run that loaded the capture.
sort: [rate_date, capture_order, position]
partition_year: rate_date
checks:
  - not_null: [rate_date, rate, rate_low, rate_high, significant_digits, change_pct, change_sign, source]
  - accepted: {change_sign: [-1, 0, 1]}
  - references: {base: main.dim_currency.currency_code}
  - references: {quote: main.dim_currency.currency_code}
  - references: {source: main.dim_source.source}
    severity: warning
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

-- the same few hundred rates are printed again and again, and are inverted once
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
    capture.url,
    capture.capture_id,
    capture.run_id
from prints as printed
inner join inverses using (rate, rate_low, rate_high)
inner join staging.stg_capture as capture on capture.capture_id = printed.capture_id
where capture.observed_date is not null
