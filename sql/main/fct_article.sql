/*
description: >-
  One row per article. Sightings of one slug are one article (docs/architecture.md has the rules). Title, URL, author
  and times are the latest that were shown. An observation without a title is not an article.
grain: [article_id]
# a text is stored once, in raw.article_text
materialized: view
rows_of: staging.stg_article
columns:
  article_id: Id of the article, the first 16 hex digits of the SHA-256 of slug. Stable for as long as the slug is.
  first_seen_date: Day of the first sighting of the article, as printed, else the Asia/Almaty day of the capture.
  title: Title of the article as printed, the latest shown.
  slug: Slug that identifies the article.
  url: URL of the article, the latest shown; null where none was shown.
  last_seen_date: Day of the latest sighting of the article, as printed, else the Asia/Almaty day of the capture.
  published_at: Time of publication that the site states, UTC; null where none was stated.
  published_date: Calendar day of published_at in Asia/Almaty; null where published_at is null.
  modified_at: Time of the last change that the site states, UTC; null where none was stated.
  author: Author of the article as printed; null where none was printed.
  post_id: WordPress id of the post; null where unknown.
  dateline: Dateline (town and agency at the head of the text) as printed; null where none was printed.
  text: >-
    Text of the article, the latest whole text of the posts API, the feed or the article page, else the longest whole
    text of a listing, else the longest truncated text; null where only the title was ever shown.
  text_id: SHA-256 of the text in hex, a key of raw.article_text; null where there is no text.
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
partition_year: first_seen_date
checks:
  - unique: [slug]
  - not_null: [slug, title, first_seen_date, last_seen_date, is_truncated, sightings, texts, revisions]
  - between: {sightings: [1, null]}
  - between: {revisions: [0, null]}
  - references: {duplicate_of: main.fct_article.article_id}
  - references: {text_id: raw.article_text.text_id}
  - name: last_seen_is_not_before_first
    sql: select article_id, first_seen_date, last_seen_date from main.fct_article where last_seen_date < first_seen_date
*/
select
    article.article_id,
    article.first_seen_date,
    article.title,
    article.slug,
    article.url,
    article.last_seen_date,
    article.published_at,
    article.published_date,
    article.modified_at,
    article.author,
    article.post_id,
    article.dateline,
    texts.text,
    article.text_id,
    article.word_count,
    article.language,
    article.is_truncated,
    article.media,
    article.removal,
    article.removed_at,
    article.sightings,
    article.texts,
    article.revisions,
    article.duplicate_of
from raw.article_text as texts
right join staging.stg_article as article on article.text_id = texts.text_id
