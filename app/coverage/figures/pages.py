"""Draws docs/figures/*.svg and writes their numbers into "What the numbers mean" (`make docs`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.coverage.figures.counted import EXAMPLES as COUNTED
from app.coverage.figures.example import Example
from app.coverage.figures.reached import EXAMPLES as REACHED
from app.settings import ROOT

FOLDER = ROOT / "docs"
HEADINGS = {"en": ("figure", "by hand", "what the service gives"), "zh": ("数字", "手算", "服务给出")}
PAGES = {"en": FOLDER / "what-the-numbers-mean.md", "zh": FOLDER / "what-the-numbers-mean.zh.md"}
BLOCK = re.compile(r"(<!-- example: (\w+) -->\n).*?(<!-- end of example -->)", re.DOTALL)


def examples() -> dict[str, Example]:
    """Every drawn example by name."""
    return {example.name: example for example in (make() for make in (*REACHED, *COUNTED))}


def written(text: str, language: str, found: Mapping[str, Example]) -> str:
    """The page with the figures and numbers of its examples between their marks."""

    def block(match: re.Match[str]) -> str:
        return match[1] + "\n".join(_block(found[match[2]], language)) + "\n" + match[3]

    return BLOCK.sub(block, text)


def _block(example: Example, language: str) -> Iterator[str]:
    title = getattr(example.title, language)
    yield f"\n![{title}](figures/{example.name}.svg)\n"
    yield f"| {' | '.join(HEADINGS[language])} |"
    yield "| --- | --- | ---: |"
    for number in example.numbers:
        yield f"| {getattr(number.title, language)} | {number.formula} | {number.shown} |"
    yield ""


def write_pages(folder: Path) -> None:
    """Write the figures into `folder` and their numbers into both pages."""
    found = examples()
    folder.mkdir(exist_ok=True)
    for name, example in found.items():
        (folder / f"{name}.svg").write_text(example.svg, encoding="utf-8")
    for language, page in PAGES.items():
        page.write_text(written(page.read_text(encoding="utf-8"), language, found), encoding="utf-8")


if __name__ == "__main__":
    write_pages(FOLDER / "figures")
