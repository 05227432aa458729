"""Parts of an archive that workers on this machine or on others have parsed, each a Parquet file that all can reach.

The run that began them may have ended: the next one takes what is there, and the workers parse the rest.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

import pyarrow as pa
from pydantic import TypeAdapter

import ca_etl
from ca_etl.archive.sealed_file import sha256_of
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.pipeline.parts import ParsedPart, Part, PartQueue, PartReader
from ca_etl.settings import Settings
from ca_etl.warehouse.raw_load import ArchiveFile
from ca_etl.warehouse.sqlfiles import sql_root

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

log = logging.getLogger(__name__)

INSTALL_CLUSTER: Final = "pip install 'dask[distributed]' prefect-dask s3fs"
SUFFIX: Final = ".parquet"
# The columns of a stored part are the tables of the first kind, and those of the second.
TABLES: Final = "raw."
MATCHES: Final = "matches."
NUMBERS: Final = [one.name for one in fields(ParsedPart) if one.name not in {"tables", "matches", "files"}]
# What is read of the parts in storage, while those before are loaded.
READ_AHEAD: Final = 3


class PartDiffersError(CaEtlError):
    """A worker has other archive files or another version of the code than the run whose parts it is to parse."""


class PartStorageError(CaEtlError):
    """The folder of stored parts cannot be read or written."""


def parts_url(settings: Settings) -> str:
    """The URL of the folder of stored parts: the setting `parts_url`, by default `parts` in the data directory."""
    return settings.parts_url or str(settings.data_dir.absolute() / "parts")


@dataclass(frozen=True, slots=True)
class PartStore:
    """Parsed parts in the folder `url` (a path, or any URL of fsspec), each a file of its own.

    `reader` parses a part; its `run_id` is in no file. The name of a file is a digest of all that its rows depend on:
    the archive files, the range, the code and the terms of the reader. A part of other bytes, or by other code, has
    another name and is never read in its place. A file appears whole: a part exists if its file does.
    """

    url: str
    reader: PartReader

    def missing(self, parts: Iterable[Part]) -> list[Part]:
        """The parts that do not exist, in their order. Raises as `open_folder`."""
        with open_folder(self.url) as (files, folder):
            existing = _names(files, folder)
        return [part for part in parts if self.name(part) not in existing]

    def name(self, part: Part) -> str:
        """The name of the file of a part. Raises `OSError` for an archive file that cannot be read."""
        reader = self.reader
        terms = (
            code_digest(),
            [_file_digest(reader.root / name, *_version(reader.root / name)) for name in part.files],
            part,
            reader.zone.key,
            reader.site,
            sorted((name, parser.version) for name, parser in reader.parsers.items()),
            sorted((name, str(schema)) for name, schema in reader.schemas.items()),
        )
        return hashlib.sha256(repr(terms).encode()).hexdigest() + SUFFIX

    def make(self, part: Part, name: str) -> None:
        """Parse a part and store it as `name`, unless it exists; called in a worker.

        Raises `PartDiffersError` if that is not the name of the part here, `OSError` for an archive file that cannot
        be read.
        """
        if self.name(part) != name:
            raise PartDiffersError(
                f"{', '.join(part.files)} below {self.reader.root}, or ca_etl itself, is not as on the machine of the "
                "run: a worker needs the same archive at the same path, and the same version",
                "make setup",
            )
        with open_folder(self.url) as (files, folder):
            if files.exists(f"{folder}/{name}"):
                return
            parsed = _as_row(self.reader.read_and_search(part))
            files.makedirs(folder, exist_ok=True)
            # two workers may make one part, and a reader must not see the half of it
            unfinished = f"{folder}/{name}.{uuid4().hex}"
            files.pipe_file(unfinished, parsed)
            files.mv(unfinished, f"{folder}/{name}")

    def read(self, part: Part, run_id: str) -> ParsedPart | None:
        """A stored part as rows of a run, None if it does not exist or its file is damaged."""
        import pyarrow.parquet as pq  # noqa: PLC0415  only few runs read stored parts

        name = self.name(part)
        try:
            with open_folder(self.url) as (files, folder):
                row = pq.read_table(pa.BufferReader(files.cat_file(f"{folder}/{name}")))
        except FileNotFoundError:
            return None
        except (PartStorageError, pa.ArrowException) as error:
            log.warning("the run parses a part itself, since it cannot read %s: %s", name, error)
            return None
        return _as_part(row, self.reader.schemas, run_id)


@contextmanager
def stored_parts(store: PartStore, parts: Sequence[Part], run_id: str) -> Iterator[PartQueue]:
    """Read stored parts in their order, for the load of a run; those that do not exist are None."""
    with ThreadPoolExecutor(READ_AHEAD) as pool:
        yield PartQueue(pool, lambda part: store.read(part, run_id), parts, READ_AHEAD)


def remove_parts(url: str) -> None:
    """Delete all stored parts in a folder, once a release has their rows. Raises as `open_folder`."""
    with open_folder(url) as (files, folder):
        stored = [f"{folder}/{name}" for name in _names(files, folder) if SUFFIX in name]
        if stored:
            files.rm(stored)


@contextmanager
def open_folder(url: str) -> Iterator[tuple[AbstractFileSystem, str]]:
    """The file system of a folder of stored parts, and its path there, for the block.

    Raises `UsageError` for a URL that fsspec does not know, or whose package is not installed; in the block
    `PartStorageError` where the folder cannot be read or written.
    """
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415  of the extra `cluster`

        files, folder = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"CA_ETL_PARTS_URL={url} cannot be opened: {error}; packages for S3 are in the extra `cluster`",
            INSTALL_CLUSTER,
        ) from error
    try:
        yield files, folder.rstrip("/")
    except (CaEtlError, FileNotFoundError, pa.ArrowException):
        raise
    except Exception as error:
        # each file system has errors of its own: of S3 few of them are of the class OSError
        raise PartStorageError(
            f"the stored parts in {url} (CA_ETL_PARTS_URL) cannot be read or written: {error}",
            f"python -c \"import fsspec; fs, path = fsspec.url_to_fs('{url}'); print(fs.ls(path))\"",
        ) from error


def _names(files: AbstractFileSystem, folder: str) -> set[str]:
    # what others have written since is not in the memory of the file system
    files.invalidate_cache()
    try:
        return {path.rpartition("/")[2] for path in files.ls(folder, detail=False)}
    except FileNotFoundError:
        return set()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """The SHA-256 of the code and the tables of names that decide what a part becomes, in hex."""
    package = Path(ca_etl.__file__).parent
    digest = hashlib.sha256()
    for root, pattern in ((package, "**/*.py"), (sql_root() / "seeds", "*.csv")):
        for path in sorted(root.glob(pattern)):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=1024)
def _file_digest(path: Path, _size: int, _modified: int) -> str:
    """The SHA-256 of a file, computed once for all parts of it."""
    return sha256_of(path)


def _as_row(parsed: ParsedPart) -> bytes:
    """A part as a Parquet file of one row, in which each of its tables is a list."""
    import pyarrow.parquet as pq  # noqa: PLC0415  only workers write parts

    tables = {TABLES + name: table for name, table in parsed.tables.items()}
    matches = {MATCHES + name: table for name, table in parsed.matches.items()}
    numbers = {name: getattr(parsed, name) for name in NUMBERS}
    row = pa.table({name: _as_list(table) for name, table in chain(tables.items(), matches.items())})
    files = TypeAdapter(tuple[ArchiveFile, ...]).dump_json(parsed.files)
    sink = pa.BufferOutputStream()
    pq.write_table(
        row.replace_schema_metadata({"files": files, "numbers": json.dumps(numbers).encode()}),
        sink,
        compression="zstd",
    )
    return bytes(sink.getvalue())


def _as_list(table: pa.Table) -> pa.ListArray[Any]:
    columns = [column.combine_chunks() for column in table.columns]
    rows = pa.StructArray.from_arrays(columns, fields=list(table.schema))
    return pa.ListArray.from_arrays(pa.array([0, table.num_rows], pa.int32()), rows)


def _as_part(row: pa.Table, schemas: Mapping[str, pa.Schema], run_id: str) -> ParsedPart:
    """The part of a file that `_as_row` made, with `run_id` in its rows."""
    lists = {name: cast("Any", row.column(name).chunk(0)) for name in row.column_names}
    of_part = {name: pa.Table.from_struct_array(rows.flatten()) for name, rows in lists.items()}
    tables = {name: _of_run(of_part[TABLES + name].cast(schema), run_id) for name, schema in schemas.items()}
    metadata = row.schema.metadata
    files = TypeAdapter(tuple[ArchiveFile, ...]).validate_json(metadata[b"files"])
    return ParsedPart(
        tables=tables,
        files=tuple(replace(file, run_id=run_id) for file in files),
        matches={
            name.removeprefix(MATCHES): table for name, table in of_part.items() if name.startswith(MATCHES)
        },
        **json.loads(metadata[b"numbers"]),
    )


def _of_run(table: pa.Table, run_id: str) -> pa.Table:
    """The rows of a table as those of a run."""
    index = table.schema.get_field_index("run_id")
    if index < 0:
        return table
    return table.set_column(
        index, table.schema.field(index), pa.array([run_id] * table.num_rows, pa.string())
    )
