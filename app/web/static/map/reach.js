"use strict";
// The reach tab: what reaches one place on foot and in a straight line, by every metric, with the ways there.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner, state } = chengtu, { known } = planner;
  const TEXTS = {
    zh: {
      title: "到我这里", hint: "在地图上点一下，或使用手机定位：看看这里能走到什么。", click: "在地图上选点", picking: "请点击地图…", mine: "我的位置", centre: "用地图中心", speed: "步行速度", usual: "一般（1.2 米/秒）", slow: "较慢（0.8 米/秒，老人、推婴儿车）", fast: "较快（1.5 米/秒）", step: "无障碍：不走台阶", at: "只计此刻开放", now: "不限",
      asking: "正在查询…", noPlace: "浏览器没有给出位置（手机上需要 HTTPS 或本机地址）。", met: "达标", unmet: "未达标", unknown: "无数字", straight: "直线", walk: "步行", none: "没有可达的设施", limit: (m) => `要求 ${m}以内`, outside: "此处在数据范围之外，不作判断。", summary: (n, m) => `${m} 项中 ${n} 项步行达标`, here: "所选位置", way: "看路线", counts: "按此位置",
      share: "复制链接", copied: "链接已复制。", notCopied: "浏览器不允许复制，请复制地址栏。", noName: "未命名",
    },
    en: {
      title: "Reach", hint: "Click on the map, or use the phone's position: what can be walked to from here.", click: "Choose on the map", picking: "Click on the map…", mine: "My position", centre: "Centre of the map", speed: "Walking speed", usual: "usual (1.2 m/s)", slow: "slow (0.8 m/s: frail people, prams)", fast: "fast (1.5 m/s)", step: "Step-free", at: "Open at", now: "any time",
      asking: "Asking…", noPlace: "The browser gave no position (on a phone it needs HTTPS or this machine's own address).", met: "Met", unmet: "Not met", unknown: "No figure", straight: "Straight", walk: "On foot", none: "nothing can be reached", limit: (m) => `within ${m}`, outside: "This place lies outside the data: nothing can be said.", summary: (n, m) => `${n} of ${m} met on foot`, here: "The place", way: "Show the way", counts: "From here",
      share: "Copy link", copied: "The link is copied.", notCopied: "The browser forbids copying: take it from the address bar.", noName: "Unnamed",
    },
  };
  const words = () => TEXTS[chengtu.lang];
  const MET = "#1c6b3f", UNMET = "#a3330f";

  chengtu.addIcon("reach", "M13 4.500a1.500 1.500 0 11-3 0 1.500 1.500 0 013 0zM8 21l2.500-6L8 12l1-4.500 3-.5 2 3 3 1.500M12 13l2 3 .500 5M9 7.500L6 9.500V13");
  chengtu.addTab({ id: "reach", icon: "reach", order: 30, title: { zh: TEXTS.zh.title, en: TEXTS.en.title }, when: planner.offered, build, shown });

  function build(app) {
    const w = words(), reach = (app.reach = { place: placeOf(state.get("at")), speed: state.get("speed") || "", step: state.get("step") === "1", hour: state.get("hour") || "", result: el("div", { class: "result", "aria-live": "polite" }), chosen: null });
    const again = () => { keep(reach); ask(app); };
    const hour = el("input", { type: "time", value: reach.hour, on: { change: () => { reach.hour = hour.value; again(); } } });
    reach.pick = planner.action(w.click, () => take(app), "quiet", { "aria-pressed": "false" });
    app.map.on("clicksgiven", () => mark(app, false));
    return el("div", { class: "planner" }, el("p", { class: "muted", text: w.hint }),
      el("div", { class: "actions" }, reach.pick, "geolocation" in navigator && planner.action(w.mine, () => locate(app), "quiet"), planner.action(w.centre, () => go(app, app.map.containerPointToLatLng(middle(app))), "quiet")),
      el("div", { class: "pair" }, planner.field(w.speed, planner.select([["", w.usual], ["0.8", w.slow], ["1.5", w.fast]], reach.speed, (speed) => { reach.speed = speed; again(); })), planner.field(w.at, hour)),
      planner.tick(w.step, reach.step, (on) => { reach.step = on; again(); }), reach.result);
  }

  /** The middle of the free part of the map. */
  function middle(app) {
    const [left, top, right, bottom] = chengtu.room(), size = app.map.getSize();
    return L.point((left + size.x - right) / 2, (top + size.y - bottom) / 2);
  }
  planner.middle = middle;

  function placeOf(text) {
    const [lat, lng] = (text || "").split(",").map(Number);
    return text && Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? L.latLng(lat, lng) : null;
  }

  function keep({ place, speed, step, hour }) {
    state.set("at", place ? `${place.lat.toFixed(6)},${place.lng.toFixed(6)}` : null);
    state.set("speed", speed || null);
    state.set("step", step ? "1" : null);
    state.set("hour", hour || null);
  }

  function shown(app) {
    planner.only(app, "reach");
    if (app.reach.place) ask(app); else if (!chengtu.phone()) take(app);
  }

  function mark(app, on) {
    app.reach.pick.setAttribute("aria-pressed", String(on));
    app.reach.pick.textContent = on ? words().picking : words().click;
  }

  /** Clicks on the map choose the place, until another tool takes them. */
  function take(app) {
    if (app.taker) return chengtu.takeClicks(app, null);
    mark(app, true);
    return chengtu.takeClicks(app, (event) => { if (chengtu.phone()) chengtu.takeClicks(app, null); go(app, event.latlng); });
  }

  function go(app, place) {
    app.reach.place = place;
    keep(app.reach);
    ask(app);
  }

  function locate(app) {
    app.map.locate({ setView: true, maxZoom: 16, timeout: 10000 });
    app.map.once("locationfound", (event) => go(app, event.latlng));
    app.map.once("locationerror", () => chengtu.toast(words().noPlace));
  }

  async function ask(app) {
    const { reach } = app, w = words(), { place } = reach;
    if (!place) return;
    planner.draw(app, "reach/here", L.circleMarker(place, { radius: 8, color: "#ffffff", weight: 3, fillColor: "#16242c", fillOpacity: 1, interactive: false, renderer: planner.pane(app, "plan-top") }));
    planner.draw(app, "reach/ways", null);
    reach.result.replaceChildren(el("p", { class: "note", text: w.asking }));
    const asked = new URLSearchParams({ lon: place.lng.toFixed(7), lat: place.lat.toFixed(7) });
    if (reach.speed) asked.set("speed_m_s", reach.speed);
    if (reach.step) asked.set("step_free", "true");
    if (reach.hour) asked.set("at", reach.hour);
    const { time } = app.page;
    if (time && !time.now) asked.set("as_of", time.as_of);
    if (time && time.known_at) asked.set("known_at", time.known_at);
    try {
      const [found, { policies }] = await Promise.all([planner.ask(`/reach?${asked}`), planner.options()]);
      if (reach.place !== place) return;
      reach.found = found;
      fill(app, found, new Map(policies.map((one) => [one.id, one])));
    } catch (error) { if (reach.place === place) reach.result.replaceChildren(planner.trouble(error)); }
  }

  function fill(app, found, policies) {
    const { reach } = app, w = words();
    const lines = found.policies.flatMap((policy) => policy.tiers.map((tier) => ({ policy, tier, key: `${policy.id}/${tier.tier}` })));
    const judged = lines.filter(({ tier }) => known(tier.walk && tier.walk.met));
    const notes = (found.notes || []).map((note) => el("p", { class: "note", text: note[chengtu.lang] || note }));
    if (found.outside_data) { reach.result.replaceChildren(el("p", { class: "note warn", text: w.outside })); return; }
    const start = lines.find((line) => line.key === state.get("way")) || judged.find((line) => line.tier.walk.way) || null;
    reach.buttons = new Map();
    reach.result.replaceChildren(
      el("p", null, el("strong", { class: "big", text: w.summary(judged.filter(({ tier }) => tier.walk.met).length, judged.length) })), ...notes,
      el("ul", { class: "reach-list" }, lines.map((line) => el("li", null, card(app, line, policies)))),
      el("div", { class: "actions" }, planner.action(w.share, () => planner.share(w.copied, w.notCopied), "quiet")));
    ways(app, lines, start);
  }

  function card(app, line, policies) {
    const { policy, tier } = line, w = words(), { walk, straight } = tier, best = known(walk && walk.met) ? walk : straight;
    const chip = known(best && best.met) ? el("span", { class: best.met ? "chip good" : "chip bad", text: best.met ? w.met : w.unmet }) : el("span", { class: "chip", text: w.unknown });
    const title = policy.tiers.length > 1 ? `${policy.title[chengtu.lang]} · ${tier.title[chengtu.lang]}` : policy.title[chengtu.lang];
    const far = [walk && known(walk.distance_m) && `${w.walk} ${planner.metres(walk.distance_m)}${known(walk.minutes) ? `，${planner.minutes(walk.minutes)}` : ""}`, straight && known(straight.distance_m) && `${w.straight} ${planner.metres(straight.distance_m)}`].filter(Boolean);
    const official = policies.get(policy.id);
    const button = el("button", { type: "button", class: "reach-card", "aria-pressed": "false", on: { click: () => ways(app, app.reach.lines, line, true) } },
      el("span", { class: "reach-head" }, el("strong", { text: title, dir: "auto" }), chip),
      el("span", { class: "reach-what", text: walk && walk.code ? walk.name || walk.code : straight && straight.code ? straight.name || straight.code : w.none, dir: "auto" }),
      el("small", { text: (chengtu.lang === "zh" ? far.join("；") : far.join("; ").replace(/，/g, ", ")) || w.none }),
      el("small", { text: [known(best && best.limit_m) && w.limit(planner.metres(best.limit_m)), official && official.document].filter(Boolean).join(" · "), dir: "auto" }));
    app.reach.buttons.set(line.key, button);
    return button;
  }

  /** The ways of all metrics, the chosen one above the others; one chosen by hand is brought into view. */
  function ways(app, lines, chosen, byHand = false) {
    const { reach } = app, renderer = planner.pane(app, "plan-top");
    reach.lines = lines;
    for (const [key, button] of reach.buttons) button.setAttribute("aria-pressed", String(Boolean(chosen) && key === chosen.key));
    state.set("way", chosen ? chosen.key : null);
    const wayOf = ({ tier }) => (tier.walk && tier.walk.way ? tier.walk.way.map(([lon, lat]) => [lat, lon]) : null);
    const shapes = lines.filter((line) => wayOf(line) && line !== chosen).map((line) => L.polyline(wayOf(line), { renderer, interactive: false, color: line.tier.walk.met ? MET : UNMET, weight: 3, opacity: 0.35 }));
    const way = chosen && wayOf(chosen);
    if (way) {
      const colour = chosen.tier.walk.met ? MET : UNMET;
      shapes.push(L.polyline(way, { renderer, interactive: false, color: "#ffffff", weight: 9, opacity: 0.9 }), L.polyline(way, { renderer, interactive: false, color: colour, weight: 5 }), L.circleMarker(way[way.length - 1], { renderer, interactive: false, radius: 7, color: "#ffffff", weight: 3, fillColor: colour, fillOpacity: 1 }));
      const box = L.latLngBounds(way);
      if (byHand) planner.makeRoom(app);
      if (byHand && (chengtu.phone() || !app.map.getBounds().contains(box))) chengtu.fit(app, [[box.getSouth(), box.getWest()], [box.getNorth(), box.getEast()]]);
    }
    planner.draw(app, "reach/ways", L.layerGroup(shapes));
  }
})();
