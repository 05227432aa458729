/*
description: >-
  One row per expected slot of a schedule and source, from the first run to the run that made this release, with the
  outcome and the reason, and how many articles the site counts against the numbers archived, parsed and loaded. A slot
  without a run is here as missed; no rate is invented for it. A source that does not print the ticker has a row only
  for a slot in which a run requested it, and no missed slots. What backfills and ingests archived of the ticker has a
  row per source and day, with the schedule backfill, from the first to the last day of the source. The sources of
  articles (timesca-posts, timesca-feed, timesca-articles) are tried in the order posts, feed, articles; the next is
  requested only where the one before was unavailable or did not give complete texts, and each run requests everything
  new since the last one.
grain: [source, schedule, slot]
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  day: >-
    Calendar day of the slot in the zone of the schedule, by default Asia/Almaty; of a backfill the day that the
    captures show.
  outcome: >-
    Outcome of the slot - observed (pages with rates, or articles, were fetched), unchanged (the site stated that the
    pages are known already or no article is new), closed (the site does not offer this source to us, which is not a
    failure), blocked (the site refused), failed (the slot has no usable capture, whatever the run recorded) or missed
    (no run began before the next slot, or no capture of a day of a backfill is archived).
  schedule: Schedule that expected the slot, such as daily; backfill for a day that a backfill or an ingest gave.
  slot: Scheduled instant, UTC; of a backfill the start of the day.
  reason: Reason of the outcome, in words; null where the outcome alone is clear.
  day_kind: >-
    Kind of the day for a bank - expected (a new rate has the date), weekend or holiday (an earlier rate stays in
    force); null for a source without a calendar.
  runs: >-
    Number of runs that tried the slot, of a day of a backfill 1 where a capture is archived; 0 for a missed one.
  captures: Number of loaded captures of the slot, refusals and errors included.
  captures_with_rates: Number of captures of the slot with rates in main.fct_rate_observation (excluded ones have none).
  articles_expected: >-
    Number of articles that the site counts, 6 in a printed "showing 1 - 6 of 8" of a listing, or X-WP-Total of the
    posts requested; a page without a count adds the articles that are shown. Null where the site counted nothing.
  articles_archived: >-
    Number of articles in the responses, unreadable items included; of the posts API and the feed once per article, of
    pages once per position.
  articles_parsed: Number of archived articles with a title.
  articles_loaded: Number of parsed articles in main.fct_article_sighting.
  gap_reason: Reason why fewer articles were loaded than expected; null where no article is missing.
  run_id: Id of the run that recorded the outcome, which for a missed slot is the next run.
sort: [source, schedule, slot]
checks:
  - not_null:
      - day
      - outcome
      - runs
      - captures
      - captures_with_rates
      - articles_archived
      - articles_parsed
      - articles_loaded
      - run_id
  - references: {source: main.dim_source.source}
  - accepted: {outcome: [observed, unchanged, closed, blocked, failed, missed]}
  - name: a_slot_is_observed_where_rates_are
    sql: >-
      select source, schedule, slot, outcome, captures_with_rates from main.fct_coverage
      inner join main.dim_source using (source)
      where (prints_ticker or schedule = 'backfill')
      and (outcome in ('observed', 'unchanged')) <> (captures_with_rates > 0)
  - name: articles_are_observed_where_captures_are
    sql: >-
      select source, schedule, slot, outcome, captures from main.fct_coverage
      inner join main.dim_source using (source)
      where not prints_ticker and outcome in ('observed', 'unchanged') and captures = 0
  - name: no_missed_slot_was_run
    sql: select source, schedule, slot, runs from main.fct_coverage where (outcome = 'missed') <> (runs = 0)
  - name: every_gap_has_a_reason
    sql: >-
      select source, schedule, slot, articles_expected, articles_loaded, gap_reason from main.fct_coverage
      where (coalesce(articles_expected, articles_archived) > articles_loaded) <> (gap_reason is not null)
*/
with slots as (
    from staging.stg_slot_rate_outcome
    union all by name
    from staging.stg_backfill_day
),

article_counts as (
    from staging.stg_slot_article_count
),

-- Of the queries of a slot, the one that hides the most posts is used: a new post is counted both by the query for new
-- posts and by the one for changed posts, so a sum would count it twice. Hidden posts that differ between the queries
-- are undercounted.
hidden_posts as (
    select source, schedule, slot, max(posts_hidden)::integer as posts_hidden
    from staging.stg_posts_query_total
    group by all
),

slot_counts as (
    select
        slots.*,
        -- a source without a usable response was not observed, whatever the run recorded
        not prints_ticker
        and outcome in ('observed', 'unchanged')
        and coalesce(responses, 0) = 0 as is_without_response,
        coalesce(articles, 0) + coalesce(items_rejected, 0) as archived,
        coalesce(articles_with_title, 0) as parsed,
        coalesce(articles_loaded, 0) as loaded,
        coalesce(items_rejected, 0) as items_rejected,
        reject_reasons,
        coalesce(posts_hidden, 0) as posts_hidden,
        coalesce(articles_not_shown, 0) as articles_not_shown,
        hidden_posts.slot is not null or coalesce(pages_with_count, 0) > 0 as is_counted
    from slots
    left join article_counts using (source, schedule, slot)
    left join hidden_posts using (source, schedule, slot)
)

select
    source,
    day,
    if(is_without_response, 'failed', outcome) as outcome,
    schedule,
    slot,
    if(is_without_response, 'no answer of the slot counts', reason) as reason,
    calendar.day_kind,
    runs,
    captures,
    captures_with_rates,
    if(is_counted, archived + posts_hidden + articles_not_shown, null)::integer as articles_expected,
    archived::integer as articles_archived,
    parsed as articles_parsed,
    loaded as articles_loaded,
    nullif(
        concat_ws(
            '; ',
            if(posts_hidden > 0, posts_hidden || ' counted by the site and not shown', null),
            if(articles_not_shown > 0, articles_not_shown || ' fewer on the pages than they say', null),
            if(items_rejected > 0, items_rejected || ' not understood (' || reject_reasons || ')', null),
            if(archived - items_rejected > parsed, archived - items_rejected - parsed || ' without a title', null),
            if(parsed > loaded, parsed - loaded || ' on captures that were excluded or have no day', null)
        ),
        ''
    ) as gap_reason,
    run_id
from slot_counts
left join raw.publication_day as calendar using (source, day)
