"use strict";
// What assessors do on the phone page: read the scores of a feature, and give another one.
(function () {
  const chengtu = window.chengtu, field = chengtu.field, { el } = chengtu;
  const TEXTS = {
    zh: { give: "测评", score: "得分（0 至 100）", verdict: "结论", note: "说明（可不填）", send: "提交测评", choose: "请填写得分并选择结论。", sent: "测评已提交。", refused: "未被接受" },
    en: { give: "Assess it", score: "Score (0 to 100)", verdict: "Verdict", note: "Note (optional)", send: "Send the assessment", choose: "Fill in a score and choose a verdict.", sent: "Assessed.", refused: "Not taken" },
  };
  const words = () => TEXTS[chengtu.lang];

  /** Fill the part of a card that tells of assessments; it stays empty for who may not read them. */
  field.showAssessments = async function (app, one, node) {
    if (!app.view.scores) return;
    const found = await chengtu.assessments(one.class, one.id);
    if (!found || (!found.length && !app.view.assesses)) return;
    node.replaceChildren(el("h3", { text: chengtu.assessedWords().title }), chengtu.assessedList(found));
  };

  /** The form of an assessment. */
  field.assessForm = function (app, one, listed) {
    const w = words(), verdicts = chengtu.assessedWords().verdicts, draft = { verdict: null, key: field.newId() };
    const score = el("input", { type: "number", min: "0", max: "100", step: "1", required: true, inputmode: "numeric", name: "score" });
    const note = el("textarea", { rows: "2", maxlength: "2000", "aria-label": w.note, placeholder: w.note });
    const names = Object.keys(verdicts), buttons = names.map((name) => el("button", { type: "button", class: "verdict", "aria-pressed": "false", "data-verdict": name, text: verdicts[name], on: { click: () => { draft.verdict = name; buttons.forEach((node, i) => node.setAttribute("aria-pressed", String(names[i] === name))); } } }));
    const told = el("p", { class: "warn", role: "status", hidden: true });
    const refuse = (text) => { told.textContent = text; told.hidden = false; };
    const send = async function (event) {
      event.preventDefault();
      if (!draft.verdict || !score.value || !score.checkValidity()) { refuse(w.choose); return; }
      const me = app.me && app.me.lon !== undefined ? { lon: app.me.lon, lat: app.me.lat, accuracy_m: Math.round(app.me.accuracy_m) } : null;
      const body = { score: Number(score.value), verdict: draft.verdict, note: note.value.trim() || null, position: me };
      try {
        const reply = await chengtu.send(chengtu.assessedAt(one.class, one.id), { method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": draft.key }, body: JSON.stringify(body) });
        if (!reply.ok) { const { detail, hint } = await reply.json(); draft.key = field.newId(); refuse(`${w.refused}: ${detail || ""} ${hint || ""}`); return; }
      } catch { refuse(field.t.failed); return; } // sent again under the same key, it is kept once
      chengtu.toast(w.sent);
      form.parentNode.remove();
      await field.showAssessments(app, one, listed);
    };
    const form = el("form", { class: "assess", novalidate: true, on: { submit: send } }, el("label", {}, el("span", { text: w.score }), score), el("div", { class: "verdicts", role: "group", "aria-label": w.verdict }, buttons), note, told, el("button", { type: "submit", class: "primary", text: w.send }));
    // who also reports finds it folded
    return el("details", { class: "assessing", open: !app.view.reports }, el("summary", { text: w.give }), form);
  };
})();
