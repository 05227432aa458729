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
    of_other_sites integer not null default 0,
    error varchar,
    code_version varchar not null,
    warnings varchar[] not null,
    schedule varchar,
    cause varchar,
    primary key (run_id)
);

comment on table raw.run is 'Runs of the pipeline, failed ones too. One row per run.';
comment on column raw.run.run_id is 'Id of the run, made of the start in UTC, with a number where two runs began in one second.';
comment on column raw.run.kind is 'Kind of the run - run (request the sources), ingest (load given files), backfill (request older content), rebuild (read the whole archive again) or retry (read rejected captures again).';
comment on column raw.run.slot is 'Scheduled instant of the run, UTC; null for a run without a schedule.';
comment on column raw.run.started_at is 'Time at which the run began, UTC.';
comment on column raw.run.finished_at is 'Time at which the run ended, UTC; null for a crashed run.';
comment on column raw.run.status is 'Result of the run - succeeded, failed, cancelled (by Ctrl-C, a signal or Prefect), checks_failed (nothing was published) or crashed (killed).';
comment on column raw.run.exit_status is 'Exit status code of the command - 0 done, 1 failed, 2 wrong usage, 3 checks failed, 75 another run held the lock; null for a crashed run.';
comment on column raw.run.release_id is 'Id of the release that the run published; null where none was published.';
comment on column raw.run.captures is 'Number of captures that the run loaded.';
comment on column raw.run.rejects is 'Number of rejects that the run loaded; rejects for deleted articles and unavailable sources are not counted.';
comment on column raw.run.of_other_sites is 'Number of records that were left out as pages of other sites, of the ingested WARC and WET files that the run loaded; 0 for a run that loaded none.';
comment on column raw.run.error is 'Error that ended the run, as text for people; null for a run without an error.';
comment on column raw.run.code_version is 'Version of the program that ran.';
comment on column raw.run.warnings is 'Problems that did not stop the run, as a list of sentences.';
comment on column raw.run.schedule is 'Schedule that started the run, such as daily; null for a run without a schedule.';
comment on column raw.run.cause is 'Cause of the failure - site (not reached, or nothing usable), machine (error of the machine, the settings or the program), interrupted (by an operator or a service) or killed (process ended without a record); null where the status alone is clear, and for a run recorded before this column existed.';
