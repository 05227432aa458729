import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="First look")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl
    import polars.selectors as cs

    import ca_etl
    from ca_etl.errors import CaEtlError
    from ca_etl.sanitize import visible


@app.cell
def introduction():
    newest, _missing = None, "the release has no rates\nnext: ca-etl status"
    try:
        newest = max(ca_etl.rates()["rate_date"], default=None)
    except CaEtlError as _error:
        _missing = f"{_error}\nnext: {_error.hint}"
    if newest is None and not mo.running_in_notebook():
        raise SystemExit(_missing)
    mo.stop(newest is None, mo.plain_text(_missing))
    mo.md(f"""
    # A first look at a release

    Rates and articles of The Times of Central Asia, up to **{newest}**, read from the data directory that
    `CA_ETL_DATA_DIR` names. Change a cell, and the cells that depend on it run again.
    """)
    return (newest,)


@app.cell
def tenge_text():
    mo.md("""
    ## The tenge

    The site prints dollars per tenge with few digits, so that a rate is an interval, the band: every value in it would
    be printed alike. A hollow point is a filled day, which repeats the rate of an earlier one. The orange line is the
    bank's: tenge per dollar, exactly.
    """)
    return


@app.cell
def tenge_chart(newest):
    def charted(rates: pl.DataFrame) -> pl.DataFrame:
        """Rates with floats in place of decimals, which a chart cannot show."""
        return rates.with_columns(cs.decimal().cast(pl.Float64))

    tenge = ca_etl.rates("KZT", end=newest)
    official = ca_etl.rates("KZT", series="best").filter(pl.col("method") != "published")
    days = alt.Chart(charted(tenge)).encode(
        x=alt.X("rate_date:T", title=None),
        y=alt.Y("inverse_rate:Q", title="tenge per dollar").scale(zero=False),
        tooltip=["rate_date", "inverse_low", "inverse_rate", "inverse_high", "is_filled", "fill_reason"],
    )
    bank = alt.Chart(charted(official)).encode(x="rate_date:T", y="inverse_rate:Q")
    alt.layer(
        days.mark_area(opacity=0.25, interpolate="step").encode(y="inverse_low:Q", y2="inverse_high:Q"),
        bank.mark_line(color="#c46200", interpolate="step"),
        days.mark_line(interpolate="step"),
        days.mark_point(fill="white").transform_filter("datum.is_filled"),
    ).properties(width="container")
    return (tenge,)


@app.cell
def articles_text():
    words = mo.ui.text("labour migrants", label="Articles of the newest month that contain")
    mo.vstack([mo.md("## Articles"), words])
    return (words,)


@app.cell
def articles_table(newest, words):
    found = ca_etl.articles(newest.replace(day=1), newest, containing=words.value)
    # an invisible character, such as a mark of writing direction, is shown by its code
    titles = pl.col("title").map_elements(visible, return_dtype=pl.String)
    found.select("day", titles, "countries", "url")
    return (found,)


@app.cell
def known_days_text(newest):
    mo.md(f"""
    ## Which days of {newest.year} are known, and from where

    Runs on a schedule capture `timesca`, backfills `wayback` and `commoncrawl`. An empty day has no print of its own:
    between known days the rates of an earlier one are repeated, before and after them no rate exists.
    """)
    return


@app.cell
def known_days_chart(newest):
    with ca_etl.connect() as con:
        known = pl.DataFrame(
            con.sql(
                """
                select days.day::date as date, monthname(days.day) as month, day(days.day) as day_of_month,
                    string_agg(distinct source, ', ' order by source) as known_from
                from range(make_date($year, 1, 1), make_date($year + 1, 1, 1), interval 1 day) as days (day)
                left join (from fct_coverage where captures_with_rates > 0) using (day)
                group by days.day order by days.day
                """,
                params={"year": newest.year},
            ).to_arrow_table()
        )
    calendar = alt.Chart(known).encode(
        x=alt.X("day_of_month:O", title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("month:N", title=None, sort=None),
        tooltip=["date", "known_from"],
    )
    alt.layer(
        calendar.mark_rect(stroke="#dfe5ea", fillOpacity=0),
        calendar.mark_rect()
        .transform_filter("datum.known_from")
        .encode(color=alt.Color("known_from:N", title=None)),
    ).properties(width="container")
    return (known,)


@app.cell
def disagreements_text():
    mo.md("""
    ## Where news and bank disagree

    None of the latest three rates of the bank lies in the interval of the printed rate, widened by the tolerance of the
    currency. `stale_ticker` is an earlier rate of the bank, printed too long.
    """)
    return


@app.cell
def disagreements_table(newest):
    compared = ca_etl.rates(end=newest, series="agreement")
    disagreements = compared.filter(pl.col("verdict") == "disagrees").select(
        "rate_date",
        "base",
        "official_source",
        "cause",
        pl.col("difference_pct", "ticker_inverse_low", "ticker_inverse_high", "official_rate").cast(
            pl.Decimal(28, 4)
        ),
    )
    disagreements
    return (disagreements,)


if __name__ == "__main__":
    app.run()
