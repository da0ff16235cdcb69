"""Renders the pages of classes, codes and policies in docs/; `python -m app.catalogue.docs` writes them anew."""

from __future__ import annotations

from pathlib import Path

from app.catalogue.class_docs import class_pages
from app.catalogue.code_docs import codes_page
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.catalogue.policy_docs import policies_page
from app.settings import ROOT


def render_pages(catalogue: Catalogue) -> dict[str, str]:
    """File name in docs/ → the page as Markdown."""
    return {
        **class_pages(catalogue),
        "codes.md": codes_page(catalogue),
        "policies.md": policies_page(catalogue),
    }


def write_pages(folder: Path, catalogue: Catalogue) -> None:
    """Write the pages into `folder`."""
    pages = render_pages(catalogue)
    (folder / "classes").mkdir(exist_ok=True)
    for old in (folder / "classes").glob("*.md"):
        if f"classes/{old.name}" not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(ROOT / "docs", load_catalogue(ROOT / "geodata"))
