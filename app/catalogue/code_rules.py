"""What an official id says by its digits: area, kind, serial; which editions it could be of. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from app.catalogue.model import CodeItem, CodePair, CodeSystem, Crosswalk, FeatureClass
from app.errors import BadInput, NotFound, unknown

#: What a city that numbers its components itself says instead of a code system.
OWN = "own"
SHOWN_KINDS = 12
_DIGITS = re.compile(r"[0-9]+")
GRID_DIGITS = (6, 3, 3, 3)


@dataclass(frozen=True, slots=True)
class ComponentId:
    """A component's id taken apart; `kind` is None where the edition's list does not name it (see `CodeSystem`)."""

    area: str
    major: str
    minor: str
    serial: str
    kind: CodeItem | None


@dataclass(frozen=True, slots=True)
class GridId:
    """A unit grid cell's code taken apart; `community` is the whole 12-digit code of the area that holds it."""

    area: str
    subdistrict: str
    community: str
    serial: str


def component_systems(systems: Mapping[str, CodeSystem]) -> dict[str, CodeSystem]:
    """The editions of component catalogues, newest first."""
    found = [item for item in systems.values() if item.purpose == "components"]
    return {item.id: item for item in sorted(found, key=lambda item: item.edition, reverse=True)}


def check_system(systems: Mapping[str, CodeSystem], name: str) -> str:
    """`name` if it is a component catalogue or `own`; else NotFound with the valid names."""
    valid = [*component_systems(systems), OWN]
    if name not in valid:
        raise NotFound(f"There is no code system named '{name}'.", f"Valid names: {', '.join(valid)}.")
    return name


def candidates(systems: Mapping[str, CodeSystem], code: str) -> list[str]:
    """The editions that an id could be of, newest first: its length alone does not tell them apart."""
    return [item.id for item in component_systems(systems).values() if _fault(item, code) is None]


def parse_component(systems: Mapping[str, CodeSystem], system_id: str, code: str) -> ComponentId:
    """The parts of the component id `code` of the edition `system_id`.

    Raises:
        NotFound: There is no such edition.
        BadInput: The id has another length or names an unknown kind; the hint says what would be right.
    """
    system = systems.get(system_id)
    if system is None or system.purpose != "components":
        raise unknown("code system", system_id, component_systems(systems))
    fault = _fault(system, code)
    if fault is not None:
        raise _told(systems, system, code, fault)
    return _split(system, code)


def check_area(code: str, found: ComponentId, districts: Collection[str]) -> None:
    """Refuse an id whose first six digits name none of `districts` (division codes of GB/T 2260), nor their city.

    No district known: nothing is checked. Raises BadInput.
    """
    upper = {name[:4] + "00" for name in districts} | {name[:2] + "0000" for name in districts}
    if districts and found.area not in {*districts, *upper}:
        right = " or ".join(sorted(districts))
        raise BadInput(
            f"The id '{code}' is of the area {found.area}, but lies in {right}.",
            f"Its first six digits must be the division code of its district, {right}.",
        )


def _split(system: CodeSystem, code: str) -> ComponentId:
    a, b = system.layout["area"], system.layout["major"]
    c = a + b + system.layout["minor"]
    return ComponentId(code[:a], code[a : a + b], code[a + b : c], code[c:], system.kinds.get(code[a:c]))


def _fault(system: CodeSystem, code: str) -> str | None:
    """What is wrong with `code` as an id of `system`: its `length`, its `kind`, or nothing."""
    if len(code) != system.length or not code.isascii() or not _DIGITS.fullmatch(code):
        return "length"
    found = _split(system, code)
    if not system.complete or found.kind is not None or _is_local(system, found):
        return None
    return "kind"


def _is_local(system: CodeSystem, found: ComponentId) -> bool:
    """Whether the kind is one of those that a city may number itself."""
    parts = {"major": found.major, "minor": found.minor}
    return any(int(parts[part]) >= first for part, first in system.local_from.items())


def _told(systems: Mapping[str, CodeSystem], system: CodeSystem, code: str, fault: str) -> BadInput:
    could = candidates(systems, code)
    others = f" It could be of {', '.join(could)}." if could else ""
    if fault == "length":
        digits = "+".join(str(number) for number in system.layout.values())
        return BadInput(
            f"The id '{code}' has {len(code)} characters; those of {system.standard} have {system.length} digits.",
            f"{digits} digits: {', '.join(system.layout)}.{others}",
        )
    found = _split(system, code)
    return BadInput(
        f"{system.standard} has no kind {found.major}{found.minor}.",
        _kinds_hint(system, found.major) + others,
    )


def _kinds_hint(system: CodeSystem, major: str) -> str:
    kinds = [f"{code} {item.name}" for code, item in system.kinds.items() if code.startswith(major)]
    if not kinds:
        return f"Majors: {', '.join(system.tables.get('major', {}))}."
    more = f" … {len(kinds)} in all" if len(kinds) > SHOWN_KINDS else ""
    return f"Kinds of {major}: {', '.join(kinds[:SHOWN_KINDS])}{more}."


def parse_grid(code: str, community: str | None = None) -> GridId:
    """The parts of a unit grid code (GB/T 30428.1: 6 area, 3 subdistrict, 3 community, 3 serial).

    `community` is the division code of the community that holds the cell; where it has 12 digits the grid code must
    begin with it. Raises BadInput.
    """
    if len(code) != sum(GRID_DIGITS) or not code.isascii() or not _DIGITS.fullmatch(code):
        raise BadInput(
            f"The grid code '{code}' has {len(code)} characters instead of 15 digits.",
            "6 digits of the district, 3 of the subdistrict, 3 of the community, 3 serial.",
        )
    if community is not None and len(community) == 12 and not code.startswith(community):
        raise BadInput(
            f"The grid code '{code}' does not begin with the code of its community, {community}.",
            "Its first 12 digits are the division code of the community that holds it.",
        )
    return GridId(code[:6], code[6:9], code[:12], code[12:])


def find_pair(walks: Iterable[Crosswalk], old: str, new: str, kind: str) -> CodePair | None:
    """What `kind` of the edition `old` became in `new`, None where no crosswalk tells."""
    return next((walk.pairs.get(kind) for walk in walks if (walk.old, walk.new) == (old, new)), None)


def kind_words(cls: FeatureClass, system_id: str) -> dict[str, tuple[str, str]]:
    """Component kind → (field of `cls`, value of it) that it means, for the kinds that the class tells apart."""
    return {
        code: (field.name, choice.value)
        for field in cls.fields
        for choice in field.choices
        for code in choice.codes.get(system_id, ())
    }


def find_home(classes: Iterable[FeatureClass], system_id: str, kind: str) -> FeatureClass | None:
    """The class whose rows are components of this kind."""
    return next((cls for cls in classes if kind in cls.components.get(system_id, ())), None)
