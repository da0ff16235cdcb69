"use strict";
// Printing and PNG: the view as one sheet (A4 landscape) with title, legend, scale, north, date, data version, sources, marks.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { title: "标题", print: "打印（A4 横向）", png: "下载 PNG", legend: "图例", preview: "预览", north: "北", version: (n) => `数据版本 ${n}`, made: (day) => `制图日期 ${day}`, by: "城图", about: (n) => `比例约 1:${n}`, sources: "数据来源", note: "图幅取自当前视图，移动地图即更新。外部底图不进入打印件。", failed: "图片没有生成，请再试一次", working: "正在出图…", more: (n) => `另有 ${n} 类` },
    en: { title: "Title", print: "Print (A4 landscape)", png: "Download PNG", legend: "Legend", preview: "Preview", north: "N", version: (n) => `data version ${n}`, made: (day) => `drawn on ${day}`, by: "Chengtu", about: (n) => `about 1:${n}`, sources: "Sources", note: "The sheet shows the present view and follows the map. Outside basemaps are never printed.", failed: "No picture was made; please try again", working: "Drawing…", more: (n) => `and ${n} more` },
  };
  // the sheet in millimetres, and pixels a millimetre (203 a inch)
  const WIDTH = 297, HEIGHT = 210, EDGE = 9, HEAD = 17, FOOT = 13, SIDE = 58, PX = 8;
  const FRAME = { x: EDGE, y: EDGE + HEAD, w: WIDTH - 2 * EDGE - SIDE, h: HEIGHT - 2 * EDGE - HEAD - FOOT };
  const FONT = '"Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif';
  const INK = "#1b2a33", MUTED = "#4f5e69", RED = "#a3330f";

  chengtu.addTab({ id: "print", icon: "print", order: 90, title: { zh: "打印", en: "Print" }, build, shown: (app) => preview(app) });

  function build(app) {
    const t = TEXTS[chengtu.lang], sheet = (app.sheet = { app });
    sheet.title = el("input", { type: "text", maxlength: 80, value: `${app.page.subtitle || ""} ${app.page.title}`.trim(), on: { input: () => { chengtu.state.set("title", sheet.title.value); preview(app); } } });
    sheet.title.value = chengtu.state.get("title") || sheet.title.value;
    sheet.image = el("img", { class: "sheet-preview", alt: t.preview });
    sheet.buttons = [["print", t.print, "primary", print], ["download", t.png, "quiet", save]].map(([icon, words, kind, run]) => el("button", { type: "button", class: kind, on: { click: () => work(app, run) } }, chengtu.icon(icon), el("span", { text: words })));
    app.map.on("moveend", () => preview(app));
    return el("div", { class: "printing-pane" }, el("label", { class: "field" }, el("span", { text: t.title }), sheet.title), sheet.image, el("div", { class: "row-buttons" }, sheet.buttons), el("p", { class: "note", text: t.note }));
  }

  function preview(app) {
    clearTimeout(app.sheet.timer);
    app.sheet.timer = setTimeout(async () => {
      if (!app.tab || app.tab.id !== "print") return;
      const canvas = await compose(app, 3).catch(() => null);
      if (canvas) app.sheet.image.src = canvas.toDataURL("image/png");
    }, 350);
  }

  async function work(app, run) {
    const { buttons } = app.sheet;
    buttons.forEach((button) => { button.disabled = true; });
    try {
      await run(app, await blobOf(await compose(app, PX)));
    } catch { chengtu.toast(TEXTS[chengtu.lang].failed); }
    buttons.forEach((button) => { button.disabled = false; });
  }

  const blobOf = (canvas) => new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png"));
  const today = () => new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

  const save = (app, blob) => chengtu.save(blob, `${app.sheet.title.value.replace(/[\\/:*?"<>|\u0000-\u001f\u202a-\u202e]+/g, " ").trim().slice(0, 60) || "map"} ${today()}.png`);

  /** The browser's own print, of the sheet alone. */
  async function print(app, blob) {
    const old = document.querySelector(".print-sheet");
    if (old) { URL.revokeObjectURL(old.src); old.remove(); }
    const image = el("img", { class: "print-sheet", src: URL.createObjectURL(blob), alt: app.sheet.title.value });
    document.body.append(image);
    document.body.classList.add("has-sheet");
    window.addEventListener("afterprint", () => document.body.classList.remove("has-sheet"), { once: true });
    await image.decode();
    window.print();
  }

  // the sheet

  /** The view as a canvas of `px` pixels a millimetre. */
  async function compose(app, px) {
    if (chengtu.idle) await chengtu.idle(app);
    const canvas = el("canvas", { width: WIDTH * px, height: HEIGHT * px }), context = canvas.getContext("2d");
    context.scale(px, px);
    context.textBaseline = "alphabetic";
    rect(context, 0, 0, WIDTH, HEIGHT, "#ffffff");
    const shown = crop(app);
    await mapInto(app, context, shown);
    head(app, context);
    side(app, context, shown);
    foot(app, context);
    return canvas;
  }

  function rect(context, x, y, w, h, fill, stroke, width) {
    if (fill) { context.fillStyle = fill; context.fillRect(x, y, w, h); }
    if (stroke) { context.strokeStyle = stroke; context.lineWidth = width; context.strokeRect(x, y, w, h); }
  }

  function write(context, words, x, y, size, colour = INK, weight = 400, align = "left") {
    context.font = `${weight} ${size}px ${FONT}`;
    context.fillStyle = colour;
    context.textAlign = align;
    context.fillText(words, x, y);
  }

  /** Words cut to a width, with … where they are longer. */
  function cut(context, words, width) {
    if (context.measureText(words).width <= width) return words;
    const letters = [...words.slice(0, 400)];
    while (letters.length && context.measureText(`${letters.join("")}…`).width > width) letters.pop();
    return `${letters.join("")}…`;
  }

  /** The part of the page that goes into the frame, amid what no panel covers: {left, top, width, height} in its pixels. */
  function crop(app) {
    const { x: width, y: height } = app.map.getSize(), [left, top, right, bottom] = chengtu.room(), shape = FRAME.w / FRAME.h;
    const w = Math.min(width, height * shape), h = w / shape;
    const within = (value, most) => Math.max(0, Math.min(most, value));
    return { left: within((left + width - right) / 2 - w / 2, width - w), top: within((top + height - bottom) / 2 - h / 2, height - h), width: w, height: h };
  }

  async function mapInto(app, context, shown) {
    const root = app.root.getBoundingClientRect(), scale = FRAME.w / shown.width;
    context.save();
    context.beginPath();
    context.rect(FRAME.x, FRAME.y, FRAME.w, FRAME.h);
    context.clip();
    rect(context, FRAME.x, FRAME.y, FRAME.w, FRAME.h, getComputedStyle(app.root).backgroundColor);
    for (const node of drawings(app)) {
      const box = node.getBoundingClientRect(), place = { x: FRAME.x + (box.left - root.left - shown.left) * scale, y: FRAME.y + (box.top - root.top - shown.top) * scale, w: box.width * scale, h: box.height * scale };
      if (!box.width || !box.height) continue;
      context.globalAlpha = opacity(node, app.root);
      if (node.matches(".map-label")) label(context, node, place, scale);
      else context.drawImage(node.tagName === "canvas" || node.tagName === "CANVAS" ? node : await picture(node), place.x, place.y, place.w, place.h);
    }
    context.restore();
    rect(context, FRAME.x, FRAME.y, FRAME.w, FRAME.h, null, INK, 0.35);
    marks(app, context);
  }

  /** Everything drawn on the map, the lowest first. Pictures of other hosts (basemaps) are left out. */
  function drawings(app) {
    const panes = [...app.map.getPane("mapPane").querySelectorAll(".leaflet-pane")].map((pane) => ({ pane, z: Number(getComputedStyle(pane).zIndex) || 0 }));
    panes.sort((a, b) => a.z - b.z);
    const own = (pane) => [...pane.querySelectorAll("canvas, svg:not(.icon), .map-label")].filter((node) => node.closest(".leaflet-pane") === pane);
    return panes.flatMap(({ pane }) => own(pane));
  }

  function opacity(node, root) {
    let found = 1;
    for (let one = node; one && one !== root; one = one.parentElement) found *= Number(getComputedStyle(one).opacity);
    return found;
  }

  async function picture(svg) {
    const copy = svg.cloneNode(true);
    copy.removeAttribute("style");
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
    await image.decode();
    return image;
  }

  function label(context, node, { x, y, w, h }, scale) {
    rect(context, x, y, w, h, "rgb(23 36 44 / 90%)");
    write(context, node.textContent, x + w / 2, y + h * 0.7, 13 * scale, "#ffffff", 600, "center");
  }

  /** The approval number or the internal mark, lower left in the frame. */
  function marks(app, context) {
    const words = app.page.marks && app.page.marks.line;
    if (!words) return;
    context.font = `700 4px ${FONT}`;
    const width = context.measureText(words).width + 5;
    rect(context, FRAME.x + 2.5, FRAME.y + FRAME.h - 9.5, width, 7, "#ffffff", RED, 0.4);
    write(context, words, FRAME.x + 5, FRAME.y + FRAME.h - 4.6, 4, RED, 700);
  }

  function head(app, context) {
    context.font = `700 8px ${FONT}`;
    write(context, cut(context, app.sheet.title.value || app.page.title, WIDTH - 2 * EDGE - (app.page.notice ? 62 : 0)), EDGE, EDGE + 8.5, 8, INK, 700);
    if (app.page.notice) write(context, app.page.notice, WIDTH - EDGE, EDGE + 8, 4.2, "#8a5300", 700, "right");
    write(context, sub(app), EDGE, EDGE + 14.6, 3.6, MUTED);
  }

  function sub(app) {
    const { time } = app.page, t = chengtu.t, n = app.page.version;
    const day = time && (time.now && !time.known_at ? t.present(time.as_of) : t.asOf(time.as_of));
    return [day, time && time.known_at && t.knownAt(time.known_at), n !== undefined && TEXTS[chengtu.lang].version(n)].filter(Boolean).join(" · ");
  }

  function side(app, context, shown) {
    const t = TEXTS[chengtu.lang], x = FRAME.x + FRAME.w + 5, bottom = FRAME.y + FRAME.h;
    north(context, x + 6, FRAME.y + 2, t.north);
    scale(app, context, x + 18, FRAME.y + 12, shown);
    write(context, t.legend, x, FRAME.y + 32, 5, INK, 700);
    let y = FRAME.y + 39, left = 0;
    for (const row of legend(app)) {
      if (y > bottom - 8) { left++; continue; }
      row.draw(context, x + (row.deep ? 6 : 0) + 3, y);
      context.font = `400 ${row.deep ? 3.1 : 3.7}px ${FONT}`;
      write(context, cut(context, row.words, SIDE - 14 - (row.deep ? 8 : 0)), x + (row.deep ? 14 : 8), y + 1.3, row.deep ? 3.1 : 3.7);
      y += row.deep ? 5 : 7;
    }
    if (left) write(context, t.more(left), x + 8, bottom - 2, 3.2, MUTED);
  }

  function north(context, x, y, word) {
    context.fillStyle = INK;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x - 4, y + 13);
    context.lineTo(x, y + 10);
    context.lineTo(x + 4, y + 13);
    context.fill();
    write(context, word, x, y + 19, 4.6, INK, 700, "center");
  }

  /** A bar of a round length and the scale of the printed sheet. */
  function scale(app, context, x, y, shown) {
    const middle = shown.top + shown.height / 2, { map } = app;
    const ends = [shown.left, shown.left + shown.width].map((left) => map.containerPointToLatLng([left, middle]));
    const metres = chengtu.geodesic([ends[0].lat, ends[0].lng], [ends[1].lat, ends[1].lng]) / FRAME.w; // of a millimetre
    const most = 36 * metres, power = 10 ** Math.floor(Math.log10(most)), round = [5, 2, 1].find((n) => n * power <= most) * power;
    const width = round / metres;
    rect(context, x, y, width / 2, 1.6, INK);
    rect(context, x, y, width, 1.6, null, INK, 0.3);
    write(context, "0", x, y - 1.2, 3.2, INK, 400, "center");
    write(context, chengtu.length(round), x + width, y - 1.2, 3.2, INK, 400, "center");
    const denominator = Number((metres * 1000).toPrecision(2));
    write(context, TEXTS[chengtu.lang].about(chengtu.number(denominator)), x, y + 6, 3.2, MUTED);
  }

  /** What is drawn: each layer with its symbol, kinds that have colours of their own, and what tabs add (`app.legends`). */
  function legend(app) {
    const rows = app.shownLayers().flatMap(({ options }) => [{ words: options.title, draw: (context, x, y) => symbol(context, options, x, y) }, ...kinds(options)]);
    const added = (app.legends || []).flatMap((more) => more(app)).map(({ title, color, shape }) => ({ words: title, draw: (context, x, y) => mark(context, shape || "area", color, x, y) }));
    return [...rows, ...added];
  }

  const kinds = (options) => Object.entries(options.colors || {}).filter(([kind]) => !options.present || options.present.includes(kind)).map(([kind, colour]) => ({ deep: true, words: (options.kinds && options.kinds[kind]) || kind, draw: (context, x, y) => mark(context, "line", colour, x, y) }));

  /** A layer's symbol, 5 mm high; it is drawn as for a screen, whose strokes it has. */
  function symbol(context, options, x, y) {
    context.save();
    context.translate(x, y);
    context.scale(5 / 22, 5 / 22);
    chengtu.drawSymbol(context, options, 0, 0, 22);
    context.restore();
  }

  function mark(context, shape, colour, x, y) {
    if (shape === "line") return rect(context, x - 3, y - 0.6, 6, 1.2, colour);
    context.beginPath();
    if (shape === "point") context.arc(x, y, 2, 0, 7);
    else context.rect(x - 2.5, y - 2, 5, 4);
    context.fillStyle = colour;
    context.fill();
  }

  function foot(app, context) {
    const t = TEXTS[chengtu.lang], y = HEIGHT - EDGE - 5, said = (app.page.attribution || []).map((source) => source.text).join(" · ");
    const right = `${t.made(today())} · ${t.by}`;
    context.font = `400 3.3px ${FONT}`;
    const width = WIDTH - 2 * EDGE - context.measureText(right).width - 8;
    write(context, cut(context, `${t.sources}：${said}`, width), EDGE, y, 3.3, MUTED);
    write(context, right, WIDTH - EDGE, y, 3.3, MUTED, 400, "right");
    context.font = `400 2.9px ${FONT}`;
    write(context, cut(context, location.href, WIDTH - 2 * EDGE), EDGE, y + 5, 2.9, "#6b7a84");
  }
})();
