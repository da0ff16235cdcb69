"""What is said of filters and query parameters over HTTP: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: Names and places in the text of a filter.
_NAMES: Mapping[str, str] = {
    "There is no property named '{name}'.": "没有名为“{name}”的属性。",
    "There is no function '{name}'.": "没有函数“{name}”。",
    "Known are: {names}.": "可用的有：{names}。",
    "Texts stand in single quotes: {text}.": "文本写在单引号中：{text}。",
    "Texts stand in straight single quotes: {text}.": "文本写在直的单引号中：{text}。",
    "The filter cannot be read at character {at}: {rest}.": "筛选条件在第 {at} 个字符处无法读取：{rest}。",
    "For example: {example}.": "例如：{example}。",
    "The filter ends too early.": "筛选条件不完整。",
    "Something is missing at its end, such as a value or a ')'.": "末尾缺少内容，例如一个值或“)”。",
}

#: Types of values that do not go together.
_TYPES: Mapping[str, str] = {
    "{one} is {kind!t}, {other} {different!t}: they cannot be compared.": (
        "{one} 是{kind}，{other} 是{different}，两者不能比较。"
    ),
    "Texts stand in single quotes, days as DATE('2021-12-31'), moments as TIMESTAMP('2021-12-31T10:00:00Z').": (
        "文本写在单引号中，日期写作 DATE('2021-12-31')，时刻写作 TIMESTAMP('2021-12-31T10:00:00Z')。"
    ),
    "A filter takes true or false, and {shown} is {kind!t}.": "筛选条件须为真或假，而 {shown} 是{kind}。",
    "{of} takes {wanted!t}, and {shown} is {kind!t}.": "{of} 需要{wanted}，而 {shown} 是{kind}。",
    "Compare it with something, for example stalls > 4.": "请与某个值比较，例如 stalls > 4。",
    "Write a text in single quotes.": "请用单引号写文本。",
    "Write geom, a WKT geometry or BBOX(west,south,east,north).": (
        "请写 geom、WKT 几何或 BBOX(西,南,东,北)。"
    ),
    "Nothing is equal to NULL, nor less or more.": "任何值都不能与 NULL 比较。",
    "Write IS NULL or IS NOT NULL.": "请写 IS NULL 或 IS NOT NULL。",
    "a text": "文本",
    "a number": "数值",
    "true or false": "真或假",
    "a date": "日期",
    "a timestamp": "时刻",
    "a geometry": "几何",
    "an array": "数组",
    "an interval": "时间段",
    "a list": "列表",
}

#: Names of query parameters.
_PARAMETERS: Mapping[str, str] = {
    "There is no query parameter '{name}' here.": "此处没有查询参数“{name}”。",
    "Known here: {names}.": "此处可用：{names}。",
    "The query parameter '{name}' is given more than once.": "查询参数“{name}”给出了多次。",
    "Give it once.": "只写一次。",
}

FILTERS: Mapping[str, str] = {**_NAMES, **_TYPES, **_PARAMETERS}
