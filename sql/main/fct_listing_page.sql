/*
description: >-
  One row per captured page that lists articles - it states how many results it shows, or has articles - with the number
  that it states and the number that the parser read. Single-article pages, captures that an operator excluded and
  captures without a day are not here.
grain: [capture_id]
columns:
  capture_id: The capture (WARC record id).
  url: The address of the page, null for files given by hand.
  listing_date: The day of the capture - the date that the page prints, else the day of the capture in Asia/Almaty.
  page_date: The date that the page prints, null where it prints none.
  date_conflict: True where page_date and the day of the fetch are more than two days apart; null where one is unknown.
  observed_at: When the page was fetched, null where unknown.
  page_kind: What the parser recognised the page as.
  shown_from: First number of the line on how many results are shown, null without such a line.
  shown_to: Last number of that line; it may exceed shown_total ("1 - 6 of 3").
  shown_total: Total of that line.
  articles_expected: >-
    Articles that the line states, the lesser of shown_to and shown_total less shown_from plus 1, not below zero.
    Null without such a line.
  articles_parsed: Articles that the parser read.
  articles_untitled: Those among them without a title, which are not in fct_article.
  is_complete: True where at least as many were parsed as expected; null where articles_expected is null.
  source: What was captured, as in main.dim_source.
  run_id: The run that loaded the capture.
sort: [listing_date, capture_id]
partition_year: listing_date
checks:
  - not_null: [listing_date, articles_parsed, articles_untitled]
  - between: {articles_expected: [0, null]}
  - name: untitled_are_among_the_parsed
    sql: >-
      select capture_id, articles_parsed, articles_untitled from main.fct_listing_page
      where articles_untitled > articles_parsed
*/
with untitled as (
    select capture_id, count(*) as articles
    from raw.article_observation
    where coalesce(trim(title), '') = ''
    group by capture_id
),

expected as (
    select *, greatest(least(shown_to, shown_total) - shown_from + 1, 0) as articles_stated
    from staging.stg_capture
)

select
    page.capture_id,
    page.url,
    page.observed_date as listing_date,
    page.page_date,
    page.date_conflict,
    page.observed_at,
    page.page_kind,
    page.shown_from,
    page.shown_to,
    page.shown_total,
    if(page.shown_from is null, null, page.articles_stated)::integer as articles_expected,
    page.articles_parsed,
    coalesce(untitled.articles, 0)::integer as articles_untitled,
    page.articles_parsed >= if(page.shown_from is null, null, page.articles_stated) as is_complete,
    page.source,
    page.run_id
from expected as page
left join untitled on untitled.capture_id = page.capture_id
where page.observed_date is not null
and coalesce(page.page_kind, '') not in ('article', 'posts_api', 'feed', 'api_error')
and (page.shown_from is not null or page.articles_parsed > 0)
