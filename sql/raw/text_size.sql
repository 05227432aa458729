create table if not exists raw.text_size (
    text_id varchar not null,
    characters integer not null,
    word_count integer not null,
    primary key (text_id)
);

comment on table raw.text_size is 'Lengths of texts, counted once, so that a build need not read every text. One row per text.';
comment on column raw.text_size.text_id is 'SHA-256 of the text in hex, a key of raw.article_text.';
comment on column raw.text_size.characters is 'Number of characters of the text, spaces included.';
comment on column raw.text_size.word_count is 'Number of words of the text, separated by spaces and line ends.';
