/*
description: >-
  One row per article and period in which sweeps found it removed. A sweep requests the list of the site's posts, and
  the page of each known one that the list lacks; without a list it requests the pages that were deleted at the last
  request, and an existing page is not a finding. Not here: an article that listings do not show for some days, since
  they are short.
grain: [article_id, kind, found_at]
columns:
  article_id: The article, as in main.fct_article.
  kind: >-
    gone - its page was deleted (404 or 410) or leads to another article; unlisted - its page exists, and the list lacks
    it.
  last_seen_at: >-
    When a listing, the feed or the posts API last showed it before that; null where none did, or the time is unknown.
  found_at: When a sweep first found it so.
  confirmed_at: When the latest sweep found it so.
  returned_at: >-
    When a listing, the feed or the posts API showed it again, or a daily run the page of a deleted one; null where it
    has not returned, also where another kind followed.
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
with findings as (
    from staging.stg_sweep_finding
),

-- a listing, the feed or the posts API shows that an article is back; its page in a daily run shows that of a deleted
-- one alone, since an unlisted page existed all the time
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
