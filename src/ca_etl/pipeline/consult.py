"""Reading what a run only consults: the facts, or the problem as data.

A page that is not requested today is lost for ever, so that nothing here stops a run before it has captured its
slot. A run that met a problem fails once the pages are archived (`run.load_and_publish`), with the next command.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import duckdb
from pyarrow.lib import ArrowCancelled

from ca_etl.archive.policy import Validators
from ca_etl.archive.reader import archive_files, read_validators, usable_urls
from ca_etl.errors import CaEtlError, Problem, UsageError
from ca_etl.records import site_name
from ca_etl.settings import Settings
from ca_etl.sources import timesca
from ca_etl.warehouse.data_directory import MARKER, claim_data_dir, claimed_site
from ca_etl.warehouse.raw_load import validators
from ca_etl.warehouse.reading import PLACE_OF, consulted_warehouse, published_warehouse
from ca_etl.warehouse.release import GO_BACK

log = logging.getLogger(__name__)

T = TypeVar("T")
S = TypeVar("S")

# A defect of Polars is no Exception, and no stop either.
RUST_PANIC: Final = "PanicException"
INTERRUPTED: Final = "Query interrupted"
# What of the newest archive files is evidence for the site of a data directory: one of them may be damaged, too.
NEWEST: Final = 3
RESTORE: Final = (
    "ca-etl doctor --deep, then restore the file from a backup; to give it up: remove the link `current` in the data "
    "directory, then ca-etl rebuild"
)


@dataclass(frozen=True, slots=True)
class Consulted(Generic[T]):
    """What was read, or what stands in for it, and then the problem."""

    value: T
    problem: Problem | None = None


def consult(read: Callable[[], T], without: S, what: object, next_command: str) -> Consulted[T | S]:
    """What `read` gives; where it raises, `without` and the problem, which names `what`.

    Damaged bytes make a library raise anything, a ValueError as well as a MemoryError. Ctrl-C is raised as ever.
    """
    try:
        return Consulted(read())
    except CaEtlError as error:
        return Consulted(without, Problem(str(error), error.hint or next_command))
    except Exception as error:
        if stop_of(error) is not None:
            raise
        known = isinstance(error, OSError | duckdb.Error)
        log.log(logging.INFO if known else logging.WARNING, "%s cannot be read", what, exc_info=not known)
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        return Consulted(without, Problem(f"{what} cannot be read: {reason}", next_command))


def consult_release(
    data_dir: Path,
    read: Callable[[duckdb.DuckDBPyConnection | None], T],
    without: S,
    *,
    of_any_version: bool = False,
) -> Consulted[T | S]:
    """What `read` makes of the current release, of None before the first one; `without` where it is unreadable.

    A release with the tables of an earlier version counts as none, unless `of_any_version`.
    """
    opened = published_warehouse if of_any_version else consulted_warehouse

    def read_release() -> T:
        with opened(data_dir) as con:
            return read(con)

    return consult(read_release, without, "the current release", GO_BACK)


def consult_validators(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, urls: Sequence[str]
) -> Consulted[Mapping[str, Validators]]:
    """What a conditional request for each URL sends, from the archive record of its newest full response.

    They only save bytes: one that cannot be read makes its request unconditional, and the first such is the problem.
    """
    known: dict[str, Validators] = {}
    problems: list[Problem] = []
    for url, last in validators(con, urls).items():
        for archive_file, offset in con.execute(PLACE_OF, [last.capture_id]).fetchall():
            path = archive_dir / archive_file
            record = consult(partial(read_validators, path, offset), None, path, RESTORE)
            if record.value is not None:
                known[url] = record.value
            if record.problem is not None:
                problems.append(record.problem)
    return Consulted(known, next(iter(problems), None))


def consult_site(settings: Settings) -> Problem | None:
    """Claim the data directory for the site of the settings; the problem where `site.txt` is damaged.

    Raises `UsageError` where the directory holds another site. Where the newest archive files have pages of the site
    of the settings the name itself is damage: one flipped bit makes `timesca.cgm`.
    """
    marker, site = settings.data_dir / MARKER, site_name(str(settings.site_url))
    try:
        claim_data_dir(settings.data_dir, str(settings.site_url))
    except UsageError as error:
        if site not in _archived_sites(settings.archive_dir):
            raise
        return Problem(f"{error}; its archive does, so that {marker} is damaged", f"echo {site} > {marker}")
    except (CaEtlError, OSError) as error:
        return Problem(f"{marker} cannot be read: {error}", f"ls -ld {marker}, then: echo {site} > {marker}")
    return None


def consult_marker(settings: Settings) -> Problem | None:
    """The problem where the site whose pages would be read from the archive is not that of its newest files.

    All of their pages would be foreign: a rebuild would publish a release without a rate.
    """
    marker = settings.data_dir / MARKER
    claimed = consult(partial(claimed_site, settings.data_dir), None, marker, f"ls -ld {marker}")
    site = claimed.value or site_name(str(settings.site_url))
    archived = _archived_sites(settings.archive_dir)
    if claimed.problem is not None or not archived or site in archived:
        return claimed.problem
    named = "names" if claimed.value else "is missing, and the settings name"
    return Problem(
        f"{marker} {named} {site}; the newest archive files have pages of {', '.join(sorted(archived))}",
        f"echo {min(archived)} > {marker}",
    )


def _archived_sites(archive_dir: Path) -> frozenset[str]:
    own = [path for path in archive_files(archive_dir) if f"Z-{timesca.SOURCE}" in path.name]
    files = [consult(partial(usable_urls, path), set[str](), path, RESTORE) for path in own[-NEWEST:]]
    return frozenset(site_name(url) for file in files for url in file.value)


def stop_of(error: BaseException | None) -> BaseException | None:
    """The stop that `error` is or comes from: Ctrl-C, a service that ends, Prefect's TerminationSignal; else None.

    DuckDB makes a RuntimeError of a Ctrl-C within a query, Arrow an ArrowCancelled, and what cleans up after one
    may fail in turn: the KeyboardInterrupt is then further up the chain.
    """
    stop = None
    while error is not None:
        if not isinstance(error, Exception | GeneratorExit) and type(error).__name__ != RUST_PANIC:
            return error
        is_duckdbs = isinstance(error, RuntimeError) and str(error) == INTERRUPTED
        if is_duckdbs or isinstance(error, ArrowCancelled | duckdb.InterruptException):
            stop = error
        error = error.__cause__ or error.__context__
    return stop
