/*
description: >-
  One row per text and other text that is nearly the same, so that each pair is here twice. Nearly the same are texts
  with four fifths of their 3-word shingles in common, the very same numbers, and no names on both sides that the other
  lacks: a daily note on one template names another rate, a notice on one template another town.
grain: [text_id, other_id]
# its arithmetic is not stored in a view
materialized: table
columns:
  text_id: A text, as in raw.article_text.
  other_id: A text that is nearly the same.
  share: Share of the distinct shingles of both texts that both have, half-up to 4 decimals.
*/
with near_pairs as (
    select
        text_id,
        other_id,
        divide_half_up(10000 * shared_runs::hugeint, runs::hugeint)::decimal(9, 0) * 0.0001 as share
    from raw.text_pair
    where 5 * shared_runs >= 4 * runs and names_apart = 0
)

select text_id, other_id, share from near_pairs
union all
select other_id, text_id, share from near_pairs
