/*
description: >-
  One row per day and currency of main.fct_rate_best that has a rate, with the value of the currency in US dollars as
  an index, 100 on a base day, and the interval of the index. Without a rate on the base day a currency has no rows.
parameters:
  base_day: Day on which the index is 100, a date.
columns:
  rate_date: Day of the rate, in the zone of the bank, else in Asia/Almaty; never null.
  base: Currency of the index, ISO 4217 code; never null.
  index_value: Rate of the day in percent of the rate of the base day, rounded half up to 4 decimals; never null.
  index_low: >-
    Lower bound of index_value in percent, from rate_low of the day and rate_high of the base day, rounded down; never
    null.
  index_high: >-
    Upper bound of index_value in percent, from rate_high of the day and rate_low of the base day, rounded up; never
    null.
  is_filled: True where the rate of the day, or that of the base day, is of an earlier day; never null.
*/
select
    scaled.rate_date,
    scaled.base,
    (((2 * scaled.rate * 1000000 + scaled.first_rate) // nullif(2 * scaled.first_rate, 0))::decimal(26, 0) * 0.0001)::decimal(28, 4)
        as index_value,
    ((scaled.rate_low * 1000000 // nullif(scaled.first_high, 0))::decimal(26, 0) * 0.0001)::decimal(28, 4) as index_low,
    (((scaled.rate_high * 1000000 + scaled.first_low - 1) // nullif(scaled.first_low, 0))::decimal(26, 0) * 0.0001)::decimal(28, 4)
        as index_high,
    scaled.is_filled
from (
    -- whole numbers, since `/` on decimals gives a binary float: units of 1e-12
    select
        daily.rate_date,
        daily.base,
        (daily.rate * 1000000000000)::hugeint as rate,
        (daily.rate_low * 1000000000000)::hugeint as rate_low,
        (daily.rate_high * 1000000000000)::hugeint as rate_high,
        (first_day.rate * 1000000000000)::hugeint as first_rate,
        (first_day.rate_low * 1000000000000)::hugeint as first_low,
        (first_day.rate_high * 1000000000000)::hugeint as first_high,
        daily.is_filled or first_day.is_filled as is_filled
    from (select base_day::date as day_argument) as arguments
    inner join main.fct_rate_best as first_day on first_day.rate_date = arguments.day_argument
    inner join main.fct_rate_best as daily on daily.base = first_day.base and daily.quote = first_day.quote
    where daily.rate is not null and first_day.rate is not null
) as scaled
