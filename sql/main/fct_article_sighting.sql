/*
description: >-
  One row per position of an article on a captured page. Captures that an operator excluded, captures without a day, and
  observations without a title are not here.
grain: [capture_id, position]
columns:
  article_id: Id of the article, a key of main.fct_article.
  seen_date: Day of the sighting, as printed, else the Asia/Almaty day of the capture.
  title: Title of the article as printed.
  capture_id: WARC record id of the capture that shows the article.
  sighting_number: Ordinal of the sighting of the article, from 1 for the oldest.
  listing_url: URL of the capture that shows the article; null for an ingested file without a URL.
  position: Position of the article on the page, from 1.
  slug: Slug that identifies the article.
  text_id: SHA-256 of the text shown in hex, a key of raw.article_text; null where no text is shown.
  is_truncated: True where only the start of the text is shown, up to an ellipsis or to the end of the capture.
  observed_at: Time at which the capture was fetched, UTC; null where unknown.
  capture_order: >-
    Ordinal of the capture by observed_date, time of the fetch (unknown first) and position in the archive, from 1;
    shifts when older captures are added.
  is_backfilled: >-
    True where the capture comes from a web archive, an ingested file or a backfill, and not from a scheduled run.
  source: Source of the capture, a key of main.dim_source.
sort: [seen_date, capture_order, position]
partition_year: seen_date
checks:
  - not_null: [article_id, seen_date, title, is_backfilled]
  - references: {article_id: main.fct_article.article_id}
  - references: {source: main.dim_source.source}
    severity: warning
    alerts: false
*/
select
    shown.article_id,
    capture.observed_date as seen_date,
    shown.title,
    shown.capture_id,
    row_number() over (
        partition by shown.article_id order by capture.capture_order, shown.position
    )::integer as sighting_number,
    capture.url as listing_url,
    shown.position,
    shown.slug,
    shown.text_id,
    shown.is_truncated,
    capture.observed_at,
    capture.capture_order,
    capture.is_backfilled,
    capture.source
from staging.stg_article_observation as shown
inner join staging.stg_capture as capture on capture.capture_id = shown.capture_id
where capture.observed_date is not null
