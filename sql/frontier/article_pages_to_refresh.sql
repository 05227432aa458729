/*
description: >-
  One row per known article published since a day, in the order of the last time at which the page was read or
  requested, since no list states which articles were edited.
parameters:
  source: Source of article pages, as in main.dim_source.
  first: First day of publication (Asia/Almaty), or of the first sighting where the publication is unknown.
columns:
  url: URL of the article page.
*/
with requests as (
    select url, max(captured_at) as requested_at
    from raw.capture
    where source = $source
    group by url
),

-- an address may redirect to another one: then the article of the response counts as read, too
readings as (
    select article_id, max(observed_at) as read_at
    from main.fct_article_sighting
    where source = $source
    group by article_id
)

select article.url
from main.fct_article as article
left join requests on requests.url = article.url
left join readings on readings.article_id = article.article_id
where article.url is not null
and coalesce(article.published_date, article.first_seen_date) >= $first
order by
    greatest(requests.requested_at, readings.read_at) nulls first,
    article.first_seen_date desc,
    article.url
