/*
description: >-
  One row per state of an article that pages showed, in order. A new state begins where the title or the whole text
  differs from the state before in more than quotes, dashes and spaces. A truncated text begins no state, and neither
  does the first whole text after truncated ones. Nothing is overwritten, so that an edit that the site does not mention
  is kept.
grain: [article_id, revision]
# a text is stored once, in raw.article_text
materialized: view
rows_of: staging.stg_article_revision
columns:
  article_id: Id of the article, a key of main.fct_article.
  title: Title of the article as printed, as first shown in this state.
  revision: Ordinal of the state of the article, from 0.
  text_id: >-
    SHA-256 of the whole text known in this state in hex, a key of raw.article_text; before any was shown, the first one
    shown later. Null where no whole text was ever shown.
  text: Whole text of the article that text_id identifies; null where no whole text was ever shown.
  previous_title: Title of the article in the state before; null for the first state.
  previous_text: >-
    Whole text of the article in the state before, equal to text where only the title changed; null for the first state,
    and where no whole text was ever shown.
  changed: Difference from the state before - title, text or both; null for the first state.
  share_changed: >-
    Share (0 to 1) of the distinct words of the two texts together that only this state or the state before has; 0 where
    only the title, or the order or repetition of words, changed. Null for the first state.
  source: Source of the capture that first showed the state, a key of main.dim_source.
  capture_id: WARC record id of the capture that first showed the state.
  valid_to: Time at which the next state begins, UTC; null for the latest state.
  valid_from: >-
    Earliest time at which this state or a later one was shown, UTC; where the time of a capture is unknown, the start
    of the day of the capture in the zone of the settings.
sort: [article_id, revision]
partition_year: valid_from
checks:
  - not_null: [valid_from, title, source, capture_id]
  - accepted: {changed: [title, text, both]}
  - between: {share_changed: [0, 1]}
  - references: {article_id: main.fct_article.article_id}
  - references: {source: main.dim_source.source}
    severity: warning
    alerts: false
  - name: states_follow_one_another
    sql: >-
      select article_id, revision, valid_from, valid_to from main.fct_article_revision
      where valid_to < valid_from or (changed is null) <> (revision = 0)
  - name: first_state_alone_has_no_state_before
    sql: >-
      select article_id, revision, previous_title from main.fct_article_revision
      where (previous_title is null) <> (revision = 0)
*/
select
    state.article_id,
    state.title,
    state.revision,
    state.text_id,
    own.text,
    state.previous_title,
    earlier.text as previous_text,
    state.changed,
    state.share_changed,
    state.source,
    state.capture_id,
    state.valid_to,
    state.valid_from
from raw.article_text as own
right join staging.stg_article_revision as state on state.text_id = own.text_id
left join (
    -- few states have one before, so few texts are held a second time
    from raw.article_text where text_id in (select previous_text_id from staging.stg_article_revision)
) as earlier on earlier.text_id = state.previous_text_id
