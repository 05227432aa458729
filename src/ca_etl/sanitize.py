"""Text from a site or a machine, made safe for where it is shown: a terminal, a log, a published table."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Final, TextIO, cast

# C0 (but tab and newline), DEL, C1, what turns the direction of writing, line separators; and half a character, as in
# the name of a file that is not UTF-8, which no stream can encode.
STEERING: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]"
)
# The last @ of an address ends its user and password: a password may have one that was not quoted.
USERINFO: Final = re.compile(r"(?<=://)[^\s/?#\"'<>]{0,500}@")
LEAST_SECRET: Final = 4

_secrets: set[str] = set()


def visible(text: str) -> str:
    """The text with each character that steers a terminal written as a sign: an escape of two or four hex digits."""
    # DEL is the one that a JSON log line may have as it is, and there x7f is not an escape
    return STEERING.sub(lambda match: f"\\x{ord(match[0]):02x}" if match[0] < " " else _escape(match), text)


def json_escaped(text: str) -> str:
    """JSON in which each such character is an escape: the same values to whoever parses it."""
    return STEERING.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def hide(secrets: Iterable[str]) -> None:
    """Have `redacted` leave out these values and, of those that are addresses, password and path alone.

    A path of words only, such as /webhook, is left: sentences have those too.
    """
    for secret in secrets:
        parts = re.fullmatch(r"\w+://(?:[^/@]*:(?P<password>[^/]*)@)?[^/]*(?P<path>/.*\d.*)?", secret)
        values = (secret, *(parts.groups("") if parts else ()))
        _secrets.update(value for value in values if len(value) >= LEAST_SECRET)


def redacted(text: str) -> str:
    """The text without the user and password of any address, and without the secrets given to `hide`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return USERINFO.sub("***@", text) if "@" in text else text


def published(text: str, data_dir: Path) -> str:
    """The text as a journal or a table may hold it: visible, without secrets and without folders of this machine.

    A path within the data directory is relative to it; of one elsewhere its last part remains.
    """
    text = visible(redacted(text))
    if "/" not in text:
        return text
    within, elsewhere = _machine_paths(data_dir)
    text = within.sub(lambda path: "" if path[1] else ".", text)
    return elsewhere.sub(lambda path: PurePath(path[0]).name, text)


@cache
def _machine_paths(data_dir: Path) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of the data directory and of other absolute paths: /latest/ is one where there is such a folder."""
    roots = "|".join(re.escape(str(path)) for path in (data_dir.absolute(), data_dir.resolve()))
    names = "|".join(re.escape(entry.name) for entry in Path("/").iterdir())
    return (
        re.compile(rf"(?<![\w.~-])(?:{roots})(/|(?![\w.-]))"),
        re.compile(rf"(?:file://|(?<![\w./%~-]))/(?:{names})/[^\s'\"<>|:;,()\[\]]{{1,4096}}"),
    )


class SafeStream:
    """A text stream that cleans what it is given and writes it to another one, of which it has all else."""

    def __init__(self, stream: TextIO, clean: Callable[[str], str]) -> None:
        # Rich writes there: its styles are escapes of our own. What it renders is cleaned by `screen`.
        self.rich_proxied_file = stream
        self._clean = clean

    def write(self, text: str) -> int:
        """Write the text, cleaned."""
        self.rich_proxied_file.write(self._clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines, cleaned."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the stream has
        if name == "buffer":
            raise AttributeError(name)  # bytes would pass uncleaned
        return getattr(self.rich_proxied_file, name)


def guard_streams() -> None:
    """Have stdout and stderr write visible text from here on, stderr without secrets too."""
    sys.stdout = cast("TextIO", SafeStream(sys.stdout, visible))
    sys.stderr = cast("TextIO", SafeStream(sys.stderr, lambda text: visible(redacted(text))))


def exact(stream: TextIO) -> TextIO:
    """The stream for data: a terminal's is guarded, a pipe or a file gets every character as it is."""
    if stream.isatty():
        return cast("TextIO", SafeStream(stream, visible))
    return cast("TextIO", getattr(stream, "rich_proxied_file", stream))
