create table if not exists raw.check_result (
    run_id varchar not null,
    check_name varchar not null,
    model varchar not null,
    severity varchar not null,
    offending_rows bigint not null,
    sample varchar not null,
    primary key (run_id, check_name)
);

comment on table raw.check_result is 'The result of a check in a run. One row per run and check.';
comment on column raw.check_result.run_id is 'The run.';
comment on column raw.check_result.check_name is 'Name of the check.';
comment on column raw.check_result.model is 'The table that it checks.';
comment on column raw.check_result.severity is 'error stops the publication, warn does not.';
comment on column raw.check_result.offending_rows is 'Rows that offend; 0 when it passed.';
comment on column raw.check_result.sample is 'A few of those rows as text.';
