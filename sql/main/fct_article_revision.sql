/*
description: >-
  One row per state of an article that pages showed, in order. A new state begins where the title or the whole text
  differs from the one before in more than quotes, dashes and blanks. A cut text is no state of its own, and neither is
  the first whole text after cut ones; nor are two cut texts that differ, since a listing may cut or sum up the same text
  in its own way, and a new look of the site would make edits of all articles at once. Nothing is overwritten, so that
  an edit that the site does not speak of stays.
grain: [article_id, revision]
columns:
  article_id: The article.
  revision: Counts its states from 0.
  valid_from: >-
    When a capture first showed this state - where the time of the capture is unknown, the instant at which its day began
    in the time zone of the settings.
  valid_to: When a capture first showed the next one; null for the latest.
  title: The title, as first shown in this state.
  text_id: The whole text as first shown in this state, null where none was shown yet.
  changed: What differs from the state before - title, text or both; null for the first.
  share_changed: >-
    How much of the text's words is new or gone, from 0 to 1 - of the different words of both texts together, those that
    stand in one alone; 0 where the title alone changed, null for the first state.
  source: The source of the capture that first showed it.
  capture_id: That capture.
sort: [article_id, revision]
checks:
  - not_null: [valid_from, title, source, capture_id]
  - accepted: {changed: [title, text, both]}
  - between: {share_changed: [0, 1]}
  - references: {article_id: main.fct_article.article_id}
  - name: states_follow_one_another
    sql: >-
      select article_id, revision, valid_from, valid_to from main.fct_article_revision
      where valid_to < valid_from or (changed is null) <> (revision = 0)
*/
with captures as (
    select capture_id, observed_from
    from staging.stg_capture
),

-- for speed: most articles keep one title and one text, and only the others are compared state by state
steady as materialized (
    select
        article_id,
        min(sighting_number) as sighting_number,
        min(observed_from) as shown_at,
        min(title) as title,
        arg_min(text_id, sighting_number) filter (where not is_truncated) as text_id,
        min(title) = max(title) as has_one_title,
        coalesce(
            min(text_id) filter (where not is_truncated) = max(text_id) filter (where not is_truncated), true
        ) as has_one_text
    from main.fct_article_sighting
    inner join captures using (capture_id)
    group by article_id
),

whole_texts as materialized (
    select distinct article_id, text_id
    from main.fct_article_sighting
    where article_id in (select article_id from steady where not has_one_text) and not is_truncated
),

-- most texts have nothing to replace, which a search tells faster; of blanks, cleaned texts have no two in a row
plain_texts as materialized (
    select
        text_id,
        replace(
            replace(
                if(is_plain, text, translate(text, '‘’‚“”„–—−‑' || chr(160), '''''''"""---- ')),
                chr(10), ' '
            ),
            '  ', ' '
        ) as text
    from (
        select text_id, text, not regexp_matches(text, '[‘’‚“”„–—−‑\x{a0}]') as is_plain
        from raw.article_text
        where text_id in (select text_id from whole_texts)
    )
),

-- what one page shows in paragraphs another one runs together: that is one text
varied as materialized (
    select article_id from steady where not has_one_title
    union
    select whole_texts.article_id
    from whole_texts
    inner join plain_texts on plain_texts.text_id = whole_texts.text_id
    group by whole_texts.article_id
    having min(plain_texts.text) <> max(plain_texts.text)
),

plain_titles as materialized (
    select
        title,
        trim(regexp_replace(translate(title, '‘’‚“”„–—−‑', '''''''"""----'), '[\s\p{Z}]+', ' ', 'g')) as plain_title
    from (select distinct title from main.fct_article_sighting where article_id in (from varied))
),

shown as (
    select
        sighting.article_id,
        sighting.sighting_number,
        -- a cached page counts by the day it prints: what it shows was there before what later ones show
        min(captures.observed_from) over (
            partition by sighting.article_id order by sighting.sighting_number
            rows between current row and unbounded following
        ) as shown_at,
        sighting.title,
        plain_titles.plain_title,
        if(sighting.is_truncated, null, sighting.text_id) as text_id,
        if(sighting.is_truncated, null, coalesce(plain_texts.text, sighting.text_id)) as plain_text,
        sighting.source,
        sighting.capture_id
    from main.fct_article_sighting as sighting
    inner join captures on captures.capture_id = sighting.capture_id
    inner join plain_titles on plain_titles.title = sighting.title
    left join plain_texts on plain_texts.text_id = sighting.text_id
    where sighting.article_id in (from varied)
),

-- a page that shows the title alone, or the beginning, says nothing of the text
known as (
    select
        * exclude (text_id, plain_text),
        last_value(text_id ignore nulls) over so_far as text_id,
        last_value(plain_text ignore nulls) over so_far as plain_text
    from shown
    window so_far as (
        partition by article_id order by sighting_number rows between unbounded preceding and current row
    )
),

compared as (
    select
        *,
        lag(plain_title) over by_number as earlier_title,
        lag(plain_text) over by_number as earlier_text,
        sighting_number = 1 as is_first,
        coalesce(plain_title <> lag(plain_title) over by_number, false) as is_new_title,
        coalesce(plain_text <> lag(plain_text) over by_number, false) as is_new_text
    from known
    window by_number as (partition by article_id order by sighting_number)
),

-- the whole text of the first state may come later than its title
first_texts as (
    select article_id, arg_min(text_id, sighting_number) as text_id
    from known
    where text_id is not null
    group by article_id
),

states as (
    select
        compared.*,
        if(is_new_text, list_distinct(string_split(compared.plain_text, ' ')), null) as words,
        if(is_new_text, list_distinct(string_split(compared.earlier_text, ' ')), null) as earlier_words
    from compared
    where is_first or is_new_title or is_new_text
)

select
    states.article_id,
    (row_number() over by_state - 1)::integer as revision,
    states.shown_at as valid_from,
    lead(states.shown_at) over by_state as valid_to,
    states.title,
    coalesce(states.text_id, first_texts.text_id) as text_id,
    case
        when states.is_first then null
        when is_new_title and is_new_text then 'both'
        when is_new_title then 'title'
        else 'text'
    end as changed,
    case
        when states.is_first then null
        when not is_new_text then 0
        else divide_half_up(
            10000 * (len(words) + len(earlier_words) - 2 * len(list_intersect(words, earlier_words)))::hugeint,
            (len(words) + len(earlier_words) - len(list_intersect(words, earlier_words)))::hugeint
        )::decimal(9, 0) * 0.0001
    end::decimal(5, 4) as share_changed,
    states.source,
    states.capture_id
from states
left join first_texts on first_texts.article_id = states.article_id
window by_state as (partition by states.article_id order by states.sighting_number)

union all by name

select
    steady.article_id,
    0 as revision,
    steady.shown_at as valid_from,
    null as valid_to,
    steady.title,
    steady.text_id,
    null as changed,
    null as share_changed,
    first.source,
    first.capture_id
from steady
inner join main.fct_article_sighting as first
    on first.article_id = steady.article_id
    and first.sighting_number = steady.sighting_number
where steady.article_id not in (from varied)
