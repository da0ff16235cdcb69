"use strict";
// Reads Mapbox Vector Tiles 2.1: of each layer its extent and its features as flat rings in units of the tile.
(function () {
  const field = window.chengtu.field;
  const utf8 = new TextDecoder();

  function reader(bytes, start, end) {
    let at = start;
    const self = {
      more: () => at < end,
      varint() {
        let value = 0, factor = 1, byte;
        do { byte = bytes[at++]; value += (byte & 127) * factor; factor *= 128; } while (byte > 127);
        return value;
      },
      bytes() { const length = self.varint(), from = at; at += length; return [from, at]; },
      text() { const [from, to] = self.bytes(); return utf8.decode(bytes.subarray(from, to)); },
      number(wide) { const view = new DataView(bytes.buffer, bytes.byteOffset + at, wide ? 8 : 4); at += wide ? 8 : 4; return wide ? view.getFloat64(0, true) : view.getFloat32(0, true); },
      skip(kind) { if (kind === 0) self.varint(); else if (kind === 1) at += 8; else if (kind === 2) self.bytes(); else at += 4; },
    };
    return self;
  }
  const zigzag = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);

  function value(bytes, [from, to]) {
    const read = reader(bytes, from, to);
    let found = null;
    while (read.more()) {
      const tag = read.varint(), name = tag >> 3;
      if (name === 1) found = read.text();
      else if (name === 2) found = read.number(false);
      else if (name === 3) found = read.number(true);
      else if (name === 6) found = zigzag(read.varint());
      else if (name === 7) found = read.varint() === 1;
      else if (name === 4 || name === 5) found = read.varint();
      else read.skip(tag & 7);
    }
    return found;
  }

  /** Commands (2.1 §4.3) → an array of flat arrays [x, y, x, y, …]; rings of polygons are closed. */
  function rings(bytes, [from, to]) {
    const read = reader(bytes, from, to), found = [];
    let x = 0, y = 0, ring = null;
    while (read.more()) {
      const command = read.varint(), id = command & 7;
      for (let count = command >> 3; count > 0; count -= 1) {
        if (id === 7) { ring.push(ring[0], ring[1]); continue; }
        x += zigzag(read.varint());
        y += zigzag(read.varint());
        if (id === 1) found.push((ring = []));
        ring.push(x, y);
      }
    }
    return found;
  }

  function feature(bytes, [from, to], keys, values) {
    const read = reader(bytes, from, to), told = { type: 0, properties: {}, rings: [] };
    let tags = null, shape = null;
    while (read.more()) {
      const tag = read.varint(), name = tag >> 3;
      if (name === 2) tags = read.bytes();
      else if (name === 3) told.type = read.varint();
      else if (name === 4) shape = read.bytes();
      else read.skip(tag & 7);
    }
    if (tags) { const pairs = reader(bytes, tags[0], tags[1]); while (pairs.more()) { const key = keys[pairs.varint()]; told.properties[key] = values[pairs.varint()]; } }
    if (shape) told.rings = rings(bytes, shape);
    return told;
  }

  function layer(bytes, [from, to]) {
    const read = reader(bytes, from, to), keys = [], values = [], shapes = [];
    let name = "", extent = 4096;
    while (read.more()) {
      const tag = read.varint(), which = tag >> 3;
      if (which === 1) name = read.text();
      else if (which === 2) shapes.push(read.bytes());
      else if (which === 3) keys.push(read.text());
      else if (which === 4) values.push(value(bytes, read.bytes()));
      else if (which === 5) extent = read.varint();
      else read.skip(tag & 7);
    }
    return { name, extent, features: shapes.map((range) => feature(bytes, range, keys, values)) };
  }

  /** Layers by name: {extent, features: [{type, properties, rings}]}. */
  field.readTile = function (buffer) {
    const bytes = new Uint8Array(buffer), read = reader(bytes, 0, bytes.length), found = {};
    while (read.more()) {
      const tag = read.varint();
      if (tag >> 3 === 3) { const one = layer(bytes, read.bytes()); found[one.name] = one; } else read.skip(tag & 7);
    }
    return found;
  };
})();
