"use strict";
// What a planner asks for: policy, way of measuring, area, day, and the parameters beside the policy's own values.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner } = chengtu, { known } = planner;
  const TEXTS = {
    zh: {
      policy: "指标", own: "本市版本", usual: "常用指标", more: "其他指标", mode: "量算方式", both: "直线与步行", straight: "直线", walk: "步行", area: "范围", city: "全市", now: "现状", day: "时点", dayHint: "留空为现状",
      parameters: "参数", changed: (n) => `已改 ${n} 项`, asPolicy: "按指标", ownValue: (words) => `指标规定：${words}`, none: "未规定", reset: "全部恢复", document: "依据", official: "官方口径", reference: "参考口径", edition: (n) => `本市第 ${n} 版`,
      wrong: (title, low, high, unit) => `“${title}”须在 ${low} 至 ${high} ${unit}之间。`,
    },
    en: {
      policy: "Metric", own: "The city's own", usual: "Usual metrics", more: "More metrics", mode: "Measured", both: "Straight and on foot", straight: "Straight", walk: "On foot", area: "Area", city: "Whole city", now: "as it is now", day: "As of", dayHint: "Empty: as it is now",
      parameters: "Parameters", changed: (n) => `${n} changed`, asPolicy: "As in the metric", ownValue: (words) => `The metric says: ${words}`, none: "nothing", reset: "Restore all", document: "After", official: "Official figure", reference: "Reference figure", edition: (n) => `The city's version ${n}`,
      wrong: (title, low, high, unit) => `“${title}” must be from ${low} to ${high} ${unit}.`,
    },
  };
  const words = () => TEXTS[chengtu.lang];

  /** The policies as a list to choose from: the city's own, the usual ones, all others. */
  planner.policySelect = function (policies, chosen, pick) {
    const w = words(), part = (title, test) => ({ title, choices: policies.filter(test).map((one) => [one.id, one.title]) });
    const parts = [part(w.own, (one) => one.origin === "edition"), part(w.usual, (one) => one.origin !== "edition" && one.default), part(w.more, (one) => one.origin !== "edition" && !one.default)];
    return planner.field(w.policy, planner.select(parts.filter((one) => one.choices.length), chosen, pick));
  };

  /** Where a policy comes from, and whether it is official. */
  planner.policyCard = function (policy) {
    const w = words();
    return el("div", { class: "policy-card" },
      el("p", null, el("span", { class: policy.official ? "chip good" : "chip", text: policy.official ? w.official : w.reference }), policy.origin === "edition" && el("span", { class: "chip", text: w.edition(policy.version) })),
      policy.about && el("p", { text: policy.about, dir: "auto" }), policy.document && el("p", { class: "muted", dir: "auto" }, `${w.document}${chengtu.lang === "zh" ? "：" : ": "}`, el("span", { lang: /[\u4e00-\u9fff]/.test(policy.document) ? "zh-CN" : "en", text: policy.document })));
  };

  /** Areas as a list, each below the one that holds it. */
  planner.areaSelect = function (areas, chosen, pick) {
    const w = words(), below = new Map();
    for (const area of areas) {
      if (area.level === "city") continue;
      if (!below.has(area.parent)) below.set(area.parent, []);
      below.get(area.parent).push(area);
    }
    const listed = new Set(areas.map((area) => area.code));
    const tops = areas.filter((area) => area.level !== "city" && (!listed.has(area.parent) || areas.find((one) => one.code === area.parent).level === "city"));
    const lines = (area, depth) => [[area.code, `${"\u3000".repeat(depth)}${area.name || area.code}`], ...(below.get(area.code) || []).flatMap((one) => lines(one, depth + 1))];
    return planner.field(w.area, planner.select([["", w.city], ...tops.flatMap((area) => lines(area, 0))], chosen || "", (code) => pick(code || null)));
  };

  /** The form: `asked` holds mode, area, as_of, parameters; `changed()` is called after each change. */
  planner.askForm = function (policy, areas, asked, changed) {
    const w = words();
    const day = el("input", { type: "date", min: "0001-01-01", max: "9999-12-31", value: asked.as_of, on: { change: () => { asked.as_of = day.value || null; changed(); } } });
    const modes = [["both", w.both], ["straight", w.straight], ["walk", w.walk]];
    return el("div", { class: "conditions" },
      policy.kind === "reach" && planner.field(w.mode, planner.select(modes, asked.mode, (mode) => { asked.mode = mode; changed(); })),
      el("div", { class: "pair" }, planner.areaSelect(areas, asked.area, (code) => { asked.area = code; changed(); }), planner.field(w.day, day, w.dayHint)),
      policy.parameters.length > 0 && parameters(policy, asked, changed));
  };

  /** What is asked, in a line: mode, area, day, and how many parameters are changed. */
  planner.askWords = function (policy, areas, asked) {
    const w = words(), area = areas.find((one) => one.code === asked.area), count = Object.keys(asked.parameters).length;
    return [policy.kind === "reach" && w[asked.mode], area ? area.name || area.code : asked.area || w.city, asked.as_of || w.now, count > 0 && w.changed(count)].filter(Boolean).join(" · ");
  };

  function parameters(policy, asked, changed) {
    const w = words(), count = el("span", { class: "muted" }), body = el("div", { class: "parameter-list" });
    const tell = () => { const n = Object.keys(asked.parameters).length; count.textContent = n ? w.changed(n) : ""; };
    const set = (name, value) => {
      if (value === null) delete asked.parameters[name]; else asked.parameters[name] = value;
      tell();
      changed();
    };
    const fill = () => body.replaceChildren(...policy.parameters.map((item) => parameter(item, asked.parameters[item.name], (value) => set(item.name, value))), planner.action(w.reset, () => { asked.parameters = {}; fill(); tell(); changed(); }, "quiet"));
    fill();
    tell();
    const box = el("details", { class: "parameters" }, el("summary", null, el("span", { text: w.parameters }), count, chengtu.icon("down")), body);
    box.open = Object.keys(asked.parameters).length > 0;
    return box;
  }

  function parameter(item, value, set) {
    if (item.type === "flag") return flag(item, value, set);
    if (item.type === "names") return names(item, value, set);
    if (item.type === "tiered") return tiered(item, value, set);
    if (item.type === "choice") {
      const own = item.own[0], title = own && (item.choices.find((one) => one[0] === own) || [])[1];
      const first = planner.bracketed(words().asPolicy, title);
      return planner.field(item.title, planner.select([["", first], ...item.choices], value || "", (chosen) => set(chosen || null)), item.changes);
    }
    if (item.type === "hour") {
      const input = el("input", { type: "time", value, on: { change: () => set(input.value || null) } });
      return planner.field(item.title, input, item.changes);
    }
    return planner.field(titled(item.title, item.unit), numeric(item, item, value, 1, set), item.changes);
  }

  const titled = planner.bracketed;

  /** A number that may be left empty; what lies outside its limits is told at once and not sent. */
  function numeric(item, tier, value, factor, set) {
    const w = words(), unit = tier.unit ?? item.unit;
    const own = (tier.own || []).filter(known).map((number) => chengtu.number(number * factor, 2)).join(" / ");
    const high = tier.percent ? 100 : item.high, low = item.low * factor;
    const input = el("input", { type: "number", step: "any", min: low, max: high, inputmode: "decimal", placeholder: own || w.none, title: w.ownValue(own || w.none), value: known(value) ? Number((value * factor).toPrecision(12)) : null });
    input.addEventListener("change", () => {
      const number = input.value === "" ? null : Number(input.value);
      const wrong = number !== null && !(number >= low && number <= high) ? w.wrong(item.title, chengtu.number(low, 2), chengtu.number(high, 0), unit || "") : "";
      input.setCustomValidity(wrong);
      if (wrong) input.reportValidity(); else set(number === null ? null : number / factor);
    });
    return input;
  }

  function tiered(item, value, set) {
    const given = { ...(value || {}) };
    const one = (tier, title) => planner.field(titled(title, tier.unit ?? item.unit), numeric(item, tier, given[tier.id], tier.percent ? 100 : 1, (number) => {
      if (number === null) delete given[tier.id]; else given[tier.id] = number;
      set(Object.keys(given).length ? { ...given } : null);
    }), item.tiers.length > 1 ? null : item.changes);
    if (item.tiers.length === 1) return one(item.tiers[0], item.title);
    return el("fieldset", null, el("legend", { text: item.title }), item.tiers.map((tier) => one(tier, tier.title)), el("small", { text: item.changes }));
  }

  function tick(title, checked, turn) {
    const box = el("input", { type: "checkbox", on: { change: () => turn(box.checked) } });
    box.checked = checked;
    return el("label", { class: "tick" }, box, el("span", { text: title }));
  }
  planner.tick = tick;

  const flag = (item, value, set) => el("div", { class: "field" }, tick(item.title, value === true, (on) => set(on ? true : null)), el("small", { text: item.changes }));

  function names(item, value, set) {
    const given = new Set(value || []);
    const turn = (name, on) => { if (on) given.add(name); else given.delete(name); set(given.size ? [...given] : null); };
    return el("fieldset", null, el("legend", { text: item.title }), item.choices.map(([name, title]) => tick(title, given.has(name), (on) => turn(name, on))), el("small", { text: item.changes }));
  }
})();
