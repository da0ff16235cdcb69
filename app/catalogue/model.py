"""The catalogue's frozen objects: what a class, a field, a policy is. Loaded by `loader`, asked by every room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from app.catalogue.policy_model import Demand as Demand
from app.catalogue.policy_model import Mode as Mode
from app.catalogue.policy_model import Policy as Policy
from app.catalogue.policy_model import Source as Source
from app.catalogue.policy_model import Supply as Supply
from app.catalogue.policy_model import Switch
from app.catalogue.policy_model import Tier as Tier
from app.catalogue.title import Lang as Lang
from app.catalogue.title import Title as Title
from app.errors import unknown

FieldType = Literal["text", "integer", "number", "boolean", "date", "datetime", "choice"]
GeometryKind = Literal["point", "line", "polygon", "mixed"]
Parts = Literal["keep", "split"]
Sensitivity = Literal["public", "internal", "restricted"]
CodePurpose = Literal["components", "matters", "grid", "pipes", "defects"]
AREA_LEVELS = ("city", "district", "subdistrict", "community", "grid")


@dataclass(frozen=True, slots=True)
class Choice:
    """One allowed value of a choice field; `aliases` are other spellings accepted on import.

    `codes` names its official codes by code system, as `table/code` where the system has tables beside its kinds.
    `color` (#rrggbb) is that of the rows on the map, for choices of the field `kind`.
    """

    value: str
    title: Title
    aliases: tuple[str, ...] = ()
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute: `name` is the column, `aliases` are import headings, `osm` the tags it is read from, in order.

    `osm_values` maps a tag's value to a choice value or to "true"/"false" (choice and boolean fields); its key `*`
    stands for all other values. A value that it does not map is read as if it stood in a table, and is unknown if
    that fails. `default` is what a row gets whose source does not say (only for a required field).
    """

    name: str
    type: FieldType
    title: Title
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False
    aliases: tuple[str, ...] = ()
    osm: tuple[str, ...] = ()
    osm_values: Mapping[str, str] = field(default_factory=dict)
    sensitivity: Sensitivity = "public"
    description: str = ""
    default: Any = None
    refers: str | None = None


@dataclass(frozen=True, slots=True)
class OsmRule:
    """An OSM object belongs to the class if all `tags` match (`("*",)` = any value) and no `unless` does.

    The first rule of a class that matches counts. `set` gives the field values that it implies; a field's own tags
    come before them.
    """

    tags: Mapping[str, tuple[str, ...]]
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Symbol:
    """How the class is drawn: `glyph` is one character for symbol and legend, where `icon` cannot be drawn.

    `icon` is the name of a pictogram of Maki or Temaki (public domain, CC0), as `maki/toilet`.

    `color` and `fill` are #rrggbb, `width` is the line's width in pixels.
    """

    glyph: str
    color: str
    fill: str | None = None
    width: float = 2.0
    shape: Literal["circle", "square", "diamond", "line", "area"] = "circle"
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class ZoomRule:
    """`min_zoom` of a row: that of the first rule whose `where` (field → values) and least size hold.

    The last rule of a class has no condition.
    """

    zoom: int
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    area_m2_min: float | None = None
    length_m_min: float | None = None


@dataclass(frozen=True, slots=True)
class FeatureClass:
    """One infrastructure class: the single source of its table, collection, import, export, symbol and page.

    `accept` names the kinds of geometry that an import may bring besides `geometry`: a polygon or line for a class of
    points is taken at a point on it, a polygon for a class of lines along its outline, a closed line for a class of
    polygons as an area. `order` sorts lists and layers.
    `schema` is where its tables lie: `city` for the built-in classes, `local` for those that a city declares itself.
    `components` names, by code system, the kinds of city components that its rows are.

    `z` names the fields that take the heights of a shape where a file does not say them otherwise: one for points, that
    of the start and that of the end for lines; without it heights are dropped. `parts` says what becomes of a shape of
    several parts: one row (refused where rows are points), or one row a part (in a `mixed` class: of points). Points of
    one kind nearer than `duplicate_m` metres are reported as possible duplicates; None: only equal shapes are.
    `counter` is the Chinese counting word of its features (座, 株).

    `restricted_rows` says which rows are restricted in a class that is not: those whose field has one of these values
    or none; at most one field. `owned_by` names the fields that say whose a row is: a contractor sees a row where one
    of them names the contractor.
    """

    id: str
    title: Title
    description: Title
    office: str
    geometry: GeometryKind
    fields: tuple[Field, ...]
    symbol: Symbol
    zooms: tuple[ZoomRule, ...]
    osm: tuple[OsmRule, ...] = ()
    aliases: tuple[str, ...] = ()
    sensitivity: Sensitivity = "public"
    accept: tuple[GeometryKind, ...] = ()
    order: int = 100
    schema: Literal["city", "local"] = "city"
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    z: tuple[str, ...] = ()
    parts: Parts = "keep"
    duplicate_m: float | None = None
    counter: str = "个"
    restricted_rows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    owned_by: tuple[str, ...] = ()

    def get_field(self, name: str) -> Field:
        """The field named `name`; raises KeyError where there is none."""
        for item in self.fields:
            if item.name == name:
                return item
        raise KeyError(name)

    def office_in(self, lang: Lang) -> str:
        """The office that keeps the class, in one language (`zh / en` in the declaration)."""
        zh, _, en = self.office.partition(" / ")
        return zh if lang == "zh" else en or zh

    @property
    def measure(self) -> Literal["count", "length", "area"]:
        """What a summary adds up: metres of lines, square metres of polygons, else only the number."""
        return {"line": "length", "polygon": "area"}.get(self.geometry, "count")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class CodeItem:
    """One code of a table: its name as the standard writes it, and what else the standard says of it."""

    code: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """One edition of official codes.

    `layout` names the parts of an id and their digits, in order; `tables` maps table → code → item (a code is unique
    only within its table). Where `complete` is false our sources lack the list of kinds, so kinds are not checked.
    `local_from` names, by part of the id, the first number that a city may give away itself.
    """

    id: str
    purpose: CodePurpose
    title: Title
    standard: str
    edition: str
    source: str
    confidence: Literal["V", "S", "M"]
    layout: Mapping[str, int]
    tables: Mapping[str, Mapping[str, CodeItem]]
    in_force_from: date | None = None
    in_force_until: date | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    complete: bool = True
    local_from: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def length(self) -> int:
        """The digits of an id."""
        return sum(self.layout.values())

    @property
    def kinds(self) -> Mapping[str, CodeItem]:
        """The kinds of components or matters, by code."""
        return self.tables.get("kind", {})


@dataclass(frozen=True, slots=True)
class CodePair:
    """What a kind of an older edition became: the codes of the newer one, none where it has no such kind."""

    old: str
    new: tuple[str, ...]
    match: Literal["same", "renamed", "rescoped", "split", "none"]
    confidence: Literal["sure", "likely", "unsure"]


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """The kinds of code system `old` in terms of system `new`."""

    old: str
    new: str
    source: str
    pairs: Mapping[str, CodePair]


#: Catalogues kept by what their files say, and what is kept of each: a command or a server asks for its own several
#: times.
REMEMBERED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Every class, policy and code system, checked against each other; `switches` are those that classes bring.

    Equal to itself alone, so that what takes long to work out of one can be kept by it: the loader gives the same one
    again while the declarations say the same.

    `level` is that up to which classes, fields and values are in it: "restricted" for the whole, else it is the part
    of somebody who may see less (`public_part.part_of`), of that which is `whole`.
    """

    classes: Mapping[str, FeatureClass]
    policies: Mapping[str, Policy]
    codes: Mapping[str, CodeSystem] = field(default_factory=dict)
    crosswalks: tuple[Crosswalk, ...] = ()
    switches: Mapping[str, Switch] = field(default_factory=dict)
    level: Sensitivity = "restricted"
    whole: Catalogue | None = field(default=None, repr=False)

    @property
    def stored(self) -> Catalogue:
        """The catalogue by which rows are stored, whoever writes them: the whole one, also of a part."""
        return self if self.whole is None else self.whole

    @property
    def open_only(self) -> bool:
        """Whether it holds only what anybody may see, so that pages show nothing else."""
        return self.level == "public"

    def get_class(self, class_id: str) -> FeatureClass:
        """The class, or `errors.NotFound` with the nearest ids."""
        if class_id not in self.classes:
            raise unknown("class", class_id, self.classes)
        return self.classes[class_id]

    def get_policy(self, policy_id: str) -> Policy:
        """The policy, or `errors.NotFound` with the nearest ids."""
        if policy_id not in self.policies:
            raise unknown("policy", policy_id, self.policies)
        return self.policies[policy_id]

    def default_policies(self) -> tuple[str, ...]:
        """The ids of the policies that are computed and shown without being asked for by name."""
        return tuple(item.id for item in self.policies.values() if item.default)
