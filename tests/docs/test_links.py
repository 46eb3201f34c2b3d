"""Links between files lead somewhere; `make linkcheck` asks all others, over the network."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every Markdown file."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split() if (ROOT / name).exists()]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    named = re.findall(r"^\(([\w-]+)\)=$", text, re.M) + re.findall(r'id="([\w-]+)"', text)
    return {heading.strip().replace(" ", "-") for heading in kept} | set(named)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading in it where one is named."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    broken = []
    for link in LINK.findall(text):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = page.parent / unquote(parts.path) if parts.path else page
        known = {"", *anchors(target)} if target.suffix == ".md" and target.exists() else None
        if not target.exists() or (known and parts.fragment not in known):
            broken.append(link)
    assert broken == []


class Page(HTMLParser):
    """What a built page links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links and ids."""
        said = dict(attrs)
        self.ids |= {value for value in (said.get("id"), said.get("name")) if value}
        link = said.get("href") if tag == "a" else said.get("src")
        if link and not urlsplit(link).scheme and not link.startswith("//"):
            self.links.add(link)


def broken_links(site: Path) -> list[str]:
    """The links of a built site that lead nowhere, with the page that has them."""
    parsed = {path.resolve(): Page(path.read_text()) for path in site.rglob("*.html")}
    broken = []
    for path, page in parsed.items():
        for link in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            fragment = unquote(parts.fragment)
            known = {"", *parsed[target].ids} if target in parsed else None
            if not target.exists() or (known and fragment not in known):
                broken.append(f"{path.name}: {link}")
    return sorted(broken)


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """A page that is gone, and a heading that is gone."""
    (tmp_path / "a.html").write_text('<a href="b.html#here">b</a><a href="c.html">c</a>')
    (tmp_path / "b.html").write_text('<h1 id="there">B</h1><a href="a.html">a</a>')
    assert broken_links(tmp_path) == ["a.html: b.html#here", "a.html: c.html"]
