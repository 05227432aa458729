create table if not exists raw.rate_observation (
    capture_id varchar not null,
    base varchar not null,
    quote varchar not null,
    rate decimal(18, 8) not null,
    rate_text varchar not null,
    change_pct decimal(9, 4) not null,
    change_text varchar not null,
    "position" integer not null,
    primary key (capture_id, base, quote)
);

comment on table raw.rate_observation is 'A rate as one capture printed it. One row per capture and pair.';
comment on column raw.rate_observation.capture_id is 'The capture that printed the rate.';
comment on column raw.rate_observation.base is 'Currency that is priced, ISO 4217.';
comment on column raw.rate_observation.quote is 'Currency of the price, ISO 4217.';
comment on column raw.rate_observation.rate is 'Units of quote for 1 unit of base, the printed number.';
comment on column raw.rate_observation.rate_text is 'The rate as printed; its last digit bounds how exact it is.';
comment on column raw.rate_observation.change_pct is 'The printed change in per cent; -0% gives 0 here.';
comment on column raw.rate_observation.change_text is 'The change as printed; -0% is a fall that rounds to nothing.';
comment on column raw.rate_observation."position" is 'Position in the ticker, from 1.';
