/*
description: >-
  One row per calendar day of every year that a rate, an article sighting or a listing page touches, from 1 January of
  the first to 31 December of the last. Weeks are ISO weeks. Empty while there is no fact.
grain: [date]
columns:
  date: Calendar day in Asia/Almaty.
  year: Calendar year of the day.
  quarter: Quarter of the year, 1 to 4.
  month: Month of the year, 1 to 12.
  month_name: English name of the month.
  month_start: First day of the month in Asia/Almaty; joins to fct_rate_monthly.month.
  month_end: Last day of the month in Asia/Almaty.
  day_of_month: Day of the month, 1 to 31.
  day_of_year: Day of the year, 1 to 366.
  week_start: Monday of the ISO week in Asia/Almaty; joins to fct_rate_weekly.week_start.
  iso_year: Year to which the ISO week of the day belongs.
  iso_week: ISO week of the year, 1 to 53.
  day_of_week: ISO day of the week, 1 (Monday) to 7 (Sunday).
  day_name: English name of the day of the week.
  is_weekend: True on Saturday and Sunday.
sort: [date]
*/
with days as (
    select rate_date as date from main.fct_rate_daily
    union all
    select seen_date from main.fct_article_sighting
    union all
    select listing_date from main.fct_listing_page
),

span as (
    select date_trunc('year', min(date)) as first_day, date_trunc('year', max(date)) + interval 1 year as after_last
    from days
),

calendar as (
    select unnest(range(first_day, after_last, interval 1 day))::date as date
    from span
)

select
    date,
    year(date)::integer as year,
    quarter(date)::integer as quarter,
    month(date)::integer as month,
    monthname(date) as month_name,
    date_trunc('month', date)::date as month_start,
    last_day(date) as month_end,
    day(date)::integer as day_of_month,
    dayofyear(date)::integer as day_of_year,
    date_trunc('week', date)::date as week_start,
    isoyear(date)::integer as iso_year,
    week(date)::integer as iso_week,
    isodow(date)::integer as day_of_week,
    dayname(date) as day_name,
    isodow(date) >= 6 as is_weekend
from calendar
