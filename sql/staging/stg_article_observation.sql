/*
description: >-
  One row per observation of an article with a title, with the slug that identifies the article, which is the first that
  exists of the slug of the post (stg_article_by_post), the last segment of the URL, and the slug by the title
  (stg_article_by_title). docs/architecture.md has the rules and their tests. An observation without a title is not
  here; fct_listing_page counts it.
grain: [capture_id, position]
materialized: table
columns:
  capture_id: WARC record id of the capture that shows the article.
  position: Position of the article on the page, from 1.
  slug: Slug that identifies the article.
  article_id: Id of the article, the first 16 hex digits of the SHA-256 of slug.
  title: Title of the article as printed.
  text_id: SHA-256 of the text shown in hex, a key of raw.article_text; null where no text is shown.
  is_truncated: True where only the start of the text is shown, up to an ellipsis or to the end of the capture.
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
