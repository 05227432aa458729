/*
description: >-
  One row per article and position on a captured page where it was seen. Captures that an operator excluded, captures
  without a day, and observations without a title are not here.
grain: [capture_id, position]
columns:
  article_id: The article, as in main.fct_article.
  capture_id: The capture (WARC record id) that shows it.
  seen_date: >-
    The day of the capture - the date that a listing prints, else the calendar day of the capture in Asia/Almaty.
  sighting_number: Counts the sightings of the article from the oldest, 1, to the latest.
  listing_url: The address of the page that shows it, null for files given by hand.
  position: The position on that page.
  slug: Identifies the article; article_id is made from it.
  title: The title as shown there.
  text_id: SHA-256 of the text shown there, null where only the title is shown.
  is_truncated: True where the text shown there ends in an ellipsis.
  observed_at: When the page was fetched, null where unknown.
  capture_order: Orders the captures; shifts when older captures are added.
  source: What was captured, as in main.dim_source.
sort: [seen_date, capture_order, position]
partition_year: seen_date
checks:
  - not_null: [article_id, seen_date, title]
  - references: {article_id: main.fct_article.article_id}
*/
select
    shown.article_id,
    shown.capture_id,
    capture.observed_date as seen_date,
    row_number() over (
        partition by shown.article_id order by capture.capture_order, shown.position
    )::integer as sighting_number,
    capture.url as listing_url,
    shown.position,
    shown.slug,
    shown.title,
    shown.text_id,
    shown.is_truncated,
    capture.observed_at,
    capture.capture_order,
    capture.source
from staging.stg_article_observation as shown
inner join staging.stg_capture as capture on capture.capture_id = shown.capture_id
where capture.observed_date is not null
