/*
description: >-
  One row per address of an article page that is not requested for what it shows: the article is known whole, with
  author and time of publication, or its page was read.
columns:
  url: The address; null for articles without one.
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
