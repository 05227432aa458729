/*
description: >-
  One row per observation of an article with a title, with the slug that identifies the article. It is the first that
  exists of: the slug of its post (stg_article_by_post), the last segment of its URL, the slug by its title
  (stg_article_by_title). docs/architecture.md has the rules and their tests. An observation without a title is not
  here; fct_listing_page counts it.
grain: [capture_id, position]
materialized: table
columns:
  capture_id: The capture that shows the article.
  position: Its position on the page.
  slug: Identifies the article.
  article_id: First 16 hex digits of the SHA-256 of slug.
  title: The title as shown.
  text_id: SHA-256 of the cleaned text shown, null where only the title is shown.
  is_truncated: True where the text shown ends in an ellipsis.
*/
with observations as (
    select capture_id, position, title, url_slug, text_id, is_truncated
    from raw.article_observation
    where title_slug is not null
),

identified_observations as (
    select observations.*, coalesce(by_post.slug, observations.url_slug, by_title.slug) as slug
    from observations
    left join staging.stg_article_by_post as by_post
        on by_post.capture_id = observations.capture_id
        and by_post.position = observations.position
    left join staging.stg_article_by_title as by_title
        on by_title.capture_id = observations.capture_id
        and by_title.position = observations.position
)

select
    capture_id,
    position,
    slug,
    left(sha256(slug), 16) as article_id,
    title,
    text_id,
    is_truncated
from identified_observations
