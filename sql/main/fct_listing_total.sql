/*
description: >-
  One row per listing and day with a printed total (the number of results that the listing stated), with the growth
  since the previous day with a total. The totals of a category only grow; a fall means that articles were withdrawn or
  moved.
grain: [listing, listing_date]
columns:
  listing: >-
    Path of the listing, such as tag/rivers, without host, page number, /feed and outer slashes; /category/X and
    /category/home/X are one listing, for which the site prints one total.
  listing_date: Day of the listing, as printed, else the Asia/Almaty day of the capture.
  shown_total: >-
    Number of results that the site states, 8 in a printed "showing 1 - 6 of 8"; of the latest capture of the day.
  total_low: Lowest number of results that captures of the day printed; totals of one listing differ within a day.
  total_high: Highest number of results that captures of the day printed.
  captures: Number of captures of the day that printed a number of results.
  previous_date: Latest listing_date (Asia/Almaty) before this one with a number of results; null on the first day.
  change: Number of results by which shown_total grew since previous_date, negative for a fall; null on the first day.
  capture_id: WARC record id of the capture that printed shown_total.
sort: [listing, listing_date]
checks:
  - not_null: [shown_total, total_low, total_high, captures, capture_id]
  - between: {shown_total: [0, null]}
*/
-- for speed: the same few addresses are requested every day, and are parsed once
with listings as materialized (
    select
        url,
        regexp_replace(
            trim(
                regexp_replace(
                    regexp_extract(url, '^[A-Za-z]+:/*[^/?#]*([^?#]*)', 1), '(/page/[0-9]+|/feed)*/*$', ''
                ),
                '/'
            ),
            '^category/home/', 'category/'
        ) as listing
    from (select distinct url from staging.stg_capture where shown_total is not null and coalesce(page_kind, '') <> 'posts_api')
),

located as (
    select *
    from staging.stg_capture
    inner join listings using (url)
    where shown_total is not null
    and coalesce(page_kind, '') <> 'posts_api'
    and observed_date is not null
),

days as (
    select
        listing,
        observed_date as listing_date,
        arg_max(shown_total, capture_order) as shown_total,
        min(shown_total) as total_low,
        max(shown_total) as total_high,
        count(*)::integer as captures,
        arg_max(capture_id, capture_order) as capture_id
    from located
    where listing <> ''
    group by all
)

select
    listing,
    listing_date,
    shown_total,
    total_low,
    total_high,
    captures,
    lag(listing_date) over of_listing as previous_date,
    shown_total - lag(shown_total) over of_listing as change,
    capture_id
from days
window of_listing as (partition by listing order by listing_date)
