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

comment on table raw.article_observation is 'An article as one capture showed it. One row per capture and position.';
comment on column raw.article_observation.capture_id is 'The capture that showed the article.';
comment on column raw.article_observation."position" is 'Position on the page, from 1.';
comment on column raw.article_observation.title is 'Title as printed.';
comment on column raw.article_observation.url is 'Address of the article; null where the form of the page carries none.';
comment on column raw.article_observation.text_id is 'The text shown, a key of raw.article_text; null without one.';
comment on column raw.article_observation.is_truncated is 'True where the text ends in an ellipsis, or amid a sentence where the capture ends: only its start is shown.';
comment on column raw.article_observation.author is 'Author as printed.';
comment on column raw.article_observation.published_at is 'Time of publication that the page states, UTC.';
comment on column raw.article_observation.published_date is 'Calendar day of published_at in Asia/Almaty.';
comment on column raw.article_observation.modified_at is 'Time of the last change that the page states, UTC; the feed has none.';
comment on column raw.article_observation.dateline is 'Place and agency at the head of the text, as printed.';
comment on column raw.article_observation.media is 'Captions and attachment ids removed from the text.';
comment on column raw.article_observation.post_id is 'Number of the post in WordPress; null where the page has none, as on listings.';
comment on column raw.article_observation.url_slug is 'Slug that the address ends in; null without an address, or with one such as /index.php?id=7.';
comment on column raw.article_observation.title_slug is 'Slug that WordPress makes of the title; null without a title.';
comment on column raw.article_observation.categories is 'Names of categories and tags, as printed; a feed does not distinguish the two. Null where the page names none.';
