/*
description: One row per article and country that the title or the text names, by name, demonym, capital or big city.
grain: [article_id, country_code]
columns:
  article_id: Id of the article, a key of main.fct_article.
  country_code: Country named, ISO 3166-1 alpha-2 code.
  mentions: >-
    Number of mentions of the country by name, demonym, capital or city; in the text alone, so 0 where only the title
    names the country.
  in_title: True where the title names the country.
  is_main: >-
    True for the main country of the article, the most mentioned of the countries in the title, or of all countries
    where the title names none; of countries mentioned equally often the first by code.
sort: [article_id, country_code]
checks:
  - not_null: [mentions, in_title, is_main]
  - between: {mentions: [0, null]}
  - references: {article_id: main.fct_article.article_id}
  - references: {country_code: main.dim_country.country_code}
*/
with named as (
    select article.article_id, text_country.country_code, text_country.mentions, false as in_title
    from staging.stg_article as article
    inner join raw.text_country as text_country on text_country.item = article.text_id
    union all
    select article.article_id, text_country.country_code, 0, true
    from staging.stg_article as article
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
