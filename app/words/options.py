"""The options of `chengtu import` as a request names them: the fields of a form, the requests in place of commands."""

from __future__ import annotations

from collections.abc import Mapping

#: Option → field of the form, and its value where the option has none of its own.
OPTIONS: Mapping[str, tuple[str, str]] = {
    "allow-outside": ("allow_outside", "=true"),
    "attribution": ("attribution", ""),
    "class": ("class", ""),
    "code-system": ("code_system", ""),
    "crs": ("crs", ""),
    "delete-missing": ("delete_missing", "=true"),
    "dry-run": ("dry_run", "=true"),
    "encoding": ("encoding", ""),
    "key": ("key", ""),
    "layer": ("layer", ""),
    "licence": ("licence", ""),
    "mapping": ("mapping", ""),
    "on-conflict": ("on_conflict", ""),
    "skip-rejected": ("strict", "=false"),
    "source": ("source", ""),
    "strict": ("strict", "=true"),
    "valid-from": ("valid_from", ""),
    "where": ("where", ""),
}
#: Words behind an option that are no value of it.
BARE_WORDS = frozenset({"and", "for", "in", "is", "or", "says", "takes", "to", "where"})
BARE_STARTS = ("或", "指定", "选择", "接收", "导入", "说明", "并", "和")
COMMANDS: Mapping[str, str] = {
    "`chengtu imports`": "`GET /imports`",
    "`chengtu changes`": "`GET /changes`",
    "`chengtu classes`": "`GET /collections`",
}

#: Field of the form → what it is called on the pages of imports.
ON_PAGE: Mapping[str, tuple[str, str]] = {
    "allow_outside": ("接收市界以外的行", "Take rows outside the city's border"),
    "class": ("类别", "class"),
    "crs": ("坐标系", "coordinate system"),
    "encoding": ("文字编码", "encoding"),
    "key": ("编码列", "code column"),
    "layer": ("图层", "layer"),
    "mapping": ("列的对应", "columns"),
    "strict": ("只要有一行被拒绝就全部不导入", "Load nothing if any row is refused"),
}
