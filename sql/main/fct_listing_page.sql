/*
description: >-
  One row per captured page that lists articles (a page that states how many results are shown, or has articles), with
  the number that it states and the number that the parser read. Single-article pages, captures that an operator
  excluded and captures without a day are not here.
grain: [capture_id]
columns:
  listing_date: Day of the listing, as printed, else the Asia/Almaty day of the capture.
  url: URL of the capture; null for an ingested file without a URL.
  page_date: Date that the page prints; null where no date was read.
  date_conflict: >-
    True where page_date and the Asia/Almaty day of the capture differ by more than two days; null where one of the two
    is unknown.
  observed_at: Time at which the capture was fetched, UTC; null where unknown.
  page_kind: Kind of page that the parser recognised, such as listing; null where no page was read.
  shown_from: Ordinal of the first result on the page, 1 in a printed "showing 1 - 6 of 8"; null where not printed.
  shown_to: >-
    Ordinal of the last result on the page, 6 in a printed "showing 1 - 6 of 8", which may exceed shown_total; null
    where not printed.
  shown_total: >-
    Number of results that the site states, 8 in a printed "showing 1 - 6 of 8"; of the posts API X-WP-Total. Null where
    not stated.
  articles_expected: >-
    Number of articles on the page, 6 by a printed "showing 1 - 6 of 8" (the lesser of shown_to and shown_total, less
    shown_from, plus 1, not below 0); null where not printed.
  articles_parsed: Number of articles that the parser read from the page.
  articles_untitled: Number of parsed articles without a title, which are not in fct_article.
  is_complete: True where at least as many articles were parsed as expected; null where articles_expected is null.
  run_id: Id of the run that loaded the capture.
  capture_id: WARC record id of the capture.
  source: Source of the capture, a key of main.dim_source.
sort: [listing_date, capture_id]
partition_year: listing_date
checks:
  - not_null: [listing_date, articles_parsed, articles_untitled]
  - between: {articles_expected: [0, null]}
  - references: {source: main.dim_source.source}
    severity: warning
    alerts: false
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
    page.observed_date as listing_date,
    page.url,
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
    page.run_id,
    page.capture_id,
    page.source
from expected as page
left join untitled on untitled.capture_id = page.capture_id
where page.observed_date is not null
and coalesce(page.page_kind, '') not in ('article', 'posts_api', 'feed', 'api_error')
and (page.shown_from is not null or page.articles_parsed > 0)
