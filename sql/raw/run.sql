create table if not exists raw.run (
    run_id varchar not null,
    kind varchar not null,
    slot timestamptz,
    started_at timestamptz not null,
    finished_at timestamptz,
    status varchar not null,
    exit_status integer,
    release_id varchar,
    captures integer not null,
    rejects integer not null,
    error varchar,
    code_version varchar not null,
    warnings varchar[] not null,
    schedule varchar,
    cause varchar,
    primary key (run_id)
);

comment on table raw.run is 'One execution of the pipeline, also a failed one. One row per run.';
comment on column raw.run.run_id is 'The run: its start in UTC, numbered where two began in one second.';
comment on column raw.run.kind is 'What was requested: run, ingest, rebuild.';
comment on column raw.run.slot is 'The scheduled instant, UTC; null for a run without a schedule.';
comment on column raw.run.started_at is 'When it began, UTC.';
comment on column raw.run.finished_at is 'When it ended, UTC; null for a crash.';
comment on column raw.run.status is 'How it ended: succeeded, failed, checks_failed, crashed.';
comment on column raw.run.exit_status is 'Exit status of the command; null for a crash.';
comment on column raw.run.release_id is 'The release it published; null when it published none.';
comment on column raw.run.captures is 'Captures it loaded.';
comment on column raw.run.rejects is 'Rejects it loaded, without those that are the result of a request: an article deleted, a source unavailable.';
comment on column raw.run.error is 'Why it failed, as text for people.';
comment on column raw.run.code_version is 'Version of the code that ran.';
comment on column raw.run.warnings is 'Sentences about problems that did not stop it.';
comment on column raw.run.schedule is 'The schedule that began it; null for a run without a schedule.';
comment on column raw.run.cause is 'Why it failed: site, machine, interrupted or killed; null where the status alone is clear, and for a line written before this column.';
