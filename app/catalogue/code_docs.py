"""Renders docs/codes.md: the code systems, the layout of their ids, and the kinds by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from app.catalogue.code_rules import component_systems, kind_words
from app.catalogue.markdown import CONFIDENCE, NOTICE, table
from app.catalogue.model import Catalogue, CodeItem, CodeSystem, Crosswalk, FeatureClass

INTRODUCTION = (
    "Each code system is one file in `geodata/codes/`. A code means something only within its system and edition, and "
    "within one table of it: `01001` is a component of 2026 and a matter of 2026, `ZS` reclaimed water and brickwork. "
    "The length of a component's id does not tell its edition, so an import is told it by a column `code_system` or by "
    "`chengtu import … --code-system gbt47678_2026`; ids without one are refused row by row."
)
CHECKS = (
    "An id must have the digits of its edition, name a kind of its list (where the list is complete) and begin with "
    "the division code of a district within 50 m, or of its city. The kind fills the class's own field where a row has "
    "none. When a new edition's id comes for a feature, the old one moves to `former_code` and `former_code_system`."
)


def codes_page(catalogue: Catalogue) -> str:
    """The page as Markdown."""
    parts = ["# 官方编码 · Official codes", NOTICE, INTRODUCTION, _systems(catalogue), CHECKS]
    return "\n\n".join([*parts, *_sections(catalogue)]) + "\n"


def _systems(catalogue: Catalogue) -> str:
    head = ("code system", "中文", "standard", "in force", "digits of an id", "kinds", "source")
    return table(head, [_system(item) for item in catalogue.codes.values()])


def _system(item: CodeSystem) -> tuple[object, ...]:
    layout = " + ".join(f"{digits} {part}" for part, digits in item.layout.items())
    first, last = item.in_force_from, item.in_force_until
    force = " ".join([*([f"from {first}"] if first else []), *([f"until {last}"] if last else [])])
    kinds = len(item.kinds) if item.complete else "list not among our sources"
    source = f"{item.source} ({CONFIDENCE[item.confidence]}). {item.note}".replace("..", ".").replace(
        ". (", " ("
    )
    return f"`{item.id}`", item.title.zh, item.standard, force, layout, kinds or "", source


def _sections(catalogue: Catalogue) -> Iterator[str]:
    systems = [item for item in component_systems(catalogue.codes).values() if item.complete]
    for item in systems:
        yield f"## {item.id}"
        yield _kinds(item, catalogue)
        if "attribute" in item.tables:
            yield f"The attributes of a component in {item.standard}, also headings of an import and an export profile:"
            yield _attributes(item.tables["attribute"])
    for walk in catalogue.crosswalks:
        yield f"## {walk.old} → {walk.new}"
        yield _crosswalk(walk, catalogue.codes)
    for item in catalogue.codes.values():
        if item.purpose in ("matters", "pipes", "defects"):
            yield f"## {item.id}"
            yield from (_matters(item) if item.purpose == "matters" else _tables(item))


def _kinds(item: CodeSystem, catalogue: Catalogue) -> str:
    homes = [cls for cls in catalogue.classes.values() if cls.components.get(item.id)]
    return table(
        ("class", "中文", "kinds and what they are in the class"), [_home(cls, item) for cls in homes]
    )


def _home(cls: FeatureClass, item: CodeSystem) -> tuple[object, ...]:
    words = {code: f" → `{value}`" for code, (_, value) in kind_words(cls, item.id).items()}
    kinds = [f"{code} {item.kinds[code].name}{words.get(code, '')}" for code in cls.components[item.id]]
    return f"`{cls.id}`", cls.title.zh, "<br>".join(kinds)


def _attributes(items: Mapping[str, CodeItem]) -> str:
    head = ("short name", "中文", "characters", "need", "our field")
    rows = [
        (f"`{key}`", item.name, item.facts.get("length", ""), item.facts["need"], f"`{item.facts['field']}`")
        for key, item in items.items()
    ]
    return table(head, rows)


def _crosswalk(walk: Crosswalk, systems: Mapping[str, CodeSystem]) -> str:
    old, new = systems[walk.old].kinds, systems[walk.new].kinds
    rows = [
        (
            f"{pair.old} {old[pair.old].name}",
            "<br>".join(f"{code} {new[code].name}" for code in pair.new),
            pair.match,
            pair.confidence,
        )
        for pair in walk.pairs.values()
        if pair.match != "same"
    ]
    same = sum(pair.match == "same" for pair in walk.pairs.values())
    return f"{walk.source} {same} kinds kept their names; the others:\n\n" + table(
        ("old", "new", "match", "confidence"), rows
    )


def _matters(item: CodeSystem) -> Iterator[str]:
    counts = Counter(code[: item.layout["major"]] for code in item.kinds)
    rows = [(code, major.name, counts[code]) for code, major in item.tables["major"].items()]
    yield table(("major", "中文", "kinds"), rows)


def _tables(item: CodeSystem) -> Iterator[str]:
    """Each table of the system on one line, colours and numbers beside the codes."""
    rows = [(name, "; ".join(_code(code) for code in codes.values())) for name, codes in item.tables.items()]
    yield table(("table", "codes"), rows)


def _code(item: CodeItem) -> str:
    shown = ("number", "color", "group", "scores")
    facts = [str(item.facts[name]) for name in shown if name in item.facts]
    return f"{item.code} {item.name}" + (f" ({', '.join(facts)})" if facts else "")
