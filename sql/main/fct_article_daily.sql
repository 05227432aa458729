/*
description: >-
  One row per day and country with the articles about it - their main country - that appeared on that day, by
  publication in Asia/Almaty where it is known, else by the day they were first seen.
grain: [date, country_code]
columns:
  date: The day.
  country_code: ISO 3166-1 alpha-2 code; ZZ for articles that name no country.
  articles: How many articles.
  words: Words of their texts together.
sort: [date, country_code]
checks:
  - not_null: [articles, words]
  - between: {articles: [1, null]}
*/
select
    coalesce(article.published_date, article.first_seen_date) as date,
    coalesce(country.country_code, 'ZZ') as country_code,
    count(*)::integer as articles,
    coalesce(sum(article.word_count), 0)::bigint as words
from main.fct_article as article
left join main.fct_article_country as country on country.article_id = article.article_id and country.is_main
group by all
