create table if not exists raw.text_profile (
    text_id varchar not null,
    language varchar,
    words integer not null,
    bands ubigint[] not null,
    primary key (text_id)
);

comment on table raw.text_profile is 'What a text is as a whole. One row per text.';
comment on column raw.text_profile.text_id is 'The text.';
comment on column raw.text_profile.language is 'en for an English text; null for one in another language or too short to recognise.';
comment on column raw.text_profile.words is 'Words and numbers.';
comment on column raw.text_profile.bands is 'Hashes, one or more of which texts that are nearly the same have in common; empty below 30 words.';
