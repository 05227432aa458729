create table if not exists raw.archive_file (
    archive_file varchar not null,
    source varchar not null,
    schedule varchar,
    slot timestamptz,
    sha256 varchar not null,
    bytes bigint not null,
    records bigint not null,
    bad_records bigint not null,
    parser_version varchar not null,
    run_id varchar not null,
    primary key (archive_file)
);

comment on table raw.archive_file is 'An archive file whose captures are all loaded. One row per file.';
comment on column raw.archive_file.archive_file is 'Path relative to the archive folder, with forward slashes.';
comment on column raw.archive_file.source is 'The source that it was written for; captures taken over from other files may have another one.';
comment on column raw.archive_file.schedule is 'The schedule that it was written for; null for an ingest or a backfill.';
comment on column raw.archive_file.slot is 'The scheduled instant that it was written for, UTC; null for an ingest or a backfill.';
comment on column raw.archive_file.sha256 is 'SHA-256 of the file, in hex.';
comment on column raw.archive_file.bytes is 'Length of the file in bytes.';
comment on column raw.archive_file.records is 'Captures read from it.';
comment on column raw.archive_file.bad_records is 'Parts of it that are not a usable record.';
comment on column raw.archive_file.parser_version is 'Version of the parser that read its captures.';
comment on column raw.archive_file.run_id is 'The run that loaded it.';
