/*
description: >-
  One row per article and page response of a sweep that shows the article removed, since the page is deleted, leads to
  another article, or exists while the list of the same sweep lacks it. An article first seen after the response, or
  that had another URL at the time, is not here.
grain: [article_id, capture_id]
columns:
  article_id: Id of the article, a key of main.fct_article.
  kind: >-
    Kind of removal - gone (the page was deleted, 404 or 410, or leads to another article) or unlisted (the page exists,
    the list of posts lacks the article).
  capture_id: WARC record id of the capture of the article page.
  http_status: HTTP status code of the article page.
  found_at: Time at which the sweep captured the article page, UTC.
  last_seen_at: >-
    Time at which a listing, the feed or the posts API last showed the article before found_at, UTC; null where none
    did, or the time is unknown.
*/
with sweep_captures as (
    from staging.stg_capture
    where schedule = 'sweep'
),

-- A sweep requests the pages that its list lacks only after a complete list (sources/timesca/deletion_sweep.py), so any
-- page of the list represents a complete one. After a list that the API refused midway it requests only pages that
-- were deleted at the last request.
lists as (
    select distinct slot as sweep
    from sweep_captures
    where source = 'timesca-posts'
    and page_kind = 'posts_api'
),

page_responses as (
    select
        capture_id,
        url,
        observed_at,
        http_status,
        if(response_class = 'deleted', 'gone', 'unlisted') as kind,
        slot as sweep
    from sweep_captures
    where source = 'timesca-articles'
    and (
        response_class = 'deleted'
        or (response_class = 'page' and page_kind = 'article' and slot in (from lists))
    )
    and observed_at is not null
),

article_urls as (
    select distinct observation.url, sighting.article_id
    from raw.article_observation as observation
    inner join main.fct_article_sighting as sighting
        on sighting.capture_id = observation.capture_id
        and sighting.position = observation.position
    where observation.url in (select url from page_responses)
),

-- the page that a sweep requested does not prove that the site still lists the article
list_sightings as materialized (
    select
        sighting.article_id,
        sighting.observed_at,
        if(capture.schedule = 'sweep' and sighting.source = 'timesca-posts', capture.slot, null) as sweep
    from main.fct_article_sighting as sighting
    inner join staging.stg_capture as capture on capture.capture_id = sighting.capture_id
    where sighting.article_id in (select article_id from article_urls)
    and sighting.source <> 'timesca-articles'
    and sighting.observed_at is not null
),

-- a URL may have been another article's before, or since: a response counts for those that had it at the time
url_sightings as (
    select sighting.article_id, sighting.observed_at, observation.url
    from main.fct_article_sighting as sighting
    inner join raw.article_observation as observation using (capture_id, position)
    where sighting.article_id in (select article_id from article_urls)
    and sighting.observed_at is not null
    and observation.url is not null
),

-- an article first seen after a response cannot be the one that the response lacks: another one had its URL before
first_sightings as (
    select article_id, if(bool_or(observed_at is null), null, min(observed_at)) as first_at
    from main.fct_article_sighting
    where article_id in (select article_id from article_urls)
    group by article_id
),

-- the page of a deleted article may lead to another one
other_pages as (
    select distinct page_responses.capture_id, article_urls.article_id
    from page_responses
    inner join article_urls on article_urls.url = page_responses.url
    inner join main.fct_article_sighting as sighting
        on sighting.capture_id = page_responses.capture_id
        and sighting.article_id <> article_urls.article_id
)

-- excluded: an article that the list of the same sweep shows, even if its URL was requested because another article had
-- it
select
    article_urls.article_id,
    if(other_pages.capture_id is null, page_responses.kind, 'gone') as kind,
    page_responses.capture_id,
    page_responses.http_status,
    page_responses.observed_at as found_at,
    list_sightings.observed_at as last_seen_at
from page_responses
inner join article_urls on article_urls.url = page_responses.url
inner join first_sightings
    on first_sightings.article_id = article_urls.article_id
    and coalesce(first_sightings.first_at <= page_responses.observed_at, true)
left join other_pages
    on other_pages.capture_id = page_responses.capture_id
    and other_pages.article_id = article_urls.article_id
asof left join list_sightings
    on list_sightings.article_id = article_urls.article_id
    and list_sightings.observed_at <= page_responses.observed_at
asof left join url_sightings
    on url_sightings.article_id = article_urls.article_id
    and url_sightings.observed_at < page_responses.observed_at
where coalesce(url_sightings.url, article_urls.url) = page_responses.url
and not exists (
    from list_sightings as listed
    where listed.article_id = article_urls.article_id and listed.sweep = page_responses.sweep
)
