"use strict";
// A photo from the camera: drawn smaller, so that nothing of its Exif is sent but where and when it was taken.
(function () {
  const field = window.chengtu.field;
  const MAX_BYTES = 300 * 1024, SIDES = [1600, 1200, 900, 640], QUALITIES = [0.82, 0.7, 0.58, 0.46];

  /** Exif's place and moment (CIPA DC-008): [position or null, ISO moment or null]. */
  function exif(buffer) {
    const view = new DataView(buffer);
    if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return [null, null];
    for (let at = 2; at + 10 < view.byteLength && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint8(at + 1);
      if (marker === 0xda) break;
      if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) return tiff(view, at + 10);
    }
    return [null, null];
  }
  function tiff(view, start) {
    const little = view.getUint16(start) === 0x4949, u16 = (at) => view.getUint16(start + at, little), u32 = (at) => view.getUint32(start + at, little);
    const entries = function (at) {
      const found = new Map();
      for (let i = 0, n = Math.min(u16(at), 200); i < n; i += 1) found.set(u16(at + 2 + 12 * i), at + 2 + 12 * i);
      return found;
    };
    const ascii = (at) => { const length = u32(at + 4), from = length > 4 ? u32(at + 8) : at + 8; let text = ""; for (let i = 0; i < length - 1; i += 1) text += String.fromCharCode(view.getUint8(start + from + i)); return text; };
    const angle = (at) => [0, 1, 2].reduce((sum, i) => sum + u32(u32(at + 8) + 8 * i) / u32(u32(at + 8) + 8 * i + 4) / 60 ** i, 0);
    const first = entries(u32(4)), inner = first.has(0x8769) ? entries(u32(first.get(0x8769) + 8)) : new Map(), gps = first.has(0x8825) ? entries(u32(first.get(0x8825) + 8)) : new Map();
    let position = null, moment = null;
    if ([1, 2, 3, 4].every((tag) => gps.has(tag))) {
      const lat = angle(gps.get(2)) * (ascii(gps.get(1)) === "S" ? -1 : 1), lon = angle(gps.get(4)) * (ascii(gps.get(3)) === "W" ? -1 : 1);
      if (Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && (lat || lon)) position = { lon, lat };
    }
    if (inner.has(0x9003)) {
      const told = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(ascii(inner.get(0x9003))), offset = inner.has(0x9011) ? ascii(inner.get(0x9011)) : "";
      const date = told && new Date(`${told[1]}-${told[2]}-${told[3]}T${told[4]}${/^[-+]\d\d:\d\d$/.test(offset) ? offset : ""}`);
      if (date && date.getFullYear() >= 1900 && date.getFullYear() <= 2200) moment = date.toISOString();
    }
    return [position, moment];
  }

  const read = (blob, how) => new Promise((done, failed) => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.onerror = failed; reader[how](blob); });

  async function picture(file) {
    const url = URL.createObjectURL(file), image = new Image();
    try {
      await new Promise((done, failed) => { image.onload = done; image.onerror = failed; image.src = url; });
      return image;
    } finally { URL.revokeObjectURL(url); }
  }

  async function shrink(image) {
    for (const side of SIDES) {
      const scale = Math.min(1, side / Math.max(image.naturalWidth, image.naturalHeight)), canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
      canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      for (const quality of QUALITIES) {
        const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
        if (blob && blob.size <= MAX_BYTES) return blob;
      }
    }
    throw new Error("too large");
  }

  /** What a report carries of a file: {data (base64), taken_at, position}, `bytes`, and `url` to show it. */
  field.readPhoto = async function (file) {
    let position = null, moment = null;
    try { [position, moment] = exif(await read(file.slice(0, 256 * 1024), "readAsArrayBuffer")); } catch (_) { /* broken Exif says nothing */ }
    const blob = await shrink(await picture(file)), url = await read(blob, "readAsDataURL");
    return { photo: { data: url.slice(url.indexOf(",") + 1), taken_at: moment || new Date(file.lastModified || Date.now()).toISOString(), position }, bytes: blob.size, url };
  };
})();
