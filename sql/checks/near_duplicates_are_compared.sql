/*
description: >-
  A text of this run of which near-duplicates may be unknown, since more than 21 texts have one of the bands and only 20
  were compared, or since the text has more than 20,000 words and was not compared. Many posts on one template cause the
  first.
severity: warning
alerts: false
model: main.fct_article_duplicate
*/
with run_texts as (
    select distinct observation.text_id
    from raw.article_observation as observation
    inner join raw.capture as capture on capture.capture_id = observation.capture_id
    where capture.run_id = coalesce(getvariable('run_id'), capture.run_id)
),

bands as (select unnest(bands) as band from raw.text_profile),

crowded_bands as (select band, count(*) as texts from bands group by band having count(*) > 21),

text_bands as (
    select text_id, unnest(bands) as band
    from raw.text_profile
    where text_id in (select text_id from run_texts)
)

select text_bands.text_id, max(crowded_bands.texts) as texts_in_band, null::integer as words
from crowded_bands
inner join text_bands on text_bands.band = crowded_bands.band
group by text_bands.text_id
union all
select profile.text_id, null, profile.words
from raw.text_profile as profile
inner join run_texts on run_texts.text_id = profile.text_id
where profile.words > 20000
