"""Which files an operator gives to an ingest: folders and patterns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ca_etl.archive.inputs import InputPaths, MissingInputError, OwnInputError, expand


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("2023/b.warc.gz", "2023/a.warc.gz", "2023/notes.md", "2024/deep/c.wet", "2024/x[1].txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "taken", "skipped"),
    [
        ("2023/*.warc.gz", ["2023/a.warc.gz", "2023/b.warc.gz"], []),
        ("2023/*", ["2023/a.warc.gz", "2023/b.warc.gz"], ["2023/notes.md"]),
        ("*4", ["2024/deep/c.wet", "2024/x[1].txt"], []),
        ("**/*.wet", ["2024/deep/c.wet"], []),
        ("2024/x[1].txt", ["2024/x[1].txt"], []),
    ],
)
def test_a_pattern_gives_the_files_that_match_and_those_in_folders_that_match(
    folder: Path, pattern: str, taken: list[str], skipped: list[str]
) -> None:
    elsewhere = folder / "data"
    relative = InputPaths([*map(Path, taken)], [*map(Path, skipped)])
    assert expand([Path(pattern)], elsewhere) == relative
    absolute = InputPaths([folder / name for name in taken], [folder / name for name in skipped])
    assert expand([folder / pattern], elsewhere) == absolute


def test_a_file_of_the_data_directory_is_passed_over_in_a_folder_and_refused_by_its_name(
    folder: Path,
) -> None:
    data = folder / "2023"
    (folder / "link.txt").symlink_to(data / "a.warc.gz")
    for given in (Path(), Path("*")):
        files = expand([given], data)
        assert [path.name for path in files.taken] == ["c.wet", "x[1].txt"]
        assert ({path.name for path in files.own}, files.skipped) == (
            {"a.warc.gz", "b.warc.gz", "notes.md", "link.txt"},
            [],
        )
    for given in (Path("2023"), Path("2023/a.warc.gz"), Path("2023/*.gz"), Path("link.txt")):
        with pytest.raises(OwnInputError, match=rf"{re.escape(str(given))} is in the data directory {data}"):
            expand([given], data)


def test_a_pattern_without_a_match_is_named(folder: Path) -> None:
    with pytest.raises(MissingInputError, match=r"no file matches 2025/\*\.warc") as error:
        expand([Path("2025/*.warc")], folder / "data")
    assert error.value.hint == f"ls {folder}"


def test_the_next_command_for_a_missing_path_lists_a_folder_that_exists(folder: Path) -> None:
    for path in ("2023/nosuch/page.txt", "2023/nosuch/*.txt", "2023/nosuch*/page.txt"):
        with pytest.raises(MissingInputError) as error:
            expand([Path(path)], folder / "data")
        assert error.value.hint == f"ls {folder / '2023'}"
