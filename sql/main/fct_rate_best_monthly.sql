/*
description: >-
  One row per calendar month and currency against the US dollar, of main.fct_rate_best. The average is the mean of the
  days that have a rate of their own, as the ECB and the IMF compute period averages from daily rates, and the
  end-of-period rate is that of the last day of the series in the month.
grain: [month, base, quote]
columns:
  month: First day of the month, in Asia/Almaty.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code (always USD).
  rate_average: >-
    Mean of rate over the days that are not filled, rounded half up to 12 decimals, in units of quote per unit of base;
    null where every day is filled.
  rate_average_low: >-
    Lower bound of rate_average, the mean of rate_low rounded down, in units of quote per unit of base; null where every
    day is filled.
  rate_average_high: >-
    Upper bound of rate_average, the mean of rate_high rounded up, in units of quote per unit of base; null where every
    day is filled.
  inverse_average: >-
    Mean of inverse_rate over the days that are not filled, rounded half up to 12 decimals, in units of base per unit of
    quote, as banks publish averages, which is not 1 / rate_average; null where every day is filled or a rate is zero.
  inverse_average_low: >-
    Lower bound of inverse_average, the mean of inverse_low rounded down, in units of base per unit of quote; null where
    inverse_average is null.
  inverse_average_high: >-
    Upper bound of inverse_average, the mean of inverse_high rounded up, in units of base per unit of quote; null where
    inverse_average is null.
  rate_end: Rate of end_date, in units of quote per unit of base; null where the latest rate is older than 14 days.
  rate_end_low: Lower bound of rate_end, in units of quote per unit of base; null where rate_end is null.
  rate_end_high: Upper bound of rate_end, in units of quote per unit of base; null where rate_end is null.
  inverse_end: Inverse of rate_end, in units of base per unit of quote; null where rate_end is null or zero.
  inverse_end_low: Lower bound of inverse_end, in units of base per unit of quote; null where rate_end is null.
  inverse_end_high: >-
    Upper bound of inverse_end, in units of base per unit of quote; null where rate_end is null or rate_end_low is zero.
  end_date: Last day of the series in the month, in Asia/Almaty.
  end_value_date: >-
    Day of rate_end in the zone of the bank, earlier than end_date where the rate is filled; null where rate_end is null.
  end_source: Source of rate_end, a key of main.dim_source; null where rate_end is null.
  days_observed: Number of days of the month that are not filled.
  days_official: Number of days of the month that are not filled and whose rate is not of the ticker.
  days_in_series: Number of days of the month in main.fct_rate_best.
  average_key: >-
    Key of the series of inverse_average in the order of the ECB's exchange rates, such as M.KZT.USD.SP00.A - monthly,
    tenge per dollar, spot, average.
  end_key: >-
    Key of the series of inverse_end in the order of the ECB's exchange rates, such as M.KZT.USD.SP00.E - monthly, tenge
    per dollar, spot, end of period.
sort: [month, base, quote]
checks:
  - not_null: [end_date, days_observed, days_official, days_in_series, average_key, end_key]
  - references: {end_source: main.dim_source.source}
  - name: average_lies_in_its_interval
    sql: >-
      select month, base, rate_average_low, rate_average, rate_average_high, inverse_average from main.fct_rate_best_monthly
      where rate_average not between rate_average_low and rate_average_high
      or inverse_average not between inverse_average_low and inverse_average_high
*/
with month_days as (
    select *, date_trunc('month', rate_date)::date as month
    from main.fct_rate_best
),

averages as (
    select
        month,
        base,
        quote,
        count(*) as days,
        count(*) filter (where method <> 'published')::integer as days_official,
        mean(sum(rate), days) as rate_average,
        mean_down(sum(rate_low), days) as rate_average_low,
        mean_up(sum(rate_high), days) as rate_average_high,
        -- a rate of zero has no inverse, and a mean without it would be one of fewer days
        if(min(rate_low) > 0, mean(sum(inverse_rate), days), null) as inverse_average,
        if(min(rate_low) > 0, mean_down(sum(inverse_low), days), null) as inverse_average_low,
        if(min(rate_low) > 0, mean_up(sum(inverse_high), days), null) as inverse_average_high
    from month_days
    where not is_filled
    group by all
),

ends as (
    select *, count(*) over (partition by month, base, quote) as days_in_series
    from month_days
    qualify row_number() over (partition by month, base, quote order by rate_date desc) = 1
)

select
    month,
    base,
    quote,
    averages.rate_average,
    averages.rate_average_low,
    averages.rate_average_high,
    averages.inverse_average,
    averages.inverse_average_low,
    averages.inverse_average_high,
    ends.rate as rate_end,
    ends.rate_low as rate_end_low,
    ends.rate_high as rate_end_high,
    ends.inverse_rate as inverse_end,
    ends.inverse_low as inverse_end_low,
    ends.inverse_high as inverse_end_high,
    ends.rate_date as end_date,
    ends.value_date as end_value_date,
    ends.rate_source as end_source,
    coalesce(averages.days, 0)::integer as days_observed,
    coalesce(averages.days_official, 0)::integer as days_official,
    ends.days_in_series::integer as days_in_series,
    concat_ws('.', 'M', base, quote, 'SP00', 'A') as average_key,
    concat_ws('.', 'M', base, quote, 'SP00', 'E') as end_key
from ends
left join averages using (month, base, quote)
