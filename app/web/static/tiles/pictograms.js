"use strict";
// The catalogue's pictograms on the map of vector tiles, where other clients of the style write a letter.
(function () {
  const chengtu = window.chengtu;
  const GRID = 15, DETAIL = 3; // pixels of a picture for each unit of the pictograms' grid
  const NAME = "pictogram ";

  /** Show pictograms instead of letters in a style's layers of these classes. */
  chengtu.usePictograms = function (style, layers) {
    const symbols = new Map(layers.filter(({ options }) => options.symbol && options.symbol.icon).map(({ options }) => [options.id, options.symbol]));
    for (const layer of style.layers) {
      const found = /^(.+?)(-area)?-glyph$/.exec(layer.id), symbol = found && layer.layout && symbols.get(layer["source-layer"]);
      if (!symbol) continue;
      const { visibility, "symbol-sort-key": order } = layer.layout;
      const image = `${NAME}${found[2] ? symbol.color : chengtu.inkOn(symbol.color)} ${symbol.icon}`;
      layer.layout = { "icon-image": image, "icon-size": ["interpolate", ["linear"], ["zoom"], 13, 0.65, 16, 0.95, 18, 1.1], "icon-padding": 0 };
      if (visibility) layer.layout.visibility = visibility;
      if (order) layer.layout["symbol-sort-key"] = order;
      layer.paint = {};
    }
  };

  /** Draw each pictogram when the map first wants it. */
  chengtu.drawPictograms = function (map) {
    map.on("styleimagemissing", ({ id }) => {
      if (!id.startsWith(NAME) || map.hasImage(id)) return;
      const [colour, ...icon] = id.slice(NAME.length).split(" "), canvas = document.createElement("canvas");
      canvas.width = canvas.height = GRID * DETAIL;
      const context = canvas.getContext("2d");
      context.scale(DETAIL, DETAIL);
      context.fillStyle = colour;
      context.fill(new Path2D(icon.join(" ")));
      map.addImage(id, context.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: DETAIL });
    });
  };
})();
