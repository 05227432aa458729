create table if not exists raw.text_amount (
    text_id varchar not null,
    text_start integer not null,
    text_end integer not null,
    amount_text varchar not null,
    amount decimal(28, 10) not null,
    amount_high decimal(28, 10),
    currency varchar not null,
    per varchar,
    is_approximate boolean not null,
    stated_usd decimal(28, 10),
    stated_usd_high decimal(28, 10),
    primary key (text_id, text_start)
);

comment on table raw.text_amount is 'An amount of money that a text names. One row per text and position in it.';
comment on column raw.text_amount.text_id is 'The text.';
comment on column raw.text_amount.text_start is 'Where it starts, in characters from 0.';
comment on column raw.text_amount.text_end is 'Where it ends, exclusive.';
comment on column raw.text_amount.amount_text is 'As printed.';
comment on column raw.text_amount.amount is 'In units of the currency; the lower end of a range.';
comment on column raw.text_amount.amount_high is 'The upper end of a range, else null.';
comment on column raw.text_amount.currency is 'ISO 4217 code.';
comment on column raw.text_amount.per is 'What it is the price of a unit of, such as a ton; null for any other amount.';
comment on column raw.text_amount.is_approximate is 'True where the text qualifies it by about, nearly, more than or the like.';
comment on column raw.text_amount.stated_usd is 'The dollars that the text itself gives for it.';
comment on column raw.text_amount.stated_usd_high is 'The upper end of those, else null.';
