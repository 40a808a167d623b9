"""Look at a site as it lies on disk: every link leads to a place in it, and nothing comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes whose address a browser loads without being asked.
_LOADED = {("img", "src"), ("script", "src"), ("source", "src"), ("iframe", "src"), ("link", "href")}
_FOLLOWED = {("a", "href")}
# Links of this kind name a page for search engines and are not loaded.
_NOT_LOADED = {"canonical", "alternate", "author", "search", "next", "prev", "index", "help", "copyright"}
_IN_STYLES = re.compile(r"""(?:url\(|@import\s+)\s*['"]?(?P<address>(?:https?:)?//[^'")\s]+)""")


@dataclass
class _Page(HTMLParser):
    """The addresses and the places of a page.

    Attributes:
        followed: addresses that a reader may follow.
        loaded: addresses that the browser loads.
        places: what an address may name after a # sign.
    """

    followed: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element names."""
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        for name, value in values.items():
            relation = set(values.get("rel", "").split())
            if (tag, name) in _FOLLOWED or (tag == "link" and name == "href" and relation & _NOT_LOADED):
                self.followed.append(value)
            elif (tag, name) in _LOADED:
                self.loaded.append(value)


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the links of a site's pages and styles, a line for each.

    Args:
        folder: that holds the site.
    """
    pages = {path: _read(path) for path in sorted(folder.rglob("*.html"))}
    places = {path.resolve(): page.places for path, page in pages.items()}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder).as_posix()
        for address in dict.fromkeys([*page.loaded, *page.followed]):
            if why := _problem(address, path, places, loaded=address in page.loaded):
                found.append(f"{name}: {address}: {why}")
    return found + list(_in_styles(folder))


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _problem(address: str, page: Path, places: dict[Path, set[str]], *, loaded: bool) -> str:
    """Return what is wrong with an address of a page; "" if nothing is."""
    parts = urlsplit(address)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        return "it is loaded from the network" if loaded else ""
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    if not target.is_file():
        return "there is no such file"
    if parts.fragment and target in places and unquote(parts.fragment) not in places[target]:
        return "the page has no such place"
    return ""


def _in_styles(folder: Path) -> Iterator[str]:
    """Yield the addresses in the network that styles load."""
    for path in sorted(folder.rglob("*.css")):
        for match in _IN_STYLES.finditer(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(folder).as_posix()}: {match['address']}: it is loaded from the network"
