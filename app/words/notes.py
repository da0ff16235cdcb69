"""How a file was understood, as its report says it: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: The CRS and the order of the axes, with the evidence.
_SYSTEMS: Mapping[str, str] = {
    "no CRS is named, and all coordinates are plausible longitudes and latitudes ({example!m}); {share} "
    "lie in the city": ("未写明坐标系，而所有坐标都像经纬度（{example}）；{share} 位于本市"),
    "no CRS is named, and all coordinates are plausible longitudes and latitudes ({example!m})": (
        "未写明坐标系，而所有坐标都像经纬度（{example}）"
    ),
    "for example {place}": "例如 {place}",
    "no row has a place": "没有一行有坐标",
    "no CRS is named; {why!m}: {chosen}": "未写明坐标系；{why}：{chosen}",
    "only so the rows lie in the city": "只有这样各行才位于本市",
    "all eastings have 8 digits and begin with {number}, which is {width}-degree zone {zone} of CGCS2000 (files in "
    "Xian 1980 or Beijing 1954 look the same and lie tens of metres off: ask the surveyor where that matters)": (
        "东坐标均为 8 位且以 {number} 开头，即 CGCS2000 的 {width} 度带 {zone} 带"
        "（西安 1980 或北京 1954 的文件看上去相同，但偏差数十米：如有影响请询问测绘单位）"
    ),
    "north stands before east ({example!m}): so {turned} lie in {where!m}, else {as_is}": (
        "北坐标在东坐标之前（{example}）：这样有 {turned} 位于{where}，否则为 {as_is}"
    ),
    "north stands before east ({example!m})": "北坐标在东坐标之前（{example}）",
    "the area of this CRS": "该坐标系的适用范围",
    "the city": "本市",
    "it may be {what}: {why}; --crs {crs} says that it is": "可能是 {what}：{why}；可用 --crs {crs} 指明",
    "the file's definition '{name}' is {code}": "文件的定义“{name}”即 {code}",
    "the file carries the name of the city system {name}": "文件写有城市坐标系 {name}",
    "the file's CRS is a local one that does not say where it lies": (
        "文件的坐标系是地方坐标系，未说明其位置"
    ),
    "the file names {code}, with datum parameters of its own": "文件写明 {code}，并带有自己的基准参数",
    "the file names {code} ({name})": "文件写明 {code}（{name}）",
    "its heights are left as they are": "其高程保持不变",
    "CRS: from its {suffix}": "坐标系：取自 {suffix}",
    "CRS: it has no .prj": "坐标系：没有 .prj",
    "CRS: from its GeoParquet metadata": "坐标系：取自 GeoParquet 元数据",
    "CRS: lon/lat, as GeoParquet says where none is named": "坐标系：经纬度（GeoParquet 规定未写明时如此）",
    "CRS: from its GeoArrow column": "坐标系：取自 GeoArrow 列",
    "CRS {crs} from its cells": "坐标系 {crs} 取自单元格",
    "a DXF drawing names no CRS; polylines that it says are closed were read as polygons": (
        "DXF 图不写明坐标系；标为闭合的多段线按面读取"
    ),
}

#: Encodings, delimiters, headings, columns of places.
_TABLES: Mapping[str, str] = {
    "encoding {name}: as asked": "编码 {name}：按指定",
    "encoding {name}: the file begins with a byte order mark": "编码 {name}：文件以字节顺序标记开头",
    "encoding UTF-8: every byte fits": "编码 UTF-8：所有字节都符合",
    "encoding: all text is ASCII": "编码：全部文本为 ASCII",
    "encoding {name}: {why!m}": "编码 {name}：{why}",
    "not valid UTF-8 (line {line}), {share} of what is not ASCII is common Chinese": (
        "不是有效的 UTF-8（第 {line} 行），非 ASCII 字符中 {share} 为常用汉字"
    ),
    "not valid UTF-8, all text decodes, {share} of it to common Chinese": (
        "不是有效的 UTF-8，全部文本可解码，其中 {share} 为常用汉字"
    ),
    "every second byte of its ASCII text is NUL": "其 ASCII 文本每隔一个字节为 NUL",
    "all text fits": "全部文本符合",
    "its .cpg says {name}": "其 .cpg 写明 {name}",
    "delimiter: none, one column": "分隔符：无，只有一列",
    "delimiter {mark!m}: {width} cells in most of the first {lines} lines": (
        "分隔符 {mark}：前 {lines} 行多为 {width} 个单元格"
    ),
    "comma": "逗号",
    "tab": "制表符",
    "semicolon": "分号",
    "vertical bar": "竖线",
    "caret": "脱字符",
    "space": "空格",
    "the first line holds numbers, so there are no headings": "第一行是数字，故没有表头",
    "the first row holds numbers, so there are no headings": "第一行是数字，故没有表头",
    "{count} title lines above the headings in line {line}": "第 {line} 行的表头之上有 {count} 行标题",
    "{count} title rows above the headings in row {row}": "第 {row} 行的表头之上有 {count} 行标题",
    "{count} lines without any text were passed over": "略过 {count} 个空行",
    "{count} rows without any value were passed over": "略过 {count} 个空行",
    "{count} rows have fewer cells than there are headings: the rest is empty": (
        "{count} 行的单元格少于表头：其余视为空"
    ),
    "{count} rows have more cells than there are headings and are refused": (
        "{count} 行的单元格多于表头，被拒绝"
    ),
    "{count} columns without a heading were named after their place": "{count} 列没有表头，按位置命名",
    "{count} headings that stand twice were numbered": "{count} 个重复的表头已编号",
    "{count} merged cells count for every row they go over": "{count} 个合并单元格的值计入其覆盖的每一行",
    "{count} cells of the workbook hold an error such as #N/A and are read as empty": (
        "工作簿中 {count} 个单元格为 #N/A 之类的错误值，视为空"
    ),
    "places from the columns {names}, as the mapping names them": "坐标取自列 {names}，按映射指明",
    "places from the columns {names}: {why!m}": "坐标取自列 {names}：{why}",
    "places from the columns {names}": "坐标取自列 {names}",
    "places from the column {name}, latitude first: {why!m}": "坐标取自列 {name}，纬度在前：{why}",
    "places from the column {name}, longitude first: {why!m}": "坐标取自列 {name}，经度在前：{why}",
    "places from the column {name}: {kind}": "坐标取自列 {name}：{kind}",
    "{name} is over 90, so it is the longitude": "{name} 大于 90，故为经度",
    "the second number is over 90": "第二个数大于 90",
    "the first number is over 90": "第一个数大于 90",
    "the heading says so": "表头如此写明",
    "it is written (lat, lon)": "写作 (lat, lon)",
    "{one} (about {x}) is north and {other} (about {y}) east, by their size": (
        "按大小，{one}（约 {x}）为北，{other}（约 {y}）为东"
    ),
    "nothing tells which axis is north: {name} is taken as east": "无法得知哪一轴是北：{name} 按东坐标处理",
    "{one} is taken as north, as CJJ 61 has it": "按 CJJ 61，{one} 为北坐标",
    "the headings say {datum}": "表头写明 {datum}",
}

#: Rows and shapes of a layer.
_SHAPES: Mapping[str, str] = {
    "{count} rows are marked as deleted in the .dbf and were passed over": (
        ".dbf 中有 {count} 行标为已删除，已略过"
    ),
    "{count} numbers stand as *** in the .dbf: empty, or too wide for their field": (
        ".dbf 中有 {count} 个数字为 ***：空值或超出字段宽度"
    ),
    "{count} texts were cut within a character at the width of their field": (
        "{count} 个文本因字段宽度在字符中间被截断"
    ),
    "the .dbf is missing: the shapes have no attributes": "缺少 .dbf：图形没有属性",
    "the .shp has {shapes} shapes, the .dbf {rows} rows": ".shp 有 {shapes} 个图形，.dbf 有 {rows} 行",
    "the .shx is missing: {count} shapes were found by going through the .shp": (
        "缺少 .shx：逐段查找 .shp 找到 {count} 个图形"
    ),
    "the .shx does not fit the .shp: {count} shapes were found by going through the .shp": (
        ".shx 与 .shp 不符：逐段查找 .shp 找到 {count} 个图形"
    ),
    "the .shp breaks off: what stands behind its last whole shape was not read": (
        ".shp 中断：最后一个完整图形之后的内容未读取"
    ),
    "curves were made of straight pieces": "曲线已化为折线",
    "M values were dropped": "已舍去 M 值",
    "M values of {count} rows were dropped: no class keeps measures.": (
        "已舍去 {count} 行的 M 值：各类均不保留度量值。"
    ),
    "Z values of {count} rows were dropped: they are 0, a column says the height, or the shape has several parts.": (
        "已舍去 {count} 行的 Z 值：其值为 0，或另有高程列，或图形有多个部分。"
    ),
    "Z values of {count} rows were dropped: no height in metres lies outside {low} to {high}.": (
        "已舍去 {count} 行的 Z 值：以米计的高程不会超出 {low} 至 {high}。"
    ),
    "Z values of {count} rows were dropped: {name} keep none.": (
        "已舍去 {count} 行的 Z 值：该类（{name}）不保留。"
    ),
    "Z values were taken for {fields} in {count} rows.": "{count} 行的 Z 值已用于 {fields}。",
    "{count} geometry collections held one kind of shape that the class can use; it was taken.": (
        "{count} 个图形集合中只有一种该类可用的图形，已取用。"
    ),
    "{count} closed lines were taken as areas.": "{count} 条闭合线按面处理。",
    "{count} rows of several places became {features} {name}, coded <code>-1, <code>-2 ….": (
        "{count} 行含多处位置，已成为 {features} 个要素（{name}），编码为 <编码>-1、<编码>-2……。"
    ),
    "tables number alike: codes begin with the kind of pipe": "各表编号相同：编码以管线种类开头",
    "{count} points are at the end of no line": "{count} 个点不在任何线的端点",
    "No row fulfils the condition {text} ({values}).": "没有一行符合条件 {text}（{values}）。",
}
_PASSED: Mapping[str, str] = {
    "{count} row of totals passed over, as they are no features: row {rows}": (
        "略过 {count} 个合计行，它们不是要素：第 {rows} 行"
    ),
    "{count} rows of totals passed over, as they are no features: rows {rows}": (
        "略过 {count} 个合计行，它们不是要素：第 {rows} 行"
    ),
    "{count} annotations passed over, as writing in a drawing is no feature ({kinds}); "
    "ask for them with --where, such as {text}": (
        "略过 {count} 个注记，图中的文字不是要素（{kinds}）；要读入时用 --where，例如 {text}"
    ),
    "'{heading}' names no unit: taken as mm, as its values ({low} to {high}) are sizes in mm and not in m": (
        "“{heading}”没有注明单位：按毫米读入，因为其值（{low} 至 {high}）只可能是毫米，不是米"
    ),
    "'{heading}' names no unit: taken as m and changed to mm, as its values ({low} to {high}) are sizes in m and not "
    "in mm; if that is wrong, name the unit in the heading or in a mapping (unit: …)": (
        "“{heading}”没有注明单位：按米读入并换算为毫米，因为其值（{low} 至 {high}）只可能是米，不是毫米；"
        "如果不对，请在表头或对照表（unit: …）中注明单位"
    ),
    "'{heading}' names no unit: assumed to be mm, though its values ({low} to {high}) do not tell; "
    "if that is wrong, name the unit in the heading or in a mapping (unit: …)": (
        "“{heading}”没有注明单位：假定为毫米，但其值（{low} 至 {high}）不足以判断；"
        "如果不对，请在表头或对照表（unit: …）中注明单位"
    ),
    "no unit is named, so that of the field is assumed: {units}; "
    "if that is wrong, name the unit in the heading or in a mapping (unit: …)": (
        "没有注明单位，假定为字段的单位：{units}；如果不对，请在表头或对照表（unit: …）中注明单位"
    ),
    "'{heading}' holds codes of the domain '{domain}': its words were read, '{kept}' has the codes": (
        "“{heading}”是值域“{domain}”的代码：已读作其文字，代码在“{kept}”中"
    ),
    "its points are not in the file: they were looked up among the stored pipe nodes by their numbers": (
        "文件中没有点：已按点号在入库的管线点中查找"
    ),
}

NOTES: Mapping[str, str] = {**_SYSTEMS, **_TABLES, **_SHAPES, **_PASSED}
