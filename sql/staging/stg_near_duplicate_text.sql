/*
description: >-
  One row per text and near-duplicate, so that each pair is here twice. Near-duplicates are texts with four fifths of
  the 3-word shingles in common and the very same numbers; at most one of the two has names that the other lacks, since
  a daily note on one template names another rate, and a notice on one template another town.
grain: [text_id, other_id]
# its arithmetic is not stored in a view
materialized: table
columns:
  text_id: SHA-256 of a text in hex, a key of raw.article_text.
  other_id: SHA-256 of a near-duplicate of the text in hex, a key of raw.article_text.
  share: Share (0.8 to 1) of the distinct 3-word shingles of two texts that both have, rounded half up to 4 decimals.
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
