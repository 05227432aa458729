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

comment on table raw.rate_observation is 'Exchange rates as captures printed them. One row per capture and currency pair.';
comment on column raw.rate_observation.capture_id is 'WARC record id of the capture that printed the rate.';
comment on column raw.rate_observation.base is 'Base currency, of which one unit is priced, ISO 4217 code.';
comment on column raw.rate_observation.quote is 'Quote currency, in which the price is given, ISO 4217 code.';
comment on column raw.rate_observation.rate is 'Units of quote per unit of base, as printed.';
comment on column raw.rate_observation.rate_text is 'Text of the rate as printed; the last digit bounds the accuracy.';
comment on column raw.rate_observation.change_pct is 'Printed change of the rate in percent; the page does not state the day compared with.';
comment on column raw.rate_observation.change_text is 'Text of the change as printed; -0% is a fall rounded to zero.';
comment on column raw.rate_observation."position" is 'Position of the currency pair in the ticker, from 1.';
