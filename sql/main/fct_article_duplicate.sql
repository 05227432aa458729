/*
description: >-
  One row per article that is another one published again - its text is the text of an earlier article, or nearly so.
  Any whole text of either counts, so that a copy of what was edited later is still a copy; cut texts and those of fewer
  than 30 words do not. Nearly the same are texts with four fifths of their runs of three words in common, the very same
  figures, and no names on both sides that the other lacks - a daily note on one template names another rate, a notice
  on one template another town. In a word or two those would be the same text, in what they tell they are not.
grain: [article_id]
columns:
  article_id: The article.
  duplicate_of: >-
    The earliest article of those that are the same, also where only a third one links the two - by time of publication,
    else by the day it was first seen, then by article_id. It is itself no duplicate.
  kind: exact where both had the very same text, else near.
  share: >-
    How much of the different runs of three words of both texts stands in both, from 0.8 to 1, of their likest texts;
    null where only a third article links the two.
sort: [article_id]
checks:
  - not_null: [duplicate_of, kind]
  - accepted: {kind: [exact, near]}
  - between: {share: ['0.8', 1]}
  - references: {article_id: main.fct_article.article_id}
  - references: {duplicate_of: main.fct_article.article_id}
  - name: original_is_no_duplicate
    sql: >-
      select article_id, duplicate_of from main.fct_article_duplicate
      where duplicate_of in (select article_id from main.fct_article_duplicate)
*/
with recursive pairs as (
    select
        text_id,
        other_id,
        divide_half_up(10000 * shared_runs::hugeint, runs::hugeint)::decimal(9, 0) * 0.0001 as share
    from raw.text_pair
    where 5 * shared_runs >= 4 * runs and names_apart = 0
),

shown as (
    select sighting.article_id, sighting.text_id
    from main.fct_article_sighting as sighting
    inner join raw.text_profile as profile on profile.text_id = sighting.text_id
    where not sighting.is_truncated and profile.words >= 30
    group by all
),

-- of tens of thousands of articles, the few whose texts are also somebody else's
alike as materialized (
    select article_id, text_id
    from shown
    where text_id in (
        select text_id from pairs
        union all
        select other_id from pairs
        union all
        select text_id from shown group by text_id having count(*) > 1
    )
),

ranked as (
    select
        sighting.article_id,
        row_number() over (
            order by
                coalesce(
                    arg_max(observation.published_date, sighting.sighting_number), min(sighting.seen_date)
                ),
                arg_max(observation.published_at, sighting.sighting_number) nulls last,
                sighting.article_id
        ) as number
    from main.fct_article_sighting as sighting
    inner join raw.article_observation as observation using (capture_id, position)
    where sighting.article_id in (select article_id from alike)
    group by sighting.article_id
),

texts as materialized (
    select
        alike.text_id,
        ranked.number,
        min(ranked.number) over (partition by alike.text_id) as first_number
    from alike
    inner join ranked on ranked.article_id = alike.article_id
),

first_numbers as materialized (select distinct text_id, first_number from texts),

-- one join after the other: in one step all first numbers would be paired, with the inequality as the condition
half_numbered as materialized (
    select pairs.other_id, first_numbers.first_number as number
    from pairs
    inner join first_numbers on first_numbers.text_id = pairs.text_id
),

-- the articles of one text are linked to the earliest of them, and the earliest of near-duplicate texts to one another
links as materialized (
    select number, first_number as other from texts where number <> first_number
    union
    select half_numbered.number, first_numbers.first_number
    from half_numbered
    inner join first_numbers on first_numbers.text_id = half_numbered.other_id
    where half_numbered.number <> first_numbers.first_number
),

both_ways as materialized (
    select number, other from links
    union
    select other, number from links
),

-- Each article takes over the least number that reached a neighbour in the step before. All pairs of articles that
-- reach one another would be 25 million for 5,000 posts on one template.
reached as (
    select distinct number, number as original from both_ways
    union
    (
        select both_ways.other as number, min(reached.original) as original
        from reached
        inner join both_ways on both_ways.number = reached.number
        where reached.original < both_ways.other
        group by both_ways.other
    )
),

duplicates as (
    select number, min(original) as original
    from reached
    group by number
    having min(original) < number
),

own_texts as (
    select duplicates.number, duplicates.original, texts.text_id
    from duplicates
    inner join texts on texts.number = duplicates.number
),

shares as (
    select number, max(share) as share, bool_or(is_exact) as is_exact
    from (
        select own_texts.number, 1.0 as share, true as is_exact
        from own_texts
        inner join texts as other on other.number = own_texts.original and other.text_id = own_texts.text_id
        union all
        select own_texts.number, either_way.share, false as is_exact
        from own_texts
        inner join (
            select text_id, other_id, share from pairs
            union all
            select other_id, text_id, share from pairs
        ) as either_way on either_way.text_id = own_texts.text_id
        inner join texts as other
            on other.number = own_texts.original and other.text_id = either_way.other_id
    )
    group by number
)

select
    article.article_id,
    original.article_id as duplicate_of,
    if(shares.is_exact, 'exact', 'near') as kind,
    shares.share::decimal(5, 4) as share
from duplicates
inner join ranked as article on article.number = duplicates.number
inner join ranked as original on original.number = duplicates.original
left join shares on shares.number = duplicates.number
