/*
description: One row per expected slot that has captures, with the number of articles in the responses.
grain: [source, schedule, slot]
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  schedule: Schedule that expected the slot, such as daily.
  slot: Scheduled instant, UTC.
  responses: >-
    Number of captures, excluded ones left out, that show articles or a removal (a page of the posts API or feed, an
    article page, or a deleted article), or that a parser read as something else than a page of the site.
  articles: Number of articles in the responses; an article counts once in posts API and feed, on pages once per position.
  articles_with_title: Number of articles in the responses that have a title.
  articles_loaded: Number of articles in the responses that are in main.fct_article_sighting.
  items_rejected: Number of items of the posts API and the feed that could not be read.
  reject_reasons: Reason codes of the items that could not be read, in one text; null without any.
  pages_with_count: Number of pages that state how many results are shown.
  articles_not_shown: Number of articles missing on pages, compared with the printed number of results shown.
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
            where page_kind in ('posts_api', 'feed', 'article')
            or response_class = 'deleted'
            or (page_kind is null and response_class in ('page', 'unchanged'))
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
