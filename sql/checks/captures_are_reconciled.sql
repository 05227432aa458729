/*
description: >-
  A capture that ended as neither rows nor rejects, that has no day and no reject that states this, or of which the
  parser counted more or fewer articles than there are rows. A response of the posts API that counts zero posts is
  complete without rows.
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
        (select count(*) from raw.official_rate as rate where rate.capture_id = capture.capture_id) as official_rates,
        (select count(*) from raw.article_observation as article where article.capture_id = capture.capture_id)
            as articles,
        (select count(*) from raw.reject as reject where reject.capture_id = capture.capture_id) as rejects
    from raw.capture as capture
)

select *
from counted
where (rates + official_rates + articles + rejects = 0 and counts_none is distinct from true)
or (is_undated and rejects = 0)
or articles <> articles_parsed
