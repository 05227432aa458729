/*
description: >-
  One row per period and currency pair, where a period is a calendar month or an ISO week. Average, lowest and highest
  rate are over the observed days of the period, once per day. A table, since it is made with macros that a release does
  not have.
materialized: table
grain: [period_unit, period_start, base, quote]
columns:
  period_unit: Kind of period, month or week.
  period_start: First day of the period in Asia/Almaty.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_average: >-
    Mean rate of the observed days of the period, rounded half up to 12 decimals, in units of quote per unit of base;
    null where no day was observed.
  rate_average_low: >-
    Lower bound of rate_average, the mean of rate_low rounded down, in units of quote per unit of base; null where no
    day was observed.
  rate_average_high: >-
    Upper bound of rate_average, the mean of rate_high rounded up, in units of quote per unit of base; null where no day
    was observed.
  rate_end: Rate of end_date, the last day of the series in the period, in units of quote per unit of base.
  rate_end_low: Lower bound of rate_end, in units of quote per unit of base.
  rate_end_high: Upper bound of rate_end, in units of quote per unit of base.
  end_date: Last day of the series in the period (Asia/Almaty), observed or filled.
  end_fill_age_days: Number of days from the observed day of rate_end to end_date; 0 where end_date is observed.
  rate_lowest: >-
    Lowest rate of the observed days of the period, in units of quote per unit of base; null where no day was observed.
  rate_lowest_low: Lower bound of rate_lowest, in units of quote per unit of base; null where no day was observed.
  rate_lowest_high: Upper bound of rate_lowest, in units of quote per unit of base; null where no day was observed.
  rate_highest: >-
    Highest rate of the observed days of the period, in units of quote per unit of base; null where no day was observed.
  rate_highest_low: Lower bound of rate_highest, in units of quote per unit of base; null where no day was observed.
  rate_highest_high: Upper bound of rate_highest, in units of quote per unit of base; null where no day was observed.
  inverse_average: >-
    Mean inverse_rate of the observed days of the period, rounded half up to 12 decimals, in units of base per unit of
    quote, which is not 1 / rate_average; null where no day was observed, or a rate is zero.
  inverse_average_low: >-
    Lower bound of inverse_average, the mean of inverse_low rounded down, in units of base per unit of quote; null where
    inverse_average is null.
  inverse_average_high: >-
    Upper bound of inverse_average, the mean of inverse_high rounded up, in units of base per unit of quote; null where
    inverse_average is null.
  inverse_end: >-
    Inverse of rate_end, rounded half up to 12 decimals, in units of base per unit of quote; null where rate_end is
    zero.
  inverse_end_low: Lower bound of inverse_end, 1 / rate_end_high rounded down, in units of base per unit of quote.
  inverse_end_high: >-
    Upper bound of inverse_end, 1 / rate_end_low rounded up, in units of base per unit of quote; null where rate_end_low
    is zero.
  inverse_lowest: >-
    Lowest inverse_rate of the observed days of the period, 1 / rate_highest, in units of base per unit of quote; null
    where no day was observed, or rate_highest is zero.
  inverse_lowest_low: >-
    Lower bound of inverse_lowest, 1 / rate_highest_high rounded down, in units of base per unit of quote; null where no
    day was observed.
  inverse_lowest_high: >-
    Upper bound of inverse_lowest, 1 / rate_highest_low rounded up, in units of base per unit of quote; null where no
    day was observed, or rate_highest_low is zero.
  inverse_highest: >-
    Highest inverse_rate of the observed days of the period, 1 / rate_lowest, in units of base per unit of quote; null
    where no day was observed, or rate_lowest is zero.
  inverse_highest_low: >-
    Lower bound of inverse_highest, 1 / rate_lowest_high rounded down, in units of base per unit of quote; null where no
    day was observed.
  inverse_highest_high: >-
    Upper bound of inverse_highest, 1 / rate_lowest_low rounded up, in units of base per unit of quote; null where no
    day was observed, or rate_lowest_low is zero.
  days_observed: Number of days of the period on which a capture printed the currency pair.
  days_in_series: Number of days of the period in fct_rate_daily, observed and filled.
sort: [period_unit, period_start, base, quote]
checks:
  - accepted: {period_unit: [month, week]}
  - not_null: [rate_end, rate_end_low, rate_end_high, end_date, end_fill_age_days, days_observed, days_in_series]
  - name: days_fit_the_period
    sql: >-
      select period_unit, period_start, base, quote, days_observed, days_in_series from staging.stg_rate_period
      where not (
          0 <= days_observed
          and days_observed <= days_in_series
          and days_in_series between 1 and if(period_unit = 'week', 7, 31)
      )
  - name: average_lies_within_the_extremes
    sql: >-
      select period_unit, period_start, base, quote, rate_lowest, rate_average, rate_highest
      from staging.stg_rate_period
      where rate_average not between rate_lowest and rate_highest
      or rate_average not between rate_average_low and rate_average_high
  - name: inverse_average_lies_within_the_extremes
    sql: >-
      select period_unit, period_start, base, quote, inverse_lowest, inverse_average, inverse_highest
      from staging.stg_rate_period
      where inverse_average not between inverse_lowest and inverse_highest
      or inverse_average not between inverse_average_low and inverse_average_high
*/
with period_days as (
    select
        units.period_unit,
        date_trunc(units.period_unit, daily.rate_date)::date as period_start,
        daily.*
    from main.fct_rate_daily as daily
    cross join (values ('month'), ('week')) as units (period_unit)
),

periods as (
    select period_unit, period_start, base, quote, max(rate_date) as end_date, count(*) as days_in_series
    from period_days
    group by all
),

averages as (
    select
        period_unit,
        period_start,
        base,
        quote,
        count(*) as days,
        mean(sum(rate), days) as rate_average,
        mean_down(sum(rate_low), days) as rate_average_low,
        mean_up(sum(rate_high), days) as rate_average_high,
        -- a rate of zero has no inverse, and a mean without it would be one of fewer days
        if(min(rate_low) > 0, mean(sum(inverse_rate), days), null) as inverse_average,
        if(min(rate_low) > 0, mean_down(sum(inverse_low), days), null) as inverse_average_low,
        if(min(rate_low) > 0, mean_up(sum(inverse_high), days), null) as inverse_average_high,
        min(rate) as rate_lowest,
        max(rate) as rate_highest
    from period_days
    where not is_filled
    group by all
),

-- equal rates may be printed with different numbers of digits: an extreme has the widest of their intervals
extremes as (
    select
        averages.*,
        min(days.rate_low) filter (where days.rate = averages.rate_lowest) as rate_lowest_low,
        max(days.rate_high) filter (where days.rate = averages.rate_lowest) as rate_lowest_high,
        min(days.rate_low) filter (where days.rate = averages.rate_highest) as rate_highest_low,
        max(days.rate_high) filter (where days.rate = averages.rate_highest) as rate_highest_high
    from averages
    inner join period_days as days using (period_unit, period_start, base, quote)
    where not days.is_filled
    group by all
)

select
    periods.period_unit,
    periods.period_start,
    periods.base,
    periods.quote,
    extremes.rate_average,
    extremes.rate_average_low,
    extremes.rate_average_high,
    ending.rate as rate_end,
    ending.rate_low as rate_end_low,
    ending.rate_high as rate_end_high,
    periods.end_date,
    ending.fill_age_days as end_fill_age_days,
    extremes.rate_lowest,
    extremes.rate_lowest_low,
    extremes.rate_lowest_high,
    extremes.rate_highest,
    extremes.rate_highest_low,
    extremes.rate_highest_high,
    extremes.inverse_average,
    extremes.inverse_average_low,
    extremes.inverse_average_high,
    ending.inverse_rate as inverse_end,
    ending.inverse_low as inverse_end_low,
    ending.inverse_high as inverse_end_high,
    inverse(extremes.rate_highest) as inverse_lowest,
    inverse_down(extremes.rate_highest_high) as inverse_lowest_low,
    inverse_up(extremes.rate_highest_low) as inverse_lowest_high,
    inverse(extremes.rate_lowest) as inverse_highest,
    inverse_down(extremes.rate_lowest_high) as inverse_highest_low,
    inverse_up(extremes.rate_lowest_low) as inverse_highest_high,
    coalesce(extremes.days, 0)::integer as days_observed,
    periods.days_in_series::integer as days_in_series
from periods
inner join main.fct_rate_daily as ending
    on ending.rate_date = periods.end_date
    and ending.base = periods.base
    and ending.quote = periods.quote
left join extremes
    on extremes.period_unit = periods.period_unit
    and extremes.period_start = periods.period_start
    and extremes.base = periods.base
    and extremes.quote = periods.quote
