"use strict";
// The scenario tab: facilities added, moved, closed or removed by clicks, computed at once, kept in the address.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner, state } = chengtu;
  const TEXTS = {
    zh: {
      title: "情景", hint: "设想一处改动，马上看到谁受益、谁受损。数据不会被改写。", loading: "正在读取…", policy: "指标", kind: "类别", add: "新增", move: "移动", close: "停用", remove: "拆除", street: "步行通道", undo: "撤销", clear: "全部清除", patches: "改动", none: "还没有改动。选一个工具，再点击地图。",
      point: (cls) => `点击地图，放置新的${cls}。`, outline: "依次点击各个拐点，双击或按“完成”结束。", pick: (cls) => `点击要${cls}的设施。`, to: "再点击新的位置。", finish: "完成", centre: "用地图中心", nothing: "此处没有本指标计入的设施，请再点一次。", drop: "删除这项改动", fly: "定位",
      least: (size) => `面积不小于 ${size} 才计入。`, computing: "计算中…", newOne: (cls) => `新${cls}`, line: "新步行通道", kept: "链接里已含全部改动。", copied: "链接已复制，打开即见同样的情景。", notCopied: "浏览器不允许复制，请复制地址栏。", share: "复制链接", most: "一个情景最多 50 项改动。", short: "点太少，画不成形。",
    },
    en: {
      title: "Scenario", hint: "Suppose a change, and see at once who gains and who loses. No data is written.", loading: "Reading…", policy: "Metric", kind: "Kind", add: "Add", move: "Move", close: "Close", remove: "Remove", street: "Footway", undo: "Undo", clear: "Clear all", patches: "Changes", none: "No change yet. Choose a tool, then click on the map.",
      point: (cls) => `Click on the map to place it: ${cls}.`, outline: "Click corner after corner; double-click or “Done” ends it.", pick: (cls) => `Click on the facility: ${cls}.`, to: "Now click on its new place.", finish: "Done", centre: "Centre of the map", nothing: "No facility that this metric counts is here; click again.", drop: "Drop this change", fly: "Show",
      least: (size) => `Counts from ${size} on.`, computing: "Computing…", newOne: (cls) => `New: ${cls}`, line: "New footway", kept: "The link holds all changes.", copied: "The link is copied: it opens the same scenario.", notCopied: "The browser forbids copying: take it from the address bar.", share: "Copy link", most: "A scenario has at most 50 changes.", short: "Too few corners for a shape.",
    },
  };
  const words = () => TEXTS[chengtu.lang];
  const LOOKS = { add: "#1a6fb0", street: "#1a6fb0", move: "#6b4bb5", close: "#c8500a", remove: "#a3330f" };
  const TOOLS = ["add", "move", "close", "remove", "street"], MOST = 50, NEAR_PX = 14;
  const round = (n) => Math.round(n * 1e6) / 1e6;
  const lonlat = ({ lat, lng }) => [round(lng), round(lat)];

  chengtu.addIcon("scenario", "M9 18h6M10 21h4M12 3a6 6 0 00-4 10.500c.8.8 1.200 1.500 1.200 2.500h5.600c0-1 .4-1.700 1.200-2.500A6 6 0 0012 3z");
  chengtu.addTab({ id: "scenario", icon: "scenario", order: 40, title: { zh: TEXTS.zh.title, en: TEXTS.en.title }, when: planner.computes, build, shown });

  function build(app) {
    const root = el("div", { class: "planner" }, el("p", { class: "note", role: "status", text: words().loading }));
    app.plan = { root, patches: read(), tool: null, answer: null, view: {}, form: el("div", { class: "ask" }), work: el("div", { class: "work", "aria-live": "polite" }), result: el("div", { class: "result" }), sites: el("div", { "aria-live": "polite" }) };
    app.map.on("clicksgiven", () => { app.plan.tool = null; app.plan.sketch = null; planner.draw(app, "scenario/sketch", null); tools(app); });
    app.extra.push((place) => planner.scenarioHits(app, place));
    planner.printed(app, () => planner.scenarioLegend(app));
    planner.options().then((options) => begin(app, options)).catch((error) => root.replaceChildren(planner.trouble(error)));
    return root;
  }

  function begin(app, options) {
    const { plan } = app, w = words();
    plan.options = options;
    plan.policies = options.policies.filter((one) => one.kind === "reach" && one.supplies.length);
    const wanted = state.get("splan") || state.get("policy");
    plan.policy = plan.policies.find((one) => one.id === wanted) || plan.policies.find((one) => one.id === "toilet-300") || plan.policies[0];
    const pick = (id) => { plan.policy = plan.policies.find((one) => one.id === id); plan.answer = null; plan.view = {}; chengtu.takeClicks(app, null); tools(app); changed(app); };
    plan.tools = el("div", { class: "scenario-tools" });
    plan.list = el("div");
    plan.form.replaceChildren(el("p", { class: "muted", text: w.hint }), planner.policySelect(plan.policies, plan.policy.id, pick), plan.tools, plan.list, plan.sites);
    plan.root.replaceChildren(plan.form, plan.work, plan.result);
    tools(app);
    if (plan.patches.length) changed(app); else list(app);
  }

  function shown(app) {
    planner.only(app, "scenario");
    if (app.plan.policy) { planner.forgetSites(app); drawPatches(app); planner.drawScenario(app); }
  }

  // the address

  function read() {
    try {
      const found = JSON.parse(state.get("scenario") || "[]");
      return Array.isArray(found) ? found.filter((one) => one && typeof one === "object" && TOOLS.includes(one.do)).slice(0, MOST) : [];
    } catch { return []; }
  }

  function keep({ plan }) {
    state.set("scenario", plan.patches.length ? JSON.stringify(plan.patches) : null);
    state.set("splan", plan.patches.length ? plan.policy.id : null);
  }

  // tools

  const supplyOf = (plan, id) => plan.policy.supplies.find((one) => one.id === id);
  const titleOf = (plan, id) => { const found = supplyOf(plan, id) || plan.policies.flatMap((one) => one.supplies).find((one) => one.id === id); return found ? found.title : id; };

  function tools(app) {
    const { plan } = app, w = words();
    if (!plan.tools) return;
    plan.cls = supplyOf(plan, plan.cls) ? plan.cls : plan.policy.supplies[0].id;
    const press = (tool) => planner.action(w[tool], () => (plan.tool === tool ? chengtu.takeClicks(app, null) : start(app, tool)), "quiet", { "aria-pressed": String(plan.tool === tool), "data-tool": tool });
    plan.tools.replaceChildren(...[
      plan.policy.supplies.length > 1 && planner.field(w.kind, planner.select(plan.policy.supplies.map((one) => [one.id, one.title]), plan.cls, (id) => { plan.cls = id; if (plan.tool) start(app, plan.tool); })),
      el("div", { class: "actions", role: "group", "aria-label": w.title }, TOOLS.map(press)), plan.tool && guide(app),
    ].filter(Boolean));
  }

  /** What to click next, and the same without a mouse. */
  function guide(app) {
    const { plan } = app, w = words(), { tool } = plan, supply = supplyOf(plan, plan.cls), shape = tool === "street" ? "line" : supply.geometry;
    const drawn = tool === "street" || (tool === "add" && shape !== "point");
    const text = plan.moving ? w.to : drawn ? w.outline : tool === "add" ? w.point(supply.title) : w.pick(w[tool]);
    const least = tool === "add" && supply.least_m2 ? w.least(planner.size(supply.least_m2)) : "";
    return el("div", { class: "guide", role: "status" }, el("p", { text: [text, least].filter(Boolean).join(" ") }),
      el("div", { class: "actions" }, planner.action(w.centre, () => plan.click({ latlng: app.map.containerPointToLatLng(planner.middle(app)) }), "quiet"), drawn && planner.action(w.finish, () => finish(app), "quiet")));
  }

  function start(app, tool) {
    const { plan } = app;
    if (plan.patches.length >= MOST) return chengtu.toast(words().most);
    chengtu.takeClicks(app, null);
    Object.assign(plan, { tool, moving: null, sketch: [] });
    const drawn = tool === "street" || (tool === "add" && supplyOf(plan, plan.cls).geometry !== "point");
    plan.click = drawn ? (event) => corner(app, event) : tool === "add" ? (event) => push(app, { do: "add", class: plan.cls, geometry: { type: "Point", coordinates: lonlat(event.latlng) } }) : (event) => choose(app, event).catch((error) => plan.work.replaceChildren(planner.trouble(error)));
    chengtu.takeClicks(app, (event) => plan.click(event));
    return tools(app);
  }

  /** One more corner of what is drawn; a corner on the last one ends it, as a double click does. */
  function corner(app, { latlng }) {
    const { plan } = app, last = plan.sketch[plan.sketch.length - 1];
    if (last && app.map.latLngToContainerPoint(last).distanceTo(app.map.latLngToContainerPoint(latlng)) < 6) return finish(app);
    plan.sketch.push(latlng);
    const renderer = planner.pane(app, "plan-top");
    return planner.draw(app, "scenario/sketch", L.layerGroup([L.polyline(plan.sketch, { renderer, interactive: false, color: LOOKS.add, weight: 4, dashArray: "6 6" }), ...plan.sketch.map((one) => L.circleMarker(one, { renderer, interactive: false, radius: 5, color: "#ffffff", weight: 2, fillColor: LOOKS.add, fillOpacity: 1 }))]));
  }

  function finish(app) {
    const { plan } = app, { tool, sketch } = plan, line = tool === "street" || supplyOf(plan, plan.cls).geometry === "line", points = sketch.map(lonlat);
    if (points.length < (line ? 2 : 3)) return chengtu.toast(words().short);
    planner.draw(app, "scenario/sketch", null);
    plan.sketch = [];
    const geometry = line ? { type: "LineString", coordinates: points } : { type: "Polygon", coordinates: [[...points, points[0]]] };
    return push(app, tool === "street" ? { do: "street", geometry } : { do: "add", class: plan.cls, geometry });
  }

  /** The facility that is clicked; of one that moves, then its new place. */
  async function choose(app, { latlng }) {
    const { plan } = app, w = words(), { tool } = plan;
    if (plan.moving) return push(app, { do: "move", class: plan.moving.cls, code: plan.moving.code, geometry: moved(plan.moving, latlng), at: plan.moving.at });
    const found = await facilityAt(app, latlng);
    if (plan.tool !== tool) return null;
    if (!found) return chengtu.toast(w.nothing);
    if (tool !== "move") return push(app, { do: tool, class: found.cls, code: found.code, at: found.at });
    plan.moving = found;
    return tools(app);
  }

  /** The nearest facility of the policy's classes within a few pixels, from the server: whatever the map draws. */
  async function facilityAt(app, place) {
    const { plan } = app, point = app.map.latLngToContainerPoint(place);
    const a = app.map.containerPointToLatLng(point.subtract([NEAR_PX, -NEAR_PX])), b = app.map.containerPointToLatLng(point.add([NEAR_PX, -NEAR_PX]));
    const box = [a.lng, a.lat, b.lng, b.lat].map(round).join(",");
    const found = await Promise.all(plan.policy.supplies.map(async (supply) => (await planner.ask(`/collections/${supply.id}/items?f=json&limit=20&bbox=${box}`)).features.map((feature) => ({ cls: supply.id, code: feature.properties.code, geometry: feature.geometry, at: anchor(feature.geometry, place), far: distance(app, feature.geometry, place) }))));
    return found.flat().filter((one) => one.code).sort((one, other) => one.far - other.far)[0] || null;
  }

  function distance(app, geometry, place) {
    if (geometry.type !== "Point") return planner.inside(geometry, place) ? 1 : NEAR_PX;
    return app.map.latLngToContainerPoint([geometry.coordinates[1], geometry.coordinates[0]]).distanceTo(app.map.latLngToContainerPoint(place));
  }

  const anchor = (geometry, place) => (geometry.type === "Point" ? geometry.coordinates.slice(0, 2).map(round) : lonlat(place));

  /** A geometry moved so that its anchor lies at another place. */
  function moved({ geometry, at }, place) {
    const [lon, lat] = lonlat(place), dx = lon - at[0], dy = lat - at[1];
    const shift = (part) => (typeof part[0] === "number" ? [round(part[0] + dx), round(part[1] + dy)] : part.map(shift));
    return { type: geometry.type, coordinates: shift(geometry.coordinates) };
  }

  // patches

  function push(app, patch) {
    const { plan } = app;
    // a facility is changed once: the later change takes the place of the former
    plan.patches = [...plan.patches.filter((one) => !patch.code || one.class !== patch.class || one.code !== patch.code), patch];
    plan.moving = null;
    if (plan.patches.length >= MOST) chengtu.takeClicks(app, null);
    tools(app);
    changed(app);
  }

  planner.pushPatch = push;

  function changed(app) {
    const { plan } = app;
    keep(app);
    planner.forgetSites(app);
    list(app);
    drawPatches(app);
    if (plan.patches.length) planner.computeScenario(app);
    else { plan.asked = null; plan.answer = null; plan.work.replaceChildren(); plan.result.replaceChildren(); planner.drawScenario(app); }
  }

  /** A patch as the server takes it: what is new bears the values by which the policy counts it. */
  planner.patchBody = function (plan, patch) {
    const { at, ...sent } = patch, supply = patch.do === "add" && supplyOf(plan, patch.class);
    return supply ? { ...sent, properties: supply.properties } : sent;
  };

  const nameOf = (plan, patch) => (patch.do === "street" ? words().line : patch.do === "add" ? words().newOne(titleOf(plan, patch.class)) : `${titleOf(plan, patch.class)} ${patch.code}`);

  function list(app) {
    const { plan } = app, w = words();
    if (!plan.patches.length) return plan.list.replaceChildren(el("p", { class: "note", text: w.none }));
    const drop = (patch) => { plan.patches = plan.patches.filter((one) => one !== patch); changed(app); };
    const line = (patch) => el("li", null, el("span", { class: `patch-kind patch-${patch.do}`, text: w[patch.do] }), el("button", { type: "button", class: "link", text: nameOf(plan, patch), title: w.fly, dir: "auto", on: { click: () => planner.flyTo(app, patch.geometry || { type: "Point", coordinates: patch.at }) } }), planner.guardButton(app, patch), chengtu.button("close", w.drop, () => drop(patch), { class: "plain" }));
    return plan.list.replaceChildren(el("h3", { text: `${w.patches} ${plan.patches.length}` }), el("ol", { class: "patches" }, plan.patches.map(line)),
      el("div", { class: "actions" }, planner.action(w.undo, () => drop(plan.patches[plan.patches.length - 1]), "quiet"), planner.action(w.clear, () => { plan.patches = []; changed(app); }, "quiet"), planner.action(w.share, () => planner.share(w.copied, w.notCopied), "quiet")));
  }

  function drawPatches(app) {
    const renderer = planner.pane(app, "plan-top"), shapes = [];
    for (const patch of app.plan.patches) {
      const colour = LOOKS[patch.do], from = patch.at && [patch.at[1], patch.at[0]];
      const dot = (place, filled) => L.circleMarker(place, { renderer, interactive: false, radius: 9, color: filled ? "#ffffff" : colour, weight: 3, fillColor: filled ? colour : "#ffffff", fillOpacity: filled ? 1 : 0.8 });
      if (from) shapes.push(dot(from, false), ...(patch.do === "move" ? [] : cross(app, from, colour, renderer)));
      if (!patch.geometry) continue;
      const drawn = L.geoJSON(patch.geometry, { interactive: false, renderer, style: ({ geometry: { type } }) => (type === "Point" ? {} : { color: colour, weight: 4, fillColor: colour, fillOpacity: 0.35 }), pointToLayer: (_, place) => dot(place, true) });
      shapes.push(drawn);
      if (from) shapes.push(L.polyline([from, drawn.getBounds().getCenter()], { renderer, interactive: false, color: colour, weight: 3, dashArray: "4 6" }));
    }
    planner.draw(app, "scenario/patches", L.layerGroup(shapes));
  }

  /** A cross of fixed degrees would change its size with the zoom: a second, smaller ring says that it goes. */
  const cross = (app, place, colour, renderer) => [L.circleMarker(place, { renderer, interactive: false, radius: 3, color: colour, weight: 2, fillColor: colour, fillOpacity: 1 })];
})();
