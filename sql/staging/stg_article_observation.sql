/*
description: >-
  Articles as shown, one row per place on a captured page, with the slug that says which article it is. The slug is
  the last segment of the article's URL, else what WordPress makes of the title - lower case, accents folded, quotes
  and other signs dropped, blanks, dashes, full stops and slashes to single hyphens, at most 200 characters. An
  article that is shown without a link is the one that was shown under that title with a link anywhere; where several
  articles bear that title, the one whose text begins alike, else the article that WordPress would have named so.
  Of several that one page shows under one title without a link (staging.stg_article_namesake) the first without an
  address has that name, and the others are told apart by "--" and a mark of their lead.
  What tells the number of its post is the article that the post was under its first address, and a
  second post under an address of another one is an article of its own, told apart by "--" and its number.
  What tells no number at such an address is the post of its time of publication, else the one that stood there by then,
  as the answers of the same run tell too.
  Observations without a title are not here; fct_listing_page counts them.
grain: [capture_id, position]
# what it takes to make is paid once, and old clients would make a view anew for seconds
materialized: table
columns:
  capture_id: The capture that showed the article.
  position: Its place on the page.
  slug: Names the article; see the description.
  article_id: First 16 hex digits of the SHA-256 of slug.
  title: The title as shown.
  url: The link of the title, null where the page shows none.
  text_id: SHA-256 of the cleaned text shown, null where only the title is shown.
  is_truncated: True where the text shown ends in an ellipsis.
  author: The author as shown.
  published_at: The time of publication as shown.
  modified_at: The time of the last change as shown.
  dateline: The dateline in front of the text.
  media: Captions and attachment numbers taken out of the text.
  post_id: Number of the post in WordPress, null where the page does not tell.
*/
-- an article is shown on many pages under the same title and link: its slug is made once
with named as (
    select
        title,
        url,
        regexp_replace(regexp_replace(url, '^[A-Za-z]+:/*[^/?#]*|[?#].*$', '', 'g'), '(\.html?|/index\.php)?/*$', '')
            as path
    from (select distinct title, url from raw.article_observation)
    where trim(title) <> ''
),

-- url_decode raises for octets that are no UTF-8, so only what certainly is gets decoded
decoded as (
    select
        *,
        regexp_extract(path, '[^/]+$') as segment,
        case
            when not contains(segment, '%') then segment
            when regexp_full_match(
                segment,
                '([^%]|%[2-7][0-9a-f]|%(c[2-9a-f]|d[0-9a-f])%[89ab][0-9a-f]|%e[1-9abcef](%[89ab][0-9a-f]){2})*', 'i'
            ) then url_decode(segment)
            else segment
        end as decoded_segment
    from named
),

-- old addresses such as /index.php?id=7 have no segment of their own
labelled as (
    select *, coalesce(nullif(decoded_segment, ''), title) as label
    from decoded
),

-- a title is made a slug too where it is needed: to find the link of what was shown without one
labels as (
    select label from labelled
    union
    select title from labelled
    where exists (from labelled where url is null)
),

folded as (
    select
        label,
        strip_accents(replace(replace(translate(lower(label), 'øłđðıħŧß', 'olddihts'), 'æ', 'ae'), 'œ', 'oe'))
            as letters
    from labels
),

hyphened as (
    select
        *,
        case
            -- most slugs come from a link and are plain already: classes of Unicode are slow to match
            when regexp_full_match(letters, '[a-z0-9_]+(-[a-z0-9_]+)*') then letters
            else regexp_replace(
                regexp_replace(regexp_replace(letters, '[\p{Z}\p{Pd}\s./]', '-', 'g'), '[^\p{L}\p{N}_-]', '', 'g'),
                '-+', '-', 'g'
            )
        end as hyphens
    from folded
),

slugged as (
    select label, slug, left(sha256(slug), 16) as article_id
    from (
        select label, coalesce(nullif(trim(left(trim(hyphens, '-'), 200), '-'), ''), label) as slug
        from hyphened
    )
),

slugs as (
    select
        labelled.title,
        labelled.url,
        labelled.segment,
        own.slug,
        own.article_id,
        of_title.slug as title_slug
    from labelled
    inner join slugged as own using (label)
    left join slugged as of_title on of_title.label = labelled.title
),

linked as (
    select
        title_slug,
        min(slug) as slug,
        count(distinct coalesce(post, slug)) as articles,
        bool_or(slug = title_slug) as has_name_of_title
    from (
        select slugs.title_slug, slugs.slug, min(shown.post_id)::varchar as post
        from slugs
        left join raw.article_observation as shown
            on shown.title = slugs.title and shown.url is not distinct from slugs.url
        where slugs.segment <> ''
        group by all
    )
    group by title_slug
),

namesakes as materialized (
    select namesake.*, slugs.title_slug
    from staging.stg_article_namesake as namesake
    inner join raw.article_observation as shown using (capture_id, position)
    inner join slugs on slugs.title = shown.title and slugs.url is null
),

-- the beginnings of articles that share their title: of several, the lead says which one is shown
leads as (
    select distinct
        slugs.title_slug,
        slugs.slug,
        lead_of(texts.text) as lead
    from slugs
    inner join linked on linked.title_slug = slugs.title_slug
    inner join raw.article_observation as shown
        on shown.title = slugs.title and shown.url is not distinct from slugs.url
    inner join raw.article_text as texts on texts.text_id = shown.text_id
    where slugs.segment <> ''
    and (linked.articles > 1 or slugs.title_slug in (select title_slug from namesakes))
),

resolved as (
    select
        shown.capture_id,
        shown.position,
        shown.text_id,
        shown.post_id,
        shown.published_at,
        slugs.slug as own_slug,
        slugs.article_id as own_article_id,
        if(slugs.segment <> '', null, linked.slug) as linked_slug,
        linked.articles as linked_articles,
        slugs.title_slug,
        coalesce(slugs.segment, '') as own_segment
    from raw.article_observation as shown
    inner join slugs on slugs.title = shown.title and slugs.url is not distinct from shown.url
    left join linked on linked.title_slug = slugs.title_slug and coalesce(slugs.segment, '') = ''
),

ambiguous as materialized (
    select capture_id, position, title_slug, text_id
    from resolved
    where linked_articles > 1
),

begun as materialized (
    select text_id, lead_of(text) as lead
    from raw.article_text
    where text_id in (select text_id from ambiguous)
),

told_apart as (
    select ambiguous.capture_id, ambiguous.position, min(leads.slug) as slug
    from ambiguous
    inner join begun on begun.text_id = ambiguous.text_id
    inner join leads on leads.title_slug = ambiguous.title_slug and leads.lead = begun.lead
    group by all
),

met as (
    select namesakes.title_slug, namesakes.mark, namesakes.number, min(leads.slug) as slug
    from namesakes
    left join leads
        on leads.title_slug = namesakes.title_slug
        and (starts_with(leads.lead, namesakes.lead) or starts_with(namesakes.lead, rtrim(leads.lead)))
    group by all
),

namesake_slugs as (
    select
        met.title_slug,
        met.mark,
        case
            when met.slug is not null then met.slug
            when met.number > min(met.number) filter (where met.slug is null) over of_title
            then met.title_slug || '--' || met.mark
            when linked.articles = 1 and count(met.slug) over of_title = 0 then linked.slug
            when linked.has_name_of_title then met.title_slug || '--' || met.mark
            else met.title_slug
        end as slug
    from met
    left join linked on linked.title_slug = met.title_slug
    window of_title as (partition by met.title_slug)
),

identified as materialized (
    select
        resolved.*,
        case
            when namesake_slugs.slug is not null then namesake_slugs.slug
            when resolved.linked_articles = 1 then resolved.linked_slug
            else coalesce(told_apart.slug, resolved.own_slug)
        end as slug
    from resolved
    left join told_apart using (capture_id, position)
    left join namesakes using (capture_id, position)
    left join namesake_slugs
        on namesake_slugs.title_slug = namesakes.title_slug
        and namesake_slugs.mark = namesakes.mark
),

-- the number of a post tells more than its address, which may be mended, or taken by another one after it
addresses as materialized (
    select distinct
        identified.post_id,
        identified.slug,
        -- what has no address of its own is named by its title, which others may bear
        identified.own_segment <> '' as is_address,
        capture.capture_order as shown_order,
        capture.slot,
        identified.published_at
    from identified
    inner join staging.stg_capture as capture on capture.capture_id = identified.capture_id
    where identified.post_id is not null
),

posts as (
    select
        post_id,
        arg_min(slug, (not is_address, shown_order, slug)) as home,
        row_number() over (
            partition by arg_min(slug, (not is_address, shown_order, slug))
            order by bool_or(is_address) desc, min(shown_order), post_id
        ) as occupant
    from addresses
    group by post_id
),

keyed as (
    -- no slug of WordPress has two hyphens in a row
    select post_id, if(occupant = 1, home, home || '--' || post_id) as slug
    from posts
),

elsewhere as (
    select
        addresses.slug,
        addresses.shown_order,
        addresses.published_at,
        addresses.slot,
        keyed.slug as article_slug
    from addresses
    inner join keyed on keyed.post_id = addresses.post_id
    where addresses.is_address
    and addresses.slug in (
        select addresses.slug
        from addresses
        inner join keyed on keyed.post_id = addresses.post_id
        where addresses.is_address and keyed.slug <> addresses.slug
    )
),

-- a listing tells no number: it shows the post of its time of publication, else the one that stood at the address by
-- then; a run reads its listings before the posts, whose answer tells who stood there already
followed as (
    select
        shown.capture_id,
        shown.position,
        coalesce(
            arg_max(elsewhere.article_slug, elsewhere.shown_order)
                filter (where elsewhere.published_at = shown.published_at),
            arg_max(elsewhere.article_slug, elsewhere.shown_order)
                filter (
                    where elsewhere.shown_order <= capture.capture_order
                    or elsewhere.slot = capture.slot
                ),
            arg_min(elsewhere.article_slug, elsewhere.shown_order)
        ) as slug
    from identified as shown
    inner join elsewhere on elsewhere.slug = shown.slug
    inner join staging.stg_capture as capture on capture.capture_id = shown.capture_id
    where shown.post_id is null
    group by all
),

named_at_last as (
    select
        identified.capture_id,
        identified.position,
        coalesce(keyed.slug, followed.slug, identified.slug) as slug,
        identified.own_slug,
        identified.own_article_id
    from identified
    left join keyed on keyed.post_id = identified.post_id
    left join followed on followed.capture_id = identified.capture_id and followed.position = identified.position
)

select
    shown.capture_id,
    shown.position,
    named_at_last.slug,
    -- thousands of sightings have hundreds of slugs
    if(
        named_at_last.slug = named_at_last.own_slug,
        named_at_last.own_article_id,
        left(sha256(named_at_last.slug), 16)
    ) as article_id,
    shown.title,
    shown.url,
    shown.text_id,
    shown.is_truncated,
    shown.author,
    shown.published_at,
    shown.modified_at,
    shown.dateline,
    shown.media,
    shown.post_id
from named_at_last
inner join raw.article_observation as shown
    on shown.capture_id = named_at_last.capture_id
    and shown.position = named_at_last.position
