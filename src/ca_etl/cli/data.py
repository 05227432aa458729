"""The commands for published data: query a release, export it, roll it back, decide about a capture."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ca_etl.cli.render import Format, load_settings, print_json, print_line
from ca_etl.errors import UsageError, assert_in_order, counted

if TYPE_CHECKING:
    from decimal import Decimal

    from ca_etl.warehouse.search import SearchResult

Raw = Annotated[
    bool,
    typer.Option("--raw", help="CSV: no apostrophe before texts that a spreadsheet takes for formulas."),
]


def release_ids() -> list[str]:
    """The ids of the published releases, for the completion of a shell."""
    from ca_etl.warehouse import release

    return [published.release_id for published in release.releases(load_settings().data_dir)]


def table_names() -> list[str]:
    """The tables of the current release, for the completion of a shell: each has a folder of Parquet files."""
    folder = load_settings().data_dir / "current" / "parquet"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def sql(
    query: Annotated[
        str | None,
        typer.Argument(
            help='For example "from fct_rate_daily limit 5"; - reads stdin. Default: a prompt, on a terminal.',
            show_default=False,
        ),
    ] = None,
    *,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", "-f", help="Form of the results. Default: table; of a file, that of its ending."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write instead of stdout: .csv .json .parquet .txt"),
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(
            help="Release to query (ca-etl releases). Default: the current one.", autocompletion=release_ids
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Query what the last run built but did not publish.")
    ] = False,
    raw: Raw = False,
    no_pager: Annotated[
        bool, typer.Option("--no-pager", help="On a terminal, never show long results in $PAGER (less).")
    ] = False,
) -> None:
    """Query the current release, read-only. Each statement has its result.

    Without a query, a prompt with history and completion reads queries; each ends with a semicolon.

    On a terminal a table leaves out columns, cuts texts and shows 1000 rows; --format line shows all.
    """
    from ca_etl.cli.query import Destination, run_query

    destination = Destination(output, form, raw=raw, pager=not no_pager)
    data_dir = load_settings().data_dir
    if query is not None:
        text = sys.stdin.read() if query == "-" else query
        run_query(data_dir, text, destination, release_id=release, failed=failed)
        return
    if output is not None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("there is no query; a prompt for queries needs a terminal", "ca-etl sql --help")
    from ca_etl.cli.prompt import run_prompt

    run_prompt(data_dir, destination, release_id=release, failed=failed)


def describe(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="TABLE", help="A table or macro, such as fct_rate_daily or raw.capture. Default: a list."
        ),
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="Form of the result.")
    ] = "table",
) -> None:
    """Show what the columns of a table or macro of the current release mean, or list all tables and macros."""
    from ca_etl.cli.describe import find_relation, print_relation, print_relations, read_relations

    relations = read_relations(load_settings().data_dir)
    relation = None if name is None else find_relation(relations, name)
    if form == "json":
        print_json(tuple(relations.values()) if relation is None else relation)
    elif relation is None:
        print_relations(relations)
    else:
        print_relation(relation)


def search(
    query: Annotated[
        str,
        typer.Argument(
            help="""Words, and phrases in quotation marks: 'labour migrants', '"labour migrants"'."""
        ),
    ],
    *,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the articles.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of the articles.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Only articles that name this country: its name or ISO 3166-1 code.")
    ] = None,
    any_word: Annotated[
        bool, typer.Option("--any", help="One of the words is enough. Default: all.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most articles to show.")] = 10,
    form: Annotated[
        Literal["text", "csv", "json"], typer.Option("--format", "-f", help="Form of the results.")
    ] = "text",
    raw: Raw = False,
) -> None:
    """Search titles and texts of articles, those of earlier versions too; the best matches come first.

    A word matches in any form with the same English stem, a phrase as it is. The first search of a release makes an
    index in the cache folder of the user.
    """
    import duckdb

    from ca_etl.cli.query import published
    from ca_etl.cli.render import write_result
    from ca_etl.warehouse.search import search as search_release

    assert_in_order(start, end, hint="ca-etl search --help")
    result = search_release(
        published(load_settings().data_dir),
        query,
        start=start and start.date(),
        end=end and end.date(),
        country=country,
        limit=limit,
        any_word=any_word,
        on_index=lambda versions: print_line(
            f"making the index of {counted(versions, 'text')}, once per release"
        ),
    )
    shown = result.rows.num_rows
    if form == "text":
        _print_matches(result)
    else:
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            write_result(con.from_arrow(result.rows.drop_columns("text")), Format(form), sys.stdout, raw=raw)
    missing = f"; no article has {', '.join(result.unknown)}" if result.unknown else ""
    if not shown:
        retry = f"ca-etl search --any {shlex.quote(query)}" if " " in query and not any_word else ""
        print_line(f"no article matches {query!r}{missing}", hint=retry)
        return
    rest = f": --limit {result.articles} shows all" if result.articles > shown else ""
    print_line(f"{counted(shown, 'article', result.articles - shown)} matched{rest}{missing}")


def _print_matches(result: SearchResult) -> None:
    """Print each article: title, day, countries, URL and snippet, with matching words in bold on a terminal."""
    from rich.padding import Padding

    from ca_etl.screen import Screen, marked, plain
    from ca_etl.warehouse.search import highlight

    screen = Screen(sys.stdout)
    for number, row in enumerate(result.rows.to_pylist(), start=1):
        title, snippet = (
            marked(highlight(row[name], result.matches), with_style=True) for name in ("title", "snippet")
        )
        lines = [plain("  ".join(filter(None, (str(row["day"]), ", ".join(row["countries"]), row["url"]))))]
        if row["snippet"]:
            lines.append(snippet)
        if not row["is_latest"]:
            lines.append(
                plain(
                    f"until {row['valid_to']:%Y-%m-%d %H:%M} UTC; since then: ca-etl diff {row['article_id']}"
                )
            )
        if number > 1:
            screen.print()
        title = plain(f"{number}. ") + title
        title.truncate(2 * screen.width, overflow="ellipsis")  # one of 5,000 characters would fill the window
        screen.print(title)
        for line in lines:
            screen.print(Padding(line, (0, 0, 0, 3), expand=False))


def rollback(
    to: Annotated[
        str | None,
        typer.Argument(
            help="Release to return to. Default: the one that was current before.",
            autocompletion=release_ids,
        ),
    ] = None,
) -> None:
    """Make an earlier release the current one again; nothing is deleted. The next run builds on this release."""
    from ca_etl.archive.reader import archive_files
    from ca_etl.warehouse import lock, release
    from ca_etl.warehouse.data_directory import assert_has_data, assert_restored, holds_demo, next_command
    from ca_etl.warehouse.reading import consult_extent

    settings = load_settings()
    data_dir = settings.data_dir
    assert_has_data(data_dir)
    assert_restored(data_dir)
    with lock.hold(data_dir):
        before = release.current_id(data_dir)
        target = release.rollback(data_dir, to)
    if target.release_id == before:
        print_line(f"{before} is the current release already, and nothing is changed")
        typer.echo(target.folder)
        return
    extent = consult_extent(data_dir, target.release_id)
    left = f"from {before} ({consult_extent(data_dir, before)}) " if before else ""
    archived = {
        path.relative_to(settings.archive_dir).as_posix() for path in archive_files(settings.archive_dir)
    }
    lacking = counted(len(archived - extent.archive_files), "archive file")
    print_line(f"rolled back {left}to {target.release_id} ({extent})")
    print_line(
        f"the next run copies {target.release_id}, loads the {lacking} that it lacks, and publishes a release of its "
        "own; a capture that is not to come back: ca-etl decide exclude",
        hint=next_command("ca-etl run", is_demo=holds_demo(settings)),
    )
    typer.echo(target.folder)


def decide(
    decision: Annotated[
        Literal["exclude", "accept"],
        typer.Argument(help="exclude: leave the capture's observations out. accept: they are right."),
    ],
    capture_id: Annotated[str, typer.Argument(help="The capture that a check names (ca-etl status).")],
    reason: Annotated[str, typer.Option(help="Why you decide so; stored with the decision.")],
) -> None:
    """Exclude or accept a capture whose observations a check stopped; the next run applies the decision."""
    from ca_etl.cli.query import assert_capture
    from ca_etl.pipeline.context import utc_now
    from ca_etl.warehouse import overrides
    from ca_etl.warehouse.data_directory import assert_has_data, assert_restored, holds_demo, next_command
    from ca_etl.warehouse.raw_load import CaptureDecision

    settings = load_settings()
    data_dir = settings.data_dir
    if not reason.strip():
        raise UsageError(
            "--reason is empty; a decision needs one", f'ca-etl decide {decision} {capture_id} --reason "why"'
        )
    assert_has_data(data_dir)
    assert_restored(data_dir)
    assert_capture(data_dir, capture_id)
    overrides.append(data_dir, CaptureDecision(capture_id, decision, reason, utc_now()))
    path = data_dir / overrides.DECISIONS_FILE
    next_step = next_command("ca-etl run", is_demo=holds_demo(settings))
    print_line(f"the decision to {decision} {capture_id} is stored in {path}; next: {next_step}")


def export(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder for the files; made if it does not exist.")
    ] = None,
    *,
    table: Annotated[
        list[str] | None,
        typer.Option("--table", "-t", help="Only this table (repeatable).", autocompletion=table_names),
    ] = None,
    form: Annotated[
        Literal["parquet", "csv", "json"], typer.Option("--format", "-f", help="Form of the files.")
    ] = "parquet",
    raw: Raw = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="DuckLake to publish the release in: ducklake:FILE or ducklake:postgres:dbname=NAME. Passwords come "
            "from PGPASSWORD or ~/.pgpass.",
        ),
    ] = None,
    data_path: Annotated[
        str | None,
        typer.Option("--data-path", help="Folder or s3:// URL for the files of a DuckLake that is made now."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish also where the DuckLake has a newer release.")
    ] = False,
) -> None:
    """Write the tables of the current release to a folder, one file for each table, or publish them in a DuckLake.

    On stdout are the paths of the files, or the DuckLake as DuckDB's ATTACH takes it.
    """
    from ca_etl.cli.query import export_tables, publish_in_lake
    from ca_etl.warehouse.ducklake import find_lake

    # first of all, since it refuses a password, which no message may repeat
    lake = None if to is None else find_lake(to, data_path)
    data_dir = load_settings().data_dir
    if lake is None:
        if folder is None or data_path or force:
            raise UsageError("an export is to a folder, or with --to to a DuckLake", "ca-etl export --help")
        for path in export_tables(data_dir, folder, table or [], Format(form), raw=raw):
            typer.echo(path)
        return
    if folder or table or raw or form != "parquet":
        raise UsageError(
            "--to publishes all tables in a DuckLake, and has no folder, --table, --format or --raw",
            f"ca-etl export --to {shlex.quote(str(lake))}",
        )
    publication = publish_in_lake(data_dir, lake, force=force)
    if publication.snapshot is None:
        print_line(f"{lake} shows {publication.release_id} already, and nothing is changed")
    else:
        print_line(
            f"published {publication.release_id} in {lake} as snapshot {publication.snapshot}: tables written "
            f"{len(publication.written)}, unchanged {len(publication.unchanged)}, removed {len(publication.removed)}"
        )
    typer.echo(lake)


def convert(
    amount: Annotated[str, typer.Argument(help="Amount in units of BASE, such as 5000 or 2500.50.")],
    base: Annotated[str, typer.Argument(help="Currency of the amount, ISO 4217 code.")],
    quote: Annotated[str, typer.Argument(help="Currency to convert into, ISO 4217 code.")],
    on: Annotated[
        datetime | None,
        typer.Option(
            "--on", formats=["%Y-%m-%d"], help="Day of the rates. Default: the last day with rates."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Convert an amount at the best rates of a day, with its interval and the sources of the rates."""
    from ca_etl.cli.query import published
    from ca_etl.warehouse.conversion import convert_amount, shown_amount

    conversion = convert_amount(
        published(load_settings().data_dir), amount, base.upper(), quote.upper(), on and on.date()
    )
    if as_json:
        print_json(conversion)
        return
    amounts = (conversion.quote_amount, conversion.quote_amount_low, conversion.quote_amount_high)
    # `convert_amount` raises an error where an amount is null
    shown = shown_amount(*cast("tuple[Decimal, Decimal, Decimal]", amounts), conversion.quote)
    typer.echo(f"{shown} on {conversion.rate_date}")
    for currency, source, day in (
        (conversion.base, conversion.base_source, conversion.base_observed_date),
        (conversion.quote, conversion.quote_source, conversion.quote_observed_date),
    ):
        if source is not None:
            own = day == conversion.rate_date
            filled = "" if own else f", filled: {conversion.rate_date} has no rate of its own"
            typer.echo(f"{currency}: rate of {source} for {day}{filled}")
