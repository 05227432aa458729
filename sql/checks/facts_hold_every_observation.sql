/*
description: >-
  A capture with a day of which main.fct_rate_observation has more or fewer rates, or main.fct_article_sighting more or
  fewer titled articles, than the raw tables; for an excluded capture, or a text in staging.stg_superseded_capture, any
  rate or article.
severity: error
model: main.fct_rate_observation
*/
with raw_rates as (
    select capture_id, count(*) as parsed from raw.rate_observation group by all
),

raw_articles as (
    select capture_id, count(*) as parsed from raw.article_observation where trim(title) <> '' group by all
),

fact_rates as (
    select capture_id, count(*) as loaded from main.fct_rate_observation group by all
),

fact_articles as (
    select capture_id, count(*) as loaded from main.fct_article_sighting group by all
),

dated as (
    select
        capture_id,
        decision is distinct from 'exclude' and capture_id not in (from staging.stg_superseded_capture) as is_counted
    from raw.capture
    left join raw.decision using (capture_id)
    where observed_date is not null
),

compared as (
    select
        dated.capture_id,
        dated.is_counted,
        if(dated.is_counted, coalesce(raw_rates.parsed, 0), 0) as rates_parsed,
        coalesce(fact_rates.loaded, 0) as rates_loaded,
        if(dated.is_counted, coalesce(raw_articles.parsed, 0), 0) as articles_parsed,
        coalesce(fact_articles.loaded, 0) as articles_loaded
    from dated
    left join raw_rates using (capture_id)
    left join raw_articles using (capture_id)
    left join fact_rates using (capture_id)
    left join fact_articles using (capture_id)
)

select *
from compared
where rates_parsed <> rates_loaded or articles_parsed <> articles_loaded
