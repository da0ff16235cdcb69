"use strict";
// Taking an import back: asked first, and where features were changed since, what becomes of them is asked too.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const box = document.getElementById("undo");
  if (!box) return;
  const view = JSON.parse(document.getElementById("undo-view").textContent), zh = view.lang === "zh";
  const words = zh
    ? { undo: "撤回此次导入", ask: "撤回后，这次导入写入的所有要素恢复到导入之前的样子；历史中两次变更都会保留。", yes: "确认撤回", no: "取消", busy: "正在撤回…", failed: "没有撤回：服务没有回应。", changed: "以下要素在导入之后又被修改过：", keep: "保留这些修改，其余撤回", restore: "连同这些修改一起撤回", field: "字段", before: "导入前", stored: "现在", code: "编码", done: "已撤回" }
    : { undo: "Take this import back", ask: "Every feature that this import wrote will be as it was before; both changes stay in the history.", yes: "Take it back", no: "Cancel", busy: "Taking it back…", failed: "Not taken back: the server did not answer.", changed: "These features were changed since the import:", keep: "Keep those changes, take the rest back", restore: "Take those changes back too", field: "Field", before: "Before the import", stored: "Now", code: "Code", done: "Taken back" };
  const button = (text, kind, action) => el("button", { type: "button", class: `button ${kind}`, text, on: { click: action } });
  const dialog = el("dialog", { class: "ask-dialog", "aria-labelledby": "undo-title" });

  function show(...nodes) {
    dialog.replaceChildren(el("h2", { id: "undo-title", text: words.undo }), el("p", { class: "broken", text: view.name }), ...nodes);
  }

  function ask() {
    show(el("p", { text: words.ask }), el("p", { class: "buttons" }, button(words.yes, "danger", () => undo("refuse")), button(words.no, "plain", () => dialog.close())));
    if (!dialog.open) dialog.showModal();
  }

  async function undo(onConflict) {
    show(el("p", { role: "status", text: words.busy }), el("progress", { "aria-label": words.busy }));
    let reply = null, body = {};
    try {
      reply = await chengtu.send(`/imports/${view.id}/undo`, { method: "POST", headers: { "Content-Type": "application/json", "Accept-Language": view.lang }, body: JSON.stringify({ on_conflict: onConflict }) });
      body = await reply.json();
    } catch (error) { console.warn(error); }
    if (reply && reply.ok) location.reload();
    else if (reply && reply.status === 409 && body.conflicts) conflicts(body);
    else show(el("p", { class: "problem", role: "alert" }, el("b", { text: body.detail || words.failed }), body.hint ? ` ${body.hint}` : ""), el("p", { class: "buttons" }, button(words.no, "plain", () => dialog.close())));
  }

  const text = (value) => (value === null || value === undefined ? "—" : typeof value === "object" ? JSON.stringify(value) : String(value));

  function conflicts(body) {
    const rows = body.conflicts.flatMap((item) => (item.fields || []).map((one) => el("tr", {}, el("th", { scope: "row", class: "broken", text: item.code || item.id }), el("td", { "data-title": words.field, text: (view.fields[item.class] || {})[one.field] || one.field }), el("td", { class: "broken", "data-title": words.before, text: text(one.before_import) }), el("td", { class: "broken", "data-title": words.stored, text: text(one.now) })))).slice(0, 40);
    const head = el("tr", {}, [words.code, words.field, words.before, words.stored].map((title) => el("th", { scope: "col", text: title })));
    show(el("p", { class: "problem", text: body.detail }), el("p", { text: words.changed }), rows.length ? el("div", { class: "table stack" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows))) : null,
      el("p", { class: "buttons" }, button(words.keep, "plain", () => undo("keep")), button(words.restore, "danger", () => undo("restore")), button(words.no, "plain", () => dialog.close())));
  }

  document.body.append(dialog);
  box.append(button(words.undo, "plain", ask));
  if (location.hash === "#undo") ask();
})();
