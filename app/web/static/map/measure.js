"use strict";
// Measuring on the map: lengths along a line and areas, on the ellipsoid (WGS84, which CGCS2000 equals to 0.1 mm).
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { line: "距离", area: "面积", what: "量什么", start: "点击地图加点；也可按钮加地图中心点。", more: "继续点击加点；双击、回车或按“结束”完成。", end: "结束", done: "已量完。点击地图重新开始。", back: "去掉上一点", clear: "清除", middle: "在地图中心加点", total: "总长", round: "周长", size: "面积", parts: "各段", exact: "在椭球面上计算（CGCS2000），不受投影变形影响。", cross: "边界自相交，面积不可靠" },
    en: { line: "Distance", area: "Area", what: "What to measure", start: "Click the map to add points, or add its centre with the button.", more: "Click on to add points; a double click, Enter or Done ends.", end: "Done", done: "Done. Click the map to begin anew.", back: "Take last point away", clear: "Clear", middle: "Add the map's centre", total: "Length", round: "Perimeter", size: "Area", parts: "Parts", exact: "Computed on the ellipsoid (CGCS2000): no projection distorts it.", cross: "The border crosses itself: the area is not to be relied on" },
  };
  const A = 6378137, F = 1 / 298.257223563, B = A * (1 - F), E2 = F * (2 - F), E = Math.sqrt(E2), RAD = Math.PI / 180;

  /** Metres along the shortest line on the ellipsoid (Vincenty 1975, inverse); places are [lat, lon]. */
  chengtu.geodesic = function ([lat1, lon1], [lat2, lon2]) {
    const u1 = Math.atan((1 - F) * Math.tan(lat1 * RAD)), u2 = Math.atan((1 - F) * Math.tan(lat2 * RAD)), l = (lon2 - lon1) * RAD;
    const [s1, c1, s2, c2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
    let lambda = l;
    for (let i = 0; i < 100; i++) {
      const sl = Math.sin(lambda), cl = Math.cos(lambda);
      const sinS = Math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
      if (sinS === 0) return 0;
      const cosS = s1 * s2 + c1 * c2 * cl, sigma = Math.atan2(sinS, cosS), sinA = (c1 * c2 * sl) / sinS, cos2A = 1 - sinA * sinA;
      const cosM = cos2A ? cosS - (2 * s1 * s2) / cos2A : 0, c = (F / 16) * cos2A * (4 + F * (4 - 3 * cos2A));
      const before = lambda;
      lambda = l + (1 - c) * F * sinA * (sigma + c * sinS * (cosM + c * cosS * (2 * cosM * cosM - 1)));
      if (Math.abs(lambda - before) < 1e-12) return along(cos2A, sigma, sinS, cosS, cosM);
    }
    return A * Math.PI; // nearly opposite places, which no city has
  };

  function along(cos2A, sigma, sinS, cosS, cosM) {
    const u = (cos2A * (A * A - B * B)) / (B * B);
    const a = 1 + (u / 16384) * (4096 + u * (-768 + u * (320 - 175 * u))), b = (u / 1024) * (256 + u * (-128 + u * (74 - 47 * u)));
    const turn = b * sinS * (cosM + (b / 4) * (cosS * (2 * cosM * cosM - 1) - (b / 6) * cosM * (4 * sinS * sinS - 3) * (4 * cosM * cosM - 3)));
    return B * a * (sigma - turn);
  }

  const q = (sin) => (1 - E2) * (sin / (1 - E2 * sin * sin) - Math.log((1 - E * sin) / (1 + E * sin)) / (2 * E));
  const QP = q(1);

  /** Square metres within a ring of [lat, lon] on the ellipsoid: on the sphere of the same area (Snyder 1987, 3-11 to 3-13). */
  chengtu.geodesicArea = function (ring) {
    const beta = ring.map(([lat]) => Math.asin(Math.max(-1, Math.min(1, q(Math.sin(lat * RAD)) / QP))));
    let excess = 0;
    ring.forEach(([, lon], i) => {
      const j = (i + 1) % ring.length, turn = Math.tan(((ring[j][1] - lon) * RAD) / 2), t1 = Math.tan(beta[i] / 2), t2 = Math.tan(beta[j] / 2);
      excess += 2 * Math.atan2(turn * (t1 + t2), 1 + t1 * t2);
    });
    return Math.abs(excess) * ((A * A * QP) / 2);
  };

  const COLOUR = "#b3261e", WORDS = /^(line|area):((?:-?[\d.]+,-?[\d.]+;?)+)(!?)$/;

  chengtu.addTab({ id: "measure", icon: "measure", order: 60, title: { zh: "测量", en: "Measure" }, build, shown: take, hidden: (app) => app.ruler && app.ruler.end() });

  /** What is measured, drawn as long as it is not cleared; the address may bring it. */
  function ruler(app) {
    if (app.ruler) return app.ruler;
    const found = (app.ruler = { app, kind: "line", points: [], done: false });
    app.map.createPane("measure").style.zIndex = 645;
    found.drawing = L.layerGroup().addTo(app.map);
    found.take = (event) => add(found, event.latlng);
    found.end = () => { found.done = found.points.length > 1; found.rubber = null; draw(found); };
    app.map.on("dblclick", () => app.taker === found.take && finish(found));
    app.map.on("mousemove", (event) => { if (app.taker === found.take && found.points.length && !found.done) { found.rubber = event.latlng; drawShape(found); } });
    document.addEventListener("keydown", (event) => key(found, event));
    restore(found);
    return found;
  }

  /** Draw what the address says was measured. */
  chengtu.openMeasured = (app) => { if (chengtu.state.get("measure")) drawShape(ruler(app)); };

  function build(app) {
    const t = TEXTS[chengtu.lang], found = ruler(app), button = (words, action) => el("button", { type: "button", class: "quiet", text: words, on: { click: action } });
    const anew = (change) => () => { change(); draw(found); take(app); };
    found.kinds = ["line", "area"].map((kind) => el("button", { type: "button", role: "radio", "data-kind": kind, text: t[kind], on: { click: anew(() => { found.kind = kind; }) } }));
    found.note = el("p", { class: "note", role: "status" });
    found.result = el("div", { class: "measured" });
    found.stop = button(t.end, () => finish(found));
    found.back = button(t.back, anew(() => { found.points.pop(); found.done = false; }));
    found.clear = button(t.clear, anew(() => { found.points = []; found.done = false; }));
    draw(found);
    return el("div", { class: "measuring" }, el("div", { class: "segments", role: "radiogroup", "aria-label": t.what }, found.kinds), found.note, found.result,
      el("div", { class: "row-buttons" }, found.stop, button(t.middle, () => add(found, app.map.getCenter())), found.back, found.clear), el("p", { class: "note", text: t.exact }));
  }

  /** Clicks on the map are points. */
  function take(app) { chengtu.takeClicks(app, app.ruler.take); }

  function key(ruler, event) {
    if (ruler.app.taker !== ruler.take || event.target.closest("input, select, textarea, button, a")) return;
    if (event.key === "Enter") finish(ruler);
    if (event.key === "Backspace" && ruler.points.length) { event.preventDefault(); ruler.points.pop(); ruler.done = false; draw(ruler); }
  }

  function add(ruler, { lat, lng }) {
    if (ruler.done) { ruler.points = []; ruler.done = false; }
    const last = ruler.points[ruler.points.length - 1];
    // the second click of a double click is no new point
    if (!last || ruler.app.map.latLngToContainerPoint(last).distanceTo(ruler.app.map.latLngToContainerPoint([lat, lng])) > 3) ruler.points.push([lat, lng]);
    ruler.rubber = null;
    draw(ruler);
  }

  function finish(ruler) {
    if (ruler.points.length > 1) ruler.done = true;
    ruler.rubber = null;
    draw(ruler);
  }

  function draw(ruler) {
    const t = TEXTS[chengtu.lang], { points, kind } = ruler;
    for (const button of ruler.kinds) {
      const on = button.dataset.kind === kind;
      button.setAttribute("aria-checked", String(on));
      button.classList.toggle("on", on);
    }
    ruler.note.textContent = ruler.done ? t.done : points.length ? t.more : t.start;
    ruler.stop.disabled = ruler.done || points.length < 2;
    ruler.back.disabled = ruler.clear.disabled = !points.length;
    drawShape(ruler);
    ruler.result.replaceChildren(...results(ruler));
    chengtu.state.set("measure", points.length ? `${kind}:${points.map(([lat, lon]) => `${lat.toFixed(6)},${lon.toFixed(6)}`).join(";")}${ruler.done ? "!" : ""}` : null);
  }

  const lengths = (points) => points.slice(1).map((point, i) => chengtu.geodesic(points[i], point));
  const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

  function results({ points, kind }) {
    const t = TEXTS[chengtu.lang];
    if (points.length < 2) return [];
    const ring = kind === "area" && points.length > 2, parts = lengths(ring ? [...points, points[0]] : points);
    const figure = (name, words) => el("p", { class: "measured-figure" }, el("span", { text: name }), el("strong", { text: words }));
    return [ring && figure(t.size, exactArea(chengtu.geodesicArea(points))), figure(ring ? t.round : t.total, exactLength(sum(parts))), ring && crosses(points) && el("p", { class: "note warn", text: t.cross }),
      parts.length > 1 && el("details", null, el("summary", { text: `${t.parts}（${parts.length}）` }), el("ol", null, parts.map((part) => el("li", { text: exactLength(part) }))))].filter(Boolean);
  }

  const exactLength = (m) => (m < 1000 ? chengtu.length(Math.round(m * 10) / 10, 1) : chengtu.length(m, m < 1e5 ? 3 : 1));
  const exactArea = (m2) => chengtu.area(m2);

  /** Whether two sides of a ring cross, seen flat. */
  function crosses(points) {
    const side = ([ay, ax], [by, bx], [cy, cx]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
    const n = points.length;
    for (let i = 0; i < n; i++) for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue;
      const [a, b, c, d] = [points[i], points[i + 1], points[j], points[(j + 1) % n]];
      if (side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)) return true;
    }
    return false;
  }

  function drawShape(ruler) {
    const { points, kind, rubber, drawing } = ruler, shown = rubber && !ruler.done ? [...points, [rubber.lat, rubber.lng]] : points;
    const style = { pane: "measure", interactive: false, color: COLOUR, weight: 3 };
    drawing.clearLayers();
    if (!points.length) return;
    const ring = kind === "area" && shown.length > 2;
    if (shown.length > 1) L.polyline(ring ? [...shown, shown[0]] : shown, { ...style, color: "#ffffff", weight: 7 }).addTo(drawing);
    if (ring) L.polygon(shown, { ...style, fillColor: COLOUR, fillOpacity: 0.14 }).addTo(drawing);
    else if (shown.length > 1) L.polyline(shown, style).addTo(drawing);
    for (const point of points) L.circleMarker(point, { pane: "measure", interactive: false, radius: 5, color: COLOUR, weight: 2, fillColor: "#ffffff", fillOpacity: 1 }).addTo(drawing);
    if (shown.length > 1) label(drawing, ring ? middle(shown) : shown[shown.length - 1], ring ? exactArea(chengtu.geodesicArea(shown)) : exactLength(sum(lengths(shown))), ring);
  }

  const middle = (points) => [sum(points.map(([lat]) => lat)) / points.length, sum(points.map(([, lon]) => lon)) / points.length];

  function label(drawing, at, words, centred) {
    const node = el("span", { class: centred ? "map-label centred" : "map-label", text: words });
    L.marker(at, { pane: "measure", interactive: false, keyboard: false, icon: L.divIcon({ html: node, className: "map-label-place", iconSize: [0, 0] }) }).addTo(drawing);
  }

  /** What the address tells was measured. */
  function restore(ruler) {
    const found = WORDS.exec(chengtu.state.get("measure") || "");
    if (!found) return;
    const points = found[2].split(";").filter(Boolean).map((pair) => pair.split(",").map(Number)).filter(([lat, lon]) => Math.abs(lat) <= 90 && Math.abs(lon) <= 180);
    Object.assign(ruler, { kind: found[1], points: points.slice(0, 500), done: found[3] === "!" });
  }
})();
