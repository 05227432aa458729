/*
description: >-
  One row per query to the posts API in an expected slot, with the number of posts that the site states (X-WP-Total) and
  the number that it showed. A query without a stated number is not here.
grain: [source, schedule, slot, query]
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  schedule: Schedule that expected the slot, such as daily.
  slot: Scheduled instant, UTC.
  query: URL of the query to the posts API, without the offset.
  posts_total: Number of posts that match the query, by the latest response.
  posts_shown: Number of posts of the query that responses of the slot show.
  items_rejected: Number of items in responses to the query that could not be read.
  posts_hidden: Number of posts of the query that are neither shown nor rejected.
*/
with query_responses as (
    select
        slot_capture.source,
        slot_capture.schedule,
        slot_capture.slot,
        regexp_replace(capture.url, '&offset=[0-9]+', '') as query,
        capture.capture_id,
        capture.captured_at,
        capture.shown_total
    from staging.stg_slot_capture as slot_capture
    inner join raw.capture as capture on capture.capture_id = slot_capture.capture_id
    where capture.page_kind = 'posts_api'
),

queries as (
    select
        source,
        schedule,
        slot,
        query,
        arg_max(shown_total, captured_at) as posts_total,
        try_cast(regexp_extract(query, '[?&]after=([^&]+)', 1) as timestamptz) as published_after,
        try_cast(regexp_extract(query, '[?&]before=([^&]+)', 1) as timestamptz) as published_before,
        try_cast(regexp_extract(query, '[?&]modified_after=([^&]+)', 1) as timestamptz) as modified_after
    from query_responses
    where shown_total is not null
    group by all
),

slot_posts as (
    select source, schedule, slot, query, observation.post_id, observation.published_at, observation.modified_at
    from query_responses
    inner join raw.article_observation as observation using (capture_id)
),

-- a post changed while its query was being paged may be missing from that query and shown by another; both totals
-- include it, so a query is credited with every post of the slot that fits its bounds
shown_posts as (
    select
        queries.source,
        queries.schedule,
        queries.slot,
        queries.query,
        count(distinct slot_posts.post_id)::integer as posts_shown
    from queries
    inner join slot_posts
        on slot_posts.source = queries.source
        and slot_posts.schedule = queries.schedule
        and slot_posts.slot = queries.slot
        and (
            slot_posts.query = queries.query
            or (
                (queries.published_after is null or slot_posts.published_at > queries.published_after)
                and (queries.published_before is null or slot_posts.published_at < queries.published_before)
                and (queries.modified_after is null or slot_posts.modified_at > queries.modified_after)
            )
        )
    group by all
),

rejected_items as (
    select source, schedule, slot, query, count(distinct reject.excerpt)::integer as items_rejected
    from query_responses
    inner join raw.reject as reject using (capture_id)
    where reject.reason in ('bad_json', 'too_large')
    group by all
),

query_counts as (
    select
        source,
        schedule,
        slot,
        query,
        posts_total,
        coalesce(posts_shown, 0) as posts_shown,
        coalesce(items_rejected, 0) as items_rejected
    from queries
    left join shown_posts using (source, schedule, slot, query)
    left join rejected_items using (source, schedule, slot, query)
)

select *, greatest(posts_total - posts_shown - items_rejected, 0) as posts_hidden
from query_counts
