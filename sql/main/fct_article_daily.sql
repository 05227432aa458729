/*
description: >-
  One row per day and country, with the number of articles of the day that have the country as main country. The day of
  an article is that of the publication in Asia/Almaty where known, else of the first sighting.
grain: [date, country_code]
columns:
  date: Day of publication in Asia/Almaty, else of the first sighting of the articles.
  country_code: Main country of the articles, ISO 3166-1 alpha-2 code; ZZ for articles that name no country.
  articles: Number of articles of the day and country.
  words: Number of words in the texts of the articles.
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
from staging.stg_article as article
left join main.fct_article_country as country on country.article_id = article.article_id and country.is_main
group by all
