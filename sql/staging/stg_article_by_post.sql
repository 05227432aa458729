/*
description: >-
  One row per observation whose article a WordPress post id identifies, its own or that of the post which had its
  address then. The rules and their tests are in docs/architecture.md.
grain: [capture_id, position]
columns:
  capture_id: The capture that shows the article.
  position: Its position on the page.
  slug: That of the article which is the post.
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

-- the home of a post is its first address by a link, or by its title, which other articles may have too
posts as (
    select
        post_id,
        arg_min(address, (not has_link, capture_order, address)) as home,
        bool_or(has_link) as has_link,
        min(capture_order) as first_order
    from observations
    where post_id is not null
    group by post_id
),

-- no slug of WordPress has two hyphens in a row
post_articles as (
    select
        post_id,
        if(
            row_number() over (partition by home order by has_link desc, first_order, post_id) = 1,
            home,
            home || '--' || post_id
        ) as slug
    from posts
),

-- the posts that were at an address which is not, or not only, the slug of one post
shared_addresses as (
    select
        observations.address,
        observations.capture_order,
        observations.slot,
        observations.published_at,
        post_articles.slug,
        (observations.capture_order, observations.post_id) as turn
    from observations
    inner join post_articles on post_articles.post_id = observations.post_id
    where observations.has_link
    qualify bool_or(post_articles.slug <> observations.address) over (partition by observations.address)
),

-- a listing has no post ids: it shows the post of its time of publication, else the latest that had the address; a run
-- captures its listings before the posts of the same slot
unnumbered_observations as (
    select
        unnumbered.capture_id,
        unnumbered.position,
        coalesce(
            arg_max(post.slug, post.turn) filter (where post.published_at = unnumbered.published_at),
            arg_max(post.slug, post.turn) filter (
                where post.capture_order <= unnumbered.capture_order or post.slot = unnumbered.slot
            ),
            arg_min(post.slug, post.turn)
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
