"use strict";
// Basemaps of other hosts or of a file, only those that the settings allow: none is on until somebody switches it on.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { title: "底图", own: "本市底图", away: "底图服务器没有应答，已换回本市底图。", unread: "底图文件无法读取，或不是城图写出的文件，已换回本市底图。" },
    en: { title: "Basemap", own: "The city's own", away: "The basemap's server does not answer; the city's own is back.", unread: "The basemap's file cannot be read, or is none of Chengtu's; the city's own is back." },
  };
  const FAILURES = 8; // tiles that fail before any has come

  /** Tiles drawn in GCJ-02, each moved to where it belongs: the shift changes by less than a pixel within a tile. */
  const Shifted = L.TileLayer.extend({
    _shift(world, zoom) { // pixels by which a place is drawn too far right and down
      const size = 256 * 2 ** zoom, at = L.CRS.EPSG3857.pointToLatLng(world, zoom);
      const drawn = chengtu.gcj02(at.lat, at.lng);
      return L.CRS.EPSG3857.latLngToPoint(L.latLng(drawn), zoom).subtract(world).divideBy(size);
    },
    _getTiledPixelBounds(center) {
      const bounds = L.TileLayer.prototype._getTiledPixelBounds.call(this, center), size = 256 * 2 ** this._tileZoom;
      const moved = this._shift(bounds.getCenter(), this._tileZoom).multiplyBy(size);
      return L.bounds(bounds.min.add(moved), bounds.max.add(moved));
    },
    _getTilePos(coords) {
      const size = 256 * 2 ** coords.z, middle = L.point(coords.x + 0.5, coords.y + 0.5).multiplyBy(256);
      return L.TileLayer.prototype._getTilePos.call(this, coords).subtract(this._shift(middle, coords.z).multiplyBy(size).round());
    },
    _isValidTile: () => true,
  });

  /** The basemaps that the settings allow; a file that stands alone has none. */
  const allowed = (app) => ((!app.page.offline && app.page.marks && app.page.marks.basemaps) || []).filter((one) => !(one.internal && chengtu.openView));

  /** Lay the basemap that the address names. */
  chengtu.startBasemap = function (app) {
    const asked = allowed(app).find((one) => one.id === chengtu.state.get("base"));
    if (asked) use(app, asked);
  };

  /** The switch between the basemaps, for a list of layers; null where the settings allow none. */
  chengtu.basemapSwitch = function (app) {
    const found = allowed(app), t = TEXTS[chengtu.lang];
    if (!found.length) return null;
    const choices = [{ id: "own", title: t.own }, ...found];
    const asked = (app.basemap && app.basemap.of) || choices[0];
    const list = choices.map((one) => el("li", null, el("label", { class: "layer" },
      el("input", { type: "radio", name: "basemap", value: one.id, checked: one === asked, on: { change: () => use(app, one) } }),
      el("span", { class: "layer-title" }, el("span", { text: one.title, dir: "auto" }), one.note && el("small", { class: "thin", text: one.note, dir: "auto" })))));
    return el("fieldset", { class: "basemaps" }, el("legend", { text: t.title }), el("ul", { class: "plain-list" }, list));
  };

  function use(app, basemap) {
    if (app.basemap) app.basemap.end();
    app.basemap = null;
    chengtu.state.set("base", basemap.id === "own" ? null : basemap.id);
    if (basemap.archive) unfold(app, basemap);
    else if (basemap.layers) lay(app, basemap);
    app.map.getPane("ground").classList.toggle("away", Boolean(basemap.layers));
    app.root.classList.toggle("has-basemap", Boolean(app.basemap));
  }

  /** Whose the basemap is, before the other sources. */
  function credit(app, { note }, attribution) {
    const words = el("span", { text: `${[attribution, note && `（${note}）`].filter(Boolean).join("")} · ` });
    app.root.querySelector(".foot .sources").prepend(words);
    return words;
  }

  /** Draw the ground from a file of tiles; where it cannot be read, or is none of ours, the city's own comes back. */
  async function unfold(app, basemap) {
    const source = chengtu.archiveTiles(basemap.archive), mine = (app.basemap = { of: basemap, end() {} });
    try {
      const { deepest, attribution } = await source.about();
      if (app.basemap !== mine) return;
      const words = credit(app, basemap, attribution), own = chengtu.swapGround(app, chengtu.archiveLayer(app, source, deepest));
      mine.end = () => { words.remove(); chengtu.swapGround(app, own); };
    } catch (error) {
      if (app.basemap === mine) giveUp(app, "unread");
    }
  }

  function lay(app, basemap) {
    if (!app.map.getPane("basemap")) app.map.createPane("basemap").style.zIndex = 150;
    const Kind = basemap.shifted ? Shifted : L.TileLayer;
    const layers = basemap.layers.map((address, i) => new Kind(address, { pane: "basemap", zIndex: i, maxZoom: 20, maxNativeZoom: basemap.deepest, crossOrigin: "anonymous", referrerPolicy: "strict-origin" }).addTo(app.map));
    const words = credit(app, basemap, basemap.attribution);
    app.basemap = { of: basemap, end: () => [...layers, words].forEach((one) => one.remove()) };
    let failed = 0, came = false;
    layers[0].on("tileload", () => { came = true; });
    layers[0].on("tileerror", () => { if (!came && (failed += 1) === FAILURES) giveUp(app, "away"); });
  }

  function giveUp(app, why) {
    chengtu.toast(TEXTS[chengtu.lang][why]);
    const own = app.root.querySelector(".basemaps input[value=own]");
    if (own) own.checked = true;
    use(app, { id: "own" });
  }
})();
