"use strict";
// The phone page: a map of what is near, a list by distance under it, and what is done with both.
(function () {
  const chengtu = window.chengtu, field = chengtu.field, { el } = chengtu, t = field.t;
  const view = JSON.parse(document.getElementById("field-view").textContent), root = document.getElementById("field");
  const wanted = field.recall("classes");
  const app = (window.chengtuField = {
    view, features: new Map(), local: new Map(), told: new Set(), me: null, loading: true, lasting: false, sheet: null, before: null,
    classes: view.classes.map((cls) => ({ ...cls, on: wanted ? wanted.includes(cls.id) : cls.on })),
  });
  const byId = new Map(app.classes.map((cls) => [cls.id, cls]));
  app.classOf = (id) => byId.get(id) || { id, title: id, symbol: { color: "#56646d", glyph: "" }, words: [] };
  if (field.recall("contrast")) document.body.classList.add("contrast");

  app.queueButton = el("button", { type: "button", class: "queue-button", hidden: true, on: { click: () => field.openQueue(app) } });
  app.note = el("p", { class: "note", hidden: true });
  app.signal = el("p", { class: "note signal", hidden: true, role: "status" });
  app.list = el("ul", { class: "list" });
  app.listHead = el("h2", { text: t.list });
  app.empty = el("p", { class: "muted", hidden: true, text: t.nothing });
  const where = view.area ? view.area.name : view.city || t.wholeCity;
  const fold = chengtu.button("down", t.down, function () {
    const folded = root.classList.toggle("folded");
    fold.setAttribute("aria-expanded", String(!folded));
    fold.setAttribute("aria-label", folded ? t.up : t.down);
    app.map.invalidateSize();
  }, { class: "fold", "aria-expanded": "true" });
  root.append(
    el("header", { class: "bar" }, el("h1", { text: where }), app.queueButton, chengtu.button("layers", t.filter, () => field.openFilter(app)), chengtu.button("more", t.more, () => field.openMenu(app))),
    el("div", { class: "map-box" }, el("div", { id: "field-map", "aria-label": t.map }), view.notice && el("p", { class: "notice", text: view.notice }), el("p", { class: "mark", text: [view.mark, ...view.attribution].join(" · ") }), el("div", { class: "locate" }, chengtu.button("locate", t.locate, () => locate(true)))),
    el("section", { class: "near" }, el("div", { class: "near-head" }, app.listHead, fold), app.note, app.signal, app.list, app.empty),
  );

  // Leaflet writes m and km in every language
  const Scale = L.Control.Scale.extend({ _updateScale(bar, text, ratio) { const [n, unit] = text.split(" "); L.Control.Scale.prototype._updateScale.call(this, bar, unit === "km" ? t.kilometres(n) : t.metres(n), ratio); } });
  const map = (app.map = chengtu.leaflet("field-map", { attributionControl: false, zoomControl: false, minZoom: 8, maxZoom: 20, zoomSnap: 1, bounceAtZoomLimits: false }));
  L.control.zoom({ position: "topright", zoomInTitle: chengtu.t.zoomIn, zoomOutTitle: chengtu.t.zoomOut }).addTo(map);
  new Scale({ imperial: false, maxWidth: 90 }).addTo(map);
  const bounds = view.area ? view.area.bounds : view.bounds;
  if (bounds) map.fitBounds([[bounds[1], bounds[0]], [bounds[3], bounds[2]]], { animate: false }); else map.setView([28.68, 115.86], 12);
  if (!view.area && map.getZoom() < 15) map.setZoom(15, { animate: false });
  app.ground = field.addGround(map, view.ground);
  app.markers = L.layerGroup().addTo(map);
  const centre = () => { const at = map.getCenter(); return [at.lng, at.lat]; };
  app.origin = { at: centre(), kind: "centre" };

  let known = [], turn = 0;
  app.show = () => field.showFeatures(app, known);
  /** Ask for what is near the origin; without signal what was kept is shown, and the page says so. */
  app.load = async function () {
    const mine = (turn += 1), classes = app.classes.filter((cls) => cls.on).map((cls) => cls.id), area = view.area ? `&area=${encodeURIComponent(view.area.code)}` : "";
    if (!classes.length) { known = []; app.loading = false; app.show(); return; }
    try {
      const reply = await fetch(`/field/near.json?lang=${chengtu.lang}&lon=${app.origin.at[0]}&lat=${app.origin.at[1]}&classes=${classes.join(",")}${area}`);
      if (reply.status === 401) { field.keyEnded = true; say(t.keyEnded); return; }
      if (!reply.ok) throw new Error(String(reply.status));
      const found = (await reply.json()).features;
      if (mine !== turn) return;
      known = found;
      say(null);
    } catch (_) {
      const kept = await field.keep.features();
      if (mine !== turn) return;
      if (kept.length) known = kept;
      say(kept.length ? t.offline : t.offlineNone);
    }
    app.loading = false;
    app.show();
  };
  function say(text) {
    app.signal.hidden = !text;
    app.signal.textContent = text || "";
  }

  /** Look at a place [lon, lat]; the list is by distance from it. */
  app.goTo = function (place, kind) {
    app.origin = { at: place, kind };
    app.moving = true;
    map.setView([place[1], place[0]], Math.max(map.getZoom(), 16), { animate: false });
    app.moving = false;
    if (app.spot) app.spot.remove();
    if (kind === "place") app.spot = L.circleMarker([place[1], place[0]], { radius: 9, color: "#b3261e", weight: 3, fill: false, interactive: false }).addTo(map);
    app.load();
  };
  let waiting = null;
  map.on("moveend", function () {
    if (app.moving) return;
    if (app.origin.kind !== "me" || !map.getBounds().contains([app.origin.at[1], app.origin.at[0]])) app.origin = { at: centre(), kind: "centre" };
    clearTimeout(waiting);
    waiting = setTimeout(app.load, 250);
  });

  let watch = null;
  function locate(asked) {
    if (!window.isSecureContext || !navigator.geolocation) { if (asked) chengtu.toast(t.noPlaceInsecure); return; }
    if (watch !== null && asked && app.me) { app.goTo([app.me.lon, app.me.lat], "me"); return; }
    app.follow = true;
    if (watch === null) watch = navigator.geolocation.watchPosition(found, () => { if (asked) chengtu.toast(t.noPlace); navigator.geolocation.clearWatch(watch); watch = null; }, { enableHighAccuracy: true, maximumAge: 10000, timeout: 20000 });
    if (asked) compass();
  }
  const dot = el("span", { class: "me" }, el("i", {}));
  const me = L.marker([0, 0], { icon: L.divIcon({ html: dot, className: "pin", iconSize: [26, 26] }), interactive: false, keyboard: false, zIndexOffset: 1000 });
  const halo = L.circle([0, 0], { radius: 1, color: "#0b57d0", weight: 1, fillOpacity: 0.12, interactive: false });
  function found(position) {
    const { longitude: lon, latitude: lat, accuracy, heading } = position.coords, moved = app.me ? field.distance([app.me.lon, app.me.lat], [lon, lat]) : Infinity;
    app.me = { lon, lat, accuracy_m: accuracy };
    me.setLatLng([lat, lon]).addTo(map);
    halo.setLatLng([lat, lon]).setRadius(accuracy).addTo(map);
    if (heading !== null && !Number.isNaN(heading)) turnTo(heading);
    const inside = !view.area || (lon >= view.area.bounds[0] && lon <= view.area.bounds[2] && lat >= view.area.bounds[1] && lat <= view.area.bounds[3]);
    if (app.follow && inside) { app.follow = false; app.goTo([lon, lat], "me"); } else if (app.origin.kind === "me" && moved > 15) { app.origin.at = [lon, lat]; app.load(); }
  }
  const turnTo = (degrees) => { dot.classList.add("heading"); dot.style.transform = `rotate(${Math.round(degrees)}deg)`; };
  /** The phone's compass, where it has one; iOS asks first. */
  function compass() {
    const listen = () => window.addEventListener("ondeviceorientationabsolute" in window ? "deviceorientationabsolute" : "deviceorientation", (event) => { const north = event.webkitCompassHeading !== undefined ? event.webkitCompassHeading : event.absolute && event.alpha !== null ? 360 - event.alpha : null; if (north !== null) turnTo(north); });
    const ask = window.DeviceOrientationEvent && DeviceOrientationEvent.requestPermission;
    if (ask) ask.call(DeviceOrientationEvent).then((answer) => { if (answer === "granted") listen(); }, () => {}); else listen();
  }

  window.addEventListener("online", () => field.flush(app).then(app.load));
  setInterval(async () => { if (navigator.onLine && (await field.keep.queue()).some((item) => !item.trouble)) field.flush(app); }, 30000);
  field.showQueue(app);
  field.flush(app);
  app.load();
  locate(false);
  field.startWorker(app);
})();
