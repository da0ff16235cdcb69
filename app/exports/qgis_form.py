"""What QGIS shows and asks of a layer's attributes: titles, lists of values, limits, a form with tabs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from app.catalogue.export_names import SYSTEM_TITLES, heading
from app.catalogue.model import FeatureClass, Field, Lang, Title
from app.exports.model import ExportColumn, ExportLayer
from app.web.amounts import unit_title

#: Columns that the inventory makes itself: shown, not edited.
MADE = tuple(name for name in SYSTEM_TITLES if name not in ("code", "incomplete", "extra"))
#: The column that a project adds to each class: the district in which a feature is at home.
HOME = "home_district"
HOME_TITLE = Title("所在区县", "Home district")
#: How QGIS writes an empty value in a list of values (QgsValueMapFieldFormatter).
NULL_VALUE = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
UNKNOWN = Title("（未知）", "(unknown)")
#: A box to tick cannot say that nobody knows.
_TRUTHS = {"true": Title("是", "yes"), "false": Title("否", "no")}

_BASICS = ("code", "name_zh", "name_en", "kind", "level", HOME, "address", "note", "area_m2", "length_m")
_STATE = (
    "state", "condition", "state_since", "built_on", "renovated_on", "removed_on", "inspected_on", "incomplete",
)  # fmt: skip
_WHO = (
    "owner", "owner_code", "maintainer", "maintainer_code", "department", "department_code",
)  # fmt: skip
_RECORD = (
    "id", "component_code", "code_system", "former_code", "former_code_system", "grid_code", "subdistrict_code",
    "subdistrict_name", "community_code", "community_name", "changed_on", "data_source", "surveyed_on",
    "survey_method", "accuracy_m", "area_path", "min_zoom", "valid_from", "valid_to", "change_id", "data_version",
    "extra",
)  # fmt: skip
_TABS: Mapping[str, Title] = {
    "basics": Title("基本信息", "What it is"),
    "own": Title("专业属性", "Particulars"),
    "state": Title("状态", "State"),
    "who": Title("管理单位", "Who keeps it"),
    "record": Title("登记与来源", "Record and source"),
    "related": Title("关联对象", "Related features"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """What a project adds to the attributes of a layer.

    `lang` chooses one language of titles, None writes both. `columns` are those that the layer has, where they are not
    those of a file. `references` names, by column, the relation from whose features its value is chosen; `editors` are
    the relations, with titles, whose features are listed in the form. `home` are the codes and names of the districts.
    """

    lang: Lang | None = None
    columns: Sequence[ExportColumn] | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    editors: Sequence[tuple[str, str]] = ()
    home: Mapping[str, str] = field(default_factory=dict)


PLAIN = Form()


def words(title: Title, lang: Lang | None) -> str:
    """A title in one language, or in both."""
    return heading(title) if lang is None else title.in_(lang)


def add_form(root: Element, layer: ExportLayer, form: Form = PLAIN) -> None:
    """Titles, widgets, limits and the form of a layer's columns, as members of its QML."""
    columns = layer.columns if form.columns is None else form.columns
    widgets, aliases = SubElement(root, "fieldConfiguration"), SubElement(root, "aliases")
    editable = SubElement(root, "editable")
    # The key of the rows comes first in a GeoPackage.
    for i, column in enumerate(columns, start=1):
        SubElement(aliases, "alias", field=column.name, index=str(i), name=_alias(column, form.lang))
        made = column.name in MADE or layer.cls is None
        SubElement(editable, "field", name=column.name, editable="0" if made else "1")
        _widget(widgets, column, form)
    SubElement(aliases, "alias", field="fid", index="0", name="")
    if form.home:
        _add_home(root, aliases, widgets, editable, form)
    if layer.cls is not None:
        names = [column.name for column in columns]
        _add_limits(root, [item for item in layer.cls.fields if item.name in names], form.lang)
        _add_tabs(root, layer.cls, names, form)


def _alias(column: ExportColumn, lang: Lang | None) -> str:
    if lang is None:
        return heading(column.title, column.unit)
    counted = (lang, column.unit) == ("en", "pieces")
    unit = "" if counted else unit_title(column.unit, lang)
    title = column.title.in_(lang)
    return f"{title} ({unit})" if unit else title


def _widget(parent: Element, column: ExportColumn, form: Form) -> None:
    """The widget that fits a column's type; text stays as QGIS chooses."""
    if column.name in form.references:
        options = {"Relation": form.references[column.name], "AllowNULL": True, "MapIdentification": True}
        _set(parent, column.name, "RelationReference", {**options, "ShowForm": False, "OrderByValue": True})
    elif column.choices:
        pairs = [{words(title, form.lang): value} for value, title in column.choices.items()]
        _set(parent, column.name, "ValueMap", {"map": [*pairs, {words(UNKNOWN, form.lang): NULL_VALUE}]})
    elif column.type == "boolean":
        pairs = [{words(title, form.lang): value} for value, title in _TRUTHS.items()]
        _set(parent, column.name, "ValueMap", {"map": [*pairs, {words(UNKNOWN, form.lang): NULL_VALUE}]})
    elif column.type in ("date", "datetime"):
        shown = "yyyy-MM-dd" if column.type == "date" else "yyyy-MM-dd HH:mm:ss"
        _set(parent, column.name, "DateTime", {
            "display_format": shown, "field_format": shown, "field_iso_format": False, "calendar_popup": True,
            "allow_null": True,
        })  # fmt: skip
    elif column.name == "note":
        _set(parent, column.name, "TextEdit", {"IsMultiline": True})


def _set(parent: Element, column: str, kind: str, options: Mapping[str, Any]) -> None:
    entry = SubElement(SubElement(parent, "field", name=column), "editWidget", type=kind)
    add_options(SubElement(entry, "config"), options)


def add_options(parent: Element, values: Mapping[str, Any]) -> None:
    """A map of settings as QGIS writes it: texts, truths, and lists of maps."""
    options = SubElement(parent, "Option", type="Map")
    for name, value in values.items():
        if isinstance(value, list):
            entries = SubElement(options, "Option", name=name, type="List")
            for entry in value:
                add_options(entries, entry)
        elif isinstance(value, bool):
            SubElement(options, "Option", name=name, type="bool", value=str(value).lower())
        else:
            SubElement(options, "Option", name=name, type="QString", value=str(value))


def _add_home(root: Element, aliases: Element, widgets: Element, editable: Element, form: Form) -> None:
    """A column that is computed: the first of the districts that the path of a feature's home areas names."""
    codes = ", ".join(text_literal(code) for code in form.home)
    expression = f"array_first(array_filter(string_to_array(\"area_path\", '/'), @element IN ({codes})))"
    SubElement(SubElement(root, "expressionfields"), "field", {
        "name": HOME, "type": "10", "typeName": "string", "subType": "0", "length": "0", "precision": "0",
        "comment": "", "expression": expression,
    })  # fmt: skip
    lang = form.lang
    SubElement(aliases, "alias", field=HOME, index="-1", name=words(HOME_TITLE, lang))
    SubElement(editable, "field", name=HOME, editable="0")
    _set(widgets, HOME, "ValueMap", {"map": [{name: code} for code, name in form.home.items()]})


def _add_limits(root: Element, fields: Sequence[Field], lang: Lang | None) -> None:
    """What the server would refuse is refused in the form: values that are required, and beyond their limits."""
    constraints, expressions = SubElement(root, "constraints"), SubElement(root, "constraintExpressions")
    for item in fields:
        said = limits(item)
        needed = item.required and item.default is None
        # Bits of QgsFieldConstraints: 1 not null, 4 an expression; strength 1 hard.
        SubElement(constraints, "constraint", {
            "field": item.name, "constraints": str((1 if needed else 0) + (4 if said else 0)),
            "notnull_strength": "1" if needed else "0", "unique_strength": "0", "exp_strength": "1" if said else "0",
        })  # fmt: skip
        if said:
            told = " ≤ ".join(_bounds(item, _alias_of(item, lang)))
            SubElement(expressions, "constraint", field=item.name, exp=said, desc=told)


def limits(item: Field) -> str:
    """The limits of a field's numbers as an expression; empty where there are none."""
    column = f'"{item.name}"'
    parts = [f"{column} >= {item.minimum:.15g}"] if item.minimum is not None else []
    parts += [f"{column} <= {item.maximum:.15g}"] if item.maximum is not None else []
    return f"{column} IS NULL OR ({' AND '.join(parts)})" if parts else ""


def _bounds(item: Field, title: str) -> list[str]:
    low = [] if item.minimum is None else [f"{item.minimum:.15g}"]
    high = [] if item.maximum is None else [f"{item.maximum:.15g}"]
    return [*low, title, *high]


def _alias_of(item: Field, lang: Lang | None) -> str:
    return _alias(ExportColumn(item.name, item.type, item.title, item.unit), lang)


def _add_tabs(root: Element, cls: FeatureClass, names: Sequence[str], form: Form) -> None:
    SubElement(root, "editorlayout").text = "tablayout"
    tabs = SubElement(root, "attributeEditorForm")
    for tab, held in _by_tab(cls, [*names, *([HOME] if form.home else [])]):
        container = _container(tabs, _TABS[tab], form.lang)
        for name in held:
            SubElement(container, "attributeEditorField", name=name, index="-1", showLabel="1")
    if form.editors:
        container = _container(tabs, _TABS["related"], form.lang)
        for relation, title in form.editors:
            SubElement(container, "attributeEditorRelation", {
                "relation": relation, "name": relation, "label": title, "showLabel": "1", "nmRelationId": "",
                "forceSuppressFormPopup": "0", "relationWidgetTypeId": "relation_editor",
            })  # fmt: skip


def _by_tab(cls: FeatureClass, names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The columns of each tab that holds any; those of the class itself in the order of its declaration."""
    known = {"basics": _BASICS, "state": _STATE, "who": _WHO, "record": _RECORD}
    taken = {name for held in known.values() for name in held}
    own = [item.name for item in cls.fields if item.name not in taken]
    for tab in _TABS:
        held = own if tab == "own" else known.get(tab, ())
        found = [name for name in held if name in names]
        if found:
            yield tab, found


def _container(parent: Element, title: Title, lang: Lang | None) -> Element:
    return SubElement(parent, "attributeEditorContainer", {
        "name": words(title, lang), "showLabel": "1", "groupBox": "0", "columnCount": "1",
        "visibilityExpressionEnabled": "0", "visibilityExpression": "",
    })  # fmt: skip


def text_literal(value: str) -> str:
    """A text within an expression."""
    return "'" + value.replace("'", "''") + "'"
