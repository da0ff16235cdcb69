"""Why a file cannot be understood, or a request not taken, and what to do: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: Encodings, coordinate systems.
_SYSTEMS: Mapping[str, str] = {
    "There is no encoding '{name}'.": "没有编码“{name}”。",
    "There is no encoding '{name}' of text.": "没有文本编码“{name}”。",
    "For example UTF-8 or GB18030.": "例如 UTF-8 或 GB18030。",
    "For example GB18030.": "例如 GB18030。",
    "'{file}' is not in {encoding}.": "“{file}”不是 {encoding} 编码。",
    "'{file}' is not in {encoding}: {share} of its texts do not fit.": (
        "“{file}”不是 {encoding} 编码：{share} 的文本不符。"
    ),
    "The encoding of the text in '{file}' cannot be told ({tried}).": (
        "无法判断“{file}”的文本编码（{tried}）。"
    ),
    "'{file}' is not {encoding}: line {line} holds bytes that do not fit.": (
        "“{file}”不是 {encoding} 编码：第 {line} 行的字节不符。"
    ),
    "'{file}' is not text: it holds NUL bytes.": "“{file}”不是文本：含有 NUL 字节。",
    "'{file}' is neither UTF-8 (line {one} does not fit) nor GB18030 (line {other}).": (
        "“{file}”既不是 UTF-8（第 {one} 行不符），也不是 GB18030（第 {other} 行不符）。"
    ),
    "'{file}' is not UTF-8 (line {line} does not fit), and read as GB18030 only {share} of its characters outside "
    "ASCII are common Chinese.": (
        "“{file}”不是 UTF-8（第 {line} 行不符），按 GB18030 读取时，非 ASCII 字符中只有 {share} 是常用汉字。"
    ),
    "Name the encoding with --encoding, for example gb18030, big5, shift_jis or latin-1.": (
        "请用 --encoding 指定编码，例如 gb18030、big5、shift_jis 或 latin-1。"
    ),
    "Name its encoding, for example --encoding GB18030, or save it in UTF-8.": (
        "请指定编码，例如 --encoding GB18030，或存为 UTF-8。"
    ),
    "Export it again in UTF-8, or name its encoding with --encoding.": (
        "请重新导出为 UTF-8，或用 --encoding 指定编码。"
    ),
    "'{file}' names an unknown CRS ({name}).": "“{file}”写明的坐标系未知（{name}）。",
    "Name it with --crs EPSG:…": "请用 --crs EPSG:… 指定。",
    "'{file}' names no CRS, and none is guessed ({example!m}).": (
        "“{file}”未写明坐标系，也不作猜测（{example}）。"
    ),
    "'{file}' looks like {what}, though nothing says so: {why}.": (
        "“{file}”像是 {what}，但没有任何说明：{why}。"
    ),
    "Say what it is: --crs {one} (it is changed exactly), or --crs {other} (taken as it stands).": (
        "请说明：--crs {one}（精确转换），或 --crs {other}（按原样接收）。"
    ),
    "Most coordinates of '{file}' are no longitudes and latitudes ({example!m}), though {who} {name}.": (
        "“{file}”的多数坐标不是经纬度（{example}），与指明的 {name} 不符。"
    ),
    "The coordinate reference system {name} is unknown.": "坐标系 {name} 未知。",
    "The system {name} is not a projected coordinate reference system in metres.": (
        "{name} 不是以米为单位的投影坐标系。"
    ),
    "Give an EPSG code (EPSG:4490, EPSG:4548), gcj02, bd09, the name of a system that the city declared, or a WKT or "
    "PROJ text without files.": (
        "请给出 EPSG 代码（EPSG:4490、EPSG:4548）、gcj02、bd09、本市声明的坐标系名称，"
        "或不引用文件的 WKT 或 PROJ 文本。"
    ),
    "Give an EPSG code, gcj02, bd09, or the name of a system that the city declared.": (
        "请给出 EPSG 代码、gcj02、bd09，或本市声明的坐标系名称。"
    ),
    "Name a CGCS2000 3-degree zone (EPSG:4534 to EPSG:4554) or another metric projection.": (
        "请指定 CGCS2000 三度带（EPSG:4534 至 EPSG:4554）或其他以米为单位的投影。"
    ),
    "Name an EPSG code (EPSG:4490, EPSG:4548), or a system that the city declared (chengtu crs list).": (
        "请指定 EPSG 代码（EPSG:4490、EPSG:4548），或本市声明的坐标系（chengtu crs list）。"
    ),
    "Name the CRS of the file with --crs: an EPSG code, or the name of a system that the city declared.": (
        "请用 --crs 指定文件的坐标系：EPSG 代码，或本市声明的坐标系名称。"
    ),
    "A coordinate reference system is named here, not defined.": "此处应写坐标系的名称，而非定义。",
    "No exact transformation from the system {one} to {other} is known.": (
        "没有从 {one} 到 {other} 的精确转换。"
    ),
    "Give the file in EPSG:4326, EPSG:4490 or a projection on one of them.": (
        "请提供 EPSG:4326、EPSG:4490 或基于它们的投影的文件。"
    ),
    "No file is written in the system {name}.": "不以坐标系 {name} 写出文件。",
    "The system {name} is a local or geocentric one: what lies where is not known from it.": (
        "{name} 是地方或地心坐标系：仅凭它无法确定位置。"
    ),
    "Coordinates on {datum} ({name}) cannot be changed to CGCS2000 without the local parameters: the usual software "
    "would shift them by nothing, tens of metres off.": (
        "没有当地参数，{datum}（{name}）的坐标不能转换到 CGCS2000：常用软件不作平移，会偏差数十米。"
    ),
    "Ask the surveyor for the file in CGCS2000 (EPSG:4490 or the city's 3-degree zone), or declare the system with "
    "its seven parameters under a name in CHENGTU_CRS_FILE and give that name.": (
        "请向测绘单位索取 CGCS2000 的文件（EPSG:4490 或本市三度带），或在 CHENGTU_CRS_FILE "
        "中以名称声明该坐标系及其七参数，再给出该名称。"
    ),
    "The system {name} has datum parameters that are all 0, on a datum that is not WGS 84.": (
        "{name} 的基准参数全为 0，而其基准并非 WGS 84。"
    ),
    "Give the true parameters, or declare the system under a name in CHENGTU_CRS_FILE.": (
        "请给出真实参数，或在 CHENGTU_CRS_FILE 中以名称声明该坐标系。"
    ),
    "Nothing is written in {name}: it is a disguise, not a reference system.": (
        "不以 {name} 写出：它是加密偏移，不是坐标系。"
    ),
    "EPSG:4490 is.": "请用 EPSG:4490。",
    "The file is in the city system '{name}' (fingerprint {print}), which is not declared here.": (
        "文件采用城市坐标系“{name}”（指纹 {print}），此处未声明该坐标系。"
    ),
    "The file is in the city system '{name}' (fingerprint {print}), which is declared with other parameters here.": (
        "文件采用城市坐标系“{name}”（指纹 {print}），此处声明的参数与之不同。"
    ),
    "Declare it as it was where the file was written, or name the system with --crs.": (
        "请按文件写出时的参数声明，或用 --crs 指定坐标系。"
    ),
    "Name it with --crs. Candidates: {names}.": "请用 --crs 指定。候选：{names}。",
    "Name it with --crs. None of the {count} usual systems would put the places in the city, so that none is named "
    "here; see what the file's publisher says.": (
        "请用 --crs 指定。常用的 {count} 种坐标系都不会使这些位置落在城市内，因此不列候选；请查看文件发布者的说明。"
    ),
}

#: Classes, layers, columns, mappings, conditions.
_MEANING: Mapping[str, str] = {
    "There is no class named '{name}'.": "没有名为“{name}”的类别。",
    "Valid names: {names}.": "可用的名称：{names}。",
    "No class is named like the layer {layers} of '{file}'.": "没有与“{file}”的图层 {layers} 同名的类别。",
    "Did you mean --class {names}?": "是否指 --class {names}？",
    "Name the class with --class.": "请用 --class 指定类别。",
    "Nearest are {names}.": "最相近的有：{names}。",
    "docs/classes.md lists all classes.": "全部类别见 docs/classes.md。",
    "City components may be mixed where their ids are stated to be of one --code-system.": (
        "若说明标识码属于同一 --code-system，部件可以混在一起。"
    ),
    "no class has this name; name one with --class": "没有同名的类别；请用 --class 指定",
    "it has no rows": "没有数据行",
    "it has no geometry, and no columns of coordinates were found. Name them in a mapping under 'places'": (
        "没有图形，也没有找到坐标列。请在映射的 places 中指明"
    ),
    "it has no geometry, and no columns of coordinates were found. Columns that may hold the places: {names}. Name "
    "them in a mapping under 'places'": (
        "没有图形，也没有找到坐标列。可能是坐标的列：{names}。请在映射的 places 中指明"
    ),
    "it has no geometry, and no columns of coordinates were found. A table of a survey's lines is read with its "
    "table of points, in one folder, workbook or zip": (
        "没有图形，也没有找到坐标列。管线线表须与点表一起读取（同一文件夹、工作簿或 zip）"
    ),
    "the sheet is empty": "工作表为空",
    "the sheet is hidden": "工作表已隐藏",
    "it is no table": "不是表格",
    "it cannot be read": "无法读取",
    "its geometry column is empty throughout": "图形列全为空",
    "it is a view or virtual table, which are never run": "是视图或虚拟表，从不执行",
    "'{file}' has no layer '{name}'.": "“{file}”没有图层“{name}”。",
    "Layers: {names}.": "图层：{names}。",
    "Its layers: {names}.": "其图层：{names}。",
    "There is no column '{name}' in the file.": "文件中没有列“{name}”。",
    "There is no column '{name}' in the file, which the mapping names.": "文件中没有映射所指的列“{name}”。",
    "Columns: {names}.": "列：{names}。",
    "The mapping names only half of the places.": "映射只指明了坐标的一半。",
    "Name lon and lat, or east and north, or a cell's text.": (
        "请指明 lon 和 lat，或 east 和 north，或单元格文本。"
    ),
    "The mapping is for the layer {name}, which '{file}' does not have.": (
        "映射针对图层 {name}，而“{file}”没有该图层。"
    ),
    "Layers of the file: {names}.": "文件的图层：{names}。",
    "Change or leave out 'layer' in the mapping.": "请改正或去掉映射中的 layer。",
    "The condition {text} at character {place} where {wanted} is expected.": (
        "条件在第 {place} 个字符处应为 {wanted}：{text}。"
    ),
    "The condition cannot be read at character {place}: {text}": (
        "条件在第 {place} 个字符处无法读取：{text}"
    ),
    "The condition has {count} characters.": "条件有 {count} 个字符。",
    "At most {count} are read.": "最多读取 {count} 个。",
    "The condition is nested more than {count} levels deep.": "条件嵌套超过 {count} 层。",
    "Such as: {example}; also {words}.": "例如：{example}；还可用 {words}。",
    "What a part of a file lacks is not missing.": "只取部分文件时，其中没有的不算缺失。",
    "Give --delete-missing without --where and --layer.": (
        "请勿将 --delete-missing 与 --where 或 --layer 同用。"
    ),
    "Leave out delete_missing, or 'where' in the mapping.": "请去掉 delete_missing，或映射中的 where。",
    "'{file}' is a folder: what one of its files lacks may stand in another.": (
        "“{file}”是文件夹：一个文件缺的可能在另一个中。"
    ),
    "Import its files one by one with --delete-missing.": "请用 --delete-missing 逐个导入其文件。",
    "{count} rows of '{file}' were refused, so nothing was written.": (
        "“{file}”有 {count} 行被拒绝，故未写入任何数据。"
    ),
    "See all with --dry-run; load the good rows without --strict.": (
        "用 --dry-run 查看全部；不用 --strict 可导入无误的行。"
    ),
    "{count} refused rows bear no code, so nobody knows what is missing.": (
        "{count} 个被拒绝的行没有编码，无法得知缺了什么。"
    ),
    "Not all of the file was understood ({what}), so nobody knows what is missing.": (
        "文件未能全部读懂（{what}），无法得知缺了什么。"
    ),
    "Mend that first, or leave out --delete-missing.": "请先改正，或去掉 --delete-missing。",
    "Mend them first, or leave out --delete-missing.": "请先改正，或去掉 --delete-missing。",
    "The column '{name}' numbers the rows of this file, and {count} stored {cls} that came from elsewhere bear the "
    "same numbers: they would be overwritten.": (
        "列“{name}”只是本文件的行号，而库中有 {count} 个来自别处的 {cls} 使用相同号码，会被覆盖。"
    ),
    "{count} points of this survey bear the numbers of stored {cls} (such as '{code}') that lie more than {metres} m "
    "away: they would be overwritten.": (
        "本次探测有 {count} 个点的点号与库中 {cls} 的点号相同（如“{code}”），但相距超过 {metres} 米，会被覆盖。"
    ),
    "If they are the same points, say --key code.": "若确是同一批点，请给出 --key code。",
    "If it is another survey, begin its numbers with its name.": "若是另一次探测，请在点号前加上测区名称。",
    "Nothing was imported.": "未导入任何数据。",
    "If they are the same features, say --key {name}.": "若确是同一要素，请给出 --key {name}。",
    "Else name the column of their codes with --key, or leave the numbers out of the file, so that codes are made.": (
        "否则请用 --key 指定编码列，或从文件中去掉这些号码，由系统生成编码。"
    ),
    "The column '{name}' was cut by a Shapefile: it may be one of several of our columns.": (
        "列“{name}”的名称被 Shapefile 截断：可能是几个列中的任一个。"
    ),
    "Edit the .shp.zip that this program exports, or a GeoPackage.": (
        "请编辑本程序导出的 .shp.zip，或 GeoPackage。"
    ),
    "'{file}' is OpenStreetMap data: it has no columns and layers.": (
        "“{file}”是 OpenStreetMap 数据：没有列和图层。"
    ),
    "'{file}' is OpenStreetMap data: it holds no official component ids.": (
        "“{file}”是 OpenStreetMap 数据：没有部件标识码。"
    ),
    "'{file}' is OpenStreetMap data: its CRS is EPSG:4326 and its keys are n1, w1, r1.": (
        "“{file}”是 OpenStreetMap 数据：坐标系为 EPSG:4326，主键为 n1、w1、r1。"
    ),
    "'{file}' is OpenStreetMap data.": "“{file}”是 OpenStreetMap 数据。",
    "'{file}' holds {count} files of OpenStreetMap data.": (
        "“{file}”中有 {count} 个 OpenStreetMap 数据文件。"
    ),
    "Import them one by one.": "请逐个导入。",
    "Unpack it and import it by itself.": "请解压后单独导入。",
    "Choose a class of its objects with --class.": "请用 --class 选择其对象的类别。",
    "The class '{name}' is not read from OpenStreetMap.": "类别“{name}”不从 OpenStreetMap 读取。",
    "It has no OSM rule.": "它没有 OSM 规则。",
    "Leave out --code-system.": "请去掉 --code-system。",
    "Leave out --crs and --key.": "请去掉 --crs 和 --key。",
}

#: Uploads and imports on record.
_REQUESTS: Mapping[str, str] = {
    "There is no import {id}.": "没有编号为 {id} 的导入。",
    "`chengtu imports` lists them.": "`chengtu imports` 列出全部。",
    "No refused rows of '{file}' are kept.": "没有保存“{file}”被拒绝的行。",
    "None were refused.": "没有被拒绝的行。",
    "Its refused rows were too many to keep: see `chengtu import --rejects FILE`.": (
        "被拒绝的行太多，未保存：见 `chengtu import --rejects FILE`。"
    ),
    "The import of {file} changed nothing.": "{file} 的导入没有改动任何数据。",
    "{count} features of the import of {file} were changed since, first {first}; nothing was changed.": (
        "{file} 导入的要素中有 {count} 个此后已改动，首个为 {first}；未作任何更改。"
    ),
    "Choose on_conflict (--conflicts): keep leaves these as they are, restore takes them back too.": (
        "请选择 on_conflict（--conflicts）：keep 保留这些要素的现状，restore 一并撤回。"
    ),
    "The import wrote to the class '{name}', which is not declared any more.": (
        "该导入写入的类别“{name}”已不再声明。"
    ),
    "Declare it again, then take the import back.": "请重新声明后再撤回该导入。",
    "A form with a file is multipart/form-data.": "带文件的表单须为 multipart/form-data。",
    'Set enctype="multipart/form-data".': '请设置 enctype="multipart/form-data"。',
    "A packed body is not read.": "不读取压缩的请求体。",
    "Send it as it is; a .zip or .gz file stays one.": "请按原样发送；.zip 或 .gz 文件保持不变。",
    "A page of another site cannot write here.": "其他网站的页面不能在此写入。",
    "Send it from a page of this server.": "请从本服务器的页面发送文件。",
    "The request has no file.": "请求中没有文件。",
    "Send it as the body, or as the field 'file' of a form.": (
        "请将文件作为请求体，或作为表单的 file 字段发送。"
    ),
    "The upload stood still.": "上传停滞。",
    "The upload was cut off.": "上传中断。",
    "Send it again.": "请重新发送。",
    "Send the file again.": "请重新发送文件。",
    "The import was stopped.": "导入已停止。",
    "The disk has no room for the file.": "磁盘空间不足，放不下该文件。",
    "Free some space and send it again.": "请腾出空间后重新发送。",
    "Free some space and send the file again.": "请腾出空间后重新发送文件。",
    "The upload cannot be stored: {why}.": "无法保存上传的文件：{why}。",
    "Look at the server's data folder.": "请检查服务器的数据文件夹。",
    "The upload of '{file}' is not there any more.": "上传的“{file}”已不存在。",
    "The form cannot be read: {why}.": "表单无法读取：{why}。",
    "Send it as multipart/form-data (RFC 7578).": "请以 multipart/form-data（RFC 7578）发送。",
    "The form names no boundary.": "表单没有写明 boundary。",
    "Let the client set the Content-Type of the form.": "请由客户端设置表单的 Content-Type。",
    "The form is cut off.": "表单不完整。",
    "The form has no file.": "表单中没有文件。",
    "Send the file as the field 'file'.": "请将文件作为 file 字段发送。",
    "The form has too many parts.": "表单的部分太多。",
    "The form has more than one file.": "表单中有多个文件。",
    "Send one; zip those that belong together.": "请只发送一个；同属一组的请打包为 zip。",
    "The field '{name}' is given more than once.": "字段“{name}”重复。",
    "Give it once.": "请只给一次。",
    "The field '{name}' is too long.": "字段“{name}”过长。",
    "'{name}' is given in the query and in the form.": "“{name}”在查询参数和表单中都有。",
    "Give it once, best in the form.": "请只给一次，最好在表单中。",
    "The field '{name}' {value} cannot be used: {why}.": "字段“{name}”的值 {value} 不可用：{why}。",
    "Another import was asked for under the same Idempotency-Key.": "同一 Idempotency-Key 已用于另一导入。",
    "Give each its own key.": "请各用各的键。",
}

READING: Mapping[str, str] = {**_SYSTEMS, **_MEANING, **_REQUESTS}
