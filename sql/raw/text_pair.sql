create table if not exists raw.text_pair (
    text_id varchar not null,
    other_id varchar not null,
    shared_runs integer not null,
    runs integer not null,
    names_apart integer not null,
    primary key (text_id, other_id)
);

comment on table raw.text_pair is 'Pairs of texts with the same numbers and at least half of the 3-word shingles in common. One row per pair.';
comment on column raw.text_pair.text_id is 'SHA-256 of the text of the pair that sorts first, in hex, a key of raw.article_text.';
comment on column raw.text_pair.other_id is 'SHA-256 of the text of the pair that sorts last, in hex, a key of raw.article_text.';
comment on column raw.text_pair.shared_runs is 'Number of distinct 3-word shingles that both texts have.';
comment on column raw.text_pair.runs is 'Number of distinct 3-word shingles of the two texts together.';
comment on column raw.text_pair.names_apart is 'Number of names that one text has and the other lacks, the smaller of the counts of the two texts.';
