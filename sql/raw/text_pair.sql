create table if not exists raw.text_pair (
    text_id varchar not null,
    other_id varchar not null,
    shared_runs integer not null,
    runs integer not null,
    names_apart integer not null,
    primary key (text_id, other_id)
);

comment on table raw.text_pair is 'Two texts with the same numbers and at least half of their 3-word shingles in common. One row per pair.';
comment on column raw.text_pair.text_id is 'The text whose identifier sorts first.';
comment on column raw.text_pair.other_id is 'The other one.';
comment on column raw.text_pair.shared_runs is 'Distinct 3-word shingles that both have.';
comment on column raw.text_pair.runs is 'Distinct 3-word shingles that either has.';
comment on column raw.text_pair.names_apart is 'Names that one text has and the other lacks, the lesser of both sides.';
