"use strict";
// The feature card: every field of what was clicked, with title and unit, as text.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;

  /** A small drawing of a class's symbol for lists, legend and card. */
  chengtu.swatch = function (layer, size = 22) {
    const { symbol, geometry } = layer, kind = symbol.shape;
    const box = el("span", { class: `swatch swatch-${kind}`, "aria-hidden": "true", style: { "--c": symbol.color, width: `${size}px`, height: `${size}px` } });
    box.style.setProperty("--c", symbol.color);
    box.style.setProperty("--f", symbol.fill || symbol.color);
    if (kind !== "line" && kind !== "area" && geometry !== "line") box.append(el("b", { style: { color: chengtu.inkOn(symbol.color) } }, chengtu.pictogram(symbol) || symbol.glyph));
    return box;
  };

  /** A field's value as a reader wants it; null where it is not known. */
  chengtu.fieldText = function (field, value) {
    if (value === null || value === undefined || value === "") return null;
    if (field.type === "boolean") return value ? chengtu.t.yes : chengtu.t.no;
    if (field.type === "choice") return (field.choices && field.choices[value]) || String(value);
    if (field.type !== "number" && field.type !== "integer") return String(value);
    const year = field.type === "integer" && /(^|_)year$/.test(field.name);
    return `${year ? value : chengtu.number(value, field.type === "integer" ? 0 : 2)}${field.unit ? ` ${field.unit}` : ""}`;
  };

  function rows(detail) {
    const t = chengtu.t, found = [...(detail.rows || [])];
    for (const field of detail.fields) {
      const words = chengtu.fieldText(field, detail.values[field.name]);
      if (words !== null) found.push([field.title, words]);
    }
    if (detail.length_m) found.push([t.length, chengtu.length(detail.length_m)]);
    if (detail.area_m2) found.push([t.size, chengtu.area(detail.area_m2)]);
    if (detail.valid_from) found.push([t.validFrom, detail.valid_from]);
    if (detail.valid_to) found.push([t.validTo, detail.valid_to]);
    if (detail.area) found.push([t.area, detail.area]);
    found.push([t.code, detail.code]);
    return found;
  }

  /** Show what was found: a list of {layer, id, load()}; the first is opened, the others are a step away. */
  chengtu.openCard = function (app, found, mark) {
    chengtu.closeCard(app, true);
    if (!found.length) return;
    let place = 0;
    const box = el("section", { class: "card", "aria-label": chengtu.t.details });
    if (chengtu.shield) chengtu.shield(box); // a click in the card is none on the map
    app.root.append(box);
    app.card = box;
    const go = (step) => { place = (place + step + found.length) % found.length; show(); };
    const show = async () => {
      const it = found[place];
      app.chosen = mark(it);
      if (chengtu.state) chengtu.state.set("card", it.layer.options.feature && it.id !== undefined ? `${it.layer.options.id}:${it.id}` : null);
      app.overlay.redraw();
      try {
        const detail = await it.load();
        if (app.card === box && it === found[place]) fill(app, box, it, detail, found.length > 1 ? { place, count: found.length, go } : null);
      } catch { chengtu.toast(chengtu.t.failed); }
    };
    show();
    document.body.classList.add("has-card");
  };

  function fill(app, box, it, detail, pager) {
    const t = chengtu.t;
    const title = detail.name || detail.code || t.noName;
    const head = el("header", { class: "card-head" }, chengtu.swatch(it.layer.options, 34),
      el("div", { class: "card-title" }, el("h2", { text: title, dir: "auto" }), el("p", { text: it.layer.options.title })),
      chengtu.button("close", t.close, () => chengtu.closeCard(app), { class: "plain" }));
    const body = el("div", { class: "card-body" },
      detail.incomplete && el("p", { class: "note warn", text: t.incomplete }),
      el("dl", null, rows(detail).map(([name, value]) => el("div", { class: "row" }, el("dt", { text: name }), el("dd", { text: value, dir: "auto" })))));
    const more = chengtu.cardMore ? chengtu.cardMore(app, it, detail) : { body: [], foot: null };
    body.append(...more.body);
    box.replaceChildren(...[head, body, more.foot, pager && pagerBar(pager)].filter(Boolean));
    body.scrollTop = 0;
  }

  function pagerBar({ place, count, go }) {
    const t = chengtu.t;
    return el("footer", { class: "card-foot" }, chengtu.button("left", t.previous, () => go(-1), { class: "plain" }),
      el("span", { text: `${place + 1} / ${count}` }), chengtu.button("right", t.next, () => go(1), { class: "plain" }));
  }

  /** Close the card and take the mark off the map. */
  chengtu.closeCard = function (app, quiet) {
    if (app.card) app.card.remove();
    app.card = null;
    app.chosen = null;
    if (!quiet && chengtu.state) chengtu.state.set("card", null);
    document.body.classList.remove("has-card");
    if (!quiet) app.overlay.redraw();
  };
})();
