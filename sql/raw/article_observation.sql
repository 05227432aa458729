create table if not exists raw.article_observation (
    capture_id varchar not null,
    "position" integer not null,
    title varchar,
    url varchar,
    text_id varchar,
    is_truncated boolean not null,
    author varchar,
    published_at timestamptz,
    published_date date,
    modified_at timestamptz,
    dateline varchar,
    media struct(kind varchar, attachment_id bigint, caption varchar)[] not null,
    post_id bigint,
    url_slug varchar,
    title_slug varchar,
    categories varchar[],
    primary key (capture_id, "position")
);

comment on table raw.article_observation is 'Articles as captures showed them. One row per capture and position.';
comment on column raw.article_observation.capture_id is 'WARC record id of the capture that shows the article.';
comment on column raw.article_observation."position" is 'Position of the article on the page, from 1.';
comment on column raw.article_observation.title is 'Title of the article as printed; null where the page shows no title.';
comment on column raw.article_observation.url is 'URL of the article; null where the page has no link to the article.';
comment on column raw.article_observation.text_id is 'SHA-256 of the text shown in hex, a key of raw.article_text; null where no text is shown.';
comment on column raw.article_observation.is_truncated is 'True where only the start of the text is shown, up to an ellipsis or to the end of the capture.';
comment on column raw.article_observation.author is 'Author of the article as printed; null where none is printed.';
comment on column raw.article_observation.published_at is 'Time of publication that the site states, UTC; null where none is stated.';
comment on column raw.article_observation.published_date is 'Calendar day of published_at in Asia/Almaty; null where published_at is null.';
comment on column raw.article_observation.modified_at is 'Time of the last change that the site states, UTC; null where none is stated, as in the feed.';
comment on column raw.article_observation.dateline is 'Dateline (town and agency at the head of the text) as printed; null where none is printed.';
comment on column raw.article_observation.media is 'Captions and WordPress attachment ids that were removed from the text, as a list; empty without any.';
comment on column raw.article_observation.post_id is 'WordPress id of the post; null where unknown, as on listings.';
comment on column raw.article_observation.url_slug is 'Slug that the URL of the article ends in; null without a URL, and for a URL such as /index.php?id=7.';
comment on column raw.article_observation.title_slug is 'Slug that WordPress makes of the title; null without a title.';
comment on column raw.article_observation.categories is 'Names of the categories and tags of the article as printed, which a feed does not distinguish; null where none is named.';
