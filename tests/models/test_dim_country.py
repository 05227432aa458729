def test_central_asia_has_five_countries_with_their_currencies(given):
    assert given().rows(
        "select country_code, alpha3_code, currency_code from main.dim_country where region = 'central_asia'"
        " order by all"
    ) == [
        ("KG", "KGZ", "KGS"),
        ("KZ", "KAZ", "KZT"),
        ("TJ", "TJK", "TJS"),
        ("TM", "TKM", "TMT"),
        ("UZ", "UZB", "UZS"),
    ]


def test_the_european_union_and_kosovo_have_the_codes_that_are_reserved_for_them(given):
    assert given().rows(
        "select country_code, alpha3_code, subregion is null, currency_code from main.dim_country"
        " where country_code in ('EU', 'XK') order by all"
    ) == [("EU", None, True, "EUR"), ("XK", "XKX", False, "EUR")]


def test_every_country_is_listed_once_in_one_of_three_regions(given):
    warehouse = given()
    assert warehouse.rows("select distinct region from main.dim_country order by all") == [
        ("central_asia",),
        ("neighbour",),
        ("other",),
    ]
    assert warehouse.row("select count(*) = count(distinct country_code) from main.dim_country") == (True,)
