"""Why a whole file or request is refused, and what to do: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: Files that are damaged, empty, packed, too large, or of a format that is not read.
_BROKEN: Mapping[str, str] = {
    "There is no file '{file}'.": "没有文件“{file}”。",
    "Check the path.": "请检查路径。",
    "'{file}' cannot be opened: {why}.": "“{file}”无法打开：{why}。",
    "Check its permissions.": "请检查其权限。",
    "'{file}' is not a file.": "“{file}”不是文件。",
    "'{file}' is a folder, and no File Geodatabase.": "“{file}”是文件夹，且不是 File Geodatabase。",
    "The folder '{file}' holds no file that can be read.": "文件夹“{file}”中没有可读取的文件。",
    "'{file}' is empty.": "“{file}”是空文件。",
    "'{file}' is {what!m}, which is not read.": "“{file}”是{what}，不读取这种文件。",
    "'{file}' is not a zip archive, though its name says so.": "“{file}”名为 zip，却不是 zip 压缩包。",
    "'{file}' is of an unknown format.": "“{file}”的格式未知。",
    "'{file}' is locked by a password.": "“{file}”有密码保护。",
    "'{file}' is protected by a password.": "“{file}”有密码保护。",
    "Save it without one.": "请取消密码后保存。",
    "Export it again.": "请重新导出。",
    "Export or download it again.": "请重新导出或下载。",
    "Export it again with its rows.": "请连同数据行重新导出。",
    "Download it again.": "请重新下载。",
    "Download it again, then try once more.": "请重新下载后再试。",
    "Download or pack it again.": "请重新下载或打包。",
    "Import it once more.": "请再导入一次。",
    "The file was not read to its end.": "文件未能读完。",
    "'{file}' is XML with a document type of its own, which is not read.": (
        "“{file}”是自带文档类型的 XML，不读取。"
    ),
    "'{file}' is a packed file without OpenStreetMap data in it.": (
        "“{file}”是压缩文件，但其中没有 OpenStreetMap 数据。"
    ),
    "'{file}' is damaged and cannot be unpacked.": "“{file}”已损坏，无法解压。",
    "'{file}' is damaged: it ends within its header.": "“{file}”已损坏：在文件头中断。",
    "'{file}' is damaged: its header is no header.": "“{file}”已损坏：文件头无效。",
    "'{file}' is damaged: its fields are wider than its rows.": "“{file}”已损坏：字段宽度超过行宽。",
    "'{file}' is damaged: its shapes cannot be read.": "“{file}”已损坏：图形无法读取。",
    "'{file}' is damaged: it breaks off after {read} of {told} rows.": (
        "“{file}”已损坏：{told} 行中读到第 {read} 行即中断。"
    ),
    "'{file}' is damaged: '{member}' cannot be unpacked.": "“{file}”已损坏：“{member}”无法解压。",
    "'{file}' is damaged: {why}.": "“{file}”已损坏：{why}。",
    "'{file}' is damaged or cut short: {why}.": "“{file}”已损坏或不完整：{why}。",
    "'{file}' is a damaged zip archive: its end is missing.": "“{file}”是损坏的 zip 压缩包：缺少结尾。",
    "'{file}' is a damaged zip archive.": "“{file}”是损坏的 zip 压缩包。",
    "'{file}' is a damaged Parquet file.": "“{file}”是损坏的 Parquet 文件。",
    "'{file}' is a dBase 7 table, which is not read.": "“{file}”是 dBase 7 表，不读取。",
    "'{file}' holds more than {count} files.": "“{file}”中的文件超过 {count} 个。",
    "Pack only the files of the data.": "请只打包数据文件。",
    "'{file}' unpacks to {size} GB, more than 2 GB.": "“{file}”解压后为 {size} GB，超过 2 GB。",
    "'{file}' unpacks to {times} times its size, more than {limit} times.": (
        "“{file}”解压后为原来的 {times} 倍，超过 {limit} 倍。"
    ),
    "Unpack it and import its files one by one.": "请解压后逐个导入。",
    "'{file}' holds {count} files of OpenStreetMap data.": "“{file}”中有 {count} 个 OpenStreetMap 数据文件。",
    "Import them one by one.": "请逐个导入。",
    "'{file}' cannot be unpacked: {why}.": "“{file}”无法解压：{why}。",
    "Unpack it, and pack the data again as an ordinary zip.": "请解压后重新打包为普通 zip。",
    "The disk has no room to unpack '{file}'.": "磁盘空间不足，无法解压“{file}”。",
    "The disk is full: '{file}' was not unpacked.": "磁盘已满：“{file}”未解压。",
    "Free space and import it again.": "请腾出空间后重新导入。",
    "Free space.": "请腾出空间。",
    "The disk is full.": "磁盘已满。",
    "Free some space and import the file again.": "请腾出空间后重新导入该文件。",
    "'{file}' takes more than {seconds} s of processor time to read.": (
        "“{file}”读取所需的处理器时间超过 {seconds} 秒。"
    ),
    "'{file}' takes more than {seconds} s to read.": "“{file}”读取时间超过 {seconds} 秒。",
    "'{file}' needs more than {size} of memory to read.": "“{file}”读取所需内存超过 {size}。",
    "'{file}' unfolds to more than {size}.": "“{file}”展开后超过 {size}。",
    "'{file}' could not be read to its end: the system stopped the reader, most likely for want of memory.": (
        "“{file}”未能读完：系统中止了读取，很可能是内存不足。"
    ),
    "Free some memory and import it again.": "请腾出内存后重新导入。",
    "'{file}' cannot be read: the reader ended unexpectedly on this file.": (
        "“{file}”无法读取：读取程序在该文件上意外终止。"
    ),
    "Save it again, or as GeoPackage.": "请重新保存，或存为 GeoPackage。",
    "Split the file, or raise {setting}.": "请拆分文件，或调高 {setting}。",
    "'{file}' is larger than 2 GB.": "“{file}”超过 2 GB。",
    "'{file}' is larger than 1 GB.": "“{file}”超过 1 GB。",
    "'{file}' has a record of more than 256 MB.": "“{file}”中有超过 256 MB 的记录。",
    "Save it as GeoPackage.": "请存为 GeoPackage。",
    "'{file}' holds no layer.": "“{file}”中没有图层。",
    "'{file}' holds no rows.": "“{file}”中没有数据行。",
    "'{file}' holds no text.": "“{file}”中没有文本。",
    "'{file}' holds no features.": "“{file}”中没有要素。",
    "'{file}' holds no placemark.": "“{file}”中没有地标。",
    "'{file}' holds no KML.": "“{file}”中没有 KML。",
    "'{member}' in '{file}' is no KML.": "“{file}”中的“{member}”不是 KML。",
    "'{file}' holds no file that can be read.": "“{file}”中没有可读取的文件。",
    "'{file}' holds nothing that can be loaded.": "“{file}”中没有可导入的内容。",
    "'{file}' is an archive within an archive.": "“{file}”是压缩包中的压缩包。",
    "Unpack the outer one.": "请解压外层。",
    "Pack the data's files into it: for a Shapefile .shp, .shx, .dbf, .prj and .cpg.": (
        "请打包数据文件：Shapefile 需 .shp、.shx、.dbf、.prj 和 .cpg。"
    ),
    "'{file}' is not what its first bytes say.": "“{file}”与其文件头所示格式不符。",
    "'{file}' lacks the table {table} of a GeoPackage.": "“{file}”缺少 GeoPackage 的表 {table}。",
    "'{file}' is JSON but not GeoJSON.": "“{file}”是 JSON，但不是 GeoJSON。",
    "A FeatureCollection is expected.": "应为 FeatureCollection。",
    "'{file}' is not valid JSON: {why}.": "“{file}”不是有效的 JSON：{why}。",
    "'{file}' has damaged GeoParquet metadata.": "“{file}”的 GeoParquet 元数据已损坏。",
    "'{file}' has no geometry column '{column}' in a known encoding ({encoding}).": (
        "“{file}”的图形列“{column}”编码未知（{encoding}）。"
    ),
    "A sheet of '{file}' has cells {rows} rows and {columns} columns apart: more than is read.": (
        "“{file}”中有一张工作表的单元格相距 {rows} 行 {columns} 列，超出读取范围。"
    ),
    "Delete what stands far outside the table, or save the sheet as CSV.": (
        "请删除表格之外很远处的内容，或将该表存为 CSV。"
    ),
    "Save it again from the program that wrote it, or as .xlsx or CSV.": (
        "请用原程序重新保存，或存为 .xlsx 或 CSV。"
    ),
    "Save it again as CSV in UTF-8, with a comma between cells and one row of headings.": (
        "请重新存为 UTF-8 的 CSV：单元格以逗号分隔，只有一行表头。"
    ),
    "Save it again as XLSX from Excel, WPS or LibreOffice, or as CSV in UTF-8.": (
        "请用 Excel、WPS 或 LibreOffice 重新存为 XLSX，或存为 UTF-8 的 CSV。"
    ),
    "Save it again as GeoPackage from QGIS or ogr2ogr.": "请用 QGIS 或 ogr2ogr 重新存为 GeoPackage。",
    "Save the layer again as GeoPackage from QGIS or ogr2ogr.": (
        "请用 QGIS 或 ogr2ogr 将图层重新存为 GeoPackage。"
    ),
    "Save it again as a Shapefile or GeoPackage from QGIS or ArcGIS.": (
        "请用 QGIS 或 ArcGIS 重新存为 Shapefile 或 GeoPackage。"
    ),
    "Save it again from Google Earth or QGIS.": "请用 Google Earth 或 QGIS 重新保存。",
    "Write it again, for example with QGIS or geopandas.": "请重新写出，例如用 QGIS 或 geopandas。",
}

#: Formats that are not read, and the way out.
_FORMATS: Mapping[str, str] = {
    "a DWG drawing": " DWG 图",
    "a DGN drawing": " DGN 图",
    "a PDF": " PDF",
    "a RAR archive": " RAR 压缩包",
    "a 7-Zip archive": " 7-Zip 压缩包",
    "a TIFF picture": " TIFF 图片",
    "a picture": "图片",
    "an Arrow file": " Arrow 文件",
    "an Access database (personal geodatabase)": " Access 数据库（个人地理数据库）",
    "an Access database": " Access 数据库",
    "a MapGIS file": " MapGIS 文件",
    "a web page": "网页",
    "a file of OpenStreetMap changes": " OpenStreetMap 变更文件",
    "a GML file": " GML 文件",
    "a QGIS project or style": " QGIS 工程或样式",
    "a description of data": "数据说明",
    "an old Excel workbook (.xls)": "旧版 Excel 工作簿（.xls）",
    "a WPS table": " WPS 表格",
    "an ODS table": " ODS 表格",
    "a binary Excel workbook (.xlsb)": "二进制 Excel 工作簿（.xlsb）",
    "a Numbers table": " Numbers 表格",
    "a text file without headings": "没有表头的文本文件",
    "a SuperMap data source": " SuperMap 数据源",
    "a SuperMap workspace": " SuperMap 工作空间",
    "a MapInfo table": " MapInfo 表",
    "a MapInfo file": " MapInfo 文件",
    "a VRT file, which only points at other files": "只指向其他文件的 VRT 文件",
    "an ArcInfo export": " ArcInfo 导出文件",
    "an EPANET model": " EPANET 模型",
    "a Word document": " Word 文档",
    "a text without columns": "没有分列的文本",
    "a damaged dBase table, or one of a kind that is not known": "损坏或未知类型的 dBase 表",
    "the index of a Shapefile whose .shp is missing": "缺少 .shp 的 Shapefile 索引",
    "an SQLite database but not a GeoPackage": " SQLite 数据库，但不是 GeoPackage",
    "an old Office, Access or DGN file": "旧版 Office、Access 或 DGN 文件",
    "a CASS file of points, {what!m}": " CASS 点文件（{what}）",
    "Files that are read: {formats}, OpenStreetMap (.osm.pbf, .osm), and a zip of these.": (
        "可读取的文件：{formats}、OpenStreetMap（.osm.pbf、.osm），以及它们的 zip 包。"
    ),
    "QGIS and ogr2ogr save others as GeoPackage.": "其他格式可用 QGIS 和 ogr2ogr 存为 GeoPackage。",
    "Open it in Excel or WPS and save it as .xlsx (or CSV in UTF-8).": (
        "请用 Excel 或 WPS 打开，另存为 .xlsx（或 UTF-8 的 CSV）。"
    ),
    "Save it as DXF (AutoCAD 2010/R2010) from CAD and import the .dxf.": (
        "请在 CAD 中另存为 DXF（AutoCAD 2010/R2010）后导入 .dxf。"
    ),
    "Export the personal geodatabase (.mdb) as a File Geodatabase from ArcGIS, or as GeoPackage from QGIS; export "
    "plain tables as .xlsx or CSV.": (
        "请用 ArcGIS 将个人地理数据库（.mdb）导出为 File Geodatabase，"
        "或用 QGIS 导出为 GeoPackage；普通表格请导出为 .xlsx 或 CSV。"
    ),
    "Export it as Shapefile or GeoPackage from MapGIS.": "请用 MapGIS 导出为 Shapefile 或 GeoPackage。",
    "Export its datasets as Shapefile, GeoJSON or GeoPackage from SuperMap iDesktop.": (
        "请用 SuperMap iDesktop 将数据集导出为 Shapefile、GeoJSON 或 GeoPackage。"
    ),
    "Save it as GeoPackage from QGIS (Export > Save features as).": (
        "请用 QGIS 存为 GeoPackage（导出 > 要素另存为）。"
    ),
    "Put a line of headings before its points (CASS writes number, code, east, north, height: {headings}) and save "
    "it as .csv; name the CRS with --crs.": (
        "请在各点之前加一行表头（CASS 依次为：{headings}），存为 .csv，并用 --crs 指定坐标系。"
    ),
    "Save a workbook as .xlsx; export an Access database as FileGDB or GeoPackage; save a DGN drawing as DXF.": (
        "工作簿请存为 .xlsx；Access 数据库请导出为 FileGDB 或 GeoPackage；DGN 图请存为 DXF。"
    ),
    "Save it as DXF from MicroStation.": "请用 MicroStation 存为 DXF。",
    "Ask for the data behind it: a PDF holds no rows.": "请索取其原始数据：PDF 中没有数据行。",
    "Pack the data as .zip.": "请将数据打包为 .zip。",
    "Save it as Parquet.": "请存为 Parquet。",
    "Import the file that it points at.": "请导入它所指向的文件。",
    "Download the file itself; the link led to a page about it.": (
        "请下载文件本身：该链接只是介绍它的网页。"
    ),
    "Import the changed .osm.pbf whole.": "请整体导入更新后的 .osm.pbf。",
    "Import the layers that it shows.": "请导入它所显示的图层。",
    "Import the file that it describes.": "请导入它所说明的文件。",
    "Export its links and nodes as GeoPackage.": "请将其管线和节点导出为 GeoPackage。",
    "Save it as .xlsx or CSV.": "请存为 .xlsx 或 CSV。",
    "Import the .shp with its .shx, .dbf and .prj.": "请将 .shp 连同 .shx、.dbf 和 .prj 一起导入。",
}

FILES: Mapping[str, str] = {**_BROKEN, **_FORMATS}
