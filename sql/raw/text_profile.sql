create table if not exists raw.text_profile (
    text_id varchar not null,
    language varchar,
    words integer not null,
    bands ubigint[] not null,
    primary key (text_id)
);

comment on table raw.text_profile is 'Texts with language, length and the hashes that find near-duplicates. One row per text.';
comment on column raw.text_profile.text_id is 'SHA-256 of the text in hex, a key of raw.article_text.';
comment on column raw.text_profile.language is 'Language of the text, en for English; null for another language or a text too short to recognise.';
comment on column raw.text_profile.words is 'Number of words in the text of an article, numbers included.';
comment on column raw.text_profile.bands is 'Hashes of the text, of which near-duplicates have at least one in common; empty below 30 words.';
