create table if not exists raw.article_text (
    text_id varchar not null,
    text varchar not null,
    primary key (text_id)
);

comment on table raw.article_text is 'Texts of articles, each stored once however often it was shown. One row per text.';
comment on column raw.article_text.text_id is 'SHA-256 of the cleaned text, in hex.';
comment on column raw.article_text.text is 'Cleaned text of an article, without captions and shortcodes.';
