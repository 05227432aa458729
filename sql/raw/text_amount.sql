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

comment on table raw.text_amount is 'Amounts of money that texts name. One row per text and position of the amount.';
comment on column raw.text_amount.text_id is 'SHA-256 of the text that names the amount, in hex, a key of raw.article_text.';
comment on column raw.text_amount.text_start is 'Start of the amount in the text of the article, in characters from 0.';
comment on column raw.text_amount.text_end is 'End of the amount in the text of the article, exclusive, in characters from 0.';
comment on column raw.text_amount.amount_text is 'Text of the amount as printed.';
comment on column raw.text_amount.amount is 'Amount in units of the currency; the lower end of a range.';
comment on column raw.text_amount.amount_high is 'Upper end of a range of amounts, in units of the currency; null for a single amount.';
comment on column raw.text_amount.currency is 'Currency of the amount, ISO 4217 code.';
comment on column raw.text_amount.per is 'Unit of goods that the amount is the price of, such as a ton; null where the amount is no unit price.';
comment on column raw.text_amount.is_approximate is 'True where the text qualifies the amount by about, nearly, more than or a similar word.';
comment on column raw.text_amount.stated_usd is 'US dollars that the text gives for the amount, the lower end of a range; null where the text gives none.';
comment on column raw.text_amount.stated_usd_high is 'Upper end of a range of US dollars that the text gives for the amount; null without a range.';
