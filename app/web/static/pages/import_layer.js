"use strict";
// One layer of a file: what it is taken for, with the evidence, and drop-downs by which a person says it otherwise.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, shared = chengtu.importing, { words, view } = shared;
  const SYSTEMS = [["EPSG:4490", words.cgcs], ["EPSG:4326", words.gps], ["gcj02", words.gcj], ["bd09", words.bd]];
  const PAIRS = [["lon", "lat"], ["east", "north"]], CELLS = ["text", "wkt", "wkb", "geojson"];
  const UNITS = { m: ["m", "km", "cm", "mm", "ft"], mm: ["mm", "cm", "m", "in"], km: ["km", "m"], "m²": ["m²", "ha", "亩", "km²", "万平方米"] };

  const option = (value, text, chosen) => el("option", { value, text, selected: value === chosen });
  const group = (label, options) => (options.length ? el("optgroup", { label }, options) : null);
  const labelled = (text, control, extra) => el("label", { class: "choice" }, el("span", { text }), control, extra);

  /** The card of a layer; `answers` is what a person said of it, `changed()` is called when that becomes more. */
  shared.layerCard = function (layer, number, answers, fields, changed) {
    const id = (name) => `layer-${number}-${name}`;
    const card = el("section", { class: "layer", "aria-labelledby": id("title") },
      el("h3", { id: id("title") }, el("span", { class: "broken", text: layer.layer }), " ", el("small", { text: words.rows(chengtu.number(layer.rows)) })));
    if (layer.problem) card.append(layer.class || layer.empty ? shared.problem(layer.problem) : el("p", { class: "ask-for", role: "alert", text: words.whichClass }));
    if (layer.empty) return card;
    card.append(el("div", { class: "choices" }, classChoice(layer, id, answers, changed), layer.columns.length || layer.crs ? crsChoice(layer, id, answers, changed) : null));
    if (layer.own_export) card.append(el("p", { class: "note", text: words.own }));
    for (const text of layer.warnings || []) card.append(el("p", { class: "doubt", text: shared.said(text) }));
    if (layer.evidence && layer.evidence.length) card.append(evidence(layer));
    if (layer.columns.length) card.append(columns(layer, id, answers, fields[layer.class] || [], changed));
    if (layer.first.length) card.append(firstRows(layer));
    if (!layer.problem) {
      const figure = shared.map(layer.features, layer.rows);
      card.append(el("h4", { text: words.map }), figure);
      card.start = figure.start;
    }
    return card;
  };

  function classChoice(layer, id, answers, changed) {
    const chosen = answers.class || layer.class || "";
    const likely = (layer.likely_classes || []).filter((one) => one !== layer.class).map((one) => option(one, shared.classTitle(one), chosen));
    const offices = view.offices.map((office) => group(office.title, office.classes.filter((cls) => !likely.some((one) => one.value === cls.id)).map((cls) => option(cls.id, cls.title, chosen))));
    const select = el("select", { id: id("class"), on: { change: () => { answers.class = select.value || null; answers.columns = {}; changed(); } } }, option("", words.chooseClass, chosen), group(words.likely, likely), offices.filter(Boolean));
    return labelled(words.cls, select);
  }

  function crsChoice(layer, id, answers, changed) {
    const said = answers.crs || "";
    const known = new Set(["", ...SYSTEMS.map(([code]) => code), ...view.systems.map((one) => one.id)]);
    const found = (layer.candidates || []).filter((one) => !one.swapped && !known.has(one.crs));
    found.forEach((one) => known.add(one.crs));
    const typed = answers.otherCrs || !known.has(said);
    const automatic = layer.crs && !said ? `${words.automatic}: ${layer.crs}` : words.automatic;
    const zones = view.systems.filter((one) => one.kind === "zone"), own = view.systems.filter((one) => one.kind === "own");
    const chosen = typed ? "?" : said;
    const select = el("select", { id: id("crs"), on: { change: pick } }, option("", automatic, chosen),
      group(words.candidates, found.map((one) => option(one.crs, one.share === null ? one.crs : `${one.crs} · ${words.inCity(chengtu.percent(one.share, 0))}`, chosen))),
      group(words.commonSystems, [...SYSTEMS.map(([code, title]) => option(code, code === title ? code : `${title} · ${code}`, chosen)), ...zones.map((one) => option(one.id, `${one.id} · ${words.zone}`, chosen))]),
      group(words.ownSystems, own.map((one) => option(one.id, one.title, chosen))), option("?", words.other, chosen));
    function pick() {
      answers.otherCrs = select.value === "?";
      if (!answers.otherCrs) answers.crs = select.value || null;
      else if (known.has(answers.crs || "")) { answers.crs = null; }
      changed(answers.otherCrs);
    }
    const input = typed ? el("input", { id: id("crs-other"), value: known.has(said) ? "" : said, maxlength: 5000, placeholder: "EPSG:4548", "aria-label": words.otherCrs, on: { change: () => { answers.crs = input.value.trim() || null; changed(); } } }) : null;
    return labelled(words.crs, select, input);
  }

  function evidence(layer) {
    const summary = layer.crs ? `${words.evidence}: ${layer.crs} (${words.found(layer.how)})${layer.encoding ? ` · ${layer.encoding}` : ""}` : words.evidence;
    return el("details", { class: "evidence", open: true }, el("summary", { text: summary }), el("ul", {}, layer.evidence.map((text) => el("li", { text: shared.said(text) }))));
  }

  function firstRows(layer) {
    const head = el("tr", {}, layer.headings.map((heading) => el("th", { scope: "col", text: heading })));
    const body = layer.first.map((row) => el("tr", {}, row.map((value) => el("td", { text: value === null ? "" : value }))));
    return el("details", { class: "first", open: !layer.class }, el("summary", { text: words.firstRows(layer.first.length) }),
      el("div", { class: "table cells", tabindex: 0, role: "region", "aria-label": words.firstRows(layer.first.length) }, el("table", {}, el("thead", {}, head), el("tbody", {}, body))),
      layer.more_columns ? el("p", { class: "note", text: words.moreColumns(layer.more_columns) }) : null);
  }

  function columns(layer, id, answers, fields, changed) {
    const roles = rolesOf(layer, answers), likely = new Map((layer.suggestions || []).map((item) => [item.heading, item.field]));
    const rows = layer.columns.map((column, i) => {
      const heading = column.heading, select = roleChoice(layer, id(`column-${i}`), heading, roles, fields);
      select.addEventListener("change", () => { choose(layer, answers, roles, heading, select.value); changed(); });
      const told = likely.has(heading) && roles.get(heading) === "extra" ? el("small", { class: "likely", text: words.suggest(titleOf(likely.get(heading), fields)) }) : null;
      const samples = layer.first.map((row) => row[layer.headings.indexOf(heading)]).filter((value) => value !== null && value !== "");
      return el("tr", {}, el("th", { scope: "row", class: "broken", text: heading }), el("td", { class: "broken sample", "data-title": words.sample }, el("span", { text: [...new Set(samples)].slice(0, 3).join(" · ") })),
        el("td", { "data-title": words.meaning }, el("div", {}, select, told, unitChoice(column, id(`unit-${i}`), roles.get(heading), answers, fields, changed))));
    });
    const head = el("tr", {}, [words.heading, words.sample, words.meaning].map((text) => el("th", { scope: "col", text })));
    return el("div", { class: "columns" }, el("h4", { text: words.columns }), el("div", { class: "table stack" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows))),
      halfPlace(roles) ? el("p", { class: "doubt", role: "alert", text: words.placeHalf }) : null);
  }

  const unitTitle = (unit) => view.units[unit] || unit;
  const titleOf = (name, fields) => (name === "code" ? words.key : name === "name" ? words.name : ((fields.find((field) => field.name === name) || {}).title || {})[view.lang] || name);

  function roleChoice(layer, id, heading, roles, fields) {
    const chosen = roles.get(heading);
    const places = layer.spatial ? [] : [...PAIRS.flat(), ...CELLS].map((role) => option(`place:${role}`, words[role], chosen));
    const names = fields.some((field) => field.name === "name_en") ? [option("field:name", words.name, chosen)] : [];
    return el("select", { id, "aria-label": `${words.meaning}: ${heading}` },
      chosen === "auto" ? option("auto", words.auto, chosen) : null, option("key", words.key, chosen), names, group(words.place, places),
      group(words.fields, fields.map((field) => option(`field:${field.name}`, field.title[view.lang] + (field.unit ? ` (${unitTitle(field.unit)})` : ""), chosen))),
      group(words.rest, [option("extra", words.extra, chosen), option("drop", words.drop, chosen)]));
  }

  function unitChoice(column, id, role, answers, fields, changed) {
    const field = role && role.startsWith("field:") ? fields.find((one) => `field:${one.name}` === role) : null;
    if (!field || !UNITS[field.unit]) return null;
    const said = (answers.units || {})[column.heading] || (column.unit ? column.unit.from : field.unit);
    const units = UNITS[field.unit].includes(said) ? UNITS[field.unit] : [said, ...UNITS[field.unit]];
    const select = el("select", { id, class: "unit", "aria-label": `${words.unit}: ${column.heading}`, title: words.unit, on: { change: () => { answers.units = { ...answers.units, [column.heading]: select.value }; answers.columns[column.heading] = role; changed(); } } }, units.map((unit) => option(unit, unitTitle(unit), said)));
    return select;
  }

  /** heading → role: as the file was understood, but for what a person said. */
  function rolesOf(layer, answers) {
    return new Map(layer.columns.map((column) => [column.heading, answers.columns[column.heading] || column.role]));
  }

  /** A role has one column: what had it before is kept beside the fields. */
  function choose(layer, answers, roles, heading, role) {
    const once = role === "key" || role.startsWith("field:") || role.startsWith("place:");
    const rivals = role.startsWith("place:") ? exclusive(role) : new Set([role]);
    if (once) for (const [other, had] of roles) if (other !== heading && rivals.has(had)) { answers.columns[other] = "extra"; roles.set(other, "extra"); }
    answers.columns[heading] = role;
    roles.set(heading, role);
  }

  /** What cannot stand beside a role of a place: the same role, and those of another way to say a place. */
  function exclusive(role) {
    const name = role.slice(6), pair = PAIRS.find((one) => one.includes(name)) || [name];
    const all = [...PAIRS.flat(), ...CELLS].filter((one) => one === name || !pair.includes(one));
    return new Set(all.map((one) => `place:${one}`));
  }

  function placesOf(roles) {
    const places = {};
    for (const [heading, role] of roles) if (role.startsWith("place:")) places[role.slice(6)] = heading;
    return places;
  }

  function halfPlace(roles) {
    const names = Object.keys(placesOf(roles));
    return names.length === 1 && PAIRS.flat().includes(names[0]);
  }

  /** What a person said of a layer as an entry of a saved mapping, null where nothing was; only what was changed. */
  shared.mappingOf = function (layer, answers) {
    const cls = answers.class || layer.class, said = Object.keys(answers.columns);
    if (!cls || !(answers.class || answers.crs || said.length)) return null;
    const entry = { class: cls, layer: layer.layer };
    if (answers.crs) entry.crs = answers.crs;
    if (!said.length || !layer.columns.length) return entry;
    const roles = rolesOf(layer, answers), places = placesOf(roles), columns = {}, drop = [];
    for (const heading of said) {
      const role = answers.columns[heading], unit = (answers.units || {})[heading];
      if (role.startsWith("field:")) columns[heading] = unit ? { field: role.slice(6), unit } : role.slice(6);
      else if (role === "extra") columns[heading] = null;
      else if (role === "drop") drop.push(heading);
      else if (role === "key") entry.key = heading;
    }
    if (Object.keys(columns).length) entry.columns = columns;
    if (drop.length) entry.drop = drop;
    if (said.some((heading) => answers.columns[heading].startsWith("place:")) && !halfPlace(roles)) entry.places = places;
    return entry;
  };
})();
