# ruff: noqa: RUF001  quotes, dashes and spaces as sites set them
"""What the macros of `sql/macros/texts.sql` make of a text."""

import pytest


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“A” ‘b’ – c", "\"A\" 'b' - c"),
        ("One\u00a0two\n\nthree", "One two three"),
        ("nothing to translate", "nothing to translate"),
        (None, None),
    ],
)
def test_quotes_dashes_and_spaces_are_plain(macros, text, plain):
    assert macros.execute("select plain_of($1)", [text]).fetchone() == (plain,)


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("In March, the RIVER – rose.", "in march the river rose "),
        ("Ак кеме: 5.6%", "ак кеме 5 6 "),
        ("x" * 90, "x" * 60),
        ("a, " * 50, "a " * 30),
    ],
)
def test_a_lead_is_the_first_sixty_letters_digits_and_single_spaces(macros, text, lead):
    assert macros.execute("select lead_of($1)", [text]).fetchone() == (lead,)
