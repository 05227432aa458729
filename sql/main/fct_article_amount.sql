/*
description: >-
  One row per amount of money that an article names. Amounts in the five currencies of the ticker are given in dollars
  too, at the rate of the article's day - its publication in Asia/Almaty where it is known, else the day it was first
  seen - and with the interval of that rate. Dollars that the text states itself are in stated_usd.
grain: [article_id, text_start]
columns:
  article_id: The article.
  text_start: Where the amount starts in fct_article.text, in characters from 0.
  text_end: Where it ends, exclusive.
  amount_text: As printed.
  amount: In units of the currency; the lower end of a range.
  amount_high: The upper end of a range, else null.
  currency: ISO 4217 code.
  per: What it is the price of a unit of, such as a ton; null for any other amount.
  is_approximate: True where the text qualifies it by about, nearly, more than or the like.
  rate_date: The day whose rate is used, null where no rate is needed or known.
  is_rate_filled: True where that day's rate was carried over from an earlier one.
  amount_usd: Dollars at that rate, half-up to 2 decimals; of a range the lower end. Dollars themselves are unchanged.
  amount_usd_low: Lower end of the interval, from the lower end of amount and rate, rounded down.
  amount_usd_high: Upper end of it, from the upper ends of both, rounded up.
  stated_usd: The dollars that the text itself gives for it; of a range the lower end.
  stated_usd_high: The upper end of those, else null.
  stated_agrees: >-
    False where the stated dollars lie more than a tenth outside the interval; null where nothing is stated or no rate
    is known.
sort: [article_id, text_start]
checks:
  - not_null: [text_end, amount_text, amount, currency, is_approximate]
  - references: {article_id: main.fct_article.article_id}
  - name: dollars_lie_in_their_interval
    sql: >-
      select article_id, text_start, amount_usd_low, amount_usd, amount_usd_high from main.fct_article_amount
      where amount_usd not between amount_usd_low and amount_usd_high
*/
with dated as (
    select
        article_id,
        text_id,
        coalesce(published_date, first_seen_date) as rate_date
    from main.fct_article
),

priced as (
    select
        dated.article_id,
        text_amount.*,
        rates.rate_date,
        rates.is_filled,
        -- the widths leave room for a product within 38 digits; what is larger has no dollars
        try_cast(text_amount.amount as decimal(20, 4)) as low,
        try_cast(coalesce(text_amount.amount_high, text_amount.amount) as decimal(20, 4)) as high,
        if(text_amount.currency = 'USD', 1, rates.rate)::decimal(11, 10) as rate,
        if(text_amount.currency = 'USD', 1, rates.rate_low)::decimal(11, 10) as rate_low,
        if(text_amount.currency = 'USD', 1, rates.rate_high)::decimal(11, 10) as rate_high
    from dated
    inner join raw.text_amount as text_amount using (text_id)
    left join main.fct_rate_daily as rates
        on rates.rate_date = dated.rate_date and rates.base = text_amount.currency and rates.quote = 'USD'
),

in_dollars as (
    select
        *,
        floor(low * rate * 100::decimal(3, 0) + 0.5::decimal(2, 1))::decimal(24, 0) as cents,
        floor(low * rate_low * 100::decimal(3, 0))::decimal(24, 0) as low_cents,
        ceil(high * rate_high * 100::decimal(3, 0))::decimal(24, 0) as high_cents
    from priced
)

select
    article_id,
    text_start,
    text_end,
    amount_text,
    amount,
    amount_high,
    currency,
    per,
    is_approximate,
    rate_date,
    is_filled as is_rate_filled,
    (cents * 0.01)::decimal(24, 2) as amount_usd,
    (low_cents * 0.01)::decimal(24, 2) as amount_usd_low,
    (high_cents * 0.01)::decimal(24, 2) as amount_usd_high,
    stated_usd,
    stated_usd_high,
    stated_usd <= high_cents * 0.011 and coalesce(stated_usd_high, stated_usd) >= low_cents * 0.009 as stated_agrees
from in_dollars
