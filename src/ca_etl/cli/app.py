"""The application `ca-etl`, made of its commands. Results go to stdout, progress and logs to stderr.

Every slow import is inside the command that needs it, so that `ca-etl --help` responds at once.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ca_etl import logs
from ca_etl.cli import charts, data, inspect, operate, runs
from ca_etl.cli.render import print_error
from ca_etl.errors import COMMAND, CaEtlError
from ca_etl.logs import LogFormat
from ca_etl.sanitize import guard_streams

app = typer.Typer(
    name="ca-etl",
    help="Daily Central Asian exchange rates and articles, from page to DuckDB release.",
    epilog="Settings are CA_ETL_* variables or a .env file; data are in CA_ETL_DATA_DIR (./data).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
TERMINATED = 143
# The variable in which a shell requests a completion from Typer.
COMPLETES = "_CA_ETL_COMPLETE"


def main() -> None:
    """Run `ca-etl`. An error that an operator can act on becomes a sentence, the next command and an exit status."""
    guard_streams()
    COMMAND.set(shlex.join(["ca-etl", *sys.argv[1:]]))
    try:
        sys.exit(app(standalone_mode=False))
    except CaEtlError as error:
        if COMPLETES not in os.environ:  # a shell that completes a word has no line to show an error on
            print_error(str(error), error.hint)
        sys.exit(error.exit_status)
    except typer.TyperException as error:
        # Typer itself would print the control characters of an argument
        if message := error.format_message():
            print_error(message, f"{error.ctx.command_path if hasattr(error, 'ctx') else 'ca-etl'} --help")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, RuntimeError) as error:
        # DuckDB turns Ctrl-C within a query into a RuntimeError of its own
        if isinstance(error, RuntimeError) and "interrupted" not in str(error):
            raise
        print_error("interrupted", "ca-etl status")
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        # Typer ends a command that was interrupted without a message, and a run that got a SIGTERM has none either
        if end.code in {INTERRUPTED, TERMINATED}:
            print_error("interrupted; what was archived is kept for the next run", "ca-etl status")
        raise
    except BrokenPipeError:
        # `ca-etl sql ... | head` closes our stdout; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        path = f" ({error.filename})" if error.filename else ""
        folder = f" {shlex.quote(str(Path(error.filename).parent))}" if error.filename else ""
        hint = f"df -h{folder}" if error.errno == errno.ENOSPC else f"ls -ld{folder}"
        print_error(f"{error.strerror or error}{path}", hint)
        sys.exit(1)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"ca-etl {version('ca-etl')}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each request and file.")] = False,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            envvar="CA_ETL_LOG_FORMAT", help="Form of the log on stderr: text, or a JSON object a line."
        ),
    ] = None,
) -> None:
    logs.configure(log_format, verbose=verbose)


# In the order of the help.
for command in (
    *(runs.run, runs.ingest, runs.backfill, runs.rebuild, runs.demo),
    *(
        data.sql,
        data.describe,
        data.search,
        data.convert,
        charts.chart,
        charts.report,
        data.export,
        data.rollback,
        data.decide,
    ),
    *(inspect.trace, inspect.diff, inspect.capture),
    *(inspect.status, inspect.doctor, inspect.verify, inspect.releases, inspect.models),
    *(operate.schedule, operate.alerts, operate.backup, runs.restore),
):
    # of `ca-etl convert -5 KGS USD`, the negative amount is not an option
    app.command(context_settings={"ignore_unknown_options": command is data.convert})(command)
