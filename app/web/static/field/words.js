"use strict";
// The words of the phone page in both languages, and small things that all of its scripts use.
(function () {
  const chengtu = window.chengtu;
  const TEXTS = {
    zh: {
      list: "附近设施", filter: "筛选类别", all: "全选", none: "全不选", done: "完成", locate: "我的位置", centre: "按地图中心排列", nearMe: "按距我远近排列", nearPlace: "按所输位置排列",
      contrast: "高对比度（阳光下）", goto: "输入坐标", keep: "离线保存本区", queue: "待发送", more: "更多", close: "关闭", language: "English", area: "范围", wholeCity: "全市", map: "地图", up: "展开列表", down: "收起列表",
      nothing: "此处没有所选类别的设施。", loading: "正在读取…", offline: "无信号：显示已保存的数据", offlineNone: "无信号，且此处没有保存过数据。", metres: (n) => `${n} 米`, kilometres: (n) => `${n} 公里`,
      noPlace: "手机没有给出位置。", noPlaceInsecure: "定位需要受信任的 HTTPS：请按说明安装证书。", accuracy: (n) => `定位精度 ${n} 米`,
      insecure: "此页未经受信任的 HTTPS 打开：打开期间可用，关闭后不能离线使用，也没有定位。", trust: "如何信任", workerRefused: "浏览器不信任本服务器的证书：打开期间可用，关闭后不能离线使用。",
      report: "上报状态", state: "状态", note: "说明（可不填）", photo: "拍照", photoAgain: "换一张", photoDrop: "不要照片", send: "发送", sent: "已发送。", queued: "无信号：已存入待发送，有信号后自动发送。", choose: "请先选择状态。",
      photoBad: "这个文件不是可读的照片。", photoSize: (n) => `照片 ${n} KB`, photos: "照片", reports: "上报记录", details: "详细信息", unknown: "未知", noName: "未命名", code: "编码", address: "地址", at: "坐标",
      conflict: "发送前已有他人修改", said: "说明", when: "时间", who: "来自", yours: "您的", theirs: "现在的", sendMine: "仍用我的", dropMine: "放弃我的", refused: "被拒绝", retry: "重试", drop: "删除", waiting: "等待信号", queueEmpty: "没有待发送的内容。", keyEnded: "密钥已失效：请重新扫码。待发送的内容仍保留。",
      coordinates: "坐标", coordinatesHint: "例如 115.8612, 28.6803，或 28°40′49″N 115°51′40″E", source: "坐标来自", wgs84: "GPS / CGCS2000（手机定位、测量）", gcj02: "高德 / 腾讯地图", bd09: "百度地图", go: "定位", badCoordinates: "看不懂这个坐标。", shifted: (n) => `已换算，移动 ${n} 米`,
      keepTitle: "离线保存", keepMeasure: "正在估算大小…", keepSize: (mb, tiles, n) => `约 ${mb} MB：${tiles} 块地图、${n} 处设施`, keepStart: "保存到手机", keepStop: "停止", keepRunning: (a, b) => `已保存 ${a} / ${b}`, keepDone: (mb) => `已保存 ${mb} MB，可离线使用。`, keepMemory: (mb) => `已读入 ${mb} MB，页面打开期间可离线使用。`, keepRemove: "删除已保存的数据", keepGone: "已删除。", keepFailed: "保存中断：没有信号或空间不足。", keptOn: (day) => `上次保存：${day}`, keepNoSpace: "手机空间不足。",
      classes: (n, m) => `${n} / ${m} 类`, until: (day) => `密钥有效至 ${day}`, since: "自", gone: "该设施已不存在。", failed: "服务器没有应答，请稍后再试。", compass: "朝向", places: (n) => `${n} 处`, by: "上报", cancel: "取消", show: "在地图上看",
    },
    en: {
      list: "Nearby", filter: "Choose classes", all: "All", none: "None", done: "Done", locate: "My position", centre: "Sorted from the map's centre", nearMe: "Sorted by distance from me", nearPlace: "Sorted from the place entered",
      contrast: "High contrast (sunlight)", goto: "Enter coordinates", keep: "Keep this area offline", queue: "To be sent", more: "More", close: "Close", language: "中文", area: "Area", wholeCity: "Whole city", map: "Map", up: "Open the list", down: "Fold the list",
      nothing: "None of the chosen classes here.", loading: "Loading…", offline: "No signal: showing what was kept", offlineNone: "No signal, and nothing was kept here.", metres: (n) => `${n} m`, kilometres: (n) => `${n} km`,
      noPlace: "The phone gave no position.", noPlaceInsecure: "Position needs HTTPS that the phone trusts: install the certificate.", accuracy: (n) => `Position within ${n} m`,
      insecure: "Not opened over HTTPS that the phone trusts: it works while it stays open, not offline once closed, and without position.", trust: "How to trust it", workerRefused: "The browser does not trust this server's certificate: the page works while it stays open, not offline once closed.",
      report: "Report its state", state: "State", note: "Note (optional)", photo: "Take a photo", photoAgain: "Another photo", photoDrop: "No photo", send: "Send", sent: "Sent.", queued: "No signal: kept, and sent as soon as there is one.", choose: "Choose a state first.",
      photoBad: "This file is no photo that can be read.", photoSize: (n) => `Photo ${n} KB`, photos: "Photos", reports: "Reports", details: "Details", unknown: "unknown", noName: "Unnamed", code: "Code", address: "Address", at: "Coordinates",
      conflict: "Changed by somebody else meanwhile", said: "Note", when: "Time", who: "By", yours: "Yours", theirs: "Now", sendMine: "Send mine anyway", dropMine: "Drop mine", refused: "Refused", retry: "Try again", drop: "Delete", waiting: "Waiting for signal", queueEmpty: "Nothing waits to be sent.", keyEnded: "The key has ended: scan a new QR code. What waits to be sent is kept.",
      coordinates: "Coordinates", coordinatesHint: "For example 115.8612, 28.6803, or 28°40′49″N 115°51′40″E", source: "They come from", wgs84: "GPS / CGCS2000 (phone, survey)", gcj02: "AMap / Tencent Maps", bd09: "Baidu Maps", go: "Go there", badCoordinates: "These are no coordinates.", shifted: (n) => `Converted, moved by ${n} m`,
      keepTitle: "Keep offline", keepMeasure: "Measuring…", keepSize: (mb, tiles, n) => `About ${mb} MB: ${tiles} map tiles, ${n} features`, keepStart: "Keep on this phone", keepStop: "Stop", keepRunning: (a, b) => `${a} of ${b} kept`, keepDone: (mb) => `${mb} MB kept; it works without signal.`, keepMemory: (mb) => `${mb} MB loaded; it works without signal while the page stays open.`, keepRemove: "Remove what was kept", keepGone: "Removed.", keepFailed: "Interrupted: no signal, or no space.", keptOn: (day) => `Last kept: ${day}`, keepNoSpace: "The phone is full.",
      classes: (n, m) => `${n} of ${m} classes`, until: (day) => `The key holds until ${day}`, since: "since", gone: "This feature is no longer there.", failed: "The server does not answer; try again later.", compass: "Heading", places: (n) => `${n} features`, by: "reported", cancel: "Cancel", show: "Show on the map",
    },
  };
  const field = (chengtu.field = { t: TEXTS[chengtu.lang] });
  chengtu.addIcon("more", "M5 11a1 1 0 100 2 1 1 0 000-2zM12 11a1 1 0 100 2 1 1 0 000-2zM19 11a1 1 0 100 2 1 1 0 000-2z");
  chengtu.addIcon("sun", "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2");
  chengtu.addIcon("pin", "M12 21c-4-5-6-8-6-11a6 6 0 1112 0c0 3-2 6-6 11zM12 8a2 2 0 100 4 2 2 0 000-4z");
  chengtu.addIcon("save", "M12 4v11M7 11l5 5 5-5M5 20h14");
  chengtu.addIcon("globe", "M12 3a9 9 0 100 18 9 9 0 000-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18");

  field.metres = (m) => (m < 1000 ? field.t.metres(chengtu.number(m < 10 ? Math.round(m) : Math.round(m / 5) * 5)) : field.t.kilometres(chengtu.number(m / 1000, m < 10000 ? 1 : 0)));
  field.megabytes = (bytes) => chengtu.number(bytes / 1e6, bytes < 1e7 ? 1 : 0);
  field.day = (iso) => new Intl.DateTimeFormat(chengtu.locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

  /** Metres between two places [lon, lat]: great circle on the sphere of the mean radius, good to 0.3 %. */
  field.distance = function (a, b) {
    const rad = Math.PI / 180, y = (b[1] - a[1]) * rad, x = (b[0] - a[0]) * rad;
    const h = Math.sin(y / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(x / 2) ** 2;
    return 2 * 6371008.8 * Math.asin(Math.min(1, Math.sqrt(h)));
  };
  /** Degrees clockwise from north, from a to b. */
  field.bearing = function (a, b) {
    const rad = Math.PI / 180, x = (b[0] - a[0]) * rad;
    const y = Math.sin(x) * Math.cos(b[1] * rad);
    return (Math.atan2(y, Math.cos(a[1] * rad) * Math.sin(b[1] * rad) - Math.sin(a[1] * rad) * Math.cos(b[1] * rad) * Math.cos(x)) / rad + 360) % 360;
  };
  field.keyOf = (feature) => `${feature.class}:${feature.id}`;
  field.stateWord = (view, state) => (state ? view.words[state] || view.states[state] || state : field.t.unknown);

  /** The symbol of a class as an element, with a ring that tells the state. */
  field.symbol = function (cls, state) {
    const shape = ["square", "diamond"].includes(cls.symbol.shape) ? cls.symbol.shape : "circle";
    const fill = cls.symbol.color;
    return chengtu.el("span", { class: `symbol ${shape} ${state || ""}`, style: { background: fill, color: chengtu.inkOn(fill) }, "aria-hidden": "true" }, pictogram(cls.symbol.icon) || chengtu.el("b", { text: cls.symbol.glyph || "" }));
  };
  /** The catalogue's pictogram (path data on a grid of 15 by 15); null where a class has none. */
  function pictogram(path) {
    if (!path) return null;
    const [svg, shape] = ["svg", "path"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
    svg.setAttribute("viewBox", "0 0 15 15");
    shape.setAttribute("d", path);
    shape.setAttribute("fill", "currentColor");
    svg.append(shape);
    return svg;
  }
})();
