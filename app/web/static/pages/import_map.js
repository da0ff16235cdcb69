"use strict";
// Where the first features of a file would lie: drawn over the outlines of the city's districts.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, shared = chengtu.importing, { words } = shared;
  const GROUND = { color: "#5d6d78", weight: 1.5, fillColor: "#e3ecea", fillOpacity: 0.55 };
  const STYLE = { color: "#a3330f", weight: 2, fillColor: "#e4572e", fillOpacity: 0.4 };
  let districts = null;

  /** The outlines of the districts, asked once: those of subdistricts or of the city where there are no districts. */
  function ground() {
    if (!districts) districts = outlines(["district", "subdistrict", "city"]);
    return districts;
  }

  function outlines(levels) {
    if (!levels.length) return Promise.resolve([]);
    const address = `/collections/districts/items?level=${levels[0]}&limit=100&properties=code,name_zh,name_en&f=json`;
    return fetch(address, { headers: { Accept: "application/geo+json" } })
      .then((reply) => (reply.ok ? reply.json() : { features: [] }))
      .then((found) => (found.features.length ? found.features : outlines(levels.slice(1))))
      .catch(() => []);
  }

  const nameOf = (item) => (shared.zh ? item.properties.name_zh || item.properties.name_en : item.properties.name_en || item.properties.name_zh) || item.properties.code || "";

  /** A figure with the map of `features`, out of `count` rows; made ready once it stands in the page. */
  shared.map = function (features, count) {
    const box = el("div", { class: "import-map", role: "application", "aria-label": words.mapLabel });
    const figure = el("figure", { class: "import-figure" }, box, el("figcaption", { text: features.length ? words.drawn(chengtu.number(features.length), chengtu.number(count)) : words.noMap }));
    figure.start = () => start(box, features);
    return figure;
  };

  function start(box, features) {
    const map = chengtu.leaflet(box, { attributionControl: false, zoomControl: false, minZoom: 2, maxZoom: 20, scrollWheelZoom: false });
    L.control.zoom({ zoomInTitle: chengtu.t.zoomIn, zoomOutTitle: chengtu.t.zoomOut }).addTo(map);
    box.addEventListener("click", () => map.scrollWheelZoom.enable());
    map.setView([28.68, 115.86], 9);
    const shapes = features.map(shape), drawn = L.featureGroup(shapes).addTo(map);
    fit(map, drawn);
    ground().then((found) => {
      const land = L.geoJSON({ type: "FeatureCollection", features: found }, { style: GROUND, onEachFeature: (item, layer) => layer.bindTooltip(() => el("span", { text: nameOf(item) }), { sticky: true }) });
      land.addTo(map).bringToBack();
      if (!found.length) return;
      // a row with a wrong digit would make the city a speck: where some lie in it, the view is of those
      const city = land.getBounds(), inside = shapes.filter((one) => city.intersects(one.getBounds()));
      fit(map, L.featureGroup([land, ...(inside.length ? inside : shapes)]));
    });
    return map;
  }

  function shape(item) {
    const layer = L.geoJSON(item.geometry, { style: STYLE, pointToLayer: (_, at) => L.circleMarker(at, { ...STYLE, radius: 5, weight: 1.5, fillOpacity: 0.85 }) });
    layer.bindTooltip(() => el("span", { text: [item.name, words.rowOf(item.row)].filter(Boolean).join(" · ") }), { sticky: true });
    return layer;
  }

  function fit(map, group) {
    const bounds = group.getBounds();
    if (bounds.isValid()) map.fitBounds(bounds, { padding: [16, 16], maxZoom: 16, animate: false });
  }
})();
