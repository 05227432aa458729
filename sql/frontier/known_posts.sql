/*
description: >-
  One row per post that was published in a date range and that no deletion sweep found deleted. A sweep requests the
  page of each post that the site's list lacks. Posts that no sweep found missing come first, then the posts confirmed
  missing longest ago, since an unlisted post may be deleted next.
parameters:
  first: Start of the range, UTC, inclusive.
  last: End of the range, UTC, inclusive.
columns:
  post_id: WordPress id of the post.
  url: URL of the article page.
  is_new: True where no sweep has found the post missing from the list of the site yet.
*/
select
    article.post_id,
    article.url,
    removal.kind is null as is_new
from main.fct_article as article
left join main.fct_article_removal as removal
    on removal.article_id = article.article_id
    and removal.is_current
where article.post_id is not null
and article.url is not null
and removal.kind is distinct from 'gone'
and article.published_at between $first and $last
order by removal.confirmed_at nulls first, article.published_at, article.post_id
