/*
description: >-
  One row per article and period in which sweeps found it removed. A sweep requests the list of the site's posts, and
  the page of each known one that the list lacks; without a list it requests the pages that a daily run found deleted,
  and then a page that exists proves nothing. Not here: an article that listings do not show for some days, since they
  are short.
grain: [article_id, kind, found_at]
columns:
  article_id: The article, as in main.fct_article.
  kind: gone - its page was deleted (404 or 410); unlisted - its page exists, and the list lacks it.
  last_seen_at: When it was last seen among the site's articles before that, null where the time is unknown.
  found_at: When a sweep first found it so.
  confirmed_at: When the latest sweep found it so.
  returned_at: When it was seen among the site's articles again, or a deleted one by its page; null while it is removed.
  is_current: True for what the latest sweep of the article found, while it has not returned.
  http_status: The status of its page in the latest sweep.
  capture_id: The capture of its page in the latest sweep, the evidence.
sort: [found_at, article_id]
checks:
  - not_null: [article_id, kind, found_at, confirmed_at, is_current, http_status, capture_id]
  - accepted: {kind: [gone, unlisted]}
  - references: {article_id: main.fct_article_sighting.article_id}
  - name: nothing_returns_before_it_was_found_away
    sql: >-
      select article_id, found_at, returned_at from main.fct_article_removal where returned_at <= found_at
  - name: an_article_is_away_in_one_way_at_a_time
    sql: select article_id from main.fct_article_removal where is_current group by article_id having count(*) > 1
*/
with sweep_captures as (
    from staging.stg_capture
    where schedule = 'sweep'
),

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
    select
        article_id,
        if(bool_or(observed_at is null), null, min(observed_at)) as first_at
    from main.fct_article_sighting
    where article_id in (select article_id from article_urls)
    group by article_id
),

-- excluded: articles listed in the same sweep, though the page of a deleted one may lead to theirs
findings as (
    select
        article_urls.article_id,
        if(other.article_id is null, page_responses.kind, 'gone') as kind,
        page_responses.capture_id,
        page_responses.http_status,
        page_responses.observed_at as found_at,
        list_sightings.observed_at as last_seen_at
    from page_responses
    inner join article_urls on article_urls.url = page_responses.url
    inner join first_sightings
        on first_sightings.article_id = article_urls.article_id
        and coalesce(first_sightings.first_at <= page_responses.observed_at, true)
    left join main.fct_article_sighting as other
        on other.capture_id = page_responses.capture_id and other.article_id <> article_urls.article_id
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
),

removals as (
    select
        article_id,
        kind,
        last_seen_at,
        min(found_at) as found_at,
        max(found_at) as confirmed_at,
        arg_max(http_status, found_at) as http_status,
        arg_max(capture_id, found_at) as capture_id
    from findings
    group by all
),

-- a deleted page that exists when a daily run requests it again is back; an unlisted one existed all the time
later_sightings as (
    select article_id, observed_at, ['gone', 'unlisted'] as kinds
    from list_sightings
    union all
    select sighting.article_id, sighting.observed_at, ['gone'] as kinds
    from main.fct_article_sighting as sighting
    inner join staging.stg_capture as capture on capture.capture_id = sighting.capture_id
    where sighting.article_id in (select article_id from removals)
    and sighting.source = 'timesca-articles'
    and capture.schedule is distinct from 'sweep'
),

returns as (
    select removals.article_id, removals.kind, removals.last_seen_at, min(later_sightings.observed_at) as returned_at
    from removals
    inner join later_sightings
        on later_sightings.article_id = removals.article_id
        and later_sightings.observed_at > removals.confirmed_at
        and list_contains(later_sightings.kinds, removals.kind)
    group by all
)

select
    removals.article_id,
    removals.kind,
    removals.last_seen_at,
    removals.found_at,
    removals.confirmed_at,
    returns.returned_at,
    returns.returned_at is null
    and removals.confirmed_at = max(removals.confirmed_at) over (partition by removals.article_id) as is_current,
    removals.http_status,
    removals.capture_id
from removals
left join returns
    on returns.article_id = removals.article_id
    and returns.kind = removals.kind
    and returns.last_seen_at is not distinct from removals.last_seen_at
