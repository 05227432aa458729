/*
description: >-
  One row per article and period in which sweeps found the article removed. A sweep requests the list of the site's
  posts, and the page of each known post that the list lacks; where the site gives no list, the sweep requests the pages
  that were deleted at the last request, and only pages that are deleted again count. An article that short listings do
  not show for some days is not here.
grain: [article_id, kind, found_at]
columns:
  article_id: Id of the article, a key of main.fct_article.
  kind: >-
    Kind of removal - gone (the page was deleted, 404 or 410, or leads to another article) or unlisted (the page exists,
    the list of posts lacks the article).
  last_seen_at: >-
    Time at which a listing, the feed or the posts API last showed the article before found_at, UTC; null where none
    did, or the time is unknown.
  found_at: Time at which a sweep first found the removal, UTC.
  confirmed_at: Time at which the latest sweep found the removal, UTC.
  returned_at: >-
    Time at which a listing, the feed or the posts API showed the article again, or a daily run fetched the page of a
    deleted article again, UTC; null where the article has not returned, also where another kind of removal followed.
  is_current: True where the latest sweep of the article found the removal and the article has not returned.
  http_status: HTTP status code of the article page in the latest sweep of the removal.
  capture_id: WARC record id of the capture of the article page in the latest sweep of the removal.
sort: [found_at, article_id]
checks:
  - not_null: [article_id, kind, found_at, confirmed_at, is_current, http_status, capture_id]
  - accepted: {kind: [gone, unlisted]}
  - references: {article_id: main.fct_article.article_id}
  - name: nothing_returns_before_it_was_found_away
    sql: >-
      select article_id, found_at, returned_at from main.fct_article_removal where returned_at <= found_at
  - name: an_article_is_away_in_one_way_at_a_time
    sql: select article_id from main.fct_article_removal where is_current group by article_id having count(*) > 1
*/
with findings as (
    from staging.stg_sweep_finding
),

-- a listing, the feed or the posts API shows that an article is back; the article page in a daily run shows that only
-- of a deleted article, since an unlisted page existed all the time
returns as (
    select
        sighting.article_id,
        unnest(if(sighting.source = 'timesca-articles', ['gone'], ['gone', 'unlisted'])) as kind,
        sighting.observed_at as returned_at
    from main.fct_article_sighting as sighting
    inner join staging.stg_capture as capture on capture.capture_id = sighting.capture_id
    where sighting.article_id in (select article_id from findings)
    and (sighting.source <> 'timesca-articles' or capture.schedule is distinct from 'sweep')
),

-- findings without a return between them are one removal
findings_after_returns as (
    select findings.*, earlier.returned_at as earlier_return_at
    from findings
    asof left join returns as earlier
        on earlier.article_id = findings.article_id
        and earlier.kind = findings.kind
        and earlier.returned_at <= findings.found_at
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
    from findings_after_returns
    group by article_id, kind, last_seen_at, earlier_return_at
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
asof left join returns
    on returns.article_id = removals.article_id
    and returns.kind = removals.kind
    and returns.returned_at > removals.confirmed_at
