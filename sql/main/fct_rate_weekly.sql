/*
description: >-
  One row per ISO week, Monday to Sunday, and currency pair. Average, lowest and highest rate are over the observed days
  of the week, once per day. The end-of-period rate is of the last day of the series in the week, which may be filled
  (see end_date and end_fill_age_days). The first and the last week of a series are rarely whole (see days_in_series).
grain: [week_start, base, quote]
columns:
  week_start: Monday of the week in Asia/Almaty.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_average: >-
    Mean rate of the observed days of the week, rounded half up to 12 decimals, in units of quote per unit of base;
    null where no day was observed.
  rate_average_low: >-
    Lower bound of rate_average, the mean of rate_low rounded down, in units of quote per unit of base; null where no
    day was observed.
  rate_average_high: >-
    Upper bound of rate_average, the mean of rate_high rounded up, in units of quote per unit of base; null where no day
    was observed.
  rate_end: Rate of end_date, the last day of the series in the week, in units of quote per unit of base.
  rate_end_low: Lower bound of rate_end, in units of quote per unit of base.
  rate_end_high: Upper bound of rate_end, in units of quote per unit of base.
  end_date: Last day of the series in the week (Asia/Almaty), observed or filled.
  end_fill_age_days: Number of days from the observed day of rate_end to end_date; 0 where end_date is observed.
  rate_lowest: >-
    Lowest rate of the observed days of the week, in units of quote per unit of base; null where no day was observed.
  rate_lowest_low: Lower bound of rate_lowest, in units of quote per unit of base; null where no day was observed.
  rate_lowest_high: Upper bound of rate_lowest, in units of quote per unit of base; null where no day was observed.
  rate_highest: >-
    Highest rate of the observed days of the week, in units of quote per unit of base; null where no day was observed.
  rate_highest_low: Lower bound of rate_highest, in units of quote per unit of base; null where no day was observed.
  rate_highest_high: Upper bound of rate_highest, in units of quote per unit of base; null where no day was observed.
  inverse_average: >-
    Mean inverse_rate of the observed days of the week, rounded half up to 12 decimals, in units of base per unit of
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
    Lowest inverse_rate of the observed days of the week, 1 / rate_highest, in units of base per unit of quote; null
    where no day was observed, or rate_highest is zero.
  inverse_lowest_low: >-
    Lower bound of inverse_lowest, 1 / rate_highest_high rounded down, in units of base per unit of quote; null where no
    day was observed.
  inverse_lowest_high: >-
    Upper bound of inverse_lowest, 1 / rate_highest_low rounded up, in units of base per unit of quote; null where no
    day was observed, or rate_highest_low is zero.
  inverse_highest: >-
    Highest inverse_rate of the observed days of the week, 1 / rate_lowest, in units of base per unit of quote; null
    where no day was observed, or rate_lowest is zero.
  inverse_highest_low: >-
    Lower bound of inverse_highest, 1 / rate_lowest_high rounded down, in units of base per unit of quote; null where no
    day was observed.
  inverse_highest_high: >-
    Upper bound of inverse_highest, 1 / rate_lowest_low rounded up, in units of base per unit of quote; null where no
    day was observed, or rate_lowest_low is zero.
  days_observed: Number of days of the week on which a capture printed the currency pair.
  days_in_series: Number of days of the week in fct_rate_daily, observed and filled.
  iso_year: Year to which the ISO week belongs.
  iso_week: ISO week of the year, 1 to 53.
sort: [week_start, base, quote]
checks:
  - not_null: [rate_end, rate_end_low, rate_end_high, end_date, end_fill_age_days, days_observed, days_in_series]
  - references: {base: main.dim_currency.currency_code}
  - references: {quote: main.dim_currency.currency_code}
*/
select
    period_start as week_start,
    * exclude (period_unit, period_start),
    isoyear(period_start)::integer as iso_year,
    week(period_start)::integer as iso_week
from staging.stg_rate_period
where period_unit = 'week'
