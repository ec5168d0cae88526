"""Links, code blocks, commands and names in the Markdown documents."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "docs", "pretrained", "benchmarks", "examples")
DOCUMENTS = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
)

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_PROGRAMS = {"python", "python3", "atari-runner", "pip", "make", "pytest"}


class Said(NamedTuple):
    """A piece of a document: a link, a code block, a command or inline code."""

    document: str
    text: str


def _texts() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        yield path.relative_to(ROOT).as_posix(), path.read_text()


def links() -> list[Said]:
    """Targets of links and pictures within the repository."""
    return [
        Said(document, target)
        for document, text in _texts()
        for target in _LINK.findall(_FENCE.sub("", text))
        if "://" not in target and not target.startswith("mailto:")
    ]


def blocks(language: str) -> list[Said]:
    """Fenced code blocks of a language."""
    return [
        Said(document, body)
        for document, text in _texts()
        for found, body in _FENCE.findall(text)
        if found == language
    ]


def inline() -> list[Said]:
    """Inline code: the text between single backticks."""
    return [
        Said(document, code)
        for document, text in _texts()
        for code in _INLINE.findall(_FENCE.sub("", text))
    ]


def commands() -> list[Said]:
    """Commands of this project that run as written; usage text with ``[...]`` is left out."""
    found = []
    for document, text in _texts():
        lines = [
            line
            for _, body in _FENCE.findall(text)
            for line in body.replace("\\\n", " ").splitlines()
        ]
        lines += [code for code in _INLINE.findall(_FENCE.sub("", text)) if " " in code]
        for line in lines:
            for part in re.split(r"\s&&\s|;\s", line.strip().removeprefix("$ ")):
                program = part.split(" ", 1)[0]
                if program in _PROGRAMS and not re.search(r" \[|\.\.\.|…| DIR\b", part):
                    found.append(Said(document, part))
    return list(dict.fromkeys(found))


def words(command: str) -> list[str]:
    """The arguments of a command, split as in a shell, without comments."""
    return shlex.split(command, comments=True)


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as GitHub generates them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ +(.*)$", _FENCE.sub("", path.read_text()), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return found
