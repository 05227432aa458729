/*
description: >-
  One row per observation whose article a WordPress post identifies, by the post id of the observation or, where it has
  none, by the post that had the same address at that time. The rules and their tests are in docs/architecture.md.
grain: [capture_id, position]
columns:
  capture_id: WARC record id of the capture that shows the article.
  position: Position of the article on the page, from 1.
  slug: Slug of the article that the WordPress post of the observation identifies.
*/
with captures as (
    select capture_id, capture_order, slot
    from staging.stg_capture
),

observations as (
    select
        observation.capture_id,
        observation.position,
        observation.post_id,
        observation.published_at,
        observation.url_slug is not null as has_link,
        coalesce(observation.url_slug, by_title.slug) as address,
        captures.capture_order,
        captures.slot
    from raw.article_observation as observation
    inner join captures on captures.capture_id = observation.capture_id
    left join staging.stg_article_by_title as by_title
        on by_title.capture_id = observation.capture_id
        and by_title.position = observation.position
    where observation.title_slug is not null
),

-- the home of a post is the address of its first link; without any link, the address by title, which is weaker because
-- titles repeat
posts as (
    select
        post_id,
        arg_min(address, (not has_link, capture_order, address)) as home,
        bool_or(has_link) as was_linked,
        min(capture_order) as first_order
    from observations
    where post_id is not null
    group by post_id
),

-- no slug of WordPress has two hyphens in a row, so home--id can never be a real slug
post_articles as (
    select
        post_id,
        if(
            row_number() over (partition by home order by was_linked desc, first_order, post_id) = 1,
            home,
            home || '--' || post_id
        ) as slug
    from posts
),

-- posts at an address that at least one post with another slug had: such an address alone does not identify the
-- article
shared_addresses as (
    select
        observations.address,
        observations.capture_order,
        observations.slot,
        observations.published_at,
        post_articles.slug,
        (observations.capture_order, observations.post_id) as post_order
    from observations
    inner join post_articles on post_articles.post_id = observations.post_id
    where observations.has_link
    qualify bool_or(post_articles.slug <> observations.address) over (partition by observations.address)
),

-- a listing has no post ids: an article shown there is, of the posts at its address, the one with the same publication
-- time, else the latest seen by then (or in the same slot, as a run captures listings before posts), else the earliest
unnumbered_observations as (
    select
        unnumbered.capture_id,
        unnumbered.position,
        coalesce(
            arg_max(post.slug, post.post_order) filter (where post.published_at = unnumbered.published_at),
            arg_max(post.slug, post.post_order) filter (
                where post.capture_order <= unnumbered.capture_order or post.slot = unnumbered.slot
            ),
            arg_min(post.slug, post.post_order)
        ) as slug
    from observations as unnumbered
    inner join shared_addresses as post on post.address = unnumbered.address
    where unnumbered.post_id is null
    group by unnumbered.capture_id, unnumbered.position
)

select observations.capture_id, observations.position, post_articles.slug
from observations
inner join post_articles on post_articles.post_id = observations.post_id
union all
select capture_id, position, slug
from unnumbered_observations
