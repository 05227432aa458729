/*
description: >-
  One row per article. Sightings of one slug are one article (docs/architecture.md has the rules). Title, URL, author
  and times are the latest that were shown. An observation without a title is not an article.
grain: [article_id]
columns:
  article_id: First 16 hex digits of the SHA-256 of slug; stable for as long as the slug is.
  slug: Identifies the article.
  title: The latest title shown.
  url: The latest link shown, null where no page showed one.
  first_seen_date: The day of the first sighting.
  last_seen_date: The day of the latest sighting.
  published_at: The latest time of publication shown, null where no page showed one.
  published_date: Its calendar day in Asia/Almaty.
  modified_at: The latest time of change shown, null where no page showed one.
  author: The latest author shown.
  post_id: Number of the post in WordPress, null where unknown.
  dateline: The latest dateline shown.
  text: >-
    The latest whole text of the posts API, the feed or the article's own page, else the longest that a listing showed
    whole, else the longest truncated one; null where only the title was ever shown.
  text_id: SHA-256 of the text.
  word_count: Words of the text, separated by spaces and line ends; null where there is no text.
  language: en for an English text; null for one in another language or too short to recognise.
  is_truncated: True where no page showed the text whole.
  media: Captions and attachment numbers, of the latest sighting that had any.
  removal: >-
    What the latest sweep that requested its page showed - gone or unlisted, as in main.fct_article_removal; null for an
    article that exists, as far as is known.
  removed_at: When a sweep first showed that, null for an article that exists.
  sightings: How often the article was seen, as in fct_article_sighting.
  texts: How many different texts were shown, truncated ones included.
  revisions: How often title or whole text changed, as in fct_article_revision.
  duplicate_of: >-
    The earlier article that this one repeats, as in fct_article_duplicate; null for all others.
sort: [first_seen_date, article_id]
partition_year: first_seen_date
checks:
  - unique: [slug]
  - not_null: [slug, title, first_seen_date, last_seen_date, is_truncated, sightings, texts, revisions]
  - between: {sightings: [1, null]}
  - between: {revisions: [0, null]}
  - name: last_seen_is_not_before_first
    sql: select article_id, first_seen_date, last_seen_date from main.fct_article where last_seen_date < first_seen_date
  - name: text_is_kept
    sql: select article_id, text_id from main.fct_article where text_id is not null and text is null
*/
with article_observations as (
    select
        sighting.*,
        observation.url,
        observation.published_at,
        observation.published_date,
        observation.modified_at,
        observation.author,
        observation.post_id,
        observation.dateline,
        observation.media
    from main.fct_article_sighting as sighting
    inner join raw.article_observation as observation using (capture_id, position)
),

articles as (
    select
        article_id,
        slug,
        max(sighting_number) as sightings,
        min(seen_date) as first_seen_date,
        max(seen_date) as last_seen_date,
        arg_max(title, sighting_number) as title,
        arg_max(url, sighting_number) as url,
        arg_max(published_at, sighting_number) as published_at,
        arg_max(published_date, sighting_number) as published_date,
        arg_max(modified_at, sighting_number) as modified_at,
        arg_max(author, sighting_number) as author,
        arg_max(post_id, sighting_number) as post_id,
        arg_max(dateline, sighting_number) as dateline,
        arg_max(media, sighting_number) filter (where len(media) > 0) as media,
        count(distinct text_id) as texts
    from article_observations
    group by article_id, slug
),

-- an address that leads to a listing shows what a listing shows
article_pages as (
    select capture_id
    from raw.capture
    where source = 'timesca-articles'
    and page_kind = 'article'
),

-- the texts of an article, with their last sighting of all and on a source of whole texts
candidate_texts as (
    select
        article_id,
        text_id,
        is_truncated,
        max(sighting_number) as last_number,
        max(sighting_number) filter (
            where source in ('timesca-posts', 'timesca-feed')
            or (source = 'timesca-articles' and capture_id in (from article_pages))
        ) as last_whole_number
    from main.fct_article_sighting
    where text_id is not null
    group by all
),

chosen_texts as (
    select
        candidate_texts.article_id, candidate_texts.is_truncated, texts.text_id, texts.text,
        -- a cleaned text has spaces and line feeds only; most are one paragraph and need no replacing, which is slow
        if(contains(texts.text, chr(10)), replace(texts.text, chr(10), ' '), texts.text) as spaced_text
    from candidate_texts
    inner join raw.article_text as texts on texts.text_id = candidate_texts.text_id
    qualify row_number() over (
        partition by candidate_texts.article_id
        order by
            candidate_texts.is_truncated, candidate_texts.last_whole_number desc nulls last,
            length(texts.text) desc, candidate_texts.last_number desc
    ) = 1
)

select
    articles.article_id,
    articles.slug,
    articles.title,
    articles.url,
    articles.first_seen_date,
    articles.last_seen_date,
    articles.published_at,
    articles.published_date,
    articles.modified_at,
    articles.author,
    articles.post_id,
    articles.dateline,
    chosen_texts.text,
    chosen_texts.text_id,
    len(list_filter(string_split(chosen_texts.spaced_text, ' '), lambda word: word <> ''))::integer as word_count,
    profile.language,
    coalesce(chosen_texts.is_truncated, false) as is_truncated,
    coalesce(articles.media, []) as media,
    removal.kind as removal,
    removal.found_at as removed_at,
    articles.sightings,
    articles.texts::integer as texts,
    latest_revisions.revisions,
    duplicate.duplicate_of
from articles
inner join (
    select article_id, max(revision) as revisions from main.fct_article_revision group by article_id
) as latest_revisions on latest_revisions.article_id = articles.article_id
left join chosen_texts on chosen_texts.article_id = articles.article_id
left join main.fct_article_removal as removal on removal.article_id = articles.article_id and removal.is_current
left join raw.text_profile as profile on profile.text_id = chosen_texts.text_id
left join main.fct_article_duplicate as duplicate on duplicate.article_id = articles.article_id
