/*
description: An observation whose capture is not loaded, or whose text is not stored.
severity: error
model: raw.capture
*/
select 'rate_observation' as "table", capture_id, null as text_id
from raw.rate_observation
anti join raw.capture using (capture_id)
union all
select 'official_rate', capture_id, null
from raw.official_rate
anti join raw.capture using (capture_id)
union all
select 'article_observation', capture_id, null
from raw.article_observation
anti join raw.capture using (capture_id)
union all
select 'article_text', capture_id, text_id
from raw.article_observation
anti join raw.article_text using (text_id)
where text_id is not null
