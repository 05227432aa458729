create table if not exists raw.layout (
    sha256 varchar not null
);

comment on table raw.layout is 'Version of the landing tables in this warehouse file. One row.';
comment on column raw.layout.sha256 is 'SHA-256 of the files in sql/raw that made the landing tables, in hex.';
