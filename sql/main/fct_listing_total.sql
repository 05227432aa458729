/*
description: >-
  One row per listing and day with a printed total - how many results the listing stated, and by how many that grew
  since the last day before with a total. The totals of a category only grow; a fall means that articles were withdrawn
  or moved.
grain: [listing, listing_date]
columns:
  listing: >-
    The path of the listing, such as tag/rivers - without host, page number, /feed and slashes at its ends. /category/X
    and /category/home/X are the same listing, which the site prints with the same total.
  listing_date: The day of the captures.
  shown_total: The total that the latest capture of the day printed.
  total_low: The lowest total of the day; totals of one listing differ within a day.
  total_high: The highest total of the day.
  captures: How many captures of the day printed a total.
  previous_date: The last day before this one with a total, null on the first.
  change: shown_total less that of previous_date, null on the first day.
  capture_id: The capture that printed shown_total.
sort: [listing, listing_date]
checks:
  - not_null: [shown_total, total_low, total_high, captures, capture_id]
  - between: {shown_total: [0, null]}
*/
-- the same few addresses are requested every day, and are read once
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
