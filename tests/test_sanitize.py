"""What steers a terminal is shown, what is secret is left out, what is a folder of the machine is relative."""

from __future__ import annotations

import io
import json
import unicodedata
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ca_etl import sanitize
from ca_etl.sanitize import SafeStream, exact, hide, json_escaped, published, redacted, visible, write_bytes
from ca_etl.settings import Settings

DATA = Path("/usr/share/ca_etl/data")


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanitize, "_secrets", set())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mRED\x1b[2J", r"\x1b[31mRED\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\u009b31m"),
        ("over\rwritten\b", r"over\x0dwritten\x08"),
        ("nul \x00 and del \x7f", r"nul \x00 and del \u007f"),
        (
            "\u202eabc\u202c \u2066x\u2069 \u200e\u200f\u061c",
            r"\u202eabc\u202c \u2066x\u2069 \u200e\u200f\u061c",
        ),
        ("next\x85line\u2028line", r"next\u0085line\u2028line"),
        ("half \udc9b", r"half \udc9b"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("Ақтау, Бишкек, Türkmen, ne‌şe", "Ақтау, Бишкек, Türkmen, ne‌şe"),
    ],
)
def test_a_character_that_steers_is_shown_and_a_letter_is_left(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_that_is_shown_is_a_control_character(text: str) -> None:
    kinds = {unicodedata.category(character) for character in visible(text) if character not in "\t\n"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert visible(visible(text)) == visible(text)


@given(st.dictionaries(st.text(), st.text()))
def test_json_has_the_same_values_once_it_is_escaped(values: dict[str, str]) -> None:
    escaped = json_escaped(json.dumps(values, ensure_ascii=False))
    assert json.loads(escaped) == values
    assert visible(escaped) == escaped


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("http://u:hunter2@127.0.0.1:9/x is away", "http://***@127.0.0.1:9/x is away"),
        ("smtp://me%40example.org:p@ss@host:587", "smtp://***@host:587"),
        ("https://token-hunter2@host/", "https://***@host/"),
        ("(postgresql+asyncpg://u:hunter2@db/prefect)", "(postgresql+asyncpg://***@db/prefect)"),
        ("mail to a@example.org", "mail to a@example.org"),
        ("https://example.org/@author?to=a@b", "https://example.org/@author?to=a@b"),
        ("https://example.org and a@b", "https://example.org and a@b"),
    ],
)
def test_an_address_loses_its_user_and_password_and_nothing_else(text: str, kept: str) -> None:
    assert redacted(text) == kept


def test_a_secret_is_left_out_with_its_parts() -> None:
    hide(["https://hooks.example/services/T0/B0/xyz", "smtp://u:hunter2@host", "open sesame", "abc"])
    assert redacted("POST /services/T0/B0/xyz: https://hooks.example/services/T0/B0/xyz") == "POST ***: ***"
    assert redacted("535 hunter2 is wrong, open sesame") == "535 *** is wrong, ***"
    assert redacted("abc is too short to be a secret") == "abc is too short to be a secret"


def test_a_path_of_words_is_not_a_secret() -> None:
    hide(["https://hooks.example/webhook"])
    assert redacted("the /webhook was not reached") == "the /webhook was not reached"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"cannot write {DATA}/runs.jsonl: full", "cannot write runs.jsonl: full"),
        (
            f'IO Error: "{DATA}/releases/a.building/warehouse.duckdb"',
            'IO Error: "releases/a.building/warehouse.duckdb"',
        ),
        (f"cannot write {DATA}: Read-only file system", "cannot write .: Read-only file system"),
        (f"{DATA}-other/page.txt was not taken", "page.txt was not taken"),
        ("No such file: '/usr/lib/python3/x.py'", "No such file: 'x.py'"),
        ("file:///tmp/a/page.txt was given twice", "page.txt was given twice"),
        ("http://127.0.0.1/usr/share/x gave 404", "http://127.0.0.1/usr/share/x gave 404"),
        (
            "robots.txt forbids /latest/ and /category/home/",
            "robots.txt forbids /latest/ and /category/home/",
        ),
        ("2025/12/20251205T020000Z-timesca.warc.gz", "2025/12/20251205T020000Z-timesca.warc.gz"),
        ("500 \x1b[31mRED", r"500 \x1b[31mRED"),
        (
            "https://u:hunter2@host/x is not on an allowed host",
            "https://***@host/x is not on an allowed host",
        ),
    ],
)
def test_what_is_published_names_no_folder_of_the_machine(text: str, kept: str) -> None:
    assert published(text, DATA) == kept


def test_a_data_directory_is_known_by_both_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "data"
    link.symlink_to(tmp_path / "disk")
    assert published(f"{link}/a {tmp_path}/disk/b", link) == "a b"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_guarded_stream_cleans_every_way_of_writing_and_is_the_other_one_else() -> None:
    out = Terminal()
    guarded = SafeStream(out, visible)
    guarded.write("\x1b[1m")
    guarded.writelines(["\x07", "ж\n"])
    print("\x9b", file=cast("io.TextIOBase", guarded))
    assert out.getvalue() == "\\x1b[1m\\x07ж\n\\u009b\n"
    assert guarded.isatty()
    assert not hasattr(guarded, "buffer")


def test_data_are_exact_in_a_pipe_and_visible_on_a_terminal() -> None:
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        exact(cast("io.StringIO", SafeStream(stream, visible))).write("\x1b[1m")
    assert (pipe.getvalue(), terminal.getvalue()) == ("\x1b[1m", "\\x1b[1m")


def test_settings_that_are_refused_show_no_value() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(site_url="http://u:hunter2@127.0.0.1:9/", _env_file=None)
    assert "hunter2" not in str(refused.value)
    assert "site_url" in str(refused.value)


def test_bytes_reach_a_pipe_unchanged_and_a_terminal_with_visible_controls(monkeypatch):
    for is_terminal, expected in ((False, b"a\x1b[2Jb\r\n\xff"), (True, b"a\\x1b[2Jb\n\xef\xbf\xbd\n")):
        stream = TextIOWrapper(BytesIO(), encoding="utf-8", newline="")
        monkeypatch.setattr(stream, "isatty", lambda is_terminal=is_terminal: is_terminal, raising=False)
        write_bytes(stream, b"a\x1b[2Jb\r\n\xff")
        stream.flush()
        assert stream.buffer.getvalue() == expected
