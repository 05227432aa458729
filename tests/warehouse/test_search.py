"""Full-text search over titles and texts of articles, by an index in the cache folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.release import Release
from ca_etl.warehouse.search import highlight, search, snippet

pytestmark = pytest.mark.skipif(
    duckdb.__version__ >= "2", reason="the extensions of DuckDB exist as packages for 1.5.5 only"
)

RELEASE_ID = "20251222T020000Z"
# An article: its day, countries and the versions of its title and text, in order; without text, the truncated one.
Article = tuple[str, tuple[str, ...], tuple[tuple[str, str | None], ...]]
MIGRANTS = ("2025-12-01", ("KZ", "RU"), (("A new law", "Every labour migrant must pay the fee in tenge."),))
LABOURERS = ("2025-12-02", ("TJ",), (("Migrants at home", "Labour is scarce. So are migrants in Khujand."),))
EDITED = (
    "2025-12-03",
    (),
    (("Ferry", "The ferry sank."), ("Ferry", "The boat was late, the migrants waited.")),
)
TABLES = """
    create table dim_country (country_code varchar, name varchar);
    insert into dim_country values ('KZ', 'Kazakhstan'), ('RU', 'Russia'), ('TJ', 'Tajikistan');
    create table fct_article_country (article_id varchar, country_code varchar, is_main boolean, mentions int);
    create table fct_article (article_id varchar, published_date date, first_seen_date date, author varchar,
        url varchar, text varchar);
    create table fct_article_revision (article_id varchar, revision int, title varchar, text varchar,
        valid_from timestamptz, valid_to timestamptz)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ca-etl" / "search"


Make = Callable[..., Release]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A release with articles, whose ids are a, b, c ... in their order."""

    def made(*articles: Article, folder: str = "release") -> Release:
        release = Release(RELEASE_ID, tmp_path / folder)
        release.folder.mkdir()
        with duckdb.connect(str(release.warehouse)) as con:
            con.execute(f"set TimeZone = 'UTC'; {TABLES}")
            for article_id, (day, codes, versions) in zip("abcdefg", articles, strict=False):
                con.execute(
                    "insert into fct_article values ($1, $2, $2, 'A. Author', $3, $4)",
                    [
                        article_id,
                        day,
                        f"https://timesca.com/{article_id}/",
                        versions[-1][1] or "The beginning",
                    ],
                )
                for number, code in enumerate(codes):
                    con.execute(
                        "insert into fct_article_country values ($1, $2, $3, 1)",
                        [article_id, code, number == 0],
                    )
                for revision, (title, text) in enumerate(versions):
                    con.execute(
                        "insert into fct_article_revision values ($1, $2, $3, $4, $5::timestamptz + to_days($2),"
                        " case when not $6 then $5::timestamptz + to_days($2 + 1) end)",
                        [
                            article_id,
                            revision,
                            title,
                            text,
                            f"{day} 02:00:00+00",
                            revision == len(versions) - 1,
                        ],
                    )
        return release

    return made


def ids(release: Release, query: str, **how: object) -> list[str]:
    return search(release, query, **how).rows["article_id"].to_pylist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "articles"),
    [
        ("labour migrants", ["b", "a"]),  # in any order and form, title and text together
        ("MIGRANT", ["b", "c", "a"]),
        ("migrant's", ["b", "c", "a"]),
        ("'labour' (migrants)!", ["b", "a"]),
        ('"labour migrant"', ["a"]),
        ('"migrants at home" "labour is scarce so are"', ["b"]),
        ('"home labour"', []),  # no phrase goes on from the title to the text
        ('"our migrant"', []),
        ("the", ["a", "c"]),  # function words are words
        ("labour zebra", []),
        ("zebra", []),
    ],
)
def test_all_words_match_in_any_form_and_phrases_as_they_are(
    make: Make, query: str, articles: list[str]
) -> None:
    assert sorted(ids(make(MIGRANTS, LABOURERS, EDITED), query)) == sorted(articles)


def test_accents_and_other_alphabets_are_searched(make: Make) -> None:
    release = make(("2025-12-01", (), (("Café in Ósh", "Деньги дома."),)))
    assert ids(release, "cafe osh") == ids(release, "ДЕНЬГИ дома") == ids(release, '"café in osh"') == ["a"]


def test_the_best_match_is_first_and_of_equal_ones_the_newest(make: Make) -> None:
    often = ("2025-12-01", (), (("Tenge", "Tenge and tenge."),))
    once = ("2025-12-01", (), (("Bread", "A loaf in tenge."),))
    newer = ("2025-12-02", (), once[2])
    assert ids(make(once, often, newer), "tenge") == ["b", "c", "a"]


def test_with_any_word_one_is_enough(make: Make) -> None:
    release = make(MIGRANTS, LABOURERS, EDITED)
    assert ids(release, "fee boat") == []
    assert sorted(ids(release, "fee boat", any_word=True)) == ["a", "c"]


def test_words_that_no_article_has_are_named(make: Make) -> None:
    assert search(make(MIGRANTS), "zebra fee yak", any_word=True).unknown == ("zebra", "yak")


def test_an_earlier_text_is_found_and_marked_as_such(make: Make) -> None:
    release = make(EDITED)
    (earlier,) = search(release, "sank").rows.to_pylist()
    assert (earlier["revision"], earlier["is_latest"], earlier["snippet"]) == (0, False, "The ferry sank.")
    assert f"{earlier['valid_to']:%Y-%m-%d %H:%M %Z}" == "2025-12-04 02:00 UTC"
    (latest,) = search(release, "ferry").rows.to_pylist()
    assert (latest["revision"], latest["is_latest"], latest["valid_to"]) == (1, True, None)


def test_of_an_article_without_a_whole_text_the_truncated_one_is_searched(make: Make) -> None:
    assert ids(make(("2025-12-01", (), (("Bridge", None),))), "beginning") == ["a"]


@pytest.mark.parametrize(
    ("how", "articles"),
    [
        ({"start": date(2025, 12, 2)}, ["b", "c"]),
        ({"end": date(2025, 12, 2)}, ["a", "b"]),
        ({"start": date(2025, 12, 2), "end": date(2025, 12, 2)}, ["b"]),
        ({"country": "kz"}, ["a"]),
        ({"country": "russia"}, ["a"]),
    ],
    ids=["from", "to", "day", "code", "name"],
)
def test_articles_are_of_the_days_and_the_country(
    make: Make, how: dict[str, object], articles: list[str]
) -> None:
    assert sorted(ids(make(MIGRANTS, LABOURERS, EDITED), "migrants", **how)) == articles


def test_all_matches_are_counted_beyond_the_limit(make: Make) -> None:
    result = search(make(MIGRANTS, LABOURERS, EDITED), "migrants", limit=1)
    assert (result.articles, result.rows.num_rows) == (3, 1)


def test_a_row_has_day_countries_and_address_of_its_article(make: Make) -> None:
    (row,) = search(make(MIGRANTS), "fee").rows.to_pylist()
    assert row["day"] == date(2025, 12, 1)
    assert row["countries"] == ["Kazakhstan", "Russia"]
    assert (row["author"], row["url"]) == ("A. Author", "https://timesca.com/a/")


def test_a_query_without_a_word_is_an_error(make: Make) -> None:
    with pytest.raises(UsageError, match="' -- ' has no word to search for"):
        search(make(MIGRANTS), " -- ")


def test_an_unknown_country_is_an_error(make: Make) -> None:
    with pytest.raises(UsageError, match="'Narnia' is not a country"):
        search(make(MIGRANTS), "fee", country="Narnia")


def test_without_the_package_of_the_extension_it_is_named(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = make(MIGRANTS)
    monkeypatch.setattr(duckdb, "__version__", "2.0.0")
    with pytest.raises(
        CaEtlError, match=r"DuckDB 2\.0\.0 lacks its extension fts, whose package is"
    ) as error:
        search(release, "fee")
    assert error.value.hint == "pip install duckdb-extension-fts==1.5.5"


def test_a_release_without_the_tables_of_this_version_is_named(tmp_path: Path) -> None:
    release = Release(RELEASE_ID, tmp_path)
    with duckdb.connect(str(release.warehouse)) as con:
        con.execute("create table dim_country (country_code varchar, name varchar)")
    with pytest.raises(CaEtlError, match="an earlier version, which has no search"):
        search(release, "fee")


def test_the_index_is_made_at_the_first_search_of_a_release_alone(make: Make, cache: Path) -> None:
    made: list[int] = []
    release = make(MIGRANTS, EDITED)
    for query in ("fee", "boat"):
        search(release, query, on_index=made.append)
    assert made == [3]
    assert [path.name[:17] for path in cache.glob("*.duckdb")] == [f"{RELEASE_ID}-"]
    search(make(MIGRANTS, folder="other"), "fee", on_index=made.append)
    assert made == [3, 1]


def test_the_indexes_that_were_used_last_are_kept(make: Make, cache: Path) -> None:
    releases = [make(MIGRANTS, folder=f"release {number}") for number in range(4)]
    made: list[int] = []
    for number in (0, 1, 2, 0, 3, 0, 1):
        search(releases[number], "fee", on_index=made.append)
    assert len(made) == 5  # the index of the second one was removed for that of the fourth one
    assert len(list(cache.glob("*.duckdb"))) == 3


def test_only_the_user_can_read_the_index(make: Make, cache: Path) -> None:
    search(make(MIGRANTS), "fee")
    assert [folder.stat().st_mode & 0o777 for folder in (cache, cache.parent)] == [0o700, 0o700]


def test_the_index_has_no_texts(make: Make, cache: Path) -> None:
    search(make(MIGRANTS), "fee")
    (index,) = cache.glob("*.duckdb")
    with open_release(index) as con:
        assert con.execute(
            "select column_name from duckdb_columns() where table_name = 'document'"
        ).fetchall() == [
            ("document",),
            ("article_id",),
            ("revision",),
        ]


def test_a_damaged_index_is_named_with_the_command_that_makes_it_again(make: Make, cache: Path) -> None:
    release = make(MIGRANTS)
    search(release, "fee")
    (index,) = cache.glob("*.duckdb")
    index.write_bytes(b"no database")
    with pytest.raises(CaEtlError, match=r"the search index .* cannot be read") as error:
        search(release, "fee")
    assert error.value.hint.startswith(f"rm {index} && ")


def test_a_cache_folder_that_cannot_be_made_is_named(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CaEtlError, match=f"cannot write {tmp_path}/file/ca-etl: Not a directory"):
        search(make(MIGRANTS), "fee")


@pytest.mark.slow
def test_a_killed_search_leaves_no_index_and_the_next_one_makes_it(make: Make, cache: Path) -> None:
    release = make(MIGRANTS)
    with duckdb.connect(str(release.warehouse)) as con:
        con.execute(
            "insert into fct_article_revision select 'a', range + 1, 'Title ' || range, repeat('word ' || range, 500),"
            " now(), now() from range(3000)"
        )
    program = (
        "import sys; from pathlib import Path; from ca_etl.warehouse.release import Release;"
        "from ca_etl.warehouse.search import search; search(Release(sys.argv[1], Path(sys.argv[2])), 'fee')"
    )
    with subprocess.Popen([sys.executable, "-c", program, RELEASE_ID, str(release.folder)]) as searching:
        while not list(cache.glob("*.part*")) and searching.poll() is None:
            time.sleep(0.01)
        searching.kill()
    assert searching.returncode == -signal.SIGKILL
    assert not list(cache.glob("*.duckdb"))
    made: list[int] = []
    assert ids(release, "fee", on_index=made.append) == ["a"]
    assert made == [3001]
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".duckdb"]


@pytest.mark.slow
def test_searches_at_the_same_time_make_one_index(make: Make, cache: Path) -> None:
    release = make(MIGRANTS)
    program = (
        "import sys; from pathlib import Path; from ca_etl.warehouse.release import Release;"
        "from ca_etl.warehouse.search import search;"
        "search(Release(sys.argv[1], Path(sys.argv[2])), 'fee', on_index=print)"
    )
    command = [sys.executable, "-c", program, RELEASE_ID, str(release.folder)]
    searches = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) for _ in range(3)
    ]
    outputs = [searching.communicate()[0] for searching in searches]
    assert [searching.returncode for searching in searches] == [0, 0, 0]
    assert sorted(outputs) == ["", "", "1\n"]
    assert len(list(cache.glob("*.duckdb"))) == 1


def test_a_snippet_is_where_most_of_the_words_are() -> None:
    text = f"A bank. {'word ' * 50}The bank of\nTajikistan pays somoni. {'word ' * 50}"
    shown = snippet(text, {"bank", "tajikistan", "somoni"}, words=12)
    assert shown == "… word word The bank of Tajikistan pays somoni. word word word word …"


def test_a_snippet_of_a_text_without_a_match_is_its_beginning() -> None:
    assert snippet("One two three.", {"zebra"}, words=2) == "One two …"
    assert snippet("", {"zebra"}) == ""


def test_the_pieces_of_a_text_are_the_text() -> None:
    text = "(Migrants' money\x1b[0m), migrants” and migrants_"
    pieces = list(highlight(text, {"migrants"}))
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.text for piece in pieces if piece.mark == "match"] == ["Migrants", "migrants", "migrants"]
