"""One data directory holds one site, so that the demo's rates are never among real ones."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ca_etl.archive.reader import archive_files, usable_urls
from ca_etl.errors import CaEtlError, Problem, UsageError, counted, nearest_folder
from ca_etl.records import LISTINGS, LOOPBACK, site_name
from ca_etl.settings import Settings
from ca_etl.warehouse.durable_files import read_if_there, write_atomic
from ca_etl.warehouse.journal import JOURNAL_FILE
from ca_etl.warehouse.lock import LOCK_FILE, RUNNING_FILE
from ca_etl.warehouse.overrides import DECISIONS_FILE
from ca_etl.warehouse.reading import RESTORE, Consulted, consult
from ca_etl.warehouse.release import CURRENT, RELEASES

MARKER: Final = "site.txt"
# In a directory of which `ca-etl restore` has not copied all files, or not built the release.
RESTORING: Final = ".restore.json"
# Any of these shows that a directory is a data directory, also during its first run.
OURS: Final = frozenset(
    {MARKER, RESTORING, RUNNING_FILE, JOURNAL_FILE, DECISIONS_FILE, "archive", RELEASES, CURRENT}
)
RUN: Final = re.compile(r"\bca-etl run\b(?: --(?:schedule \w+|[a-z-]+))*")
# How many archive files with usable pages are evidence for the site of a data directory: one may be damaged, too.
NEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class UnfinishedRestore:
    """A restore that has not published a release yet: the path of its backup, and whether all files are copied."""

    backup: str
    is_copied: bool


def unfinished_restore(data_dir: Path) -> UnfinishedRestore | None:
    """The unfinished restore into `data_dir`, None where there is none. Raises `CaEtlError`."""
    path = data_dir / RESTORING
    data = read_if_there(path)
    try:
        return None if data is None else TypeAdapter(UnfinishedRestore).validate_json(data)
    except ValidationError as error:
        raise CaEtlError(f"{path} is damaged", f"rm {path} && ca-etl verify") from error


def consult_restore(data_dir: Path) -> Problem | None:
    """The problem that a restore into `data_dir` was interrupted, and has to be resumed; None where none was."""
    left = consult(partial(unfinished_restore, data_dir), None, data_dir / RESTORING, f"ls -l {data_dir}")
    if left.value is None:
        return left.problem
    lacking = "its release is not built yet" if left.value.is_copied else "not completely"
    return Problem(
        f"{data_dir} is restored from {left.value.backup}, and {lacking}",
        f"ca-etl restore {left.value.backup}",
    )


def assert_restored(data_dir: Path) -> None:
    """Raise `CaEtlError` where a restore into the data directory was interrupted, and has to be resumed."""
    if (problem := consult_restore(data_dir)) is not None:
        raise CaEtlError(problem.message, problem.next_command)


def has_data(data_dir: Path) -> bool:
    """Whether a data directory exists and has a file of ours. One that cannot be listed is left to what reads it."""
    try:
        return not OURS.isdisjoint(path.name for path in data_dir.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def assert_has_data(data_dir: Path) -> None:
    """Raise `UsageError` for a data directory without data, as that of a mistyped path."""
    if not has_data(data_dir):
        raise UsageError(
            f"{data_dir} has no data: is the path right? CA_ETL_DATA_DIR names the directory, "
            "and ca-etl run or ca-etl demo begins a new one",
            f"ls {nearest_folder(data_dir.parent)}",
        )


def site_of(settings: Settings) -> str:
    """The name of the site whose pages are kept: that of the data directory, else of the settings."""
    return claimed_site(settings.data_dir) or site_name(str(settings.site_url))


def record_site(settings: Settings) -> None:
    """Write the name of the settings' site into a missing `site.txt`, also of a directory that does not exist yet."""
    if claimed_site(settings.data_dir) is None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        write_atomic(settings.data_dir / MARKER, f"{site_of(settings)}\n".encode())


def claimed_site(data_dir: Path) -> str | None:
    """The name of a data directory's site, from its file `site.txt`; None without one. Raises `CaEtlError`."""
    marker = data_dir / MARKER
    try:
        return marker.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise CaEtlError(
            f"{marker} is not UTF-8 text with the name of a site: repair or remove it", f"cat {marker}"
        ) from error


def is_demo(settings: Settings, claimed: str | None) -> bool:
    """Whether all data are of the demo: the site of the captures (`claimed`) is loopback, and `site_url` is not."""
    return claimed == LOOPBACK and site_name(str(settings.site_url)) != LOOPBACK


def recorded_site(settings: Settings) -> str | None:
    """The name of the site of the captures: that in `site.txt`, else that of the newest archive files.

    None without captures, as in an archive of ingested files. Raises `CaEtlError` where `site.txt` cannot be read, or
    where it is missing and the archive does not show which site it is.
    """
    marker, site = settings.data_dir / MARKER, site_name(str(settings.site_url))
    claimed = claimed_site(settings.data_dir)
    own = [] if claimed else _own_files(settings.archive_dir)
    if not own:
        return claimed
    archived = _archived_sites(settings.archive_dir)
    if site not in archived and len(archived) != 1:
        named = f"pages of several sites ({', '.join(sorted(archived))})" if archived else "no usable page"
        raise CaEtlError(
            f"{marker} is missing, and the captures of {counted(len(own), 'archive file')} have {named}; "
            "it has to name the host that was captured",
            f"echo {min(archived, default=site)} > {marker}",
        )
    return site if site in archived else min(archived)


def consult_recorded_site(settings: Settings) -> Consulted[str | None]:
    """The name of the site of the captures, with a problem where neither `site.txt` nor the archive shows it."""
    marker, site = settings.data_dir / MARKER, site_name(str(settings.site_url))
    repair = f"ls -ld {marker} && echo {site} > {marker}"
    return consult(partial(recorded_site, settings), None, marker, repair)


def holds_demo(settings: Settings) -> bool:
    """Whether all data in the data directory are of the demo; False where the site of the captures is unknown."""
    return is_demo(settings, consult_recorded_site(settings).value)


def next_command(hint: str, *, is_demo: bool) -> str:
    """Adapt a next command to the data of the demo, which no real run may add to: `ca-etl demo`, not `ca-etl run`.

    >>> next_command("ca-etl status && ca-etl run --again", is_demo=True)
    'ca-etl status && ca-etl demo'
    """
    return RUN.sub("ca-etl demo", hint) if is_demo else hint


def claim_data_dir(settings: Settings) -> None:
    """Write the name of the settings' site into `site.txt` of a data directory without captures or `site.txt`.

    Raises `UsageError` when the directory already holds another site's captures, `CaEtlError` where its site is
    unclear.
    """
    data_dir, name = settings.data_dir, site_name(str(settings.site_url))
    recorded = recorded_site(settings)
    if recorded not in {None, name}:
        raise UsageError(
            f"{data_dir} holds captures of {recorded}, not of {name}, which needs another directory: "
            f"CA_ETL_DATA_DIR={data_dir}-{name}",
            "ca-etl demo" if recorded == LOOPBACK else f"CA_ETL_DATA_DIR={data_dir}-{name} ca-etl run",
        )
    record_site(settings)


def consult_site(settings: Settings) -> Problem | None:
    """Claim the data directory for the site of the settings; return a damage of `site.txt`, None without one.

    `site.txt` names the site whose captures the directory has. Raises `UsageError` where that is another site; it is
    taken for damaged where the newest archive files have pages of the site of the settings.
    """
    if (problem := consult_recorded_site(settings).problem) is not None:
        return problem
    marker, site = settings.data_dir / MARKER, site_name(str(settings.site_url))
    try:
        claim_data_dir(settings)
    except UsageError as error:
        if site not in _archived_sites(settings.archive_dir):
            raise
        return Problem(
            f"{marker} is damaged: {error}, but its newest archive files have pages of {site}",
            f"echo {site} > {marker}",
        )
    except (CaEtlError, OSError) as error:
        return Problem(f"{marker} cannot be read: {error}", f"ls -ld {marker} && echo {site} > {marker}")
    return None


def settle_marker(settings: Settings) -> Problem | None:
    """Write a missing `site.txt` from the archive; return the problem where the site is unclear or another, else None.

    Of an archive without captures, the site is that of the settings, and nothing is written.
    """
    recorded = consult_recorded_site(settings)
    if recorded.problem is not None:
        return recorded.problem
    if recorded.value is not None and claimed_site(settings.data_dir) is None:
        write_atomic(settings.data_dir / MARKER, f"{recorded.value}\n".encode())
    return consult_marker(settings)


def consult_marker(settings: Settings) -> Problem | None:
    """The problem that `site.txt` (without it, the settings) names another site than the newest archive files have.

    None where they agree. A rebuild by the wrong name would read no page, and publish a release without a rate.
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


def _own_files(archive_dir: Path) -> list[Path]:
    return [path for path in archive_files(archive_dir) if f"Z-{LISTINGS}" in path.name]


def _archived_sites(archive_dir: Path) -> frozenset[str]:
    """The sites of the newest archive files that have usable pages; empty where no file of our own has one."""
    newest = reversed(_own_files(archive_dir))
    urls = (consult(partial(usable_urls, path), set[str](), path, RESTORE).value for path in newest)
    return frozenset(site_name(url) for file in islice(filter(None, urls), NEWEST) for url in file)


def unwritable(data_dir: Path) -> list[str]:
    """The folders and files of the data directory that this user may not write to.

    Where the directory does not exist, this is its nearest existing parent folder, unless the user may write to it.
    """
    archive_dir = data_dir / "archive"
    folders = [data_dir, data_dir / RELEASES, archive_dir, *sorted(archive_dir.glob("*/*"))[-1:]]
    if not data_dir.exists():
        folders = [nearest_folder(data_dir)]
    refused = [folder for folder in folders if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK)]
    files = [data_dir / JOURNAL_FILE, data_dir / LOCK_FILE]
    refused += [file for file in files if file.exists() and not os.access(file, os.W_OK)]
    return [str(path) for path in refused]
