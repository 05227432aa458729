/*
description: >-
  One row per whole text and article that showed it, for texts that several articles showed, exactly or nearly the same.
  Any whole text that an article ever showed counts, so that a copy of what was edited later is still a copy; truncated
  texts and texts of fewer than 30 words do not count.
grain: [text_id, article_id]
# few texts of tens of thousands are shared, and their search is read several times
materialized: table
columns:
  text_id: SHA-256 of the text in hex, a key of raw.article_text.
  article_id: Id of the article, a key of main.fct_article.
  article_number: >-
    Ordinal of the article, from 1 for the earliest by day of publication, else of the first sighting, then by time of
    publication, then by article_id.
  first_number: Ordinal of the earliest article with the text, from 1, as in article_number.
*/
with article_texts as (
    select sighting.article_id, sighting.text_id
    from main.fct_article_sighting as sighting
    inner join raw.text_profile as profile on profile.text_id = sighting.text_id
    where not sighting.is_truncated and profile.words >= 30
    group by all
),

shared_texts as materialized (
    select article_id, text_id
    from article_texts
    where text_id in (
        select text_id from staging.stg_near_duplicate_text
        union all
        select text_id from article_texts group by text_id having count(*) > 1
    )
),

article_numbers as (
    select
        sighting.article_id,
        row_number() over (
            order by
                coalesce(
                    arg_max(observation.published_date, sighting.sighting_number), min(sighting.seen_date)
                ),
                arg_max(observation.published_at, sighting.sighting_number) nulls last,
                sighting.article_id
        ) as article_number
    from main.fct_article_sighting as sighting
    inner join raw.article_observation as observation using (capture_id, position)
    where sighting.article_id in (select article_id from shared_texts)
    group by sighting.article_id
)

select
    shared_texts.text_id,
    shared_texts.article_id,
    article_numbers.article_number,
    min(article_numbers.article_number) over (partition by shared_texts.text_id) as first_number
from shared_texts
inner join article_numbers on article_numbers.article_id = shared_texts.article_id
