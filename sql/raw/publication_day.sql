create table if not exists raw.publication_day (
    source varchar not null,
    day date not null,
    day_kind varchar not null,
    primary key (source, day)
);

comment on table raw.publication_day is 'Calendar of the central banks. One row per bank and day since the first rate of the bank.';
comment on column raw.publication_day.source is 'Bank, a key of main.dim_source.';
comment on column raw.publication_day.day is 'Day that a rate of the bank may be dated with, a calendar day in the zone of the bank.';
comment on column raw.publication_day.day_kind is 'Kind of the day - expected (the bank dates a new rate with this day), weekend or holiday (the rate of an earlier day stays in force).';
