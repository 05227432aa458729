/*
description: >-
  One row per address of an article page that need not be requested, because the article is known whole, with author and
  time of publication, or the page was read.
columns:
  url: URL of the article page; null for an article without a URL.
*/
select url
from main.fct_article
where not is_truncated
and author is not null
and published_at is not null
union
select url
from raw.capture
where page_kind = 'article'
and http_status = 200
