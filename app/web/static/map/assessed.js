"use strict";
// The scores that assessors gave a feature, as a list: on the cards of the map and of the phone page.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { title: "第三方测评", none: "尚无测评", score: (n) => `${n} 分`, verdicts: { ok: "正常", fault: "有问题", missing: "缺失", unclear: "无法判断" }, change: (n) => `版本 ${n}` },
    en: { title: "Assessments", none: "Not assessed yet", score: (n) => `${n} of 100`, verdicts: { ok: "as it should be", fault: "at fault", missing: "missing", unclear: "not to be told" }, change: (n) => `version ${n}` },
  };
  const MOST = 20;
  const moment = (text) => new Intl.DateTimeFormat(chengtu.locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));

  chengtu.assessedWords = () => TEXTS[chengtu.lang];
  chengtu.assessedAt = (classId, id) => `/collections/${encodeURIComponent(classId)}/items/${id}/assessments`;

  /** The assessments of a feature, newest first; null where they are not to be told, or nobody answers. */
  chengtu.assessments = async function (classId, id) {
    try {
      const reply = await fetch(chengtu.assessedAt(classId, id), { headers: { Accept: "application/json" } });
      return reply.ok ? (await reply.json()).assessments : null;
    } catch { return null; }
  };

  chengtu.assessedList = function (assessments) {
    const t = TEXTS[chengtu.lang];
    if (!assessments.length) return el("p", { class: "muted", text: t.none });
    return el("ul", { class: "assessed" }, assessments.slice(0, MOST).map((one) => el("li", {}, el("b", { text: `${t.score(one.score)} · ${t.verdicts[one.verdict] || one.verdict}` }), el("p", { class: "muted", dir: "auto", text: [moment(one.at), one.who, one.party, t.change(one.change)].filter(Boolean).join(" · ") }), one.note && el("p", { dir: "auto", text: one.note }))));
  };
})();
