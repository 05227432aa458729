/*
description: >-
  One row per state of an article that pages showed, in order, as in main.fct_article_revision, with the ids of texts in
  place of the texts.
grain: [article_id, revision]
# a stored view cannot use the macros, and main.fct_article_revision is a view of this table
materialized: table
columns:
  article_id: Id of the article, a key of main.fct_article.
  revision: Ordinal of the state of the article, from 0.
  valid_from: >-
    Earliest time at which this state or a later one was shown, UTC; where the time of a capture is unknown, the start
    of the day of the capture in the zone of the settings.
  valid_to: Time at which the next state begins, UTC; null for the latest state.
  title: Title of the article as printed, as first shown in this state.
  text_id: >-
    SHA-256 of the whole text known in this state in hex, a key of raw.article_text; before any was shown, the first one
    shown later. Null where no whole text was ever shown.
  previous_title: Title of the article in the state before; null for the first state.
  previous_text_id: >-
    SHA-256 of the text of the state before in hex, a key of raw.article_text; null for the first state, and where no
    whole text was ever shown.
  changed: Difference from the state before - title, text or both; null for the first state.
  share_changed: >-
    Share (0 to 1) of the distinct words of the two texts together that only this state or the state before has; 0 where
    only the title, or the order or repetition of words, changed. Null for the first state.
  source: Source of the capture that first showed the state, a key of main.dim_source.
  capture_id: WARC record id of the capture that first showed the state.
checks:
  - not_null: [valid_from, title, source, capture_id]
*/
with article_sightings as (
    select
        sighting.article_id,
        sighting.sighting_number,
        capture.observed_from as shown_at,
        sighting.title,
        -- the truncated or summed-up text of a listing is no evidence about the whole text
        if(sighting.is_truncated, null, sighting.text_id) as text_id,
        sighting.source,
        sighting.capture_id
    from main.fct_article_sighting as sighting
    inner join staging.stg_capture as capture on capture.capture_id = sighting.capture_id
),

articles as (
    select
        sighting.article_id,
        min(sighting.shown_at) as first_shown_at,
        -- the whole text of the first state may come later than its title
        arg_min(sighting.text_id, sighting.sighting_number) filter (where sighting.text_id is not null)
            as first_text_id,
        min(sighting.title) <> max(sighting.title)
        or coalesce(min(text_version.version_id) <> max(text_version.version_id), false) as is_edited
    from article_sightings as sighting
    left join staging.stg_text_version as text_version on text_version.text_id = sighting.text_id
    group by sighting.article_id
),

plain_titles as (
    select title, plain_of(title) as plain_title
    from (
        select distinct title from article_sightings inner join articles using (article_id) where is_edited
    )
),

-- a sighting of the title alone has the text that was known by then
known_states as (
    select
        sighting.* exclude (text_id),
        articles.first_text_id,
        plain_titles.plain_title,
        last_value(sighting.text_id ignore nulls) over until_then as text_id,
        last_value(coalesce(text_version.version_id, sighting.text_id) ignore nulls) over until_then as version_id,
        -- a cached page is ordered by the day it prints but fetched later; its state cannot begin after states that
        -- follow it
        min(if(sighting.sighting_number = 1, articles.first_shown_at, sighting.shown_at)) over (
            partition by sighting.article_id order by sighting.sighting_number
            rows between current row and unbounded following
        ) as valid_from
    from article_sightings as sighting
    inner join articles on articles.article_id = sighting.article_id
    left join plain_titles on plain_titles.title = sighting.title
    left join staging.stg_text_version as text_version on text_version.text_id = sighting.text_id
    -- for speed: of the many articles that never change, the first sighting is enough
    where articles.is_edited or sighting.sighting_number = 1
    window until_then as (partition by sighting.article_id order by sighting.sighting_number)
),

compared_states as (
    select
        *,
        lag(text_id) over by_number as earlier_text_id,
        sighting_number = 1 as is_first,
        coalesce(plain_title <> lag(plain_title) over by_number, false) as is_new_title,
        coalesce(version_id <> lag(version_id) over by_number, false) as is_new_text
    from known_states
    window by_number as (partition by article_id order by sighting_number)
),

new_states as (
    select
        state.* exclude (text_id),
        coalesce(state.text_id, state.first_text_id) as text_id,
        own.words,
        earlier.words as earlier_words,
        len(list_intersect(own.words, earlier.words)) as shared_words
    from compared_states as state
    left join staging.stg_text_version as own on own.text_id = if(state.is_new_text, state.text_id, null)
    left join staging.stg_text_version as earlier
        on earlier.text_id = if(state.is_new_text, state.earlier_text_id, null)
    where state.is_first or state.is_new_title or state.is_new_text
)

select
    article_id,
    (row_number() over by_state - 1)::integer as revision,
    valid_from,
    lead(valid_from) over by_state as valid_to,
    title,
    text_id,
    lag(title) over by_state as previous_title,
    lag(text_id) over by_state as previous_text_id,
    case
        when is_first then null
        when is_new_title and is_new_text then 'both'
        when is_new_title then 'title'
        else 'text'
    end as changed,
    case
        when is_first then null
        when not is_new_text then 0
        else divide_half_up(
            10000 * (len(words) + len(earlier_words) - 2 * shared_words)::hugeint,
            (len(words) + len(earlier_words) - shared_words)::hugeint
        )::decimal(9, 0) * 0.0001
    end::decimal(5, 4) as share_changed,
    source,
    capture_id
from new_states
window by_state as (partition by article_id order by sighting_number)
