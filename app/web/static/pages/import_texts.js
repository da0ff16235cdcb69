"use strict";
// The words of the page on which a file is brought in, in both languages.
(function () {
  const chengtu = window.chengtu;
  const TEXTS = {
    zh: {
      sending: (name) => `正在上传 ${name}`, looking: "正在读取文件…", tooLarge: (mb) => `文件超过上限 ${mb} MB。`, sendFailed: "上传中断。", again: "再试一次", another: "换一个文件",
      check: "核对", layer: "图层", allLayers: "全部图层", rows: (n) => `${n} 行`, cls: "类别", chooseClass: "请选择类别…", whichClass: "从名称看不出这些行属于哪一类，请选择类别。", likely: "可能是", crs: "坐标系", encoding: "文字编码", automatic: "自动识别", other: "其他…", otherCrs: "坐标系代码或 WKT",
      found: (how) => ({ "named by you": "您指定", "named by the file": "文件写明", found: "自动识别" }[how] || how), evidence: "判断依据", columns: "各列对应的字段", firstRows: (n) => `前 ${n} 行`, heading: "文件中的列", sample: "内容示例", meaning: "对应", unit: "数值单位",
      key: "编码（标识列）", name: "名称", place: "位置", lon: "经度", lat: "纬度", east: "东坐标", north: "北坐标", text: "坐标文本", wkt: "WKT 图形", wkb: "WKB 图形", geojson: "GeoJSON 图形", fields: "字段", rest: "其他", extra: "保留为附加属性", drop: "不保留", auto: "由程序处理",
      commonSystems: "常用", ownSystems: "本市坐标系", zone: "本市分带", gps: "GPS / WGS 84", cgcs: "国家 2000 经纬度", gcj: "高德、腾讯（GCJ-02）", bd: "百度（BD-09）", candidates: "可能的坐标系", inCity: (share) => `${share} 落在本市`, swapped: "坐标轴互换",
      map: "最前面的要素", noMap: "没有可绘出的要素。", drawn: (n, m) => `绘出 ${n} / ${m} 个；底图为本市各区县`, mapLabel: "文件要素与区县位置图", own: "这是本系统的导出文件：改过的行和字段会写回，列的对应不必选择。", moreColumns: (n) => `另有 ${n} 列未列出`, placeHalf: "请把另一个坐标列也选上。",
      suggest: (title) => `可能是“${title}”`, noFit: "请先在上面补充所缺的说明，程序会立即重新核对。", formats: { delimited: "文本表格", shapefile: "Shapefile", xlsx: "Excel", geojson: "GeoJSON", geojsonseq: "GeoJSONSeq", dbf: "dBASE", osm: "OpenStreetMap" },
      tryIt: "试运行", load: "导入", tryNote: "试运行不写入任何数据。", trying: "正在试运行…", loading: "正在导入…", cancel: "停止", cancelled: "已停止。", strict: "只要有一行被拒绝就全部不导入", outside: "接收市界以外的行", tried: "试运行结果", loaded: "导入完成", nothingWritten: "未写入任何数据",
      counts: { read: "读取", new: "新增", changed: "更新", unchanged: "未变", rejected: "拒绝", skipped: "略过" }, rejects: "将被拒绝的行", rejected: "被拒绝的行", warnings: "可导入但需核对", conflicts: "两边都改过", missing: "库中有、文件中没有", missingRows: (title, n) => `${title}：${n} 个`, row: "行", rowOf: (n) => `第 ${n} 行`, field: "字段", value: "值", reason: "原因", hint: "处理办法",
      more: (n) => `另有 ${n} 条`, noRejects: "没有被拒绝的行。", changes: "将要更新", before: "原值", after: "新值", code: "编码", file: "文件中", stored: "库中",
      seeImport: "查看导入记录", download: "下载被拒绝的行（Excel，附原因）", seeData: (title) => `查看${title}`, undo: "撤回此次导入", next: "导入另一个文件", mendHint: "在表中改好后，直接再导入这个文件。",
      percent: (share) => `${share} %`, skippedRows: "略过的行", stale: "设置已改动，请再试运行一次。", problem: "问题", osm: "OpenStreetMap 数据：按标签归入各类。", retryServer: "服务暂时没有回应，正在重试…",
      names: { crs: "坐标系", class: "类别", encoding: "文字编码", key: "编码列", layer: "图层", allow_outside: "接收市界以外的行", strict: "只要有一行被拒绝就全部不导入", mapping: "列的对应", source: "数据来源", licence: "许可", attribution: "地图署名", code_system: "编码标准" }, quote: (word) => `“${word}”`,
    },
    en: {
      sending: (name) => `Sending ${name}`, looking: "Reading the file…", tooLarge: (mb) => `The file is over the limit of ${mb} MB.`, sendFailed: "The upload was cut off.", again: "Try again", another: "Another file",
      check: "Check", layer: "Layer", allLayers: "All layers", rows: (n) => `${n} rows`, cls: "Class", chooseClass: "Choose a class…", whichClass: "The name does not tell which class these rows are of: choose it.", likely: "Likely", crs: "Coordinate system", encoding: "Encoding", automatic: "Found automatically", other: "Another…", otherCrs: "Code or WKT of the coordinate system",
      found: (how) => how, evidence: "Evidence", columns: "Columns and fields", firstRows: (n) => `First ${n} rows`, heading: "Column of the file", sample: "For example", meaning: "Is", unit: "Unit of the numbers",
      key: "Code (identifies the row)", name: "Name", place: "Place", lon: "Longitude", lat: "Latitude", east: "Easting", north: "Northing", text: "Coordinates as text", wkt: "WKT shape", wkb: "WKB shape", geojson: "GeoJSON shape", fields: "Fields", rest: "Else", extra: "Keep beside the fields", drop: "Do not keep", auto: "Taken care of",
      commonSystems: "Common", ownSystems: "The city's own", zone: "the city's zone", gps: "GPS / WGS 84", cgcs: "CGCS2000 degrees", gcj: "AMap, Tencent (GCJ-02)", bd: "Baidu (BD-09)", candidates: "Likely systems", inCity: (share) => `${share} in the city`, swapped: "axes swapped",
      map: "The first features", noMap: "Nothing can be drawn.", drawn: (n, m) => `${n} of ${m} drawn, over the city's districts`, mapLabel: "Map of the file's features and the districts", own: "This is an export of this system: edited rows and fields are written back, columns need no choosing.", moreColumns: (n) => `${n} more columns`, placeHalf: "Choose the other coordinate column too.",
      suggest: (title) => `may be “${title}”`, noFit: "Say what is missing above; it is checked again at once.", formats: { delimited: "text table", shapefile: "Shapefile", xlsx: "Excel", geojson: "GeoJSON", geojsonseq: "GeoJSONSeq", dbf: "dBASE", osm: "OpenStreetMap" },
      tryIt: "Try", load: "Load", tryNote: "Trying writes nothing.", trying: "Trying…", loading: "Loading…", cancel: "Stop", cancelled: "Stopped.", strict: "Load nothing if any row is refused", outside: "Take rows outside the city's border", tried: "What loading would do", loaded: "Loaded", nothingWritten: "nothing was written",
      counts: { read: "Read", new: "New", changed: "Changed", unchanged: "Unchanged", rejected: "Rejected", skipped: "Skipped" }, rejects: "Rows that would be rejected", rejected: "Rejected rows", warnings: "Can be loaded, but look at them", conflicts: "Changed here and in the file", missing: "Stored, not in the file", missingRows: (title, n) => `${title}: ${n}`, row: "Row", rowOf: (n) => `Row ${n}`, field: "Field", value: "Value", reason: "Reason", hint: "What to do",
      more: (n) => `${n} more`, noRejects: "No row is rejected.", changes: "Would be changed", before: "Before", after: "After", code: "Code", file: "In the file", stored: "Stored",
      seeImport: "The import on record", download: "Rejected rows (Excel, with reasons)", seeData: (title) => `See ${title}`, undo: "Take this import back", next: "Import another file", mendHint: "Mend them in the sheet, then import that file.",
      percent: (share) => `${share} %`, skippedRows: "Skipped rows", stale: "Something was changed: try once more.", problem: "Problem", osm: "OpenStreetMap data: classes follow from the tags.", retryServer: "The server does not answer; trying again…",
      names: { crs: "coordinate system", class: "class", encoding: "encoding", key: "code column", layer: "layer", allow_outside: "Take rows outside the city's border", strict: "Load nothing if any row is refused", mapping: "columns", source: "source", licence: "licence", attribution: "attribution", code_system: "code system" }, quote: (word) => `“${word}”`,
    },
  };
  const view = JSON.parse(document.getElementById("import-view").textContent);
  chengtu.setLanguage(view.lang);
  const words = TEXTS[view.lang];
  const shared = (chengtu.importing = { view, words, zh: view.lang === "zh" });

  /** A sentence in the page's language: `{zh, en}`, or an item of a report with `name` and `name_zh`. */
  shared.said = (text) => (text ? shared.spoken(text[view.lang] || text.en) : "");
  shared.told = (item, name) => shared.spoken((shared.zh && item[`${name}_zh`]) || item[name] || "");

  /** Sentences name the fields of a request (`crs=EPSG:4548`, 'class'): here they are called as they are on the page. */
  shared.spoken = function (text) {
    for (const [name, label] of Object.entries(words.names)) {
      text = text.split(`'${name}'`).join(words.quote(label));
      text = text.replace(new RegExp(`(^|[^\\w'])${name}=(true\\b)?`, "g"), (_, before, flag) => before + words.quote(label) + (flag ? "" : " "));
    }
    return text;
  };

  /** The title of a class by its id. */
  shared.classTitle = function (id) {
    for (const office of view.offices) for (const cls of office.classes) if (cls.id === id) return cls.title;
    return id;
  };
})();
