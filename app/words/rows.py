"""Reasons and hints of refused and doubtful rows: English template → Chinese.

`{name}` stands for a value, `{name!t}` for a sentence that must be known, `{name!m}` for one that may be.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Codes, required values, order of dates, several faults in one row.
_KEYS: Mapping[str, str] = {
    "{first!t}; also {field}: {second!t} ({shown})": "{first}；{field} 也有误：{second}（{shown}）",
    "{first!t}; also {field}: {second!t}": "{first}；{field} 也有误：{second}",
    "{first!t} ({value}); also {field}: {second!t} ({shown})": (
        "{first}（{value}）；{field} 也有误：{second}（{shown}）"
    ),
    "{first!t} ({value}); also {field}: {second!t}": "{first}（{value}）；{field} 也有误：{second}",
    "the row has no code": "该行没有编码",
    "the feature is not in your area": "该要素不在您负责的区域内",
    "Yours: {areas}.": "您负责的区域：{areas}。",
    "the code is that of a feature which you may not change": "该编码属于您无权修改的要素",
    "Give the row another code, or leave it to who may change that feature.": (
        "请为该行另取编码，或交由有权修改该要素的人处理。"
    ),
    "a contractor does not say whose a feature is": "承包单位不能指定要素的归属单位",
    "Leave out {fields}: what you bring is {party}'s.": "请去掉 {fields}：您带来的要素归 {party}。",
    "the code is already used in row {row}": "该编码已用于第 {row} 行",
    "the code is already used in another layer": "该编码已用于另一图层",
    "the code is already used in row {row} for the same days": "该编码在相同日期内已用于第 {row} 行",
    "the code is already used in another layer for the same days": "该编码在相同日期内已用于另一图层",
    "the code is already used in {where}": "该编码已用于{where}",
    "Fill it in, or name another column with --key.": "请填写，或用 --key 指定另一列。",
    "Give each row its own code, or name another column with --key.": (
        "请为每行给出各自的编码，或用 --key 指定另一列。"
    ),
    "a value is required": "该字段必填",
    "Fill in {english} ({chinese}).": "请填写“{chinese}”。",
    "lies before {first} ({before})": "早于 {first}（{before}）",
    "Mend whichever date is wrong.": "请改正有误的日期。",
    "ends before it begins": "截止早于起始",
    "The day on which it ends must follow the first one.": "截止日期必须晚于起始日期。",
    "Mend the row and import it again.": "请改正该行后重新导入。",
    "changed here since the export (here: {value})": "导出后库中已改动（库中：{value}）",
    "changed here since the export": "导出后库中已改动",
    "deleted here since the export": "导出后库中已删除",
    "not in the file any more, but changed here since its export; it stays": (
        "文件中已没有，但导出后库中已改动，故保留"
    ),
    "Export the class again and edit that, or choose with --on-conflict: file or stored.": (
        "请重新导出该类后再编辑，或用 --on-conflict 选择：file（以文件为准）或 stored（以库中为准）。"
    ),
}

#: Values of fields.
_VALUES: Mapping[str, str] = {
    "the unit '{unit}' does not fit": "单位“{unit}”不适用",
    "the number is infinite": "数字为无穷大",
    "the text is not UTF-8": "文本不是 UTF-8 编码",
    "Save the file again in UTF-8.": "请将文件另存为 UTF-8。",
    "the number has more digits than a spreadsheet keeps": "数字的位数超出电子表格能保留的位数",
    "Format the column as text and type the ids again.": "请将该列设为文本格式后重新录入编号。",
    "the text has {count} characters": "文本有 {count} 个字符",
    "At most {count} are kept.": "最多保留 {count} 个。",
    "a number is expected": "应为数字",
    "A whole number such as 12.": "整数，例如 12。",
    "A number such as 12.5.": "数字，例如 12.5。",
    "people": "人",
    "households": "户",
    "pieces": "个",
    "years": "年",
    "A number in {unit!m}.": "以 {unit} 为单位的数字。",
    "the number is too large": "数字过大",
    "At most {number}.": "不超过 {number}。",
    "a whole number is expected": "应为整数",
    "A number without decimals.": "不带小数的数字。",
    "yes or no is expected": "应为是或否",
    "Valid values: yes, no, true, false, 1, 0, 是, 否.": "可用的值：是、否、yes、no、true、false、1、0。",
    "a number is no date": "数字不是日期",
    "Format the column as text and type the dates again: 2015-10.": (
        "请将该列设为文本格式后重新录入日期：2015-10。"
    ),
    "a date is expected": "应为日期",
    "there is no such day": "没有这一天",
    "a date and time are expected": "应为日期和时间",
    "Such as 2021-12-31T10:00:00Z or 2021-12-31 18:00:00.": "例如 2021-12-31T10:00:00Z 或 2021-12-31 18:00:00。",
    "A date such as 2021-12-31.": "日期，例如 2021-12-31。",
    "If it is a spreadsheet's serial day ({day}), format the column as dates or say so in a mapping "
    "(unit: excel day).": (
        "如果这是电子表格的日期序号（{day}），请将该列设为日期格式，或在映射中写明（unit: excel day）。"
    ),
    "below the smallest value {number}": "小于最小值 {number}",
    "above the largest value {number}": "大于最大值 {number}",
    "A number from {low} to {high} in {unit!m}.": "{low} 至 {high} 的数字，单位 {unit}。",
    "A number from {low} to {high}.": "{low} 至 {high} 的数字。",
    "A number from {low} in {unit!m}.": "不小于 {low} 的数字，单位 {unit}。",
    "A number from {low}.": "不小于 {low} 的数字。",
    "A number to {high} in {unit!m}.": "不大于 {high} 的数字，单位 {unit}。",
    "A number to {high}.": "不大于 {high} 的数字。",
    "not one of the valid values": "不在可用的值之内",
    "Did you mean {name}?": "是否指 {name}？",
    "Valid values: {names}.": "可用的值：{names}。",
}

#: Shapes: what cannot be stored, what was repaired.
_SHAPES: Mapping[str, str] = {
    "no geometry": "没有图形",
    "empty geometry": "图形为空",
    "it has no shape": "没有图形",
    "Give the row a geometry and import it again.": "请为该行补上图形后重新导入。",
    "Mend the geometry and import the row again.": "请改正图形后重新导入该行。",
    "coordinates are not finite numbers": "坐标不是有限数",
    "coordinates are not longitudes and latitudes (±180, ±90)": "坐标不是经纬度（±180、±90）",
    "Check the coordinates, their order (east first) and the CRS.": (
        "请检查坐标、坐标顺序（东坐标在前）和坐标系。"
    ),
    "the polygon is invalid and cannot be repaired: {reason!m}": "面图形无效且无法修复：{reason}",
    "the polygon encloses no area": "面没有面积",
    "Draw its outline anew; it is a line or a single place.": "请重画其边界：现在只是一条线或一个点。",
    "the line has no length": "线没有长度",
    "Draw it anew; all its vertices are one place.": "请重画：所有顶点都在同一处。",
    "{dropped} of its {count} parts without size were left out": (
        "{count} 个部分中有 {dropped} 个没有大小，已略去"
    ),
    "the shape has more than {count} vertices": "图形的顶点超过 {count} 个",
    "Simplify it, or cut it into several rows.": "请简化，或拆成若干行。",
    "the repair ({why!m}) changed its area from {before} to {after} m²": (
        "修复（{why}）使面积由 {before} 变为 {after} m²"
    ),
    "one part has {count} vertices (more than {limit}): analyses of it are slow": (
        "有一个部分的顶点达 {count} 个（超过 {limit}）：分析会较慢"
    ),
    "{one!t}; {other!t}": "{one}；{other}",
    "the geometry is a closed line, {holds!m}": "图形是闭合线，{holds}",
    "the geometry is a {kind!m}, {holds!m}": "图形是{kind}，{holds}",
    "the geometry is a collection of {kinds!m}, {holds!m}": "图形是由{kinds}组成的集合，{holds}",
    "the {kinds!m} of its collection were left out": "其集合中的{kinds}已略去",
    "this class holds {one!m} or {other!m}": "本类只存{one}或{other}",
    "this class holds {kinds!m}": "本类只存{kinds}",
    "{one!t} and {other!t}": "{one}和{other}",
    "{one!t}, {other!t}": "{one}、{other}",
    "point": "点",
    "points": "点",
    "line": "线",
    "lines": "线",
    "polygon": "面",
    "polygons": "面",
    "multipoint": "多点",
    "geometry collection": "图形集合",
    "Save it as a polygon, or name a class of lines with --class.": "请存为面，或用 --class 指定线类。",
    "Draw it as the class asks, or name another class with --class.": (
        "请按该类的要求绘制，或用 --class 指定另一类。"
    ),
    "a multipoint of {count} places, this class holds one place a row": (
        "图形是含 {count} 处的多点，本类一行只存一处"
    ),
    "Split it into one row a place.": "请拆成一处一行。",
    "Self-intersection": "自相交",
    "Ring Self-intersection": "环自相交",
    "Hole lies outside shell": "洞在外环之外",
    "Nested shells": "外环相套",
    "Holes are nested": "洞相套",
    "Interior is disconnected": "内部不连通",
    "Duplicate Rings": "环重复",
    "Invalid Coordinate": "坐标无效",
    "Ring is not closed": "环未闭合",
    "Too few points in geometry component": "图形的点太少",
    "the shape is damaged": "图形已损坏",
    "the geometry is damaged": "图形已损坏",
    "the .shp has no shape for this row": ".shp 中没有该行的图形",
    "a multipatch (a body in space) is not read: save its footprint as polygons": (
        "不读取多面体：请将其投影范围存为面"
    ),
    "the geometry has no known type": "图形类型未知",
    "the geometry collection cannot be read": "图形集合无法读取",
    "the geometry has no coordinates": "图形没有坐标",
    "the geometry has fewer than {count} positions": "图形的点少于 {count} 个",
    "the geometry has no parts": "图形没有组成部分",
    "the polygon has no outer ring": "面没有外环",
    "the track has no positions": "轨迹没有点",
    "the coordinates make no {kind!m}": "坐标构不成{kind}",
    "a coordinate is not a number ({text})": "坐标不是数字（{text}）",
    "a position has fewer than 2 coordinates": "一个点的坐标少于 2 个",
    "ring {number} has fewer than 4 positions": "第 {number} 个环的点少于 4 个",
    "ring {number} is not closed: its first and last position differ": "第 {number} 个环未闭合：首尾点不同",
    "not a GeoJSON feature": "不是 GeoJSON 要素",
    "the text is not in {encoding}": "文本不是 {encoding} 编码",
    "the text is not valid JSON": "文本不是有效的 JSON",
    "a quotation mark is not closed": "引号未闭合",
    "the row has {cells} cells, but there are {headings} headings": (
        "该行有 {cells} 个单元格，而表头只有 {headings} 个"
    ),
}

#: Places in the columns of tables, survey tables.
_PLACES: Mapping[str, str] = {
    "{heading}: '{cell}' is no coordinate": "{heading}：“{cell}”不是坐标",
    "{heading}: '{cell}' is no {language}": "{heading}：“{cell}”不是 {language}",
    "{heading}: its CRS is {own}, that of the other rows {others}": (
        "{heading}：其坐标系为 {own}，其他行为 {others}"
    ),
    "{heading}: curves in WKT are not read": "{heading}：不读取 WKT 中的曲线",
    "{heading}: {why!t}": "{heading}：{why}",
    "the longitude is missing": "缺经度",
    "the latitude is missing": "缺纬度",
    "{heading} is missing": "缺 {heading}",
    "the position is 0, 0, which stands for none": "坐标为 0, 0，即没有坐标",
    "minutes or seconds are not between 0 and 60": "分或秒不在 0 与 60 之间",
    "start and end are the same point '{point}'": "起点与终点是同一点“{point}”",
    "the points '{one}' and '{other}' lie at the same place": "点“{one}”与“{other}”位于同一处",
    "the number of the start point is empty": "起点点号为空",
    "the number of the end point is empty": "终点点号为空",
    "start point '{point}' is not in the point table": "起点“{point}”不在点表中",
    "end point '{point}' is not in the point table": "终点“{point}”不在点表中",
    "start point '{point}' is no number of a stored pipe node": "起点“{point}”不是已入库管线点的点号",
    "end point '{point}' is no number of a stored pipe node": "终点“{point}”不是已入库管线点的点号",
    "start point '{point}' may be any of {count} stored pipe nodes of this number": (
        "起点“{point}”可能是 {count} 个同号管线点中的任何一个"
    ),
    "end point '{point}' may be any of {count} stored pipe nodes of this number": (
        "终点“{point}”可能是 {count} 个同号管线点中的任何一个"
    ),
    "start point '{point}' has no place (row {row} of '{table}')": (
        "起点“{point}”没有坐标（“{table}”第 {row} 行）"
    ),
    "end point '{point}' has no place (row {row} of '{table}')": (
        "终点“{point}”没有坐标（“{table}”第 {row} 行）"
    ),
    "{heading} is empty: the point has no number": "{heading} 为空：该点没有点号",
    "point '{point}' is already in row {row} of '{table}'": "点“{point}”已在“{table}”第 {row} 行",
    "the stretch from '{start}' to '{end}' is already in row {row}": (
        "“{start}”至“{end}”的管段已在第 {row} 行"
    ),
}

#: Rows outside the city, and the likely cause.
_OUTSIDE: Mapping[str, str] = {
    "it lies {distance} km outside the city": "位于城市范围外 {distance} 公里",
    "it lies nowhere on Earth": "不在地球上的任何位置",
    "{far!t}; likely cause: {cause!m}": "{far}；可能原因：{cause}",
    "Where the row is right as it is, --allow-outside takes it.": (
        "若该行确实无误，可用 --allow-outside 接收。"
    ),
    "Correct the coordinates or name their CRS with --crs.": "请改正坐标，或用 --crs 指定坐标系。",
    "the coordinates are 0, 0 or nearly": "坐标为 0, 0 或接近 0, 0",
    "Nobody measured them: give true ones.": "这不是实测坐标，请给出真实坐标。",
    "the axes are swapped": "坐标轴颠倒",
    "Save the file with east (longitude) first.": "请将东坐标（经度）放在前面保存。",
    "Save the file with east first.": "请将东坐标放在前面保存。",
    "the coordinates are GCJ-02": "坐标为 GCJ-02（火星坐标）",
    "the coordinates are BD-09": "坐标为 BD-09（百度坐标）",
    "Give --crs {crs}.": "请给出 --crs {crs}。",
    "Give --crs {crs} for such rows.": "请对这些行给出 --crs {crs}。",
    "the coordinates are longitude and latitude": "坐标为经纬度",
    "the coordinates are metres of {crs}, north first": "坐标为 {crs} 的米值，北坐标在前",
    "the coordinates are metres of {crs}": "坐标为 {crs} 的米值",
    "the longitude has the wrong sign": "经度的正负号有误",
    "the latitude has the wrong sign": "纬度的正负号有误",
    "both coordinates have the wrong sign": "经纬度的正负号都有误",
    "East and north are positive.": "东经和北纬为正。",
    "the wrong zone: the coordinates are those of {crs}": "分带有误：坐标属于 {crs}",
    "the easting has no zone prefix": "东坐标缺带号",
    "Put {zone} before the easting.": "请在东坐标前加上 {zone}。",
    "the decimal point has moved in both coordinates": "两个坐标的小数点都移了位",
    "the decimal point has moved, or digits are lost, in the first coordinate": (
        "第一个坐标的小数点移了位或缺了数字"
    ),
    "the decimal point has moved, or digits are lost, in the second coordinate": (
        "第二个坐标的小数点移了位或缺了数字"
    ),
    "the first digit is lost of the longitude": "经度缺首位数字",
    "the first digit is lost of the easting": "东坐标缺首位数字",
    "the first digit is lost of the northing": "北坐标缺首位数字",
    "Correct the coordinates of the row.": "请改正该行的坐标。",
}

#: Ids of city components, kinds that name no class, OpenStreetMap, duplicates.
_THINGS: Mapping[str, str] = {
    "the code system is not stated": "未说明编码体系",
    "Name it with --code-system or in a column code_system.": "请用 --code-system 或 code_system 列说明。",
    "This id could be of {systems}; {own} is the city's own numbering.": (
        "该编码可能属于 {systems}；{own} 表示本市自编。"
    ),
    "This id is of none that is known; {own} is the city's own numbering.": (
        "该编码不属于任何已知体系；{own} 表示本市自编。"
    ),
    "the row's id does not tell its class": "该行的标识码不能说明其类别",
    "Name the code system with --code-system, or the class with --class.": (
        "请用 --code-system 指定编码体系，或用 --class 指定类别。"
    ),
    "the id is one of {home}: {kind}": "该标识码属于 {home}：{kind}",
    "Import such rows with --class {home}.": "请用 --class {home} 导入这些行。",
    "the id says {value} ({kind}), the row {other}; the row counts": (
        "标识码为 {value}（{kind}），该行为 {other}；以该行为准"
    ),
    "Correct the id or the kind.": "请改正标识码或种类。",
    "the former id is of the kind {old}, which became {new}, not {kind}": (
        "原标识码的种类 {old} 对应 {new}，而非 {kind}"
    ),
    "Check which of the two ids is right.": "请核对哪一个标识码正确。",
    "The id '{code}' is of the area {area}, but lies in {right}": (
        "标识码“{code}”属于区划 {area}，却位于 {right}"
    ),
    "Its first six digits must be the division code of its district, {right}.": (
        "前六位须为所在区的行政区划代码 {right}。"
    ),
    "The id '{code}' has {count} characters; those of {standard} have {length} digits": (
        "标识码“{code}”有 {count} 个字符；{standard} 为 {length} 位数字"
    ),
    "{digits} digits: area, major, minor, serial.": "{digits} 位：区划、大类、小类、顺序号。",
    "{standard} has no kind {kind}": "{standard} 中没有种类 {kind}",
    "It could be of {systems}.": "可能属于 {systems}。",
    "Kinds of {major}: {kinds}.": "{major} 的种类：{kinds}。",
    "Majors: {majors}.": "大类：{majors}。",
    "incomplete: {why!m}": "残缺：{why}",
    "{missing} of {count} nodes missing": "{count} 个节点中缺 {missing} 个",
    "{missing} of {count} member ways missing": "{count} 条成员路径中缺 {missing} 条",
    "The extract ends here: take a larger one that holds the whole object.": (
        "摘取范围到此为止：请使用包含整个对象的更大摘取文件。"
    ),
    "Mend it in OpenStreetMap.": "请在 OpenStreetMap 中改正。",
    "The way is not closed; it is drawn as a line in OpenStreetMap.": (
        "该路径未闭合：在 OpenStreetMap 中画成了线。"
    ),
    "the node has no location": "节点没有坐标",
    "all nodes of the way are at one place": "路径的所有节点都在同一处",
    "its rings do not close or cross each other": "各环未闭合或互相交叉",
    "a relation of type '{kind}' has no shape of its own": "类型为“{kind}”的关系本身没有图形",
    "may be a duplicate of row {row}: {apart!m}": "可能与第 {row} 行重复：{apart}",
    "may be the stored feature {code} again: {apart!m}": "可能就是库中的 {code}：{apart}",
    "the same shape and kind": "图形和种类相同",
    "the same place": "位置相同",
    "{distance} m from it (up to {limit} m is told), of the same kind": (
        "相距 {distance} m（{limit} m 以内即提示），种类相同"
    ),
    "{distance} m from it": "相距 {distance} m",
    "Give it that code if it is the same one.": "若是同一个，请用该编码。",
    "Nothing was merged. If both rows are one thing, delete one of them and import again.": (
        "没有合并。若两行是同一事物，请删去一行后重新导入。"
    ),
}

ROWS: Mapping[str, str] = {**_KEYS, **_VALUES, **_SHAPES, **_PLACES, **_OUTSIDE, **_THINGS}
