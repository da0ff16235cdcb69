"""Why an export is refused, as pages and problem documents say it: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

EXPORTS: Mapping[str, str] = {
    "'{given}' is no format that is written.": "没有“{given}”这种导出格式。",
    "Formats written now: {names}.": "可用的格式：{names}。",
    "A .{ending} file holds one class only.": "一个 .{ending} 文件只装一个类。",
    "Export the whole city as .{ending}.zip, a file a class, or as .gpkg.": (
        "请把整个城市导出为 .{ending}.zip（一类一个文件）或 .gpkg。"
    ),
    "There is no QGIS project of '{name}' alone.": "没有只含“{name}”的 QGIS 工程。",
    "The one of the whole city: /exports/city.qgz": "全市的工程：/exports/city.qgz",
    "'{name}.pmtiles' is not made on request.": "“{name}.pmtiles”不按请求生成。",
    "Have it written on the server: chengtu export {name} --tiles {file}.pmtiles": (
        "请在服务器上生成：chengtu export {name} --tiles {file}.pmtiles"
    ),
    "Export the whole city as .gpkg.": "请把整个城市导出为 .gpkg。",
    "A filter names properties of one class.": "筛选条件针对一个类的属性。",
    "Name the class, or choose by area.": "请指定类，或按区域选择。",
    "A run is of the day in its inputs.": "一次计算的日期由其输入决定。",
    "Leave as_of and known_at out.": "请去掉 as_of 和 known_at。",
    "The rows of a run are at home in no area.": "计算结果的行不属于某个区域。",
    "Choose them by a filter: code = '…'.": "请用筛选条件选择：code = '…'。",
    "The database holds no data yet.": "数据库中还没有数据。",
    "Load some: chengtu sample load or chengtu import.": "请载入数据：chengtu sample load 或 chengtu import。",
    "The database holds nothing at that time.": "数据库在该时间没有数据。",
    "A .{ending} file is not written in {encoding}.": ".{ending} 文件不能用 {encoding} 编码写。",
    "A .{ending} file is a drawing in metres.": ".{ending} 文件是以米为单位的图。",
    "Leave --crs out for the city's own, or name a zone: EPSG:4548.": (
        "请去掉 crs 以使用本市坐标系，或指定一个分带：EPSG:4548。"
    ),
    "A .{ending} file holds longitude and latitude.": ".{ending} 文件只装经纬度。",
    "Leave --crs out, or export as .gpkg or .shp.zip.": "请去掉 crs，或导出为 .gpkg 或 .shp.zip。",
    "'{layer}' holds no city components.": "“{layer}”没有城市部件。",
    "{cls} are no city components of {standard}.": "{cls} 不是 {standard} 的城市部件。",
    "Export it without a profile.": "请不带 profile 导出。",
    "Export them without a profile.": "请不带 profile 导出。",
    "{layer} has {rows} rows; a sheet holds {most}.": "{layer} 有 {rows} 行；一张表最多 {most} 行。",
    "Export it as .csv or .gpkg.": "请导出为 .csv 或 .gpkg。",
    "The disk is full: '{name}' was not written.": "磁盘已满：“{name}”没有写成。",
    "Free some space, then export again.": "请腾出空间后重新导出。",
    "It is in {encodings}.": "可用的编码：{encodings}。",
    "There is no folder '{folder}'.": "没有文件夹“{folder}”。",
    "Make it first.": "请先建立它。",
    "'{path}' is a folder.": "“{path}”是文件夹。",
    "Name a file in it.": "请指定其中的文件。",
    "'{path}' cannot be written: {why}.": "无法写入“{path}”：{why}。",
    "Check the folder and its permissions.": "请检查文件夹及其权限。",
    "'{name}' is restricted: it leaves only with a reason.": "“{name}”为受限数据：说明理由后才能带出。",
    "This run was computed from restricted data: it leaves only with a reason.": (
        "此结果由受限数据算得：说明理由后才能带出。"
    ),
    "This file may hold restricted data: it leaves only with a reason.": "此文件可能含受限数据：说明理由后才能带出。",
    "A reason has {least} to {most} characters.": "理由应有 {least} 至 {most} 个字符。",
    "Say why, in {least} characters or more: reason=… (command line: --reason); the audit record keeps it.": (
        "请用 reason=… 说明理由（至少 {least} 个字符），审计记录会保存。"
    ),
    "{name}: '{what}' is neither a day nor a moment.": "{name}：“{what}”既不是日期，也不是时刻。",
    "Write 2026-11-01 or 2026-11-01T18:00.": "请写作 2026-11-01 或 2026-11-01T18:00。",
}
