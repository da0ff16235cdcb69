"""What the headings and names of a pipe survey's tables (CJJ 61) say: points or lines, and which kind of pipe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from app.validation.values import normalise

#: Spellings of the numbers of points, in the form in which headings are compared.
POINT = (
    "物探点号", "管线点号", "管点编号", "管点号", "探测点号", "点号", "测点号", "外业点号", "管线点编号", "物探号",
    "管点编码", "管线点编码", "expno", "exp_no", "point_no", "pointno", "点编号",
)  # fmt: skip
START = (
    "起始点号", "起点点号", "起点号", "起点物探点号", "起始物探点号", "起点管线点号", "起始点", "本点号", "本点点号",
    "起点编号",    "起始点编号", "起点编码", "s_point", "spoint", "start_point", "startpoint",
    "起点", "上游点号", "start_node", "上点号",
)  # fmt: skip
END = (
    "终止点号", "终点点号", "终点号", "终点物探点号", "终止物探点号", "终点管线点号", "终止点", "连接点号", "连接点",
    "连接方向", "连接点编号", "终点编号", "终止点编号", "终点编码", "e_point", "epoint", "end_point", "endpoint",
    "终点", "下游点号", "end_node", "下点号",
)  # fmt: skip
KIND = ("管线种类", "管线类别", "管线类型", "管类", "管线种类代码", "network", "utility")
FEATURE, FITTING = (
    ("特征", "管点特征", "特征点", "特征类型"),
    ("附属物", "附属物名称", "附属设施", "附属物类型"),
)
DIAMETERS = (
    "管径", "管径或断面尺寸", "断面尺寸", "管径断面尺寸", "规格", "管径(mm)", "断面尺寸(mm)", "管径或断面尺寸(mm)",
    "管径/断面尺寸",
)  # fmt: skip
#: Codes of CJJ 61-2017 that name the kind of a pipe, and the words for them.
KINDS = {
    "YS": "雨水", "WS": "污水", "HS": "合流", "JS": "给水", "ZS": "中水", "RQ": "燃气", "MQ": "煤气", "TR": "天然气",
    "RL": "热力", "DL": "电力", "LD": "路灯", "TX": "通信", "DS": "电视", "GY": "工业", "QT": "其他", "ZH": "综合管沟",
    "BM": "不明", "XH": "交通信号", "GD": "供电",
}  # fmt: skip
_CODE = re.compile(r"(?<![A-Z])([A-Z]{2})(?![A-Z])")


def first_of(headings: Iterable[str], words: Sequence[str]) -> str | None:
    """The heading that is the earliest of `words`."""
    forms: dict[str, str] = {}
    for heading in headings:
        forms.setdefault(normalise(heading), heading)
    return next((forms[form] for form in map(normalise, words) if form in forms), None)


def kind_in(name: str) -> str | None:
    """The code of the kind of pipe in the name of a table (`WS_LINE`, `污水管线点表`), None where none or several."""
    upper = name.upper()
    found = {code for code in _CODE.findall(upper.replace("_", " ")) if code in KINDS}
    found = found or {code for code, word in KINDS.items() if word in name}
    if "HS" in found:
        found -= {"YS", "WS"}
    return found.pop() if len(found) == 1 else None
