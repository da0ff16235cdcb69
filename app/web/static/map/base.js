"use strict";
// The ground of every page: elements built without HTML text, numbers and words in the page's language.
(function () {
  const chengtu = (window.chengtu = window.chengtu || {});

  /** An element; `attributes` may hold `class`, `text`, `on` (event → handler), `data`; children are nodes or text. */
  chengtu.el = function (tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) setAttribute(node, name, value);
    for (const child of children.flat()) if (child !== null && child !== undefined && child !== false) node.append(child);
    return node;
  };

  function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (name === "text") node.textContent = value;
    else if (name === "class") node.className = value;
    else if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === "style") Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? "" : value);
  }

  /** Whether who looks has asked for as little motion as possible. */
  chengtu.still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** A Leaflet map in an element, which neither fades nor glides for who wants no motion. */
  chengtu.leaflet = function (element, options) {
    if (!chengtu.still()) return L.map(element, options);
    const map = L.map(element, { ...options, fadeAnimation: false, zoomAnimation: false, markerZoomAnimation: false, inertia: false });
    const glide = map.panBy;
    map.panBy = (offset, given) => glide.call(map, offset, { ...given, animate: false });
    return map;
  };

  let ticket = null;
  /** The header by which what changes something says that it comes from a page of this session; none where there is none. */
  chengtu.ticket = async function (anew) {
    if (ticket === null || anew) {
      const known = await fetch("/me?f=json", { cache: "no-store", headers: { Accept: "application/json" } }).then((reply) => (reply.ok ? reply.json() : {}));
      ticket = known.csrf ? { "X-CSRF-Token": known.csrf } : {};
    }
    return ticket;
  };

  /** `fetch` for what changes something; where the session is another one by now, once more with its header. */
  chengtu.send = async function (address, given) {
    const first = await chengtu.ticket(), once = (headers) => fetch(address, { ...given, headers: { ...given.headers, ...headers } });
    const reply = await once(first);
    if (reply.status !== 403) return reply;
    const now = await chengtu.ticket(true);
    return now["X-CSRF-Token"] === first["X-CSRF-Token"] ? reply : once(now);
  };

  const SVG = "http://www.w3.org/2000/svg";
  const ICONS = {
    plus: "M12 5v14M5 12h14", minus: "M5 12h14", close: "M6 6l12 12M18 6L6 18", left: "M15 5l-7 7 7 7", right: "M9 5l7 7-7 7",
    home: "M4 11l8-7 8 7M6 9.5V20h12V9.5M10 20v-6h4v6", locate: "M12 3v4M12 17v4M3 12h4M17 12h4M12 7a5 5 0 100 10 5 5 0 000-10z",
    layers: "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5", down: "M6 9l6 6 6-6", table: "M4 5h16v14H4zM4 10h16M10 10v9", up: "M6 15l6-6 6 6",
    sliders: "M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4", search: "M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l4.5 4.5", link: "M10 14a4 4 0 005.7 0l3-3a4 4 0 00-5.7-5.7l-1 1M14 10a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.7l1-1",
    measure: "M3 15L15 3l6 6L9 21zM7 11l2.5 2.5M10.5 7.5L14 11M14 4l2 2", print: "M7 9V3h10v6M7 17H4v-8h16v8h-3M7 14h10v7H7z", history: "M4 12a8 8 0 108-8 8 8 0 00-6 2.7M4 4v4h4M12 8v4.5l3 2", page: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
    download: "M12 4v11M7 11l5 5 5-5M5 20h14", upload: "M12 15V4M7 8l5-5 5 5M5 20h14", overview: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  };
  /** Add an icon for `chengtu.icon(name)`: an SVG path in a square of 24, drawn as lines. */
  chengtu.addIcon = function (name, path) { ICONS[name] = path; };

  chengtu.icon = function (name) {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "icon");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  };

  chengtu.button = function (icon, label, action, extra) {
    return chengtu.el("button", { type: "button", "aria-label": label, title: label, on: { click: action }, ...extra }, chengtu.icon(icon));
  };

  const TEXTS = {
    zh: {
      layers: "图层", legend: "图例", close: "关闭", zoomIn: "放大", zoomOut: "缩小", home: "全市", locate: "我的位置", start: "首页",
      language: "English", open: "展开面板", fold: "收起面板", previous: "上一个", next: "下一个", noName: "未命名", yes: "是", no: "否",
      noPlace: "浏览器没有给出位置（手机上需要 HTTPS 或本机地址）。", failed: "部分数据暂时取不到，移动地图会再试。", empty: "暂无数据",
      shown: (n, m) => `本比例尺绘出 ${n} / ${m}，放大可见全部`, cut: "此处要素过多，只绘出最大的一部分，放大可见全部",
      objects: (n) => `${n} 处`, zoomTo: "点击放大", hidden: (names) => `${names}：放大可见`, unknown: "未知", sources: "数据来源", size: "面积", length: "长度", code: "编码", area: "所在区域",
      incomplete: "数据不完整（在数据边界处被截断）", straight: "直线", walk: "步行", land: "用地", people: "人口", share: "覆盖率",
      official: "官方口径", officialShort: "官方", reference: "参考口径", target: "目标", met: "达标", unmet: "未达标", noTarget: "未设目标", noFigure: "无数字",
      districts: "分区县", district: "区县", gap: "缺口", gaps: "缺口", gapList: "人口最多的缺口", gapListLand: "面积最大的缺口", noPeople: "没有人口数据", nearest: "最近设施", metres: "米", person: "人", noGaps: "没有缺口", noGapsPeople: (n) => `缺口只绘在居住用地上，此处没有；人口格网中另有 ${n} 人未被覆盖`,
      gapLegend: "缺口（人口）", areaLegend: "覆盖率（按人口）", areaLegendLand: "覆盖率（按用地）", noData: "无数字", name: "名称", mode: "方式", tier: "指标", by: "口径",
      supply: "服务设施", why: "为何不是官方口径", sort: "点击排序", outside: "数据范围外的人口", served: (a, b) => `${a} / ${b}`, inside: "覆盖", speed: "步行速度",
      walkNote: "步行：从居住地门到门，沿路网计算", notRun: "未计算", allMap: "查看全部图层", noScript: "地图需要启用 JavaScript。", nearestNone: "不可达", details: "说明", computed: "计算时间", crs: "量算坐标系",
      drag: "拖动或点击", asOf: (day) => `截至 ${day}`, present: (day) => `现状（${day}）`, knownAt: (n) => `按变更 ${n} 时所知`, day: "日期", showDay: "显示", now: "现状", validFrom: "起", validTo: "止（不含）", find: "查找图层", opacity: "不透明度", ownMap: "单独的地图", asTable: "表格", moreOf: (title) => `${title}：透明度、表格`, allOff: "全部关闭", noLayer: "没有这样的图层", together: (names) => names.join("、"), tiles: "矢量瓦片查看页（供开发使用）",
    },
    en: {
      layers: "Layers", legend: "Legend", close: "Close", zoomIn: "Zoom in", zoomOut: "Zoom out", home: "Whole city", locate: "My position", start: "Home",
      language: "中文", open: "Open panel", fold: "Fold panel", previous: "Previous", next: "Next", noName: "Unnamed", yes: "Yes", no: "No",
      noPlace: "The browser gave no position (on a phone it needs HTTPS or this machine's own address).", failed: "Some data could not be had; moving the map tries again.", empty: "No data yet",
      shown: (n, m) => `${n} of ${m} drawn at this scale; zoom in for all`, cut: "Too many objects here: only the largest are drawn; zoom in for all",
      objects: (n) => `${n} objects`, zoomTo: "Click to zoom in", hidden: (names) => `${names}: zoom in to see`, unknown: "unknown", sources: "Sources", size: "Area", length: "Length", code: "Code", area: "In",
      incomplete: "Incomplete: cut off at the edge of the data", straight: "Straight line", walk: "Walking", land: "Land", people: "People", share: "Coverage",
      official: "Official figure", officialShort: "official", reference: "Reference figure", target: "Target", met: "Met", unmet: "Not met", noTarget: "No target", noFigure: "No figure",
      districts: "By district", district: "District", gap: "Gap", gaps: "Gaps", gapList: "Gaps with most people", gapListLand: "Largest gaps", noPeople: "no data on people", nearest: "nearest", metres: "m", person: "people", noGaps: "No gaps", noGapsPeople: (n) => `Gaps are drawn on residential land, and there is none here; ${n} people in cells of the population grid are not served`,
      gapLegend: "Gaps (people)", areaLegend: "Coverage (of people)", areaLegendLand: "Coverage (of land)", noData: "No figure", name: "Name", mode: "Mode", tier: "Figure", by: "By",
      supply: "Facilities", why: "Why it is no official figure", sort: "Click to sort", outside: "People outside the data", served: (a, b) => `${a} / ${b}`, inside: "served", speed: "Walking speed",
      walkNote: "Walking: door to door along the streets", notRun: "Not computed", allMap: "All layers", noScript: "The map needs JavaScript.", nearestNone: "unreachable", details: "Details", computed: "Computed", crs: "Measured in",
      drag: "Drag or click", asOf: (day) => `As of ${day}`, present: (day) => `Now (${day})`, knownAt: (n) => `as known at change ${n}`, day: "Date", showDay: "Show", now: "Now", validFrom: "From", validTo: "Until (before)", find: "Find a layer", opacity: "Opacity", ownMap: "Map of its own", asTable: "Table", moreOf: (title) => `${title}: opacity, table`, allOff: "All off", noLayer: "No such layer", together: (names) => names.join(", "), tiles: "Viewer of the vector tiles, for developers",
    },
  };
  chengtu.setLanguage = function (lang) {
    chengtu.lang = lang === "en" ? "en" : "zh";
    chengtu.t = TEXTS[chengtu.lang];
    chengtu.locale = chengtu.lang === "zh" ? "zh-CN" : "en-GB";
  };
  chengtu.setLanguage(document.documentElement.lang.slice(0, 2));

  chengtu.number = (value, digits = 0) =>
    value === null || value === undefined ? "—" : new Intl.NumberFormat(chengtu.locale, { maximumFractionDigits: digits }).format(value);
  chengtu.percent = (share, digits = 2) =>
    share === null || share === undefined ? "—" : `${(share * 100).toFixed(digits)} %`;

  const UNITS = { zh: { m: "米", km: "公里", m2: "平方米", ha: "公顷", km2: "平方公里" }, en: { m: "m", km: "km", m2: "m²", ha: "ha", km2: "km²" } };
  const unit = (name) => UNITS[chengtu.lang][name];

  // two decimals, as plans write them: 68.30, not 68.3
  const hundredths = (value) => new Intl.NumberFormat(chengtu.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);

  /** Metres as m or km, square metres as m², ha or km² (米, 公里; 平方米, 公顷, 平方公里); `digits` of the number. */
  chengtu.length = (metres, digits) => (metres < 1000 ? `${chengtu.number(metres, digits || 0)} ${unit("m")}` : `${chengtu.number(metres / 1000, digits === undefined ? (metres < 1e5 ? 2 : 0) : digits)} ${unit("km")}`);
  chengtu.area = function (m2) {
    if (m2 < 1e4) return `${chengtu.number(m2)} ${unit("m2")}`;
    return m2 < 1e6 ? `${hundredths(m2 / 1e4)} ${unit("ha")}` : `${hundredths(m2 / 1e6)} ${unit("km2")}`;
  };

  /** A part of an area in the unit of the whole: `122.1 / 130.58 km²`. */
  chengtu.areas = function (part, whole) {
    const words = chengtu.area(whole), unit = words.slice(words.indexOf(" ") + 1);
    const size = whole < 1e4 ? 1 : whole < 1e6 ? 1e4 : 1e6;
    return `${size === 1 ? chengtu.number(part) : hundredths(part / size)} / ${words.slice(0, words.indexOf(" "))} ${unit}`;
  };

  /** Black or white, whichever reads better on a colour (WCAG contrast). */
  chengtu.inkOn = function (colour) {
    const [r, g, b] = [1, 3, 5].map((i) => { const c = parseInt(colour.slice(i, i + 2), 16) / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.34 ? "#16242c" : "#ffffff";
  };

  /** A short message at the bottom of the page, for a screen reader too. */
  chengtu.toast = function (text) {
    const old = document.querySelector(".toast");
    if (old && old.textContent === text) return;
    if (old) old.remove();
    const node = chengtu.el("div", { class: "toast", role: "status", text });
    document.body.append(node);
    setTimeout(() => node.remove(), 6000);
  };
})();
