/*
description: >-
  One row per calendar month and currency pair. Average, lowest and highest rate are over the observed days of the
  month, once per day. The end-of-period rate is of the last day of the series in the month, which may be filled (see
  end_date and end_fill_age_days). The first and the last month of a series are rarely whole (see days_in_series).
grain: [month, base, quote]
columns:
  month: First day of the month in Asia/Almaty.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_average: >-
    Mean rate of the observed days of the month, rounded half up to 12 decimals, in units of quote per unit of base;
    null where no day was observed.
  rate_average_low: >-
    Lower bound of rate_average, the mean of rate_low rounded down, in units of quote per unit of base; null where no
    day was observed.
  rate_average_high: >-
    Upper bound of rate_average, the mean of rate_high rounded up, in units of quote per unit of base; null where no day
    was observed.
  rate_end: Rate of end_date, the last day of the series in the month, in units of quote per unit of base.
  rate_end_low: Lower bound of rate_end, in units of quote per unit of base.
  rate_end_high: Upper bound of rate_end, in units of quote per unit of base.
  end_date: Last day of the series in the month (Asia/Almaty), observed or filled.
  end_fill_age_days: Number of days from the observed day of rate_end to end_date; 0 where end_date is observed.
  rate_lowest: >-
    Lowest rate of the observed days of the month, in units of quote per unit of base; null where no day was observed.
  rate_lowest_low: Lower bound of rate_lowest, in units of quote per unit of base; null where no day was observed.
  rate_lowest_high: Upper bound of rate_lowest, in units of quote per unit of base; null where no day was observed.
  rate_highest: >-
    Highest rate of the observed days of the month, in units of quote per unit of base; null where no day was observed.
  rate_highest_low: Lower bound of rate_highest, in units of quote per unit of base; null where no day was observed.
  rate_highest_high: Upper bound of rate_highest, in units of quote per unit of base; null where no day was observed.
  days_observed: Number of days of the month on which a capture printed the currency pair.
  days_in_series: Number of days of the month in fct_rate_daily, observed and filled.
sort: [month, base, quote]
checks:
  - not_null: [rate_end, rate_end_low, rate_end_high, end_date, end_fill_age_days, days_observed, days_in_series]
  - name: days_fit_the_month
    sql: >-
      select month, base, quote, days_observed, days_in_series from main.fct_rate_monthly
      where not (0 <= days_observed and days_observed <= days_in_series and days_in_series between 1 and 31)
  - name: average_lies_within_the_extremes
    sql: >-
      select month, base, quote, rate_lowest, rate_average, rate_highest from main.fct_rate_monthly
      where rate_average not between rate_lowest and rate_highest
      or rate_average not between rate_average_low and rate_average_high
*/
with months as (
    select
        date_trunc('month', rate_date)::date as month,
        base,
        quote,
        sum(rate) filter (where not is_filled) as rate_sum,
        sum(rate_low) filter (where not is_filled) as low_sum,
        sum(rate_high) filter (where not is_filled) as high_sum,
        -- equal rates may be printed with different numbers of digits: an extreme has the widest of their intervals
        min(rate) filter (where not is_filled) as rate_lowest,
        max(rate) filter (where not is_filled) as rate_highest,
        max(rate_date) as end_date,
        count(*) filter (where not is_filled) as days_observed,
        count(*) as days_in_series
    from main.fct_rate_daily
    group by all
),

extremes as (
    select
        months.month,
        months.base,
        months.quote,
        min(daily.rate_low) filter (where daily.rate = months.rate_lowest) as rate_lowest_low,
        max(daily.rate_high) filter (where daily.rate = months.rate_lowest) as rate_lowest_high,
        min(daily.rate_low) filter (where daily.rate = months.rate_highest) as rate_highest_low,
        max(daily.rate_high) filter (where daily.rate = months.rate_highest) as rate_highest_high
    from months
    inner join main.fct_rate_daily as daily
        on date_trunc('month', daily.rate_date)::date = months.month
        and daily.base = months.base
        and daily.quote = months.quote
        and not daily.is_filled
    group by all
)

select
    months.month,
    months.base,
    months.quote,
    mean(months.rate_sum, months.days_observed) as rate_average,
    mean_down(months.low_sum, months.days_observed) as rate_average_low,
    mean_up(months.high_sum, months.days_observed) as rate_average_high,
    ending.rate as rate_end,
    ending.rate_low as rate_end_low,
    ending.rate_high as rate_end_high,
    months.end_date,
    ending.fill_age_days as end_fill_age_days,
    months.rate_lowest,
    extremes.rate_lowest_low,
    extremes.rate_lowest_high,
    months.rate_highest,
    extremes.rate_highest_low,
    extremes.rate_highest_high,
    months.days_observed::integer as days_observed,
    months.days_in_series::integer as days_in_series
from months
inner join main.fct_rate_daily as ending
    on ending.rate_date = months.end_date
    and ending.base = months.base
    and ending.quote = months.quote
left join extremes
    on extremes.month = months.month
    and extremes.base = months.base
    and extremes.quote = months.quote
