/*
description: >-
  One row per article whose page was requested and that no deletion sweep found deleted, with the last response, the
  oldest request first.
parameters:
  source: Source of article pages, as in main.dim_source.
columns:
  url: URL of the article page.
  is_deleted: True where the last response states that the article was deleted.
*/
with last_responses as (
    select
        url,
        arg_max(response_class, captured_at) = 'deleted' as is_deleted,
        max(captured_at) as requested_at
    from raw.capture
    where source = $source
    group by url
)

select article.url, last_responses.is_deleted
from main.fct_article as article
inner join last_responses on last_responses.url = article.url
where article.removal is distinct from 'gone'
order by last_responses.requested_at, article.url
