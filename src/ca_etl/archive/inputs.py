"""The files that an operator gives to an ingest: those in folders and of patterns, their kinds, and their hints."""

from __future__ import annotations

import glob
import hashlib
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ca_etl.archive.writer import record_id
from ca_etl.errors import CaEtlError, UsageError, nearest_folder
from ca_etl.records import site_name
from ca_etl.sanitize import redacted

PAGES: Final = {".txt": "text/plain", ".html": "text/html", ".htm": "text/html"}
ARCHIVES: Final = (".warc", ".warc.gz", ".wet", ".wet.gz")
CLOCKS_DIFFER: Final = timedelta(days=1)
# The first year of which a web archive has pages.
FIRST_YEAR: Final = 1996


class MissingInputError(UsageError):
    """A path to ingest does not exist, or no file matches a pattern."""


class OwnInputError(UsageError):
    """A path to ingest is in the data directory."""


class UnsupportedInputError(UsageError):
    """A file to ingest has a suffix that is not of a known kind."""


class UnreadableInputError(CaEtlError):
    """A file to ingest cannot be read to its end, or changed while it was read."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file to ingest; `identity` is equal for equal captures. `content_type` is None for a WARC or WET file.

    Of a WARC or WET file the captures of one site are taken, so that its identity has the site, too.
    """

    path: Path
    content_type: str | None
    sha256: str
    identity: str


@dataclass(frozen=True, slots=True)
class InputPaths:
    """The files among the paths of an operator: those to ingest, those of unknown kinds, and those of the program."""

    taken: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)


def expand(paths: Iterable[Path], data_dir: Path) -> InputPaths:
    """The files among `paths`, in folders and of patterns, in order; those in `data_dir` are the program's own.

    Raises `MissingInputError`, and for what was named itself `OwnInputError`, or `UnsupportedInputError` for a file of
    an unknown kind.
    """
    files = InputPaths()
    own = data_dir.resolve()
    for path in paths:
        if path.resolve().is_relative_to(own):
            raise OwnInputError(
                f"{path} is in the data directory {data_dir}: what its archive has is in already, and other files "
                "belong elsewhere",
                "ca-etl ingest --help",
            )
        several = _several(path)
        if several is not None:
            for file in several:
                is_own = file.resolve().is_relative_to(own)
                (files.own if is_own else files.taken if _is_known(file) else files.skipped).append(file)
        elif not path.exists():
            raise MissingInputError(f"{path} does not exist", _list_near(path))
        elif not path.is_file() or not _is_known(path):
            known = " ".join((*PAGES, *ARCHIVES))
            raise UnsupportedInputError(
                f"{path} is not a file of a known kind: these end in {known} (a response of the posts API or a feed "
                "in .txt, with --url)",
                "ca-etl ingest --help",
            )
        else:
            files.taken.append(path)
    return files


def _several(path: Path) -> list[Path] | None:
    """The files in a folder, or of a pattern such as `2023/*.warc.gz`, by name; None for the path of one file."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if path.exists() or not glob.has_magic(str(path)):
        return None
    root = Path(path.anchor)
    matches = list(root.glob(str(path.relative_to(root))))
    if not matches:
        raise MissingInputError(f"no file matches {path}", _list_near(path))
    within = (_several(match) if match.is_dir() else [match] for match in matches)
    return sorted({file for files in within for file in files or ()})


def _list_near(path: Path) -> str:
    return f"ls {shlex.quote(str(nearest_folder(path.parent)))}"


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in PAGES or path.name.lower().endswith(ARCHIVES)


def check_hints(files: list[Path], url: str | None, captured_at: datetime | None, now: datetime) -> None:
    """Raise `UsageError` for a `url` or `captured_at` that cannot be those of these files."""
    pages = [path for path in files if path.suffix.lower() in PAGES]
    if url is not None and (len(pages) != 1 or len(files) != 1):
        raise UsageError(
            f"a URL was given with {len(files)} files: it belongs to one text or HTML file",
            "ca-etl ingest --help",
        )
    if url is not None and not (url.startswith(("http://", "https://")) and site_name(url)):
        raise UsageError(
            f"{url} is not a URL: it needs a scheme and a host",
            "ca-etl ingest FILE --url https://timesca.com/",
        )
    if url is not None and redacted(url) != url:
        raise UsageError("the URL holds a user or password, which would be published", "ca-etl ingest --help")
    if captured_at is not None:
        if len(pages) != len(files):
            raise UsageError(
                "a capture time was given for WARC or WET files, whose records have their own",
                "ca-etl ingest --help",
            )
        if captured_at.tzinfo is None:
            raise UsageError(
                f"the capture time {captured_at} has no time zone, such as {captured_at.isoformat()}Z or +05:00",
                "ca-etl ingest --help",
            )
        if captured_at.year < FIRST_YEAR:
            raise UsageError(
                f"{captured_at.isoformat()} is before {FIRST_YEAR}, the first year of web archives",
                "ca-etl ingest --help",
            )
        if captured_at > now + CLOCKS_DIFFER:
            raise UsageError(
                f"{captured_at.isoformat()} is in the future: a capture time is in the past", "date -u"
            )


def examine(path: Path, url: str | None, captured_at: datetime | None, site: str | None) -> InputFile:
    """A file to ingest for `site` with its digest. Raises `UnreadableInputError`."""
    with readable(path), path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    content_type = PAGES.get(path.suffix.lower())
    if content_type is None:
        return InputFile(path, None, sha256, f"warc:{site or ''}:{sha256}")
    hints = [url] if url else []
    hints += [captured_at.astimezone(UTC).isoformat()] if captured_at else []
    return InputFile(path, content_type, sha256, record_id("resource", sha256, *hints))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block, which reads `path`, into an `UnreadableInputError`."""
    try:
        yield
    except OSError as error:
        raise UnreadableInputError(
            f"cannot read {path}: {error.strerror or error}", f"ls -l {path}"
        ) from error
