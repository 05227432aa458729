/*
description: >-
  One row per article and country that its title or its text names - by name, demonym, capital or big city.
grain: [article_id, country_code]
columns:
  article_id: The article.
  country_code: ISO 3166-1 alpha-2 code.
  mentions: How often the text names it; 0 where the title alone does.
  in_title: True where the title names it.
  is_main: >-
    True for the country of the article - of those in the title, else of all, the one with the most mentions; of equals
    the first by code.
sort: [article_id, country_code]
checks:
  - not_null: [mentions, in_title, is_main]
  - between: {mentions: [0, null]}
  - references: {article_id: main.fct_article.article_id}
  - references: {country_code: main.dim_country.country_code}
*/
with named as (
    select article.article_id, text_country.country_code, text_country.mentions, false as in_title
    from main.fct_article as article
    inner join raw.text_country as text_country on text_country.item = article.text_id
    union all
    select article.article_id, text_country.country_code, 0, true
    from main.fct_article as article
    inner join raw.text_country as text_country on text_country.item = 'title:' || article.title
),

counted as (
    select article_id, country_code, sum(mentions)::integer as mentions, bool_or(in_title) as in_title
    from named
    group by all
)

select
    article_id,
    country_code,
    mentions,
    in_title,
    row_number() over (
        partition by article_id order by in_title desc, mentions desc, country_code
    ) = 1 as is_main
from counted
