"""`python -m flows.daily`: one run under Prefect, by hand, as `make run` does it.

Progress and logs go to stderr, the result to stdout. Exit status: 0 done; 1 failed; 2 wrong usage; 3 checks
failed, nothing published; 75 another run holds the lock.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Final

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.run import Outcome
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule
from flows.local_server import QUIET, local_server
from flows.site import settings_for
from flows.summary import read_contents, text

HOME: Final = ".prefect"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow once and return the exit status."""
    asked = _parser().parse_args(arguments)
    # A terminal that closes, or a service that stops, ends the server of the run too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        settings = settings_for(asked.site)
        slot = _slot(settings, asked.day)
        with _server(settings.data_dir) as ready:
            from flows.once import run_once  # noqa: PLC0415  Prefect reads the environment at import

            ready()
            report = run_once(asked.site, slot)
        _print_result(report.outcome)
    except CaEtlError as error:
        _say(str(error), error.hint)
        return error.exit_status
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        _say(f"{error.strerror or error}{place}", "df -h . (is there room, and may we write?)")
        return 1
    except KeyboardInterrupt:
        _say("interrupted", "ca-etl status")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.daily",
        description="Do the daily job once under Prefect: capture, load, build, check, publish.",
        epilog="Without PREFECT_API_URL a Prefect server of its own runs meanwhile; "
        f"its history stays in PREFECT_HOME, by default {HOME} in the data directory.",
    )
    parser.add_argument("--site", help="address of the site, or demo (default: CA_ETL_SITE_URL)")
    parser.add_argument(
        "--day", type=date.fromisoformat, help="day of the slot, YYYY-MM-DD (default: the last one)"
    )
    return parser


def _slot(settings: Settings, day: date | None) -> datetime | None:
    return schedule(settings).on(day) if day else None


@contextmanager
def _server(data_dir: Path) -> Iterator[Callable[[], None]]:
    """Point Prefect at a server for the block: the one that PREFECT_API_URL names, else one of our own.

    The block imports Prefect, which reads the environment then, and calls what is given to wait for the server.
    """
    for name, value in {**QUIET, "PREFECT_LOGGING_EXTRA_LOGGERS": "ca_etl"}.items():
        os.environ.setdefault(name, value)
    # The user's own Prefect may be of another version, whose database this one must not touch.
    home = Path(os.environ.setdefault("PREFECT_HOME", str((data_dir / HOME).resolve())))
    home.mkdir(parents=True, exist_ok=True)
    if os.environ.get("PREFECT_API_URL"):
        yield lambda: None
        return
    with local_server(home) as server:
        sys.stderr.write(f"a Prefect server starts for this run; the history stays in {home}\n")
        os.environ["PREFECT_API_URL"] = server.api_url
        # The server is gone before anybody could follow the link.
        logging.getLogger("prefect.flow_runs").addFilter(lambda line: "View at" not in line.getMessage())
        yield server.ready


def _print_result(outcome: Outcome) -> None:
    release = outcome.release
    if release is None:
        return
    command = Path(sys.executable).with_name("ca-etl")
    shown = command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command
    lines = [
        f"release {release.folder}",
        text(read_contents(release.warehouse, release.release_id)),
        f'query with {shown} sql "from fct_rate_daily"',
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _say(message: str, hint: str) -> None:
    sys.stderr.write(f"{message}\n")
    if hint:
        sys.stderr.write(f"next: {hint}\n")
