/*
description: >-
  One row per expected slot that has captures, with the articles of its responses.
grain: [source, schedule, slot]
columns:
  source: What was to be captured, as in main.dim_source.
  schedule: The schedule that expected it.
  slot: The scheduled instant.
  responses: >-
    Captures that are not excluded and show articles or their removal - a page of the posts API or feed, an article
    page, or a deleted article.
  articles: Articles in the responses - of the posts API and the feed once per article, of pages once per position.
  articles_with_title: Those with a title.
  articles_loaded: Those in main.fct_article_sighting.
  items_rejected: Items of the posts API and the feed that could not be read.
  reject_reasons: Their reason codes, null where there are no such items.
  pages_with_count: Pages that state how many results they show.
  articles_not_shown: How many articles fewer than stated were on those pages.
*/
with slot_captures as (
    select
        slot_capture.source,
        slot_capture.schedule,
        slot_capture.slot,
        capture.capture_id,
        capture.page_kind,
        capture.response_class,
        capture.page_kind in ('posts_api', 'feed') as is_api_or_feed,
        -- a response of the posts API is one page of a query that has many
        regexp_replace(capture.url, '&offset=[0-9]+', '') as query,
        -- shown_to may exceed shown_total ("1 - 6 of 3")
        if(
            capture.shown_from is null, null,
            greatest(least(capture.shown_to, capture.shown_total) - capture.shown_from + 1, 0)
        ) as articles_stated,
        capture.articles_parsed
    from staging.stg_slot_capture as slot_capture
    inner join raw.capture as capture on capture.capture_id = slot_capture.capture_id
),

counted_captures as (
    select capture_id
    from staging.stg_capture
),

capture_counts as (
    select
        source,
        schedule,
        slot,
        count(counted_captures.capture_id) filter (
            where page_kind in ('posts_api', 'feed', 'article') or response_class = 'deleted'
        ) as responses,
        count(articles_stated) as pages_with_count,
        coalesce(sum(greatest(articles_stated - articles_parsed, 0)), 0)::integer as articles_not_shown
    from slot_captures
    left join counted_captures using (capture_id)
    group by all
),

slot_articles as (
    select
        slot_captures.source,
        slot_captures.schedule,
        slot_captures.slot,
        case
            when slot_captures.is_api_or_feed
            then coalesce(observation.post_id::varchar, observation.url, observation.title)
            else observation.capture_id || ' ' || observation.position
        end as article,
        bool_or(coalesce(trim(observation.title), '') <> '') as has_title,
        bool_or(sighting.capture_id is not null) as is_loaded
    from slot_captures
    inner join raw.article_observation as observation on observation.capture_id = slot_captures.capture_id
    left join main.fct_article_sighting as sighting
        on sighting.capture_id = observation.capture_id
        and sighting.position = observation.position
    group by all
),

article_counts as (
    select
        source,
        schedule,
        slot,
        count(*)::integer as articles,
        count(*) filter (where has_title)::integer as articles_with_title,
        count(*) filter (where is_loaded)::integer as articles_loaded
    from slot_articles
    group by all
),

rejected_items as (
    select
        source,
        schedule,
        slot,
        count(distinct (query, reject.excerpt))::integer as items_rejected,
        string_agg(distinct reject.reason, ', ' order by reject.reason) as reject_reasons
    from slot_captures
    inner join raw.reject as reject using (capture_id)
    where is_api_or_feed
    and reject.reason in ('bad_json', 'bad_xml', 'too_large')
    group by all
)

select
    source,
    schedule,
    slot,
    responses,
    coalesce(articles, 0) as articles,
    coalesce(articles_with_title, 0) as articles_with_title,
    coalesce(articles_loaded, 0) as articles_loaded,
    coalesce(items_rejected, 0) as items_rejected,
    reject_reasons,
    pages_with_count,
    articles_not_shown
from capture_counts
left join article_counts using (source, schedule, slot)
left join rejected_items using (source, schedule, slot)
