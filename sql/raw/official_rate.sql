create table if not exists raw.official_rate (
    capture_id varchar not null,
    "position" integer not null,
    base varchar not null,
    quote varchar not null,
    rate_text varchar not null,
    nominal integer not null,
    rate decimal(28, 10) not null,
    rate_date date not null,
    requested_date date,
    rate_type varchar not null,
    primary key (capture_id, "position")
);

comment on table raw.official_rate is 'Exchange rates as central banks published them. One row per capture and line of the bank''s table.';
comment on column raw.official_rate.capture_id is 'WARC record id of the response of the bank.';
comment on column raw.official_rate."position" is 'Position of the line in the bank''s table, from 0.';
comment on column raw.official_rate.base is 'Base currency, of which one unit is priced, ISO 4217 code.';
comment on column raw.official_rate.quote is 'Quote currency, in which the price is given, ISO 4217 code.';
comment on column raw.official_rate.rate_text is 'Text of the price of nominal units of base, as printed, without spaces, with the decimal separator of the bank.';
comment on column raw.official_rate.nominal is 'Number of units of base that the printed price is for, such as 1 or 100.';
comment on column raw.official_rate.rate is 'Units of quote per unit of base, the printed price divided by nominal.';
comment on column raw.official_rate.rate_date is 'Day in force that the response states, in the zone of the bank, which may differ from requested_date.';
comment on column raw.official_rate.requested_date is 'Day in the zone of the bank that the request was for; null where the request was for the latest rates or for a range of days.';
comment on column raw.official_rate.rate_type is 'Kind of the rate - official (set by the bank, or published for customs and accounts).';
