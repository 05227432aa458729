/*
description: >-
  One row per article whose text an earlier article has as well, exactly or nearly the same (staging.stg_shared_text
  states which texts count, staging.stg_near_duplicate_text which are nearly the same).
grain: [article_id]
columns:
  article_id: Id of the article that repeats another article, a key of main.fct_article.
  duplicate_of: >-
    Id of the earliest article with the same text or nearly the same text, which is never a duplicate, a key of
    main.fct_article; a third article may link the two. Earliest by day of publication, else of the first sighting, then
    by time of publication, then by article_id.
  kind: Kind of duplicate, exact where both articles had the very same text, near where nearly the same.
  share: >-
    Share (0.8 to 1) of the distinct 3-word shingles of two texts that both have, for the most similar texts of the two
    articles; null where only a third article links the two.
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
with recursive shared_texts as (
    select text_id, article_id, article_number, first_number
    from staging.stg_shared_text
),

first_articles as materialized (
    select distinct text_id, first_number
    from shared_texts
),

-- for speed two joins: in one step DuckDB would pair all first numbers, with the inequality as the condition
half_links as materialized (
    select near_texts.other_id, first_articles.first_number as article_number
    from staging.stg_near_duplicate_text as near_texts
    inner join first_articles on first_articles.text_id = near_texts.text_id
),

-- the articles of one text are linked to the earliest of them, and the earliest of near-duplicate texts to one another
article_links as materialized (
    select article_number, first_number as other_number from shared_texts where article_number <> first_number
    union
    select first_number, article_number from shared_texts where article_number <> first_number
    union
    select half_links.article_number, first_articles.first_number
    from half_links
    inner join first_articles on first_articles.text_id = half_links.other_id
    where half_links.article_number <> first_articles.first_number
),

-- Each article takes over the least number that reached a neighbour in the step before. All pairs of articles that
-- reach one another would be 25 million for 5,000 posts on one template.
reached_numbers as (
    select distinct article_number, article_number as original_number from article_links
    union
    (
        select article_links.other_number as article_number, min(reached_numbers.original_number) as original_number
        from reached_numbers
        inner join article_links on article_links.article_number = reached_numbers.article_number
        where reached_numbers.original_number < article_links.other_number
        group by article_links.other_number
    )
),

duplicates as (
    select article_number, min(original_number) as original_number
    from reached_numbers
    group by article_number
    having min(original_number) < article_number
),

duplicate_texts as (
    select duplicates.article_number, duplicates.original_number, shared_texts.text_id
    from duplicates
    inner join shared_texts on shared_texts.article_number = duplicates.article_number
),

-- How similar a duplicate is to its original: their texts are the same, or a pair of near-duplicates. Under `recursive`
-- the first select gives the type of the share: 1.0 alone would round all shares to one decimal.
text_matches as (
    select duplicate_texts.article_number, 1::decimal(5, 4) as share, true as is_exact
    from duplicate_texts
    inner join shared_texts
        on shared_texts.article_number = duplicate_texts.original_number
        and shared_texts.text_id = duplicate_texts.text_id
    union all
    select duplicate_texts.article_number, near_texts.share, false as is_exact
    from duplicate_texts
    inner join staging.stg_near_duplicate_text as near_texts on near_texts.text_id = duplicate_texts.text_id
    inner join shared_texts
        on shared_texts.article_number = duplicate_texts.original_number
        and shared_texts.text_id = near_texts.other_id
),

similarities as (
    select article_number, max(share) as share, bool_or(is_exact) as is_exact
    from text_matches
    group by article_number
),

article_numbers as (
    select distinct article_id, article_number
    from shared_texts
)

select
    duplicate.article_id,
    original.article_id as duplicate_of,
    if(similarities.is_exact, 'exact', 'near') as kind,
    similarities.share
from duplicates
inner join article_numbers as duplicate on duplicate.article_number = duplicates.article_number
inner join article_numbers as original on original.article_number = duplicates.original_number
left join similarities on similarities.article_number = duplicates.article_number
