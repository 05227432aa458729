def versions(given, *texts, **columns):
    warehouse = given(
        capture=[
            {"capture_id": f"c{day}", "page_date": f"2025-12-{day:02}", "captured_date": f"2025-12-{day:02}"}
            for day in range(1, len(texts) + 1)
        ],
        article_observation=[
            {"capture_id": f"c{day}", "title": "A Road", "url": "/a-road/", "text_id": f"t{day}"} | columns
            for day in range(1, len(texts) + 1)
        ],
        article_text=[{"text_id": f"t{day}", "text": text} for day, text in enumerate(texts, start=1)],
    )
    rows = warehouse.rows("select text_id, version_id from staging.stg_text_version order by text_id")
    return [text_id for text_id, _ in rows], len({version for _, version in rows})


def test_texts_that_differ_in_quotes_dashes_and_spaces_are_one_version(given):
    assert versions(given, "One “plan”.\n\nTwo – three.", 'One "plan". Two - three.') == (["t1", "t2"], 1)  # noqa: RUF001


def test_texts_that_differ_in_a_word_are_two_versions(given):
    assert versions(given, "One two.", "One three.") == (["t1", "t2"], 2)


def test_the_text_of_an_article_with_one_whole_text_is_not_listed(given):
    assert versions(given, "One two.") == ([], 0)
    assert versions(given, "One…", "Two…", is_truncated=True) == ([], 0)
