"use strict";
// The symbol of a class: a pictogram on a shape in its colour, the same on the map, in lists and on prints.
(function () {
  const chengtu = window.chengtu;
  const GRID = 15; // pictograms are drawn on a grid of 15 by 15
  const SMALL = 6; // the least radius of a symbol that holds a pictogram
  const paths = new Map(), pictures = new Map();
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const FONT = chengtu.FONT = '"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif';

  const pathOf = (icon) => {
    if (!paths.has(icon)) paths.set(icon, new Path2D(icon));
    return paths.get(icon);
  };

  /** Draw a class's symbol centred on a place, `size` pixels across: {symbol, geometry} as a layer's options have them. */
  chengtu.drawSymbol = function (context, { symbol, geometry }, x, y, size) {
    const half = size / 2;
    context.save();
    context.lineJoin = context.lineCap = "round";
    if (symbol.shape === "line" || geometry === "line") drawDash(context, symbol, x, y, half);
    else if (symbol.shape === "area") drawPatch(context, symbol, x, y, half);
    else drawMark(context, symbol, symbol.color, x, y, half);
    context.restore();
  };

  function drawDash(context, { color, width }, x, y, half) {
    context.strokeStyle = color;
    context.lineWidth = Math.max(3, width * 1.4);
    context.beginPath();
    context.moveTo(x - half + 2, y);
    context.lineTo(x + half - 2, y);
    context.stroke();
  }

  function drawPatch(context, { color, fill }, x, y, half) {
    context.beginPath();
    roundSquare(context, x, y, half * 0.86, half * 0.25);
    context.fillStyle = fill || color;
    context.fill();
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.stroke();
  }

  function drawMark(context, symbol, colour, x, y, r) {
    context.fillStyle = colour;
    outline(context, x, y, r, symbol.shape);
    context.fill();
    context.strokeStyle = "#ffffff";
    context.lineWidth = r > SMALL ? 2 : 1.2;
    context.stroke();
    if (r <= SMALL) return;
    const ink = chengtu.inkOn(colour);
    if (!symbol.icon) return chengtu.write(context, symbol.glyph, x, y + 0.5, `600 ${Math.round(r * 1.12)}px ${FONT}`, ink);
    const scale = (r * (symbol.shape === "diamond" ? 1.1 : 1.3)) / GRID;
    context.translate(x - (GRID / 2) * scale, y - (GRID / 2) * scale);
    context.scale(scale, scale);
    context.fillStyle = ink;
    context.fill(pathOf(symbol.icon));
  }

  function outline(context, x, y, r, shape) {
    context.beginPath();
    if (shape === "square") roundSquare(context, x, y, r * 0.9, r * 0.35);
    else if (shape === "diamond") { context.moveTo(x, y - r * 1.15); context.lineTo(x + r * 1.15, y); context.lineTo(x, y + r * 1.15); context.lineTo(x - r * 1.15, y); context.closePath(); }
    else context.arc(x, y, r, 0, 2 * Math.PI);
  }

  function roundSquare(context, x, y, half, corner) {
    context.moveTo(x, y - half);
    context.arcTo(x + half, y - half, x + half, y + half, corner);
    context.arcTo(x + half, y + half, x - half, y + half, corner);
    context.arcTo(x - half, y + half, x - half, y - half, corner);
    context.arcTo(x - half, y - half, x + half, y - half, corner);
    context.closePath();
  }

  /** A symbol of the map in this colour and radius, with its shadow: drawn once, then a picture. */
  chengtu.stampSymbol = function (context, symbol, colour, x, y, r) {
    const key = `${symbol.shape} ${symbol.icon || symbol.glyph} ${colour} ${r}`, side = Math.ceil(r * 1.15) + 6;
    if (!pictures.has(key)) pictures.set(key, picture(symbol, colour, r, side));
    context.drawImage(pictures.get(key), x - side, y - side, 2 * side, 2 * side);
  };

  function picture(symbol, colour, r, side) {
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    canvas.width = canvas.height = 2 * side * ratio;
    context.scale(ratio, ratio);
    context.save();
    context.shadowColor = "rgba(20,35,45,.35)";
    context.shadowBlur = 3 * ratio;
    context.shadowOffsetY = ratio;
    context.fillStyle = colour;
    outline(context, side, side, r, symbol.shape);
    context.fill();
    context.restore();
    context.lineJoin = "round";
    drawMark(context, symbol, colour, side, side, r);
    return canvas;
  }

  /** The pictogram of a symbol as SVG in the text's colour; null where it has none. */
  chengtu.pictogram = function ({ icon }) {
    if (!icon) return null;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", `0 0 ${GRID} ${GRID}`);
    svg.setAttribute("class", "pictogram");
    path.setAttribute("d", icon);
    svg.append(path);
    return svg;
  };

  /** Write in the middle of a place, in a halo of that colour if there is one. */
  chengtu.write = function (context, words, x, y, font, colour, halo) {
    context.font = font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    if (halo) { context.strokeStyle = halo; context.lineWidth = 3.2; context.strokeText(words, x, y); }
    context.fillStyle = colour;
    context.fillText(words, x, y);
  };
})();
