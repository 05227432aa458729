"""The commands that draw a release: its report, and the chart of one currency."""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ca_etl.cli.render import load_settings, print_line
from ca_etl.errors import CaEtlError, UsageError, assert_in_order

if TYPE_CHECKING:
    from ca_etl.report.charts import RateDay

PICTURES: Final = (".svg", ".png")
# A picture has twice as many pixels as its text is large, for screens that show two in place of one.
PIXELS: Final = 2
# Of a window, the lines that the shell's next prompt takes.
PROMPT_LINES: Final = 2


def chart(
    currency: Annotated[str, typer.Argument(help="ISO 4217 code, such as KZT.")],
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day. Default: the first one known."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: the last one known."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write instead of text: .svg .png"),
    ] = None,
) -> None:
    """Draw the rates of a currency against the dollar: each with its interval, filled days, and those of its bank.

    On a terminal the chart fills the window. In a pipe or a file it is the same text, of 80 columns and 24 lines, or
    as many as the variables COLUMNS and LINES have. A picture needs --output.
    """
    from ca_etl.cli.query import published
    from ca_etl.report.release_facts import read_rates, warehouse_of_facts

    data_dir = load_settings().data_dir
    if output is not None:
        _assert_writable(output, PICTURES, data_dir, f"ca-etl chart {shlex.quote(currency)}")
    assert_in_order(first, last, hint="ca-etl chart --help")
    with warehouse_of_facts(published(data_dir).warehouse) as con:
        known = read_rates(con)
    code = currency.upper()
    if code not in known:
        raise UsageError(
            f"{currency!r} is not one of the currencies with rates: {', '.join(known) or 'no run has read any'}",
            f"ca-etl chart {next(iter(known))}" if known else "ca-etl status",
        )
    name, rates = known[code]
    shown = [
        rate
        for rate in rates
        if not ((first and rate.day < first.date()) or (last and rate.day > last.date()))
    ]
    if not shown:
        raise UsageError(
            f"no rate of {code} is known in these days, only from {rates[0].day} to {rates[-1].day}",
            f"ca-etl chart {code}",
        )
    if output is None:
        _print_chart(code, name, shown)
    else:
        _write_picture(code, name, shown, output)
        typer.echo(output)


def _assert_writable(output: Path, endings: tuple[str, ...], data_dir: Path, command: str) -> None:
    """Raise `UsageError` for a file that a picture or page may not replace: of another kind, or of the data."""
    is_ours = output.resolve().is_relative_to(data_dir.resolve())
    if is_ours or output.suffix.lower() not in endings or (output.exists() and not output.is_file()):
        reason = (
            "is in the data directory" if is_ours else f"is not a file with the ending {' or '.join(endings)}"
        )
        stem = Path(command.rpartition(" ")[2]).stem
        raise UsageError(f"{output} {reason}", f"{command} --output {stem}{endings[0]}")


def _print_chart(code: str, name: str, rates: list[RateDay]) -> None:
    from ca_etl.report.block_chart import Marks, block_chart
    from ca_etl.screen import Screen, plain

    columns, lines = shutil.get_terminal_size()
    marks = Marks.of_encoding(sys.stdout.encoding)
    drawn = block_chart(rates, columns, lines - PROMPT_LINES, marks)
    widest = max(map(len, drawn.plain.splitlines()))
    if widest > columns:
        raise UsageError(
            f"the chart takes {widest} columns, and the window has {columns}",
            f"ca-etl chart {code} --output {code}.svg",
        )
    screen = Screen(sys.stdout)
    screen.print(plain(f"{name}: {code} for one US dollar"[:columns]), soft_wrap=True)
    screen.print(drawn, soft_wrap=True)


def _write_picture(code: str, name: str, rates: list[RateDay], output: Path) -> None:
    import vl_convert

    from ca_etl.report.charts import rate_picture
    from ca_etl.warehouse.durable_files import write_atomic

    spec = rate_picture(code, name, rates)
    is_svg = output.suffix.lower() == ".svg"
    write_atomic(
        output,
        vl_convert.vegalite_to_svg(spec).encode()
        if is_svg
        else vl_convert.vegalite_to_png(spec, scale=PIXELS),
    )


def report(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write a new report to. Default: the one of the release."
        ),
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Print the path of the report of the current release, a page with charts that needs no network.

    With --output a new one is written, also of a release that lacks one, and beside it the dictionary of its tables.
    """
    import webbrowser

    from ca_etl.cli.query import published
    from ca_etl.report.dictionary import write_pages
    from ca_etl.report.page import DICTIONARY, REPORT

    data_dir = load_settings().data_dir
    release = published(data_dir)
    path = release.folder / REPORT
    if output is not None:
        _assert_writable(output, (".html",), data_dir, "ca-etl report")
        if output.name == DICTIONARY:
            raise UsageError(
                f"{output} is the name of the dictionary, which is written beside the report",
                "ca-etl report --output report.html",
            )
        path = write_pages(release.warehouse, output, data_dir, release_id=release.release_id)
    elif not path.is_file():
        raise CaEtlError(
            f"the release {release.release_id} has no {REPORT}", f"ca-etl report --output {REPORT}"
        )
    typer.echo(path)
    if is_opened and not webbrowser.open(path.resolve().as_uri()):
        print_line(f"no browser was found that opens {path}", logging.WARNING)
