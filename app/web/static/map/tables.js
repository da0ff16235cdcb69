"use strict";
// Tables that sort at a click on their headings.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;

  /** `columns`: {title, value(row), text(row), numeric, hint(row)?, after(row)?: a node after the text}; `pick(row)` is called for a row clicked or entered by keyboard. */
  chengtu.table = function (columns, rows, pick, start) {
    const state = { by: start ?? 0, down: Boolean(columns[start ?? 0].numeric) };
    const body = el("tbody"), head = el("tr");
    const draw = () => {
      const { value } = columns[state.by];
      const sorted = [...rows].sort((a, b) => compare(value(a), value(b), state.down));
      body.replaceChildren(...sorted.map((row) => line(columns, row, pick)));
      [...head.children].forEach((cell, i) => cell.setAttribute("aria-sort", i !== state.by ? "none" : state.down ? "descending" : "ascending"));
    };
    columns.forEach((column, i) => head.append(el("th", { class: column.numeric ? "number" : null, scope: "col" },
      el("button", { type: "button", class: "sort", title: chengtu.t.sort, text: column.title, on: { click: () => { state.down = state.by === i ? !state.down : Boolean(column.numeric); state.by = i; draw(); } } }))));
    draw();
    return el("div", { class: "table-box" }, el("table", null, el("thead", null, head), body));
  };

  function compare(a, b, down) {
    // what has no figure stands last, whichever way the table runs
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "string" ? a.localeCompare(b, chengtu.locale) : a - b;
    return down ? -order : order;
  }

  function line(columns, row, pick) {
    const open = () => pick(row);
    return el("tr", { tabindex: "0", on: { click: open, keydown: (event) => { if (event.key === "Enter" && event.target === event.currentTarget) open(); } } },
      columns.map((column) => el("td", { class: column.numeric ? "number" : null, dir: column.numeric ? null : "auto", text: column.text(row), title: column.hint ? column.hint(row) : null }, column.after ? column.after(row) : null)));
  }
})();
