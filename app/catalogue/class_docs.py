"""Renders docs/classes.md, the list of classes, and a page for each class in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.catalogue.markdown import NOTICE, table
from app.catalogue.model import Catalogue, FeatureClass, Field, Lang, OsmRule, ZoomRule

INTRODUCTION = (
    "每类一页，一类一个文件（`geodata/classes/`）：字段、单位、选项、官方编码、导入时认得的表头、OSM 标签、符号。"
    "未知即为空。城市可以自己增加类别和字段，见[自己添加一个类](own-class.zh.md)。\n\n"
    "One page a class, one file a class (`geodata/classes/`): fields, units, choices, official codes, headings that an "
    "import understands, OSM tags, symbol. Unknown stays empty. A city adds classes and fields of its own: "
    "[add a class of your own](own-class.md)."
)
#: Words of the pages, in Chinese and English.
WORDS: Mapping[str, tuple[str, str]] = {
    "geometry": ("几何类型", "Geometry"),
    "accept": ("导入时也接受", "An import may also bring"),
    "office": ("管理单位", "Kept by"),
    "sensitivity": ("敏感级别", "Sensitivity"),
    "restricted": ("受限的行", "Restricted rows"),
    "or_unknown": ("，或未填写", ", or unknown"),
    "owned_by": ("承包单位可见的行，由以下字段认定", "A contractor sees the rows that name it in"),
    "nobody": ("无（承包单位不可见）", "none, so no row"),
    "aliases": ("导入时认得的图层名", "Layers of these names are imported as it"),
    "symbol": ("符号", "Symbol"),
    "zooms": ("地图显示级别", "Drawn from zoom"),
    "z": ("文件的高程（Z）写入", "Heights (Z) of a file go to"),
    "parts": ("含多个部分的图形", "A shape of several parts"),
    "duplicate": ("疑似重复", "Reported as possible duplicates"),
    "components": ("官方部件编码", "Official component codes"),
    "address": ("接口", "In the API"),
    "own": ("本类字段", "Fields of its own"),
    "common": ("各类共有字段", "Fields of every class"),
    "choices": ("选项", "Choices"),
    "osm": ("OpenStreetMap 对应规则", "Rules for OpenStreetMap objects"),
    "osm_note": (
        "依次比较，先符合者为准；`key=*` 为任意值。",
        "The first rule that matches counts; `key=*` is any value.",
    ),
    "required": ("必填", "required"),
    "default": ("默认", "default"),
    "list": ("全部类别", "all classes"),
    "other": ("English", "中文"),
    "codes": ("编码", "codes"),
}
GEOMETRIES: Mapping[str, tuple[str, str]] = {
    "point": ("点", "point"),
    "line": ("线", "line"),
    "polygon": ("面", "polygon"),
    "mixed": ("点或面", "point or polygon"),
}
SENSITIVITIES: Mapping[str, tuple[str, str]] = {
    "public": ("公开", "public"),
    "internal": ("内部", "internal"),
    "restricted": ("受限", "restricted"),
}
PARTS: Mapping[tuple[str, bool], tuple[str, str]] = {
    ("keep", False): ("保留为一行", "stays one row"),
    ("split", False): ("每个部分拆成一行", "becomes one row a part"),
    ("keep", True): ("多点拒收，一行一个点", "of several points is refused, one place a row"),
    ("split", True): ("多点每个点拆成一行", "of several points becomes one row a place"),
}
TYPES: Mapping[str, tuple[str, str]] = {
    "text": ("文本", "text"),
    "integer": ("整数", "integer"),
    "number": ("数值", "number"),
    "boolean": ("是否", "boolean"),
    "date": ("日期", "date"),
    "datetime": ("日期时间", "date and time"),
    "choice": ("选项", "choice"),
}
_FIELD_HEAD = {
    "zh": ("字段", "名称", "English", "类型与单位", "导入表头", "OSM 标签"),
    "en": ("field", "title", "中文", "type and unit", "also read from the headings", "OSM tags"),
}
_CHOICE_HEAD = {
    "zh": ("字段", "值", "名称", "English", "官方编码", "导入时也认得"),
    "en": ("field", "value", "title", "中文", "official codes", "also read from"),
}


def class_pages(catalogue: Catalogue) -> dict[str, str]:
    """File name in docs/ → the page: the list, and `classes/<id>.md` and `classes/<id>.zh.md` for each class."""
    classes = list(catalogue.classes.values())
    common = common_fields(classes)
    pages = {"classes.md": _list_page(classes)}
    for item in classes:
        pages[f"classes/{item.id}.md"] = class_page(item, common, "en")
        pages[f"classes/{item.id}.zh.md"] = class_page(item, common, "zh")
    return pages


def common_fields(classes: Sequence[FeatureClass]) -> list[Field]:
    """The fields that all classes have alike."""
    return [item for item in classes[0].fields if all(item in other.fields for other in classes)]


def _list_page(classes: Sequence[FeatureClass]) -> str:
    rows = [
        (
            f"[`{item.id}`](classes/{item.id}.md)",
            f"[{item.title.zh}](classes/{item.id}.zh.md)",
            item.title.en,
            f"{item.symbol.glyph}",
            item.geometry,
            len(item.fields),
            item.office,
        )
        for item in classes
    ]
    head = ("class", "中文", "English", "", "geometry", "fields", "kept by")
    return "\n\n".join(["# 要素类 · Classes", NOTICE, INTRODUCTION, table(head, rows)]) + "\n"


def class_page(item: FeatureClass, common: Sequence[Field], lang: Lang) -> str:
    """The page of one class in one language, as Markdown."""
    own = [field for field in item.fields if field not in common]
    other = f"{item.id}.md" if lang == "zh" else f"{item.id}.zh.md"
    parts = [
        f"# {item.title.in_(lang)} `{item.id}`",
        NOTICE,
        f"[{_word('other', lang)}]({other}) · [{_word('list', lang)}](../classes.md)",
        item.description.in_(lang),
        "\n".join(f"- {fact}" for fact in _facts(item, lang)),
        f"## {_word('own', lang)}",
        table(_FIELD_HEAD[lang], [_field_row(field, lang) for field in own]),
        *_choices(own, lang),
        *_osm(item, lang),
        f"## {_word('common', lang)}",
        table(_FIELD_HEAD[lang], [_field_row(field, lang) for field in item.fields if field in common]),
        *_choices([field for field in item.fields if field in common], lang),
    ]
    return "\n\n".join(parts) + "\n"


def _word(name: str, lang: Lang) -> str:
    return _pick(WORDS[name], lang)


def _pick(words: tuple[str, str], lang: Lang) -> str:
    return words[0] if lang == "zh" else words[1]


def _facts(item: FeatureClass, lang: Lang) -> Iterator[str]:
    comma = "、" if lang == "zh" else ", "
    geometries = {name: _pick(words, lang) for name, words in GEOMETRIES.items()}
    office = item.office.split(" / ")
    yield f"{_word('geometry', lang)}: {geometries[item.geometry]}"
    if item.accept:
        yield f"{_word('accept', lang)}: {comma.join(geometries[name] for name in item.accept)}"
    pointlike = item.geometry in ("point", "mixed")
    yield f"{_word('parts', lang)}: {_pick(PARTS[item.parts, pointlike], lang)}"
    yield f"{_word('duplicate', lang)}: {_duplicate(item, lang)}"
    if item.z:
        yield f"{_word('z', lang)}: {comma.join(f'`{name}`' for name in item.z)}"
    yield f"{_word('office', lang)}: {office[0] if lang == 'zh' else office[-1]}"
    yield f"{_word('sensitivity', lang)}: {_pick(SENSITIVITIES[item.sensitivity], lang)}"
    for name, values in item.restricted_rows.items():
        shown = [f"`{choice.value}`" for choice in item.get_field(name).choices if choice.value in values]
        yield f"{_word('restricted', lang)}: `{name}` = {comma.join(shown)}{_word('or_unknown', lang)}"
    owners = comma.join(f"`{name}`" for name in item.owned_by)
    yield f"{_word('owned_by', lang)}: {owners or _word('nobody', lang)}"
    yield f"{_word('aliases', lang)}: {comma.join([item.id, item.title.zh, item.title.en, *item.aliases])}"
    fill = f", {item.symbol.fill}" if item.symbol.fill else ""
    icon = f", `{item.symbol.icon}`" if item.symbol.icon else ""
    yield f"{_word('symbol', lang)}: {item.symbol.glyph}{icon}, {item.symbol.shape}, {item.symbol.color}{fill}"
    yield f"{_word('zooms', lang)}: " + "; ".join(_zoom(rule) for rule in item.zooms)
    for system, codes in item.components.items():
        yield f"{_word('components', lang)}: [{system}](../codes.md#{system}) {comma.join(codes)}"
    yield f"{_word('address', lang)}: `/collections/{item.id}`, `/map/{item.id}`, `/exports/{item.id}.gpkg`"


def _duplicate(item: FeatureClass, lang: Lang) -> str:
    if item.duplicate_m is None:
        return _pick(("图形完全相同", "equal shapes"), lang)
    near = f"{item.duplicate_m:g} m"
    return _pick(
        (f"同类型的点相距不到 {near}，图形完全相同", f"points of one kind within {near}, equal shapes"), lang
    )


def _zoom(rule: ZoomRule) -> str:
    sizes = {"m²": rule.area_m2_min, "m": rule.length_m_min}
    conditions = [
        *_where(rule.where),
        *(f"≥ {size:,.0f} {unit}" for unit, size in sizes.items() if size is not None),
    ]
    return f"{rule.zoom} ({', '.join(conditions)})" if conditions else f"{rule.zoom}"


def _where(where: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    for name, values in where.items():
        yield f"{name} = {' | '.join('null' if value is None else _plain(value) for value in values)}"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field_row(field: Field, lang: Lang) -> tuple[object, ...]:
    title = field.title.in_(lang)
    if field.description and lang == "en":
        title = f"{title}. {field.description}"
    return (
        f"`{field.name}`",
        title,
        field.title.en if lang == "zh" else field.title.zh,
        _type(field, lang),
        ", ".join(field.aliases),
        " ".join(f"`{tag}`" for tag in field.osm),
    )


def _type(field: Field, lang: Lang) -> str:
    limits = [f"≥ {field.minimum:g}"] if field.minimum is not None else []
    limits += [f"≤ {field.maximum:g}"] if field.maximum is not None else []
    needed = [_word("required", lang)] if field.required else []
    needed += [f"{_word('default', lang)} `{field.default}`"] if field.default is not None else []
    hidden = [_pick(SENSITIVITIES[field.sensitivity], lang)] if field.sensitivity != "public" else []
    kind = f"{_pick(TYPES[field.type], lang)} {field.unit or ''}".strip()
    refers = (
        []
        if field.refers is None
        else [f"→ [`{field.refers}`]({field.refers}{'.zh' if lang == 'zh' else ''}.md)"]
    )
    return ", ".join([kind, *refers, *limits, *needed, *hidden])


def _choices(fields: Iterable[Field], lang: Lang) -> Iterator[str]:
    rows = [
        (
            f"`{field.name}`",
            f"`{choice.value}`",
            choice.title.in_(lang),
            choice.title.en if lang == "zh" else choice.title.zh,
            "; ".join(f"{system} {', '.join(codes)}" for system, codes in choice.codes.items()),
            ", ".join(choice.aliases),
        )
        for field in fields
        for choice in field.choices
    ]
    if rows:
        yield f"### {_word('choices', lang)}"
        yield table(_CHOICE_HEAD[lang], rows)


def _osm(item: FeatureClass, lang: Lang) -> Iterator[str]:
    if item.osm:
        yield f"## {_word('osm', lang)}"
        yield _word("osm_note", lang)
        yield "\n".join(f"- {_rule(rule)}" for rule in item.osm)


def _rule(rule: OsmRule) -> str:
    unless = f" ∌ {_tags(rule.unless)}" if rule.unless else ""
    implied = (
        f" → {', '.join(f'{name} = {_plain(value)}' for name, value in rule.set.items())}" if rule.set else ""
    )
    return f"{_tags(rule.tags)}{unless}{implied}"


def _tags(tags: Mapping[str, Sequence[str]]) -> str:
    return " ".join(f"`{key}={'|'.join(values)}`" for key, values in tags.items())
