"use strict";
// What a trial or an import tells, and what went wrong: counts, rows refused with the reason, what would be changed.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, shared = chengtu.importing, { words } = shared;
  const SHOWN = 60;

  /** A problem `{message, hint}` whose sentences are `{zh, en}`, or an error of a job or a reply. */
  shared.problem = function (problem) {
    const text = (name) => (problem[name] && typeof problem[name] === "object" ? shared.said(problem[name]) : shared.told(problem, name));
    const hint = text("hint");
    return el("p", { class: "problem", role: "alert" }, el("b", { text: text("message") }), hint ? ` ${hint}` : "");
  };

  const heading = (text, count) => el("h4", {}, text, count === undefined ? null : el("small", { text: ` ${chengtu.number(count)}` }));
  const cell = (title, text, extra) => el("td", { "data-title": title, text, ...extra });
  const show = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

  function table(titles, rows, numbers) {
    const head = el("tr", {}, titles.map((text, i) => el("th", { scope: "col", text, class: numbers && i ? "number" : null })));
    return el("div", { class: "table stack" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows)));
  }

  /** The counts of each class. */
  function counts(report) {
    const names = Object.keys(words.counts);
    const rows = Object.entries(report.classes).map(([id, found]) => el("tr", {}, el("th", { scope: "row", text: shared.classTitle(id) }), names.map((name) => cell(words.counts[name], chengtu.number(found[name]), { class: name === "rejected" && found[name] ? "number doubt" : "number" }))));
    return table([words.cls, ...names.map((name) => words.counts[name])], rows, true);
  }

  /** Items with a reason, those of one reason together. */
  function reasons(items, total, title) {
    if (!items.length) return [];
    const groups = new Map();
    for (const item of items) {
      const key = JSON.stringify([item.class, item.field, item.reason, item.hint]);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(item);
    }
    const shown = [...groups.values()].sort((a, b) => b.length - a.length).slice(0, SHOWN);
    const list = el("ul", { class: "found reasons" }, shown.map(reason));
    const left = total - shown.reduce((sum, group) => sum + group.length, 0);
    return [heading(title, total), list, left > 0 ? el("p", { class: "note", text: words.more(chengtu.number(left)) }) : null];
  }

  function reason(group) {
    const first = group[0], hint = shared.told(first, "hint");
    const names = group.slice(0, 40).map((item) => `${item.row ?? item.code ?? ""}${item.value !== null && item.value !== undefined ? `: ${show(item.value)}` : ""}`).filter(Boolean);
    const what = el("p", { class: "what" }, el("b", { text: group.length > 1 ? words.rows(chengtu.number(group.length)) : first.row === null || first.row === undefined ? first.code || "" : words.rowOf(first.row) }), " ", first.field ? el("span", { class: "chip", text: first.field === "geometry" ? words.place : first.field }) : null, group.length === 1 && first.value ? el("code", { text: show(first.value) }) : null);
    const rows = group.length > 1 ? el("details", {}, el("summary", { text: `${words.row} ${group.slice(0, 5).map((item) => item.row ?? item.code).join(", ")}${group.length > 5 ? " …" : ""}` }), el("p", { class: "rows" }, names.map((text) => el("span", { text })))) : null;
    return el("li", {}, what, el("p", { class: "why", text: shared.told(first, "reason") }), hint ? el("p", { text: hint }) : null, rows);
  }

  /** Features that would be changed: field, before, after. */
  function changes(difference) {
    const rows = Object.entries(difference || {}).flatMap(([id, found]) => found.examples.changed.flatMap((item) => item.fields.map((change) =>
      el("tr", {}, el("th", { scope: "row", class: "broken", text: `${shared.classTitle(id)} ${item.code}` }), cell(words.field, change[shared.zh ? "title_zh" : "title_en"] || change.field, { class: "broken" }), cell(words.before, show(change.before), { class: "broken" }), cell(words.after, show(change.after), { class: "broken" })))));
    return rows.length ? [heading(words.changes), table([words.code, words.field, words.before, words.after], rows.slice(0, SHOWN))] : [];
  }

  function conflicts(report) {
    const rows = report.conflicts.flatMap((item) => (item.fields || []).map((change) => el("tr", {}, el("th", { scope: "row", class: "broken", text: item.code }), cell(words.field, change.field), cell(words.file, show(change.file), { class: "broken" }), cell(words.stored, show(change.stored), { class: "broken" }))));
    return rows.length ? [heading(words.conflicts, report.conflicts.length), table([words.code, words.field, words.file, words.stored], rows.slice(0, SHOWN))] : [];
  }

  function missing(report) {
    const rows = Object.entries(report.missing || {}).filter(([, found]) => found.rows);
    return rows.length ? [heading(words.missing), el("ul", {}, rows.map(([id, found]) => el("li", { text: words.missingRows(shared.classTitle(id), chengtu.number(found.rows)) })))] : [];
  }

  /** The whole report; `loaded` is false for a trial. */
  shared.report = function (report, loaded) {
    const total = (name) => report[`${name}_total`] ?? report[name].length;
    const parts = [counts(report), ...reasons(report.rejects, total("rejects"), loaded ? words.rejected : words.rejects), ...conflicts(report), ...changes(report.difference), ...missing(report), ...reasons(report.warnings, total("warnings"), words.warnings)];
    if (!report.rejects.length) parts.splice(1, 0, el("p", { class: "note", text: words.noRejects }));
    return el("div", { class: "report" }, parts.filter(Boolean));
  };
})();
