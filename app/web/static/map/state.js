"use strict";
// The view in the address: place, layers, and named values after them, so that an address brings one back to the same view.
(function () {
  const chengtu = (window.chengtu = window.chengtu || {});
  const PLACE = /^(\d+)\/(-?[\d.]+)\/(-?[\d.]+)$/, LAYERS = /^[\w,]*$/, NAME = /^[a-z_]+$/;
  const held = parse(location.hash.slice(1));

  /** `zoom/lat/lon&layers&name=value…` → {place: [zoom, lat, lon] or null, layers: ids or null, values: Map}. */
  function parse(hash) {
    const found = { place: null, layers: null, values: new Map() };
    (hash.includes("&") ? hash : decoded(hash)).split("&").forEach((part, i) => {
      const cut = part.indexOf("=");
      if (cut > 0 && NAME.test(part.slice(0, cut))) found.values.set(part.slice(0, cut), decoded(part.slice(cut + 1)));
      else if (i === 0) found.place = placeOf(decoded(part));
      else if (i === 1 && LAYERS.test(decoded(part))) found.layers = decoded(part).split(",");
    });
    return found;
  }

  function placeOf(text) {
    const found = PLACE.exec(text);
    const [zoom, lat, lon] = found ? found.slice(1).map(Number) : [];
    return found && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [zoom, lat, lon] : null;
  }

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  function write() {
    const [zoom, lat, lon] = held.place || [];
    const place = held.place ? `${zoom}/${lat.toFixed(5)}/${lon.toFixed(5)}` : "";
    const values = [...held.values].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    // `/` alone where the place is not known yet: the layers stay the second part
    const hash = `#${[place, held.layers ? held.layers.join(",") : "", ...values].join("&")}`;
    // a page that stands inside another one as text (a notebook) has no address of its own
    if (hash !== location.hash && location.protocol !== "about:") history.replaceState(null, "", hash);
  }

  chengtu.state = {
    /** The value of a name in the address; null where it has none. */
    get: (name) => (held.values.has(name) ? held.values.get(name) : null),
    /** Keep a value in the address; null takes it out. No step of the browser's history. */
    set(name, value) {
      if (!NAME.test(name)) throw new Error(`'${name}' cannot stand in an address.`);
      if (value === null || value === undefined || value === "") held.values.delete(name);
      else held.values.set(name, String(value));
      if (held.started) write();
    },
    /** [zoom, lat, lon] and the ids of the layers as the address gave them; null where it did not. */
    place: () => held.place,
    layers: () => held.layers,
    /** Keep the map's place and its layers in the address; `quiet` at the start, when nothing has changed yet. */
    show(place, layers, quiet) {
      held.started = true;
      held.place = place;
      held.layers = layers;
      if (!quiet) write();
    },
  };

  // another view pasted into the address bar, or a link to one in this page: the page starts there
  window.addEventListener("hashchange", () => { if (parse(location.hash.slice(1)).place) location.reload(); });
})();
