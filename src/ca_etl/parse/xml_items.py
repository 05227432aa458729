"""The items of an RSS document, read without a tree: no document type is let in, so no entity can be either."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

# `namespace name`, as expat hands names out; RSS's own elements have no namespace.
CONTENT: Final = "http://purl.org/rss/1.0/modules/content/ encoded"
CREATOR: Final = "http://purl.org/dc/elements/1.1/ creator"
POST_ID: Final = "com-wordpress:feed-additions:1 post-id"
# WordPress puts ten into a page, and takes up to a hundred from an administrator.
MAX_ITEMS: Final = 1_000
_MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Value:
    """The text of an element. `is_cdata` says that it stood in a CDATA section, where entities are HTML's."""

    text: str
    is_cdata: bool


@dataclass(slots=True)
class Item:
    """One item: its elements by name, in order, and whether its guid is a link."""

    values: dict[str, list[Value]] = field(default_factory=dict)
    guid_is_link: bool = True

    def first(self, name: str) -> Value | None:
        """The first element of that name that holds anything."""
        return next((value for value in self.values.get(name, ()) if value.text.strip()), None)


class RefusedError(ValueError):
    """The document is not one that is read here; the message says why."""


@dataclass(slots=True)
class Items:
    """What was read: the whole items before the end or the first error, which `problem` names."""

    items: list[Item]
    problem: str | None


def read_items(text: str) -> Items:
    """The items of `text`. Those that were whole when an error came are kept; never raises."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.say
    parser.StartCdataSectionHandler = reader.start_cdata
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003  the C function takes no name
    except expat.ExpatError as error:
        return Items(reader.items, f"no well-formed XML: {error}")
    except RefusedError as error:
        return Items(reader.items, str(error))
    return Items(reader.items, None if reader.is_rss else "no RSS: the document's element is another")


class _Reader:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.is_rss = False
        self._depth = 0
        self._item: Item | None = None
        self._item_depth = 0
        self._said: list[str] = []
        self._is_cdata = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise RefusedError(f"elements nested more than {_MAX_DEPTH} deep")
        if self._depth == 1:
            self.is_rss = name == "rss"
        if self._item is None and self.is_rss and name == "item":
            if len(self.items) >= MAX_ITEMS:
                raise RefusedError(f"more than {MAX_ITEMS} items")
            self._item, self._item_depth = Item(), self._depth
        elif self._item is not None and self._depth == self._item_depth + 1:
            self._said, self._is_cdata = [], False
            if name == "guid":
                self._item.guid_is_link = attributes.get("isPermaLink") != "false"

    def end(self, name: str) -> None:
        if self._item is not None and self._depth == self._item_depth:
            self.items.append(self._item)
            self._item = None
        elif self._item is not None and self._depth == self._item_depth + 1:
            value = Value("".join(self._said), self._is_cdata)
            self._item.values.setdefault(name, []).append(value)
        self._depth -= 1

    def say(self, text: str) -> None:
        if self._item is not None:
            self._said.append(text)

    def start_cdata(self) -> None:
        self._is_cdata = True

    def refuse_doctype(self, *_: object) -> None:
        raise RefusedError("a document type declaration, which no feed needs and entities come with")
