create table if not exists raw.check_result (
    run_id varchar not null,
    check_name varchar not null,
    model varchar not null,
    severity varchar not null,
    offending_rows bigint not null,
    sample varchar not null,
    primary key (run_id, check_name)
);

comment on table raw.check_result is 'Results of checks. One row per run and check.';
comment on column raw.check_result.run_id is 'Id of the run that evaluated the check.';
comment on column raw.check_result.check_name is 'Name of the check.';
comment on column raw.check_result.model is 'Table that the check is about, as schema.table.';
comment on column raw.check_result.severity is 'Severity of the check, error (offending rows stop the publication) or warning.';
comment on column raw.check_result.offending_rows is 'Number of rows that did not pass the check.';
comment on column raw.check_result.sample is 'Some of the rows that did not pass the check, as text.';
