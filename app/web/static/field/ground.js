"use strict";
// The ground of the phone page: our own vector tiles painted on canvas, names on a layer above so that no edge cuts them.
(function () {
  const field = window.chengtu.field;
  const SIDE = 512, MARGIN = 80, DEEPEST = 16;
  const NORMAL = {
    land: "#f4f1ea", water: "#b9d9ea", green: "#dcebd0", parks: "#c5e0b4", residential: "#eee7da", buildings: "#dcd3c6", edge: "#c8bdae", casing: "#d5ccbd",
    major: "#fbd48a", middle: "#ffffff", minor: "#ffffff", path: "#c9b79f", border: "#9a7fb0", ink: "#3a4750", halo: "#ffffff", waterInk: "#25607f", greenInk: "#2f6a2a",
  };
  const SUN = {
    land: "#ffffff", water: "#9fd0f2", green: "#e9f5df", parks: "#cfeab8", residential: "#ffffff", buildings: "#d0d0d0", edge: "#777777", casing: "#000000",
    major: "#ffb300", middle: "#ffffff", minor: "#ffffff", path: "#555555", border: "#6a1b9a", ink: "#000000", halo: "#ffffff", waterInk: "#003a66", greenInk: "#0c4a00",
  };
  const MAJOR = ["motorway", "trunk", "primary", "expressway"], MIDDLE = ["secondary", "tertiary"], PATHS = ["footway", "path", "steps", "pedestrian", "cycleway", "track"];
  field.palette = () => (document.body.classList.contains("contrast") ? SUN : NORMAL);

  /** Bytes of a tile: from what was read while the page is open, else from the network (or the service worker). */
  const memory = new Map(), pending = new Map();
  field.tileBytes = function (url, keep) {
    if (memory.has(url)) return Promise.resolve(memory.get(url));
    if (pending.has(url) && !keep) return pending.get(url);
    const asked = fetch(url).then(async (reply) => {
      if (!reply.ok) throw new Error(String(reply.status));
      const bytes = reply.status === 204 ? new ArrayBuffer(0) : await reply.arrayBuffer();
      if (keep) memory.set(url, bytes);
      return bytes;
    });
    pending.set(url, asked);
    asked.then(() => setTimeout(() => pending.delete(url), 2000), () => pending.delete(url));
    return asked;
  };
  field.forgetTiles = () => memory.clear();
  field.tileUrl = (pattern, z, x, y) => new URL(pattern.replace("{z}", z).replace("{y}", y).replace("{x}", x), location.href).href;

  function trace(context, rings, scale, close) {
    context.beginPath();
    for (const ring of rings) {
      for (let i = 0; i < ring.length; i += 2) context[i ? "lineTo" : "moveTo"](ring[i] * scale, ring[i + 1] * scale);
      if (close) context.closePath();
    }
  }

  function areas(context, layer, fill, edge) {
    if (!layer) return;
    context.fillStyle = fill;
    for (const one of layer.features) { trace(context, one.rings, SIDE / layer.extent, true); context.fill("evenodd"); if (edge) { context.strokeStyle = edge; context.lineWidth = 0.7; context.stroke(); } }
  }

  const rank = (kind) => (MAJOR.some((name) => (kind || "").startsWith(name)) ? 3 : MIDDLE.some((name) => (kind || "").startsWith(name)) ? 2 : PATHS.includes(kind) ? 0 : 1);
  function streets(context, layer, zoom, colours) {
    if (!layer) return;
    const grown = Math.pow(1.45, Math.max(0, zoom - 13)), sorted = layer.features.map((one) => [rank(one.properties.kind), one]).sort((a, b) => a[0] - b[0]);
    const width = [1, 1.6, 2.4, 3.2].map((base) => base * grown);
    context.lineJoin = "round";
    for (const casing of [true, false]) {
      for (const [level, one] of sorted) {
        if (level === 0 && (casing || zoom < 15)) continue;
        trace(context, one.rings, SIDE / layer.extent, false);
        context.setLineDash(level === 0 ? [3, 3] : []);
        context.lineCap = level === 0 ? "butt" : "round";
        context.strokeStyle = casing ? colours.casing : [colours.path, colours.minor, colours.middle, colours.major][level];
        context.lineWidth = level === 0 ? 1.2 : width[level] + (casing ? 1.4 : 0);
        context.stroke();
      }
    }
    context.setLineDash([]);
  }

  function paint(context, layers, zoom) {
    const colours = field.palette();
    context.fillStyle = colours.land;
    context.fillRect(0, 0, SIDE, SIDE);
    areas(context, layers.residential, colours.residential);
    areas(context, layers.green, colours.green);
    areas(context, layers.parks, colours.parks);
    areas(context, layers.water, colours.water);
    areas(context, layers.buildings, colours.buildings, colours.edge);
    streets(context, layers.streets, zoom, colours);
    if (!layers.borders) return;
    context.strokeStyle = colours.border;
    context.setLineDash([8, 4, 2, 4]);
    context.lineWidth = 1.3;
    for (const one of layers.borders.features) { trace(context, one.rings, SIDE / layers.borders.extent, false); context.stroke(); }
    context.setLineDash([]);
  }

  /** The longest straight piece of a line: [length, x, y, angle] of its middle. */
  function straight(ring, scale) {
    let best = [0];
    for (let i = 2; i < ring.length; i += 2) {
      const dx = (ring[i] - ring[i - 2]) * scale, dy = (ring[i + 1] - ring[i - 1]) * scale, length = Math.hypot(dx, dy);
      if (length > best[0]) { let turn = Math.atan2(dy, dx); if (Math.abs(turn) > Math.PI / 2) turn += Math.PI; best = [length, ((ring[i] + ring[i - 2]) / 2) * scale, ((ring[i + 1] + ring[i - 1]) / 2) * scale, turn]; }
    }
    return best;
  }

  function paintNames(context, layers, zoom) {
    const colours = field.palette(), taken = [], name = (p) => (window.chengtu.lang === "zh" ? p.name_zh || p.name_en : p.name_en || p.name_zh);
    const write = function (text, x, y, turn, size, ink, bold) {
      context.font = `${bold ? 600 : 400} ${size}px "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif`;
      const half = context.measureText(text).width / 2 + 3, w = Math.abs(Math.cos(turn)) * half + size / 2, h = Math.abs(Math.sin(turn)) * half + size / 2;
      if (taken.some(([tx, ty, tw, th]) => Math.abs(tx - x) < tw + w && Math.abs(ty - y) < th + h)) return half;
      taken.push([x, y, w, h]);
      context.save();
      context.translate(x, y);
      context.rotate(turn);
      context.lineWidth = 3;
      context.strokeStyle = colours.halo;
      context.fillStyle = ink;
      context.strokeText(text, 0, 0);
      context.fillText(text, 0, 0);
      context.restore();
      return half;
    };
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const labels = layers.labels ? layers.labels.features.slice().sort((a, b) => (b.properties.rank || 0) - (a.properties.rank || 0)) : [];
    for (const one of labels) {
      const text = name(one.properties), scale = SIDE / layers.labels.extent, group = one.properties.group, area = !["water", "park", "estate"].includes(group);
      if (text && one.rings[0]) write(text, one.rings[0][0] * scale, one.rings[0][1] * scale, 0, area ? 14 : 12, group === "water" ? colours.waterInk : group === "park" ? colours.greenInk : colours.ink, area);
    }
    if (!layers.streets || zoom < 15) return;
    const seen = new Set();
    for (const one of layers.streets.features) {
      const text = name(one.properties);
      if (!text || seen.has(text)) continue;
      const best = one.rings.map((ring) => straight(ring, SIDE / layers.streets.extent)).sort((a, b) => b[0] - a[0])[0];
      if (!best || best[0] < text.length * 12 || best[1] < 0 || best[1] > SIDE || best[2] < 0 || best[2] > SIDE) continue;
      seen.add(text);
      write(text, best[1], best[2], best[3], 11.5, colours.ink, false);
    }
  }

  function canvas(side) {
    const node = document.createElement("canvas"), ratio = Math.min(window.devicePixelRatio || 1, 2);
    node.width = node.height = side * ratio;
    node.style.width = node.style.height = `${side}px`;
    const context = node.getContext("2d");
    context.scale(ratio, ratio);
    return [node, context];
  }

  const Ground = L.GridLayer.extend({
    options: { tileSize: SIDE, maxNativeZoom: DEEPEST, maxZoom: 20, minNativeZoom: 1, keepBuffer: 1, updateWhenIdle: true, names: false, pattern: "" },
    createTile(coords, done) {
      const names = this.options.names, [node, context] = canvas(names ? SIDE + 2 * MARGIN : SIDE);
      const holder = names ? document.createElement("div") : node;
      if (names) { node.style.margin = `-${MARGIN}px`; context.translate(MARGIN, MARGIN); holder.append(node); } else { context.fillStyle = field.palette().land; context.fillRect(0, 0, SIDE, SIDE); }
      field.tileBytes(field.tileUrl(this.options.pattern, coords.z - 1, coords.x, coords.y))
        .then((bytes) => { const layers = field.readTile(bytes); (names ? paintNames : paint)(context, layers, coords.z); done(null, holder); }, (error) => done(error, holder));
      return holder;
    },
  });

  /** The ground and its names on a map; both follow the contrast when they are redrawn. */
  field.addGround = function (map, pattern) {
    map.createPane("names").style.zIndex = 350;
    map.getPane("names").style.pointerEvents = "none";
    const layers = [new Ground({ pattern }), new Ground({ pattern, names: true, pane: "names" })];
    for (const layer of layers) layer.addTo(map);
    return layers;
  };

  /** The tiles (address, zoom) that cover a box [west, south, east, north] from zoom 11 to as deep as `most` allows. */
  field.tilesOf = function (pattern, box, most) {
    const found = [], world = (lon, lat, z) => { const p = L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), z); return [Math.floor(p.x / SIDE), Math.floor(p.y / SIDE)]; };
    for (let z = 11; z <= DEEPEST; z += 1) {
      const [x0, y0] = world(box[0], box[3], z), [x1, y1] = world(box[2], box[1], z);
      if (found.length + (x1 - x0 + 1) * (y1 - y0 + 1) > most) break;
      for (let y = y0; y <= y1; y += 1) for (let x = x0; x <= x1; x += 1) found.push(field.tileUrl(pattern, z - 1, x, y));
    }
    return found;
  };
})();
