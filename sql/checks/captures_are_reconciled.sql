/*
description: >-
  Every capture ends as rows or as rejects - each has an observation or a reject, one without a day has a reject that
  states that, and the parser's count of articles is the number of its rows. A response of the posts API that counts
  zero posts is complete without rows.
severity: error
model: raw.capture
*/
with counted as (
    select
        capture_id,
        observed_date is null as is_undated,
        articles_parsed,
        page_kind = 'posts_api' and shown_total = 0 as counts_none,
        (select count(*) from raw.rate_observation as rate where rate.capture_id = capture.capture_id) as rates,
        (select count(*) from raw.article_observation as article where article.capture_id = capture.capture_id)
            as articles,
        (select count(*) from raw.reject as reject where reject.capture_id = capture.capture_id) as rejects
    from raw.capture as capture
)

select *
from counted
where (rates + articles + rejects = 0 and counts_none is distinct from true)
or (is_undated and rejects = 0)
or articles <> articles_parsed
