"use strict";
// The small map on a page of features: the city's own ground, the features of the table, the way from one to the other.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const box = document.getElementById("features-map");
  if (!box) return;
  const view = JSON.parse(document.getElementById("features-view").textContent);
  chengtu.setLanguage(view.lang);
  const STYLE = { color: "#b3261e", weight: 2, fillColor: "#e4572e", fillOpacity: 0.28 };
  const CHOSEN = { color: "#0a4f66", weight: 4, fillColor: "#128096", fillOpacity: 0.45 };
  const DOT = 6, FAR = 17;

  const map = chengtu.leaflet(box, { attributionControl: false, zoomControl: false, minZoom: 3, maxZoom: 20, scrollWheelZoom: false });
  L.control.zoom({ zoomInTitle: chengtu.t.zoomIn, zoomOutTitle: chengtu.t.zoomOut }).addTo(map);
  box.addEventListener("click", () => map.scrollWheelZoom.enable());
  map.createPane("ground").style.zIndex = 200;
  chengtu.groundLayer(view.ground).addTo(map);

  const shapes = new Map();
  let chosen = null;

  function add(item) {
    if (!item.geometry) return;
    const layer = L.geoJSON(item.geometry, { style: STYLE, pointToLayer: (_, at) => L.circleMarker(at, { ...STYLE, radius: DOT, fillOpacity: 0.8 }) });
    layer.bindTooltip(() => el("span", { text: item.name }), { sticky: true });
    layer.on("click", () => choose(item.id, true));
    shapes.set(String(item.id), layer.addTo(map));
  }

  function row(id) {
    return document.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
  }

  /** Mark a feature on the map and in the table; `scroll` brings its row into view. */
  function choose(id, scroll) {
    const key = String(id);
    if (chosen !== null) mark(chosen, false);
    chosen = key;
    mark(key, true);
    const line = row(key);
    if (scroll && line) line.scrollIntoView({ block: "nearest", behavior: chengtu.still() ? "auto" : "smooth" });
    if (scroll && !line && view.item && shapes.size > 1) location.assign(`${view.item}${encodeURIComponent(key)}?f=html&lang=${view.lang}`);
  }

  function mark(key, on) {
    const layer = shapes.get(key), line = row(key);
    if (layer) { layer.setStyle(on ? CHOSEN : STYLE); if (on) layer.bringToFront(); }
    if (line) line.classList.toggle("chosen", on);
  }

  function fit() {
    const bounds = L.latLngBounds([]);
    for (const layer of shapes.values()) bounds.extend(layer.getBounds());
    const home = view.extent || view.home;
    if (!bounds.isValid() && home) bounds.extend([[home[1], home[0]], [home[3], home[2]]]);
    if (bounds.isValid()) map.fitBounds(bounds, { padding: [20, 20], maxZoom: FAR, animate: false });
    else map.setView([28.68, 115.86], 10);
  }

  (view.features || []).forEach(add);
  fit();
  if (view.extent) L.rectangle([[view.extent[1], view.extent[0]], [view.extent[3], view.extent[2]]], { color: "#0a4f66", weight: 1, dashArray: "4 4", fill: false, interactive: false }).addTo(map);
  if (view.source) {
    fetch(view.source, { headers: { Accept: "application/geo+json" } })
      .then((reply) => (reply.ok ? reply.json() : Promise.reject(reply.status)))
      .then((found) => {
        found.features.forEach((item) => add({ id: item.id, name: item.properties.code || item.id, geometry: item.geometry }));
        if (!view.extent) fit();
      })
      .catch(() => chengtu.toast(chengtu.t.failed));
  }

  for (const line of document.querySelectorAll("tr[data-id]")) {
    line.addEventListener("mouseenter", () => choose(line.dataset.id, false));
    line.addEventListener("focusin", () => choose(line.dataset.id, false));
    const show = line.querySelector("button[data-show]");
    if (show) show.addEventListener("click", () => {
      const layer = shapes.get(line.dataset.id);
      choose(line.dataset.id, false);
      if (layer) { map.fitBounds(layer.getBounds(), { maxZoom: FAR }); box.scrollIntoView({ block: "nearest", behavior: chengtu.still() ? "auto" : "smooth" }); }
    });
  }

  // A name of the list goes into the filter where the cursor stands.
  const filter = document.querySelector("textarea[name=filter]");
  for (const name of document.querySelectorAll("button[data-name]")) {
    name.addEventListener("click", () => { filter.setRangeText(name.dataset.name, filter.selectionStart, filter.selectionEnd, "end"); filter.focus(); });
  }

  // Plain HTTP in an office network gives no clipboard: then the text is marked, to be copied by hand.
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      const done = navigator.clipboard ? await navigator.clipboard.writeText(field.value).then(() => true, () => false) : document.execCommand("copy");
      button.textContent = done ? button.dataset.done : button.dataset.failed;
    });
  }
})();
