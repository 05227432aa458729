create table if not exists raw.text_profile (
    text_id varchar not null,
    language varchar,
    words integer not null,
    bands ubigint[] not null,
    primary key (text_id)
);

comment on table raw.text_profile is 'What a text is as a whole. One row per text.';
comment on column raw.text_profile.text_id is 'The text.';
comment on column raw.text_profile.language is 'ISO 639-1 code: en, ru, ky, kk, uz, tg or tk; null where the text is too short to tell, or in none of these.';
comment on column raw.text_profile.words is 'Words and figures.';
comment on column raw.text_profile.bands is 'Hashes, one or more of which texts that are nearly the same have in common; empty below 30 words.';
