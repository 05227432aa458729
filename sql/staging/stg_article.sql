/*
description: >-
  One row per article, as in main.fct_article, with the id of its text in place of the text. An observation without a
  title is not an article.
grain: [article_id]
# main.fct_article is a view of this table: a text is stored once, in raw.article_text
materialized: table
columns:
  article_id: Id of the article, the first 16 hex digits of the SHA-256 of slug. Stable for as long as the slug is.
  slug: Slug that identifies the article.
  title: Title of the article as printed, the latest shown.
  url: URL of the article, the latest shown; null where none was shown.
  first_seen_date: Day of the first sighting of the article, as printed, else the Asia/Almaty day of the capture.
  last_seen_date: Day of the latest sighting of the article, as printed, else the Asia/Almaty day of the capture.
  published_at: Time of publication that the site states, UTC; null where none was stated.
  published_date: Calendar day of published_at in Asia/Almaty; null where published_at is null.
  modified_at: Time of the last change that the site states, UTC; null where none was stated.
  author: Author of the article as printed; null where none was printed.
  post_id: WordPress id of the post; null where unknown.
  dateline: Dateline (town and agency at the head of the text) as printed; null where none was printed.
  text_id: >-
    SHA-256 of the text in hex, a key of raw.article_text: the latest whole text of the posts API, the feed or the article
    page, else the longest whole text of a listing, else the longest truncated text; null where only the title was ever
    shown.
  word_count: Number of words of the text, separated by spaces and line ends; null where there is no text.
  language: Language of the text, en for English; null for another language or a text too short to recognise.
  is_truncated: True where the text is truncated, since no page showed the whole text.
  media: >-
    Captions and WordPress attachment ids that were removed from the text, as a list, empty without any; from the latest
    sighting with any.
  removal: >-
    Removal shown by the latest sweep that requested the page, gone or unlisted as in main.fct_article_removal; null for
    an article that exists, as far as is known.
  removed_at: Time at which a sweep first found the removal, UTC; null for an article that exists, as far as is known.
  sightings: Number of sightings of the article, as in fct_article_sighting.
  texts: Number of different texts of the article that were shown, truncated ones included.
  revisions: Number of changes of the title or the whole text, as in fct_article_revision.
  duplicate_of: Id of the earlier article that this article repeats, as in fct_article_duplicate; null for all others.
sort: [first_seen_date, article_id]
checks:
  - not_null: [title, first_seen_date, last_seen_date, is_truncated, sightings, texts, revisions]
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

-- without the captures of article addresses that lead to a listing, which shows no whole text
article_pages as (
    select capture_id
    from raw.capture
    where source = 'timesca-articles'
    and page_kind = 'article'
),

-- the texts of an article, with the last sighting of each, and the last on a source of whole texts
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
    select candidate_texts.article_id, candidate_texts.is_truncated, candidate_texts.text_id, size.word_count
    from candidate_texts
    left join raw.text_size as size on size.text_id = candidate_texts.text_id
    qualify row_number() over (
        partition by candidate_texts.article_id
        order by
            candidate_texts.is_truncated, candidate_texts.last_whole_number desc nulls last,
            size.characters desc nulls last, candidate_texts.last_number desc
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
    chosen_texts.text_id,
    chosen_texts.word_count,
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
    select article_id, max(revision) as revisions from staging.stg_article_revision group by article_id
) as latest_revisions on latest_revisions.article_id = articles.article_id
left join chosen_texts on chosen_texts.article_id = articles.article_id
left join main.fct_article_removal as removal on removal.article_id = articles.article_id and removal.is_current
left join raw.text_profile as profile on profile.text_id = chosen_texts.text_id
left join main.fct_article_duplicate as duplicate on duplicate.article_id = articles.article_id
