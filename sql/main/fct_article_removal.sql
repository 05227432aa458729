/*
description: >-
  One row per article and time that it was away, as sweeps say it. A sweep asks the site for the list of its posts, and
  for the page of each known one that the list lacks; where it gets no list, for the pages that were no more when a
  daily run asked for them, and then a page that stands says nothing. An article that nobody listed for some days is not here for
  that: listings are short. Neither is one that the list of the same sweep shows, though the page of a lost one
  led to its own, nor one whose address leads to a page that is no article's, nor one
  first seen after the answer: another one had its address before.
grain: [article_id, kind, found_at]
columns:
  article_id: The article, as in main.fct_article.
  kind: gone - its page answered 404 or 410; unlisted - its page stands, and the list lacks it.
  last_seen_at: When it was last seen among the site's articles before that, null where nobody knows the time.
  found_at: When a sweep first found it so.
  confirmed_at: When the latest sweep found it so.
  returned_at: When it was seen among the site's articles again, or one that was gone by its page; null while it is away.
  is_current: True for what the latest sweep that asked found, while the article has not returned.
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

answers as (
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

addresses as (
    select distinct observation.url, sighting.article_id
    from raw.article_observation as observation
    inner join main.fct_article_sighting as sighting
        on sighting.capture_id = observation.capture_id
        and sighting.position = observation.position
    where observation.url in (select url from answers)
),

-- what stands on a page that a sweep asked for is no sign that the site still shows the article to its readers
seen as materialized (
    select
        sighting.article_id,
        sighting.observed_at,
        if(capture.schedule = 'sweep' and sighting.source = 'timesca-posts', capture.slot, null) as sweep
    from main.fct_article_sighting as sighting
    inner join staging.stg_capture as capture on capture.capture_id = sighting.capture_id
    where sighting.article_id in (select article_id from addresses)
    and sighting.source <> 'timesca-articles'
    and sighting.observed_at is not null
),

-- an address may have been another article's before, or since: an answer tells of those that it named at the time
named as (
    select sighting.article_id, sighting.observed_at, observation.url
    from main.fct_article_sighting as sighting
    inner join raw.article_observation as observation using (capture_id, position)
    where sighting.article_id in (select article_id from addresses)
    and sighting.observed_at is not null
    and observation.url is not null
),

-- one that was first seen after an answer cannot be what the answer misses
firsts as (
    select
        article_id,
        if(bool_or(observed_at is null), null, min(observed_at)) as first_at
    from main.fct_article_sighting
    where article_id in (select article_id from addresses)
    group by article_id
),

found as (
    select
        addresses.article_id,
        if(other.article_id is null, answers.kind, 'gone') as kind,
        answers.capture_id,
        answers.http_status,
        answers.observed_at as found_at,
        seen.observed_at as last_seen_at
    from answers
    inner join addresses on addresses.url = answers.url
    inner join firsts
        on firsts.article_id = addresses.article_id
        and coalesce(firsts.first_at <= answers.observed_at, true)
    left join main.fct_article_sighting as other
        on other.capture_id = answers.capture_id and other.article_id <> addresses.article_id
    asof left join seen on seen.article_id = addresses.article_id and seen.observed_at <= answers.observed_at
    asof left join named on named.article_id = addresses.article_id and named.observed_at < answers.observed_at
    where coalesce(named.url, addresses.url) = answers.url
    and not exists (
        from seen as listed where listed.article_id = addresses.article_id and listed.sweep = answers.sweep
    )
),

away as (
    select
        article_id,
        kind,
        last_seen_at,
        min(found_at) as found_at,
        max(found_at) as confirmed_at,
        arg_max(http_status, found_at) as http_status,
        arg_max(capture_id, found_at) as capture_id
    from found
    group by all
),

-- a page that was gone and stands when a daily run asks for it again is back; an unlisted one stood all the time
again as (
    select article_id, observed_at, ['gone', 'unlisted'] as kinds
    from seen
    union all
    select sighting.article_id, sighting.observed_at, ['gone'] as kinds
    from main.fct_article_sighting as sighting
    inner join staging.stg_capture as capture on capture.capture_id = sighting.capture_id
    where sighting.article_id in (select article_id from away)
    and sighting.source = 'timesca-articles'
    and capture.schedule is distinct from 'sweep'
),

returned as (
    select away.article_id, away.kind, away.last_seen_at, min(again.observed_at) as returned_at
    from away
    inner join again
        on again.article_id = away.article_id
        and again.observed_at > away.confirmed_at
        and list_contains(again.kinds, away.kind)
    group by all
)

select
    away.article_id,
    away.kind,
    away.last_seen_at,
    away.found_at,
    away.confirmed_at,
    returned.returned_at,
    returned.returned_at is null
    and away.confirmed_at = max(away.confirmed_at) over (partition by away.article_id) as is_current,
    away.http_status,
    away.capture_id
from away
left join returned
    on returned.article_id = away.article_id
    and returned.kind = away.kind
    and returned.last_seen_at is not distinct from away.last_seen_at
