"use strict";
// What a feature card offers besides the fields: photos, history, a link to it, its page, QGIS; and opening it by its id.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { copy: "复制链接", copied: "链接已复制", notCopied: "浏览器不允许复制，请复制地址栏中的地址", item: "要素页面", qgis: "QGIS", inQgis: "在 QGIS 中打开", saved: "已保存 QGIS 工程文件，双击即可打开", zoom: "缩放到此", history: "变更历史", photos: "现场照片", taken: (when) => `拍摄于 ${when}`,
      noHistory: "没有变更记录", change: (n) => `变更 ${n}`, empty: "（空）", geometry: "位置或形状", gone: "这个要素现在不在地图上", photo: "照片", incomplete: "数据不完整", more: (n) => `另有 ${n} 项`,
      actions: { created: "新建", changed: "修改", deleted: "删除", ended: "终止", restored: "恢复", version_added: "补录历史版本", reported: "现场上报" } },
    en: { copy: "Link", copied: "Link copied", notCopied: "The browser does not allow copying; copy the address from the address bar", item: "Page", qgis: "QGIS", inQgis: "Open in QGIS", saved: "A QGIS project file was saved; open it with QGIS", zoom: "Zoom", history: "History", photos: "Photos", taken: (when) => `taken ${when}`,
      noHistory: "Nothing is recorded", change: (n) => `change ${n}`, empty: "(empty)", geometry: "Place or shape", gone: "This feature is not on the map now", photo: "Photo", incomplete: "Incomplete", more: (n) => `and ${n} more`,
      actions: { created: "created", changed: "changed", deleted: "deleted", ended: "ended", restored: "restored", version_added: "earlier version added", reported: "reported on the spot" } },
  };
  const words = () => TEXTS[chengtu.lang];
  const MOST_FIELDS = 12;

  /** What a card of a class of this server has besides: {body: below its fields, foot: what can be done}; none in a single file. */
  chengtu.cardMore = function (app, it, detail) {
    const { options } = it.layer;
    if (!options.feature || app.page.offline) return { body: [], foot: null };
    return { body: [photos(detail), history(options, it.id, detail), assessed(options, it.id)].filter(Boolean), foot: actions(app, it, detail) };
  };

  function actions(app, it, detail) {
    const t = words(), { options } = it.layer, page = chengtu.viewed(`/collections/${options.id}/items/${it.id}?f=html&lang=${chengtu.lang}`);
    return el("div", { class: "card-actions" },
      action("link", t.copy, () => copy(app)),
      detail.at && action("search", t.zoom, () => approach(app, detail)),
      el("a", { href: page }, chengtu.icon("page"), el("span", { text: t.item })),
      action("download", t.qgis, () => saveProject(app, options, detail), t.inQgis));
  }

  const action = (icon, title, run, label) => el("button", { type: "button", title: label, "aria-label": label, on: { click: run } }, chengtu.icon(icon), el("span", { text: title }));

  async function copy(app) {
    const t = words();
    try {
      await navigator.clipboard.writeText(location.href);
      chengtu.toast(t.copied);
    } catch {
      chengtu.toast(copyOld(app) ? t.copied : t.notCopied); // no clipboard over plain HTTP
    }
  }

  function copyOld(app) {
    const field = el("textarea", { readonly: true });
    field.value = location.href;
    app.root.append(field);
    field.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { /* some web views have none */ }
    field.remove();
    return done;
  }

  function photos(detail) {
    const t = words(), shown = (detail.photos || []).filter((photo) => typeof photo.href === "string" && photo.href.startsWith("/"));
    if (!shown.length) return null;
    return el("section", { class: "card-photos", "aria-label": t.photos }, shown.map((photo) => {
      const said = [photo.note, photo.taken_at && t.taken(moment(photo.taken_at))].filter(Boolean).join(" · ");
      return el("a", { href: photo.href, target: "_blank", rel: "noopener" }, el("img", { src: photo.href, alt: said || t.photo, loading: "lazy" }), said && el("span", { text: said, dir: "auto" }));
    }));
  }

  const moment = (text) => {
    const at = new Date(text);
    return Number.isNaN(at.getTime()) ? String(text) : new Intl.DateTimeFormat(chengtu.locale, { dateStyle: "medium", timeStyle: "short" }).format(at);
  };

  /** Who changed what and when, asked for when it is unfolded. */
  function history(options, id, detail) {
    const t = words(), list = el("div", { class: "events" });
    const box = el("details", { class: "card-fold card-history" }, el("summary", null, chengtu.icon("history"), el("span", { text: t.history }), chengtu.icon("down")), list);
    box.addEventListener("toggle", async () => {
      if (!box.open || list.firstChild) return;
      try {
        const answer = await fetch(`/collections/${options.id}/items/${id}/history`, { headers: { Accept: "application/json" } });
        const { events, detail: said } = await answer.json();
        if (!answer.ok) throw new Error(said);
        list.replaceChildren(...(events.length ? [...events].reverse().map((event) => eventNode(event, detail)) : [el("p", { class: "note", text: t.noHistory })]));
      } catch { chengtu.toast(chengtu.t.failed); box.open = false; }
    });
    return box;
  }

  /** How assessors scored it, asked for when it is unfolded; a public view has no scores. */
  function assessed(options, id) {
    if (chengtu.viewed("/") !== "/") return null;
    const list = el("div", { class: "events" }), box = el("details", { class: "card-fold card-assessed" }, el("summary", null, chengtu.icon("table"), el("span", { text: chengtu.assessedWords().title }), chengtu.icon("down")), list);
    box.addEventListener("toggle", async () => {
      if (!box.open || list.firstChild) return;
      const found = await chengtu.assessments(options.id, id);
      if (found) list.replaceChildren(chengtu.assessedList(found)); else { chengtu.toast(chengtu.t.failed); box.open = false; }
    });
    return box;
  }

  function eventNode(event, detail) {
    const t = words(), fields = event.action === "created" ? [] : event.fields || [];
    const lines = fields.slice(0, MOST_FIELDS).map((field) => el("li", { dir: "auto", text: `${title(field)}：${value(field, field.before, detail)} → ${value(field, field.after, detail)}` }));
    return el("article", { class: "event" }, el("h3", null, el("span", { class: `chip act-${event.action}`, text: t.actions[event.action] || event.action }), el("time", { datetime: event.at, text: moment(event.at) })),
      el("p", { class: "muted", dir: "auto", text: [event.who, event.why, t.change(event.change)].filter(Boolean).join(" · ") }),
      event.report && event.report.note && event.report.note !== event.why && el("p", { dir: "auto", text: event.report.note }), lines.length > 0 && el("ul", null, lines), fields.length > MOST_FIELDS && el("p", { class: "muted", text: t.more(fields.length - MOST_FIELDS) }), photos(event));
  }

  const OWN = () => ({ geometry: words().geometry, geom: words().geometry, code: chengtu.t.code, incomplete: words().incomplete, area_path: chengtu.t.area });
  const title = (field) => OWN()[field.field] || (field.title && field.title[chengtu.lang]) || field.field;

  function value(field, what, detail) {
    if (what === null || what === undefined || what === "") return words().empty;
    const known = detail.fields.find((one) => one.name === field.field);
    if (known) return chengtu.fieldText(known, what);
    return typeof what === "object" ? "…" : what === true ? chengtu.t.yes : what === false ? chengtu.t.no : String(what);
  }

  /** Bring a feature into view: all of it, not closer than one can see what is around. */
  function approach(app, detail) {
    if (detail.bounds) chengtu.fit(app, detail.bounds);
    else app.map.setView(detail.at, Math.max(17, app.map.getZoom()));
  }

  /** Open the card of a feature by its class and id: its layer is switched on, the map goes there. */
  chengtu.openFeature = async function (app, classId, id, still) {
    const layer = app.layers.find((one) => one.options.id === classId);
    if (!layer) return chengtu.toast(words().gone);
    const hit = chengtu.hit(layer, id);
    let detail;
    try {
      detail = await hit.load();
    } catch (error) {
      return chengtu.toast(/"status":\s*404/.test(error.message) ? words().gone : chengtu.t.failed);
    }
    if (layer.box && !layer.on) layer.box.click(); else chengtu.show(app, layer, true);
    if (still !== true) approach(app, detail);
    chengtu.openCard(app, [{ ...hit, load: async () => detail }], (it) => it.chosen);
    return detail;
  };

  /** The card that the address names: `card=toilets:12`. */
  chengtu.openAsked = function (app) {
    const asked = /^(\w+):(\d{1,18})$/.exec(chengtu.state.get("card") || "");
    if (asked) chengtu.openFeature(app, asked[1], Number(asked[2]), chengtu.state.place() !== null);
  };

  /** A QGIS project with the class as a layer of this server, opened at the feature. */
  function saveProject(app, options, detail) {
    const made = new XMLSerializer().serializeToString(project(app, options, detail));
    const file = new Blob([`<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n${made}`], { type: "application/x-qgis-project" });
    chengtu.save(file, `${options.id}-${String(detail.code).replace(/[^\w-]+/g, "_").slice(0, 60)}.qgs`);
    chengtu.toast(words().saved);
  }

  /** Hand a file to the reader. */
  chengtu.save = function (blob, name) {
    const link = el("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  function project(app, options, detail) {
    const made = document.implementation.createDocument(null, "qgis");
    const node = (parent, name, attributes, text) => {
      const child = made.createElement(name);
      for (const [key, one] of Object.entries(attributes || {})) child.setAttribute(key, one);
      // XML has no control characters
      if (text !== undefined) child.textContent = String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
      parent.append(child);
      return child;
    };
    const root = made.documentElement, id = `chengtu_${options.id}`;
    const source = `pagingEnabled='default' preferCoordinatesForWfsT11='false' restrictToRequestBBOX='1' srsname='OGC:CRS84' typename='${options.id}' url='${location.origin}' version='OGC_API_FEATURES'`;
    const crs = (parent, name, authid) => node(node(node(parent, name), "spatialrefsys"), "authid", null, authid);
    root.setAttribute("version", "3.22.0");
    root.setAttribute("projectname", options.title);
    node(root, "title", null, options.title);
    crs(root, "projectCrs", "EPSG:3857");
    node(node(root, "layer-tree-group"), "layer-tree-layer", { id, name: options.title, checked: "Qt::Checked", expanded: "1", providerKey: "OAPIF", source });
    const canvas = node(root, "mapcanvas", { name: "theMapCanvas" });
    node(canvas, "units", null, "meters");
    const extent = node(canvas, "extent");
    for (const [name, one] of Object.entries(metres(app, detail))) node(extent, name, null, one);
    crs(canvas, "destinationsrs", "EPSG:3857");
    const layer = node(node(root, "projectlayers"), "maplayer", { type: "vector", geometry: { line: "Line", polygon: "Polygon" }[options.geometry] || "Point" });
    node(layer, "id", null, id);
    node(layer, "datasource", null, source);
    node(layer, "layername", null, options.title);
    crs(layer, "srs", "OGC:CRS84");
    node(layer, "provider", { encoding: "UTF-8" }, "OAPIF");
    return made;
  }

  /** The extent to open at, in metres of Web Mercator: the feature with some ground around it. */
  function metres(app, detail) {
    const bounds = L.latLngBounds(detail.bounds || (detail.at ? [detail.at, detail.at] : app.map.getBounds()));
    const { min, max } = L.bounds(L.CRS.EPSG3857.project(bounds.getSouthWest()), L.CRS.EPSG3857.project(bounds.getNorthEast()));
    const around = Math.max(200, 0.2 * Math.max(max.x - min.x, max.y - min.y));
    return { xmin: min.x - around, ymin: min.y - around, xmax: max.x + around, ymax: max.y + around };
  }
})();
