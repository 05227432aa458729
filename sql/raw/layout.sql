create table if not exists raw.layout (
    sha256 varchar not null
);

comment on table raw.layout is 'Which version of the landing tables this file holds. One row.';
comment on column raw.layout.sha256 is 'SHA-256 of the files in sql/raw that made them, in hex.';
