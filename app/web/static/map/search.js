"use strict";
// The portal's search: names, codes, addresses, pinyin, and coordinates of any of the systems in use.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { search: "搜索", hint: "名称、编码、地址、拼音、经纬度", clear: "清除", none: "没有找到", failed: "搜索暂时不可用", results: "搜索结果", from: "这个坐标来自",
      wgs84: "GPS（WGS84、CGCS2000）", gcj02: "高德、腾讯（GCJ-02）", bd09: "百度（BD-09）", place: "坐标", north: "北纬", east: "东经", south: "南纬", west: "西经", moved: (m) => `相差 ${m}`, gone: "这个要素现在不在地图上" },
    en: { search: "Search", hint: "Name, code, address, coordinates", clear: "Clear", none: "Nothing found", failed: "The search cannot be reached", results: "Results", from: "This coordinate comes from",
      wgs84: "GPS (WGS84, CGCS2000)", gcj02: "AMap, Tencent (GCJ-02)", bd09: "Baidu (BD-09)", place: "Coordinate", north: "N", east: "E", south: "S", west: "W", moved: (m) => `${m} away`, gone: "This feature is not on the map now" },
  };
  const WAIT_MS = 160, MOST = 12;

  /** The search box, as a combobox whose list is below it. */
  chengtu.buildSearch = function (app) {
    const t = TEXTS[chengtu.lang];
    const find = { app, options: [], at: -1, asked: 0 };
    find.list = el("ul", { id: "found", class: "found", role: "listbox", "aria-label": t.results, hidden: true });
    find.said = el("p", { class: "found-note", role: "status", hidden: true });
    find.input = el("input", { type: "search", role: "combobox", maxlength: 200, autocomplete: "off", spellcheck: "false", enterkeyhint: "search", placeholder: t.hint, "aria-label": t.search, "aria-controls": "found", "aria-expanded": "false", "aria-autocomplete": "list",
      on: { input: () => typed(find), keydown: (event) => key(find, event), focus: () => find.options.length && open(find) } });
    find.clear = chengtu.button("close", t.clear, () => { find.input.value = ""; typed(find); find.input.focus(); }, { class: "plain", hidden: true });
    const box = el("form", { class: "search", role: "search", on: { submit: (event) => { event.preventDefault(); (find.options[Math.max(find.at, 0)] || { go() {} }).go(); } } },
      el("div", { class: "search-row" }, chengtu.icon("search"), find.input, find.clear), find.said, find.list);
    app.root.append(chengtu.shield(box));
    // the list stays while one moves in it
    document.addEventListener("pointerdown", (event) => { if (!box.contains(event.target)) shut(find); });
    const mark = /^(-?[\d.]+),(-?[\d.]+)$/.exec(chengtu.state.get("mark") || "");
    if (mark && Math.abs(mark[1]) <= 90 && Math.abs(mark[2]) <= 180) setMark(app, +mark[1], +mark[2]);
  };

  function typed(find) {
    const text = find.input.value.trim();
    find.clear.hidden = !find.input.value;
    clearTimeout(find.timer);
    find.asked++; // answers on their way are of another text
    if (!text) { clearMark(find.app); return fill(find, []); }
    const places = coordinates(find, text);
    if (places.length) fill(find, places);
    else find.timer = setTimeout(() => ask(find, text), WAIT_MS);
  }

  async function ask(find, text) {
    const mine = find.asked, t = TEXTS[chengtu.lang];
    try {
      const answer = await fetch(`/search?${new URLSearchParams([["q", text], ["limit", MOST], ["f", "json"], ["lang", chengtu.lang]])}`);
      const told = await answer.json();
      if (!answer.ok && answer.status !== 400) throw new Error(told.detail);
      const found = answer.ok ? told.results : [];
      if (mine === find.asked) fill(find, found.map((result) => featureOption(find, result)), found.length ? null : t.none);
    } catch {
      if (mine === find.asked) fill(find, [], t.failed);
    }
  }

  function featureOption(find, result) {
    const { app } = find, other = chengtu.lang === "zh" ? "en" : "zh";
    const layer = app.layers.find((one) => one.options.id === result.class);
    const name = result[`name_${chengtu.lang}`] || result[`name_${other}`] || result.code;
    const areas = result.areas.slice(1).map((area) => area[`name_${chengtu.lang}`] || area[`name_${other}`] || area.code);
    const place = result.address || areas.join(" › ");
    const words = [result.class_title[chengtu.lang], name === result.code ? null : result.code, place].filter(Boolean).join(" · ");
    return option(find, layer ? chengtu.swatch(layer.options, 26) : el("span", { class: "no-swatch" }), name, words, () => {
      const [lon, lat] = result.point;
      if (layer) chengtu.openFeature(app, result.class, result.id, [lat, lon]);
      else chengtu.toast(TEXTS[chengtu.lang].gone);
    });
  }

  /** What a typed coordinate may be: each order, each system. */
  function coordinates(find, text) {
    const t = TEXTS[chengtu.lang];
    return chengtu.parseCoordinates(text, find.app.map.getCenter()).flatMap(({ lat, lon }) => (chengtu.inChina(lon, lat) ? ["wgs84", "gcj02", "bd09"] : ["wgs84"]).map((system) => {
      const [x, y] = chengtu.toWgs84(lon, lat, system), moved = find.app.map.distance([lat, lon], [y, x]);
      const words = degrees(y, x) + (system === "wgs84" ? "" : ` · ${t.moved(chengtu.length(Math.round(moved)))}`);
      return option(find, chengtu.icon("locate"), t[system], words, () => {
        setMark(find.app, y, x);
        find.app.map.setView([y, x], Math.max(17, find.app.map.getZoom()));
      });
    }));
  }

  function degrees(lat, lon) {
    const t = TEXTS[chengtu.lang], side = (value, plus, minus) => `${Math.abs(value).toFixed(6)}°`.replace(/^/, chengtu.lang === "zh" ? (value < 0 ? minus : plus) : "") + (chengtu.lang === "zh" ? "" : ` ${value < 0 ? minus : plus}`);
    return `${side(lat, t.north, t.south)}, ${side(lon, t.east, t.west)}`;
  }

  function option(find, sign, title, words, action) {
    const node = el("li", { role: "option", "aria-selected": "false" }, sign, el("span", { class: "found-text" }, el("span", { class: "found-title", text: title, dir: "auto" }), el("span", { class: "found-words", text: words, dir: "auto" })));
    const one = { node, go: () => { shut(find); find.input.blur(); action(); } };
    node.addEventListener("click", one.go);
    return one;
  }

  function fill(find, options, note) {
    const t = TEXTS[chengtu.lang], placed = options.length && !note && options[0].node.firstChild.tagName === "svg";
    find.options = options;
    options.forEach(({ node }, i) => { node.id = `found-${i}`; });
    find.list.replaceChildren(...options.map(({ node }) => node));
    find.said.textContent = note || (placed ? t.from : "");
    find.said.hidden = !find.said.textContent;
    select(find, options.length ? 0 : -1);
    if (options.length || note) open(find); else shut(find);
  }

  function open(find) {
    find.list.hidden = !find.options.length;
    find.input.setAttribute("aria-expanded", String(find.options.length > 0));
    document.body.classList.add("searching");
  }

  function shut(find) {
    find.list.hidden = true;
    find.said.hidden = true;
    find.input.setAttribute("aria-expanded", "false");
    document.body.classList.remove("searching");
  }

  function select(find, at) {
    find.at = at;
    find.options.forEach(({ node }, i) => node.setAttribute("aria-selected", String(i === at)));
    if (at >= 0) { find.input.setAttribute("aria-activedescendant", `found-${at}`); find.options[at].node.scrollIntoView({ block: "nearest" }); } else find.input.removeAttribute("aria-activedescendant");
  }

  function key(find, event) {
    const count = find.options.length, way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way && count) { event.preventDefault(); open(find); select(find, (find.at + way + count) % count); }
    if (event.key === "Escape" && !find.list.hidden) { event.preventDefault(); shut(find); }
  }

  /** A mark at a place that was typed in; it stands in the address. */
  function setMark(app, lat, lon) {
    clearMark(app);
    if (!app.map.getPane("marks")) app.map.createPane("marks").style.zIndex = 640;
    app.placeMark = L.layerGroup([L.circleMarker([lat, lon], { pane: "marks", radius: 15, color: "#fff", weight: 6, fill: false, interactive: false }), L.circleMarker([lat, lon], { pane: "marks", radius: 15, color: "#c2185b", weight: 3, fill: false, interactive: false }),
      L.circleMarker([lat, lon], { pane: "marks", radius: 3, color: "#c2185b", weight: 2, fillColor: "#c2185b", fillOpacity: 1, interactive: false })]).addTo(app.map);
    chengtu.state.set("mark", `${lat.toFixed(6)},${lon.toFixed(6)}`);
  }

  function clearMark(app) {
    if (app.placeMark) app.placeMark.remove();
    app.placeMark = null;
    chengtu.state.set("mark", null);
  }
})();
