"""Full-text search over the titles and texts of articles, those of earlier versions too, by DuckDB's extension `fts`.

The index of a release is made at the first search and kept in the user's cache folder: only who searches waits for it,
old DuckDB clients still open the warehouse, and a reader needs no permission to write in the data directory. An index
file has the words alone; titles and texts are read from the release.

All words of a query must be in one version of an article, in any form that has the same English stem (migrants finds
migrant). A phrase in quotation marks must be there as it is, in any case and with any signs between its words.
"""

# ruff: noqa: S608  what is put into the SQL is SQL of this module

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
from filelock import FileLock

from ca_etl.errors import COMMAND, CaEtlError, UsageError
from ca_etl.screen import Mark, Piece
from ca_etl.warehouse.connection import disk_errors, fetch_number, literal, load_extensions
from ca_etl.warehouse.durable_files import storage, user_folder
from ca_etl.warehouse.reading import readable
from ca_etl.warehouse.release import Release

EXAMPLE: Final = "ca-etl search 'labour migrants'"
# How many index files stay in the cache, those that were used last: one for each data directory that is searched.
KEPT: Final = 3
PART: Final = ".part"
PHRASE: Final = re.compile('["“”]([^"“”]*)["“”]')
# Words have letters and digits; the ending of Kazakhstan's is no word. Function words are words: "us" may be a country.
NOT_WORD: Final = r"(?:[\x27\x{2019}]s\b|[^\p{L}\p{N}])+"
WORD: Final = re.compile(r"[^\W_]+")
# The words of the text $1 as the index has them: in lower case, without accents.
WORDS: Final = f"select trim(regexp_replace(lower(strip_accents($1)), '{NOT_WORD}', ' ', 'g'))"
STEMMER: Final = "english"
# The words of a snippet, and how many of them are before the first match.
SNIPPET: Final = 40
BEFORE: Final = 8
# The versions of articles; of one whose whole text was never shown, with the truncated text.
VERSIONS: Final = """
    select version.article_id, version.revision, version.title, coalesce(version.text, article.text) as text,
        version.valid_from, version.valid_to
    from release.main.fct_article_revision as version
    inner join release.main.fct_article as article using (article_id)
"""
# Names and codes of the countries that each article names, the main one first.
NAMED_COUNTRIES: Final = """
    named_countries as (
        select article_id, list(name order by is_main desc, mentions desc, country_code) as countries,
            list(country_code) as codes
        from main.fct_article_country inner join main.dim_country using (country_code)
        group by article_id
    )
"""
COUNTRY: Final = (
    "select country_code from main.dim_country where lower($1) in (lower(country_code), lower(name))"
)
MAKE_INDEX: Final = (
    f"""
    create table document as
        select row_number() over (order by article_id, revision)::integer as document, article_id, revision, title, text
        from ({VERSIONS})
    """,
    f"""
    pragma create_fts_index('document', 'document', 'title', 'text', stemmer = '{STEMMER}', stopwords = 'none',
        ignore = '{NOT_WORD}')
    """,
    "alter table document drop column text",
    "alter table document drop column title",
    "checkpoint",
)
MATCH: Final = """
    create temp table match as
    select article_id, revision, score
    from (
        select article_id, revision, fts_main_document.match_bm25(document, $words, conjunctive := $all_words) as score
        from document
    )
    where score is not null
"""
UNKNOWN: Final = f"""
    select word from unnest(string_split($1, ' ')) as given (word)
    where stem(word, '{STEMMER}') not in (select term from fts_main_document.dict)
"""
# The latest version of each article that matches; all matching versions of it count for its score. Texts of articles
# beyond the limit are not read, unless for a phrase.
RESULTS: Final = f"""
    with {NAMED_COUNTRIES}, matching as (
        select
            article_id,
            match.revision,
            coalesce(article.published_date, article.first_seen_date) as day,
            coalesce(named_countries.countries, []) as countries,
            max(match.score) over (partition by article_id)::decimal(12, 4) as score
        from match
        inner join ({VERSIONS}) as version using (article_id, revision)
        inner join main.fct_article as article using (article_id)
        left join named_countries using (article_id)
        where ($start is null or day >= $start) and ($end is null or day <= $end)
            and ($country is null or list_contains(codes, $country))
            {{phrases}}
        qualify row_number() over (partition by article_id order by match.revision desc) = 1
    ),
    best as (
        select *, count(*) over () as articles from matching order by score desc, day desc, article_id limit $limit
    )

    select best.day, version.title, best.countries, best.score, version.valid_to is null as is_latest,
        version.valid_from, version.valid_to, article.author, article.url, article_id, revision, version.text,
        best.articles
    from best
    inner join ({VERSIONS}) as version using (article_id, revision)
    inner join main.fct_article as article using (article_id)
    order by score desc, day desc, article_id
"""
HAS_PHRASE: Final = """
    and (regexp_matches(strip_accents(version.title), {phrase}, 'i')
        or regexp_matches(strip_accents(coalesce(version.text, '')), {phrase}, 'i'))
"""
# The words among $1 that have the stem of a word of the query $2.
SAME_STEM: Final = f"""
    select word from unnest($1::varchar[]) as shown (word)
    where stem(lower(strip_accents(word)), '{STEMMER}') in (
        select stem(wanted, '{STEMMER}') from unnest(string_split($2, ' ')) as query (wanted)
    )
"""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a search: how many `articles` match, and a row for the best of them, in the order of `score`.

    Of each article the latest version that matches is shown (`title`, `text`, `valid_from`, `valid_to`), and whether
    the article still has it (`is_latest`). `matches` are the words that match, in lower case; `unknown` those words of
    the query that no article has.
    """

    articles: int
    rows: pa.Table
    matches: frozenset[str]
    unknown: tuple[str, ...] = ()


def search(
    release: Release,
    query: str,
    *,
    start: date | None = None,
    end: date | None = None,
    country: str | None = None,
    limit: int | None = None,
    any_word: bool = False,
    on_index: Callable[[int], None] = lambda _versions: None,
) -> SearchResult:
    """Search the articles of a release for the words and "phrases" of a query; the first search makes the index.

    `start` and `end`, both included, bound the day of an article: that of its publication, else of its first sighting.
    `country` is the name or the ISO 3166-1 alpha-2 code of a country that it names. With `any_word` one of the words is
    enough. `on_index` gets the number of versions before an index is made.

    Raises `UsageError` for a query without a word and an unknown country; `CaEtlError` for a release of an earlier
    version, where DuckDB has no extension `fts`, and where the index cannot be written or read.
    """
    with readable(release.warehouse) as con:
        load_extensions(con, "fts")
        words, *phrases = (_words(con, text) for text in (query, *PHRASE.findall(query)))
        if not words:
            raise UsageError(f"{query!r} has no word to search for", EXAMPLE)
        code = find_country(con, country)
        index = _index(con, release, on_index)
        with _index_errors(index):
            con.execute(f"attach {literal(str(index))} as search (read_only); use search")
            con.execute(MATCH, {"words": words, "all_words": int(not any_word)})
            unknown = con.execute(UNKNOWN, [words]).fetchall()
            con.execute("use release")
        patterns = {f"phrase_{number}": _pattern(phrase) for number, phrase in enumerate(phrases) if phrase}
        conditions = "".join(HAS_PHRASE.format(phrase=f"${name}") for name in patterns)
        given = {"start": start, "end": end, "country": code, "limit": limit}
        articles = con.execute(RESULTS.format(phrases=conditions), given | patterns).to_arrow_table()
        texts = [*_texts(articles, "title"), *_texts(articles, "text")]
        shown = {word.lower() for text in texts for word in WORD.findall(text)}
        matches = frozenset(word for (word,) in con.execute(SAME_STEM, [sorted(shown), words]).fetchall())
    count = articles["articles"][0].as_py() if articles.num_rows else 0
    snippets = pa.array([snippet(text, matches) for text in _texts(articles, "text")], pa.string())
    rows = articles.drop_columns("articles").add_column(2, "snippet", snippets)
    return SearchResult(count, rows, matches, tuple(word for (word,) in unknown))


def find_country(con: duckdb.DuckDBPyConnection, country: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country, given in any case as its name or this code; None for None.

    Raises `UsageError` for any other text.
    """
    if country is None:
        return None
    codes = con.execute(COUNTRY, [country]).fetchall()
    if not codes:
        raise UsageError(f"{country!r} is not a country", 'ca-etl sql "from dim_country"')
    return str(codes[0][0])


def snippet(text: str, matches: Collection[str], words: int = SNIPPET) -> str:
    """The part of a text of at most `words` words that has the most of the words `matches`, on one line.

    >>> snippet("One two three four five. Migrants send money home.", {"migrants", "money"}, words=4)
    '… five. Migrants send money …'
    """
    tokens = list(WORD.finditer(text))
    hits = [index for index, token in enumerate(tokens) if token[0].lower() in matches]
    before = min(BEFORE, words // 4)

    def variety(start: int) -> tuple[int, int]:
        part = [tokens[index][0].lower() for index in hits if start <= index < start + words - before]
        return len(set(part)), len(part)

    first = max(0, max(hits, key=variety, default=0) - before)
    last = min(first + words, len(tokens))
    begin = tokens[first].start() if first else 0
    end = tokens[last - 1].end() if last < len(tokens) else len(text)
    return f"{'… ' * (first > 0)}{' '.join(text[begin:end].split())}{' …' * (last < len(tokens))}"


def highlight(text: str, matches: Collection[str]) -> Iterator[Piece]:
    """The pieces of a text, in order, those that are one of the words `matches` with the mark of a match."""
    end = 0
    for match in WORD.finditer(text):
        if match[0].lower() in matches:
            yield Piece(text[end : match.start()])
            yield Piece(match[0], Mark.MATCH)
            end = match.end()
    yield Piece(text[end:])


def _words(con: duckdb.DuckDBPyConnection, text: str) -> str:
    return str(con.execute(WORDS, [text]).fetchall()[0][0])


def _pattern(words: str) -> str:
    """The pattern of words that follow one another, in whatever case and with whatever signs between them."""
    return rf"(?:^|[^\p{{L}}\p{{N}}]){NOT_WORD.join(words.split())}(?:$|[^\p{{L}}\p{{N}}])"


def _texts(table: pa.Table, name: str) -> list[str]:
    return [text or "" for text in table[name].to_pylist()]


def _index(con: duckdb.DuckDBPyConnection, release: Release, on_index: Callable[[int], None]) -> Path:
    """The index file of a release in the cache; one process at a time makes what is missing, in one step."""
    folder = user_folder("XDG_CACHE_HOME", ".cache") / "search"
    file = release.warehouse.stat()
    made_of = (MAKE_INDEX, duckdb.__version__, str(release.warehouse.resolve()))
    key = sha256(repr((*made_of, file.st_ino, file.st_size, file.st_mtime_ns)).encode()).hexdigest()
    path = folder / f"{release.release_id}-{key[:16]}.duckdb"
    with storage(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        with FileLock(folder / ".lock", fallback_to_soft=False):
            if not path.exists():
                for left in folder.glob(f"*{PART}*"):  # of a process that was killed
                    left.unlink()
                on_index(_count(con))
                _make_index(con, path)
            os.utime(path)
            indexes = sorted(folder.glob("*.duckdb"), key=lambda index: index.stat().st_mtime_ns)
            for index in indexes[:-KEPT]:
                index.unlink()
    return path


def _count(con: duckdb.DuckDBPyConnection) -> int:
    try:
        return fetch_number(con, f"select count(*) from ({VERSIONS})")
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise CaEtlError(
            "the release is of an earlier version, which has no search", "ca-etl rebuild"
        ) from error


def _make_index(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    part = path.with_name(f"{path.name}{PART}")
    try:
        with disk_errors(part):
            con.execute(f"attach {literal(str(part))} as making; use making")
            for statement in MAKE_INDEX:
                con.execute(statement)
            con.execute("use release; detach making")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _index_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.IOException, duckdb.SerializationException, duckdb.CatalogException) as error:
        hint = f"rm {shlex.quote(str(path))} && {COMMAND.get()}"
        raise CaEtlError(f"the search index {path} cannot be read: {error}", hint) from error
