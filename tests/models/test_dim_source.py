from ca_etl.records import LISTINGS


def test_the_source_of_the_daily_run_is_daily_in_almaty(given):
    assert given().row(f"select source, cadence, zone from main.dim_source where source = '{LISTINGS}'") == (
        LISTINGS,
        "daily",
        "Asia/Almaty",
    )


def test_what_comes_by_hand_or_of_web_archives_or_is_a_peg_has_no_cadence_and_the_rest_is_daily(given):
    assert given().rows("select source, cadence, url is not null from main.dim_source order by source") == [
        ("cbr", "daily", True),
        ("cbt", None, True),
        ("cbu", "daily", True),
        ("commoncrawl", None, True),
        ("file", None, False),
        ("nbk", "daily", True),
        ("nbkr", "daily", True),
        ("nbt", "daily", True),
        ("timesca", "daily", True),
        ("timesca-articles", "daily", True),
        ("timesca-feed", "daily", True),
        ("timesca-posts", "daily", True),
        ("wayback", None, True),
        ("web-archive", None, False),
    ]
