/*
description: >-
  One row per observation of an article without a link, with the slug that the title gives. The rules and their tests
  are in docs/architecture.md.
grain: [capture_id, position]
# a stored view cannot use the macro lead_of
materialized: table
columns:
  capture_id: WARC record id of the capture that shows the article.
  position: Position of the article on the page, from 1.
  slug: >-
    Slug of the linked article with the same title (of several, the first by slug among the articles with the same
    lead), else the slug that WordPress makes of the title.
*/
with observations as (
    select capture_id, position, title_slug, url_slug, post_id, text_id
    from raw.article_observation
    where title_slug is not null
),

texts as (
    select text_id, text from raw.article_text
),

-- a link on an excluded capture counts too: exclusion is about what a capture shows of rates and texts, and a link
-- proves the address
linked_articles as (
    select title_slug, url_slug, min(post_id) as post_id
    from observations
    where url_slug is not null
    group by title_slug, url_slug
),

-- a post under two addresses is one article
linked_titles as (
    select
        title_slug,
        min(url_slug) as url_slug,
        count(distinct coalesce('post ' || post_id, url_slug)) as articles
    from linked_articles
    group by title_slug
),

-- of several linked articles with one title the lead decides, so only their texts are read
leads as (
    select distinct observations.title_slug, observations.url_slug, texts.text_id, lead_of(texts.text) as lead
    from observations
    inner join linked_titles on linked_titles.title_slug = observations.title_slug and linked_titles.articles > 1
    inner join texts on texts.text_id = observations.text_id
),

lead_matches as (
    select unlinked.title_slug, unlinked.text_id, min(linked.url_slug) as url_slug
    from leads as unlinked
    inner join leads as linked on linked.title_slug = unlinked.title_slug and linked.lead = unlinked.lead
    where unlinked.url_slug is null
    group by unlinked.title_slug, unlinked.text_id
)

select
    observations.capture_id,
    observations.position,
    coalesce(
        if(linked_titles.articles = 1, linked_titles.url_slug, lead_matches.url_slug),
        observations.title_slug
    ) as slug
from observations
left join linked_titles on linked_titles.title_slug = observations.title_slug
left join lead_matches on lead_matches.title_slug = observations.title_slug and lead_matches.text_id = observations.text_id
where observations.url_slug is null
