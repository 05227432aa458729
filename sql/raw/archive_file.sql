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

comment on table raw.archive_file is 'Archive files whose captures are all loaded. One row per file.';
comment on column raw.archive_file.archive_file is 'Path of the archive file, relative to the archive folder, with forward slashes.';
comment on column raw.archive_file.source is 'Source that the archive file was written for, a key of main.dim_source; captures copied from another file keep another source.';
comment on column raw.archive_file.schedule is 'Schedule that the archive file was written for, such as daily; null for an ingest or a backfill.';
comment on column raw.archive_file.slot is 'Scheduled instant that the archive file was written for, UTC; null for an ingest or a backfill.';
comment on column raw.archive_file.sha256 is 'SHA-256 of the archive file, or of a file elsewhere that was ingested with --by-reference, in hex.';
comment on column raw.archive_file.bytes is 'Length of the archive file, or of a file elsewhere that was ingested with --by-reference, in bytes.';
comment on column raw.archive_file.records is 'Number of captures read from the archive file.';
comment on column raw.archive_file.bad_records is 'Number of parts of the archive file that are not a usable record.';
comment on column raw.archive_file.parser_version is 'Version of the parser that read the captures.';
comment on column raw.archive_file.run_id is 'Id of the run that loaded the archive file.';
