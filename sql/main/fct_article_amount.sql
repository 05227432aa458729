/*
description: >-
  One row per amount of money that an article names. Amounts in the five currencies of the ticker are given in US
  dollars too, at the best rate (main.fct_rate_best) of the article's day (its publication in Asia/Almaty where known, else the first sighting)
  and with the interval of that rate.
grain: [article_id, text_start]
columns:
  article_id: Id of the article, a key of main.fct_article.
  amount_text: Text of the amount as printed.
  amount: Amount in units of the currency; the lower end of a range.
  currency: Currency of the amount, ISO 4217 code.
  amount_usd: >-
    Amount in US dollars at the rate of rate_date, rounded half up to 2 decimals, the lower end of a range; null where
    no rate is known or the amount is too large.
  text_start: Start of the amount in the text of the article, in characters from 0.
  text_end: End of the amount in the text of the article, exclusive, in characters from 0.
  amount_high: Upper end of a range of amounts, in units of the currency; null for a single amount.
  per: Unit of goods that the amount is the price of, such as a ton; null where the amount is no unit price.
  is_approximate: True where the text qualifies the amount by about, nearly, more than or a similar word.
  rate_date: Day in Asia/Almaty of the rate used for amount_usd; null where no rate is needed or known.
  is_rate_filled: True where the rate of rate_date was carried over from an earlier day; null where rate_date is null.
  rate_source: Source of the rate of rate_date, a key of main.dim_source; null where rate_date is null.
  amount_usd_low: >-
    Lower bound of the amount in US dollars, from the lower ends of amount and rate, rounded down; null where no rate is
    known or the amount is too large.
  amount_usd_high: >-
    Upper bound of the amount in US dollars, from the upper ends of amount and rate, rounded up; null where no rate is
    known or the amount is too large.
  no_usd_reason: >-
    Reason why the amount has no US dollars - currency_without_rates, before_first_rate or after_last_rate (the day of
    the article is outside the series of the currency), older_than_14_days (the latest rate before that day), or
    amount_too_large (for exact arithmetic); null where amount_usd is given.
  stated_usd: US dollars that the text gives for the amount, the lower end of a range; null where the text gives none.
  stated_usd_high: Upper end of a range of US dollars that the text gives for the amount; null without a range.
  stated_agrees: >-
    False where the stated US dollars lie more than a tenth outside amount_usd_low to amount_usd_high; null where
    nothing is stated or no rate is known.
sort: [article_id, text_start]
checks:
  - not_null: [text_end, amount_text, amount, currency, is_approximate]
  - accepted:
      no_usd_reason: [currency_without_rates, before_first_rate, after_last_rate, older_than_14_days, amount_too_large]
  - references: {article_id: main.fct_article.article_id}
  - references: {rate_source: main.dim_source.source}
  - name: dollars_lie_in_their_interval
    sql: >-
      select article_id, text_start, amount_usd_low, amount_usd, amount_usd_high from main.fct_article_amount
      where amount_usd not between amount_usd_low and amount_usd_high
  - name: every_amount_has_dollars_or_a_reason
    sql: >-
      select article_id, text_start, amount_usd_low, amount_usd, amount_usd_high, no_usd_reason
      from main.fct_article_amount
      where (no_usd_reason is null) <> (amount_usd is not null)
      or (no_usd_reason is null) <> (amount_usd_low is not null)
      or (no_usd_reason is null) <> (amount_usd_high is not null)
*/
with dated as (
    select
        article_id,
        text_id,
        coalesce(published_date, first_seen_date) as article_date
    from staging.stg_article
),

-- the widths leave room for a product within 38 digits; a larger amount, or a rate of a thousand, has no dollars
amounts as (
    select
        *,
        try_cast(amount as decimal(20, 4)) as low,
        try_cast(amount_high as decimal(20, 4)) as range_high
    from raw.text_amount
),

rates as (
    select
        rate_date,
        base,
        is_filled,
        rate_source,
        try_cast(rate as decimal(15, 12)) as rate,
        try_cast(rate_low as decimal(15, 12)) as rate_low,
        try_cast(rate_high as decimal(15, 12)) as rate_high
    from main.fct_rate_best
    where quote = 'USD' and rate is not null
),

priced as (
    select
        dated.article_id,
        dated.article_date,
        amounts.*,
        if(amounts.amount_high is null, amounts.low, amounts.range_high) as high,
        rates.rate_date,
        rates.is_filled,
        rates.rate_source,
        if(amounts.currency = 'USD', 1::decimal(15, 12), rates.rate) as rate,
        if(amounts.currency = 'USD', 1::decimal(15, 12), rates.rate_low) as rate_low,
        if(amounts.currency = 'USD', 1::decimal(15, 12), rates.rate_high) as rate_high
    from dated
    inner join amounts using (text_id)
    left join rates on rates.rate_date = dated.article_date and rates.base = amounts.currency
),

reasons as (
    select
        priced.*,
        case
            when priced.currency = 'USD' or priced.rate_date is not null
            then if(priced.low is null or priced.high is null or priced.rate_high is null, 'amount_too_large', null)
            when currency.first_rate_date is null then 'currency_without_rates'
            when priced.article_date < currency.first_rate_date then 'before_first_rate'
            when priced.article_date > currency.last_rate_date then 'after_last_rate'
            else 'older_than_14_days' -- a series has no gap
        end as no_usd_reason,
        if(no_usd_reason is null, priced.low, null) as exact_low,
        if(no_usd_reason is null, priced.high, null) as exact_high
    from priced
    left join main.dim_currency as currency on currency.currency_code = priced.currency
),

in_dollars as (
    select
        *,
        floor(exact_low * rate * 100::decimal(3, 0) + 0.5::decimal(2, 1))::decimal(24, 0) as cents,
        floor(exact_low * rate_low * 100::decimal(3, 0))::decimal(24, 0) as low_cents,
        ceil(exact_high * rate_high * 100::decimal(3, 0))::decimal(24, 0) as high_cents
    from reasons
)

select
    article_id,
    amount_text,
    amount,
    currency,
    (cents * 0.01)::decimal(24, 2) as amount_usd,
    text_start,
    text_end,
    amount_high,
    per,
    is_approximate,
    rate_date,
    is_filled as is_rate_filled,
    rate_source,
    (low_cents * 0.01)::decimal(24, 2) as amount_usd_low,
    (high_cents * 0.01)::decimal(24, 2) as amount_usd_high,
    no_usd_reason,
    stated_usd,
    stated_usd_high,
    stated_usd <= high_cents * 0.011 and coalesce(stated_usd_high, stated_usd) >= low_cents * 0.009 as stated_agrees
from in_dollars
