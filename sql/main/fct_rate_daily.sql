/*
description: >-
  One row per day and currency pair, without gaps from the first to the last observed day of the pair. The rate of an
  observed day is the latest printed, in the order of fct_rate_observation.capture_order, by the sources of the lowest
  main.dim_source.rate_precedence that gave the pair on the day. A filled day, on which no
  capture printed the pair, carries the rate of the last observed day with the interval of that rate, and is marked by
  is_filled and fill_age_days.
grain: [rate_date, base, quote]
columns:
  rate_date: >-
    Day of the rate, which is the date that the page prints, else the Asia/Almaty day of the capture; a filled day lies
    between two observed days.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate: Units of quote per unit of base, as printed; on a filled day, of the last observed day.
  rate_low: >-
    Lower bound of the printed rate, half a unit of the last digit below rate, not below 0, in units of quote per unit
    of base.
  rate_high: >-
    Upper bound of the printed rate, half a unit of the last digit above rate, in units of quote per unit of base. On a
    filled day the bounds do not cover changes since the last observed day.
  significant_digits: Number of significant digits of the printed rate, counted from the first that is not zero.
  inverse_rate: Units of base per unit of quote, 1 / rate, rounded half up to 12 decimals; null where rate is zero.
  inverse_low: Lower bound of inverse_rate, 1 / rate_high rounded down, in units of base per unit of quote.
  inverse_high: >-
    Upper bound of inverse_rate, 1 / rate_low rounded up, in units of base per unit of quote; null where rate_low is
    zero.
  change_pct: >-
    Printed change of the rate in percent; the page does not state the day compared with. Null on a filled day.
  change_sign: Sign of the printed change, -1, 0 or 1; -1 also for -0%, a fall rounded to zero. Null on a filled day.
  change_text: Text of the change as printed; -0% is a fall rounded to zero. Null on a filled day.
  change_pct_computed: >-
    Computed change of the rate since previous_date in percent, rounded half up to 4 decimals; null on a filled day and
    on the first day.
  change_pct_low: >-
    Lower bound of change_pct_computed in percent, from rate_low and the earlier rate_high, rounded down; null on a
    filled day and on the first day.
  change_pct_high: >-
    Upper bound of change_pct_computed in percent, from rate_high and the earlier rate_low, rounded up; null on a filled
    day and on the first day.
  previous_date: Previous observed day of the currency pair (Asia/Almaty); null on a filled day and on the first day.
  observations: Number of captures of the day that printed the currency pair; 0 on a filled day.
  distinct_rates: Number of different rates of the currency pair that captures of the day printed; 0 on a filled day.
  distinct_tickers: >-
    Number of different tickers that captures of the day printed; 0 on a filled day. Tickers differ in the text of any
    rate or change, so 0.0115 and 0.01150 differ, as do -0% and 0%.
  day_low: >-
    Lowest rate of the currency pair that captures of the day printed, in units of quote per unit of base; null on a
    filled day.
  day_high: >-
    Highest rate of the currency pair that captures of the day printed, in units of quote per unit of base; null on a
    filled day.
  is_stale_suspect: >-
    True where the ticker with the rate equals one of an earlier day of the same source in the text of every rate and
    change, as on a cached page, or when nothing was traded; null on a filled day.
  repeats_date: >-
    Latest earlier day (Asia/Almaty) of which the same source printed a ticker with the same text of every rate and
    change; null where is_stale_suspect is not true.
  date_conflict: >-
    True where page_date and the Asia/Almaty day of the capture differ by more than two days; null where one of the two
    is unknown, and on a filled day.
  is_filled: True on a filled day, on which no capture printed the currency pair.
  fill_age_days: Number of days since the observed day that the rate comes from; 0 on an observed day.
  fill_reason: >-
    Reason why no capture of the day printed the currency pair, from the outcome of the slots of the day in
    fct_coverage; where a slot was observed, whether pages print the day without the currency pair or other days alone.
    Null on an observed day.
  observed_at: Time at which the capture was fetched, UTC; null where unknown.
  source: Source of the capture, a key of main.dim_source; on a filled day, of the last observed day.
  is_backfilled: >-
    True where the capture comes from a web archive, an ingested file or a backfill, and not from a scheduled run; null
    on a filled day, which no capture gave.
  capture_id: WARC record id of the capture that printed the rate; on a filled day a capture of an earlier day.
sort: [rate_date, base, quote]
checks:
  - not_null: [rate, rate_low, rate_high, significant_digits, observations, is_filled, fill_age_days, capture_id]
  - between: {fill_age_days: [0, null]}
  - references: {source: main.dim_source.source}
    severity: warning
    alerts: false
  - references: {base: main.dim_currency.currency_code}
  - references: {quote: main.dim_currency.currency_code}
  - name: interval_holds_rate
    sql: >-
      select rate_date, base, quote, capture_id, rate_low, rate, rate_high from main.fct_rate_daily
      where not (rate_low < rate and rate < rate_high)
  - name: inverse_interval_holds_inverse
    sql: >-
      select rate_date, base, quote, capture_id, inverse_low, inverse_rate, inverse_high from main.fct_rate_daily
      where inverse_rate not between inverse_low and inverse_high
  - name: change_interval_holds_change
    sql: >-
      select rate_date, base, quote, capture_id, change_pct_low, change_pct_computed, change_pct_high
      from main.fct_rate_daily where change_pct_computed not between change_pct_low and change_pct_high
  - name: series_has_no_gap
    sql: >-
      select base, quote, rate_date, next_date from (
          select *, lead(rate_date) over (partition by base, quote order by rate_date) as next_date
          from main.fct_rate_daily
      ) where next_date <> rate_date + 1
  - name: filled_never_looks_observed
    sql: >-
      select rate_date, base, quote, is_filled, fill_age_days, observations, change_pct from main.fct_rate_daily
      where is_filled <> (observations = 0)
      or is_filled <> (fill_age_days > 0)
      or is_filled <> (change_pct is null)
      or (is_filled and (change_sign is not null or change_text is not null or change_pct_computed is not null))
      or is_filled <> (day_low is null)
      or is_filled <> (is_stale_suspect is null)
      or is_filled <> (is_backfilled is null)
      or is_filled <> (distinct_tickers = 0)
      or is_filled <> (fill_reason is not null)
  - name: a_stale_ticker_names_the_day_that_it_repeats
    sql: >-
      select rate_date, base, quote, is_stale_suspect, repeats_date from main.fct_rate_daily
      where coalesce(is_stale_suspect, false) <> coalesce(repeats_date < rate_date, false)
  - name: rate_is_between_low_and_high_of_the_day
    sql: >-
      select rate_date, base, quote, capture_id, day_low, rate, day_high from main.fct_rate_daily
      where not is_filled and rate not between day_low and day_high
  - name: is_observed_where_a_capture_is
    sql: >-
      select capture_id, rate_date, base, quote from main.fct_rate_observation as observed
      anti join (from main.fct_rate_daily where not is_filled) as daily using (rate_date, base, quote)
*/
with prints as (
    from main.fct_rate_observation
),

observed_days as materialized (
    select
        row_number() over () as day_id,
        latest.*,
        rate_day.* exclude (rate_date, base, quote, capture_order),
        lag(latest.rate_date) over of_pair as previous_date,
        lag(latest.rate) over of_pair as previous_rate,
        lag(latest.rate_low) over of_pair as previous_low,
        lag(latest.rate_high) over of_pair as previous_high,
        lead(latest.rate_date) over of_pair as next_date
    from staging.stg_rate_day as rate_day
    inner join prints as latest using (rate_date, base, quote, capture_order)
    window of_pair as (partition by latest.base, latest.quote order by latest.rate_date)
),

-- for speed: the same few hundred changes occur again and again, and are computed once
rate_changes as materialized (
    select
        *,
        change(rate, previous_rate) as change_pct_computed,
        change_down(rate_low, previous_high) as change_pct_low,
        change_up(rate_high, previous_low) as change_pct_high
    from (
        select distinct rate, rate_low, rate_high, previous_rate, previous_low, previous_high
        from observed_days
    )
),

-- the best outcome of a day gives the reason; of equal ones, the latest slot, then the first schedule by name
slot_outcomes as (
    select day, outcome, reason
    from staging.stg_slot_rate_outcome
    where prints_ticker
    qualify row_number() over (
        partition by day
        order by list_position(['observed', 'unchanged', 'closed', 'blocked', 'failed'], outcome) nulls last,
            slot desc, schedule
    ) = 1
),

printed_days as (
    select distinct rate_date
    from observed_days
),

-- an observed day lasts until the day before the next one; the last observed day of a pair is not extended
pair_days as (
    select
        day_id,
        unnest(range(0, coalesce(next_date - rate_date, 1)))::integer as fill_age_days,
        rate_date + fill_age_days as rate_date
    from observed_days
)

select
    pair_days.rate_date,
    carried.base,
    carried.quote,
    carried.rate,
    carried.rate_low,
    carried.rate_high,
    carried.significant_digits,
    carried.inverse_rate,
    carried.inverse_low,
    carried.inverse_high,
    printed.change_pct,
    printed.change_sign,
    printed.change_text,
    rate_changes.change_pct_computed,
    rate_changes.change_pct_low,
    rate_changes.change_pct_high,
    printed.previous_date,
    coalesce(printed.observations, 0) as observations,
    coalesce(printed.distinct_rates, 0) as distinct_rates,
    coalesce(printed.distinct_tickers, 0) as distinct_tickers,
    printed.day_low,
    printed.day_high,
    printed.is_stale_suspect,
    printed.repeats_date,
    printed.date_conflict,
    pair_days.fill_age_days > 0 as is_filled,
    pair_days.fill_age_days,
    case
        when pair_days.fill_age_days = 0 then null
        when slot_outcomes.day is null then 'no slot was expected'
        when slot_outcomes.outcome not in ('observed', 'unchanged')
        then concat_ws(': ', slot_outcomes.outcome, slot_outcomes.reason)
        when printed_days.rate_date is null then 'the pages of the day print other days'
        else 'the pages of the day do not print the pair'
    end as fill_reason,
    carried.observed_at,
    carried.source,
    printed.is_backfilled,
    carried.capture_id
from pair_days
inner join observed_days as carried on carried.day_id = pair_days.day_id
left join observed_days as printed on printed.day_id = if(pair_days.fill_age_days = 0, pair_days.day_id, null)
left join rate_changes
    on rate_changes.rate = printed.rate
    and rate_changes.rate_low = printed.rate_low
    and rate_changes.rate_high = printed.rate_high
    and rate_changes.previous_rate = printed.previous_rate
    and rate_changes.previous_low = printed.previous_low
    and rate_changes.previous_high = printed.previous_high
left join slot_outcomes on slot_outcomes.day = pair_days.rate_date
left join printed_days on printed_days.rate_date = pair_days.rate_date
