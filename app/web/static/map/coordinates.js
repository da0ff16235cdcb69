"use strict";
// Coordinates that a person types: read in any usual way of writing, brought from the web maps' systems to WGS84.
(function () {
  const chengtu = (window.chengtu = window.chengtu || {});
  const BD = (Math.PI * 3000) / 180; // as app/space/gcj02.py
  const inChina = (lon, lat) => lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271;
  const toGcj02 = (lon, lat) => [...chengtu.gcj02(lat, lon)].reverse();

  function toBd09(lon, lat) {
    const radius = Math.hypot(lon, lat) + 2e-5 * Math.sin(lat * BD), theta = Math.atan2(lat, lon) + 3e-6 * Math.cos(lon * BD);
    return [radius * Math.cos(theta) + 0.0065, radius * Math.sin(theta) + 0.006];
  }

  /** Where `forward` leads to [lon, lat]: steps until less than 0.01 mm is left. */
  function backward(forward, lon, lat) {
    let x = lon, y = lat;
    for (let i = 0; i < 12; i++) {
      const [fx, fy] = forward(x, y), dx = fx - lon, dy = fy - lat;
      x -= dx;
      y -= dy;
      if (Math.max(Math.abs(dx), Math.abs(dy)) < 1e-10) break;
    }
    return [x, y];
  }

  /** [lon, lat] in WGS84 (CGCS2000) of degrees in `wgs84`, `gcj02` (AMap, Tencent) or `bd09` (Baidu). */
  chengtu.toWgs84 = function (lon, lat, system) {
    if (system === "wgs84" || !inChina(lon, lat)) return [lon, lat];
    const [x, y] = system === "bd09" ? backward(toBd09, lon, lat) : [lon, lat];
    return backward(toGcj02, x, y);
  };
  chengtu.inChina = inChina;

  const NUMBER = "([-+]?\\d{1,3}(?:\\.\\d+)?)\\s*(?:°\\s*(?:(\\d{1,2}(?:\\.\\d+)?)\\s*'\\s*(?:(\\d{1,2}(?:\\.\\d+)?)\\s*\"?)?)?)?";
  const SPACE = "(?:\\s*[,;/]\\s*|\\s+|(?=[NSEW]))";
  const BEFORE = new RegExp(`^([NSEW])\\s*:?\\s*${NUMBER}${SPACE}([NSEW])\\s*:?\\s*${NUMBER}$`);
  const AFTER = new RegExp(`^${NUMBER}\\s*([NSEW])?${SPACE}${NUMBER}\\s*([NSEW])?$`);
  const WORDS = [[/北纬|纬度|LATITUDE|LAT/g, "N"], [/南纬/g, "S"], [/东经|经度|LONGITUDE|LONG|LNG|LON/g, "E"], [/西经/g, "W"], [/\'\'/g, '"'], [/[º˚度]/g, "°"], [/分/g, "'"], [/秒/g, '"'], [/[()[\]]/g, " "], [/、/g, ","]];

  /** The places that a text may mean, as [{lat, lon}]: none where it is no coordinate, two where the order is open. */
  chengtu.parseCoordinates = function (text, near) {
    let plain = text.replace(/[′’‘]/g, "'").replace(/[″“”]/g, '"').normalize("NFKC").toUpperCase();
    for (const [from, to] of WORDS) plain = plain.replace(from, to);
    // In place of a lookbehind, which Safari before 16.4 cannot read: 28.68N115.86E.
    plain = plain.replace(/([NSEW"])(?=[-+\d])/g, "$1 ").trim();
    if (plain.length > 80 || !/[.°NSEW]/.test(plain)) return [];
    const before = BEFORE.exec(plain), after = before ? null : AFTER.exec(plain);
    if (!before && !after) return [];
    const [first, second] = before ? [angle(before[2], before[3], before[4], before[1]), angle(before[6], before[7], before[8], before[5])] : [angle(after[1], after[2], after[3], after[4]), angle(after[5], after[6], after[7], after[8])];
    return ordered(first, second, near);
  };

  /** {value in degrees, side: "lat", "lon" or null}; null where minutes or seconds are none. */
  function angle(degrees, minutes = 0, seconds = 0, letter) {
    if (minutes >= 60 || seconds >= 60) return null;
    const size = Math.abs(Number(degrees)) + minutes / 60 + seconds / 3600;
    const sign = degrees.startsWith("-") || letter === "S" || letter === "W" ? -1 : 1;
    return { value: sign * size, side: letter ? ("NS".includes(letter) ? "lat" : "lon") : null };
  }

  function ordered(first, second, near) {
    if (!first || !second || (first.side && first.side === second.side)) return [];
    const found = [];
    if (first.side !== "lon" && second.side !== "lat") found.push({ lat: first.value, lon: second.value });
    if (first.side !== "lat" && second.side !== "lon") found.push({ lat: second.value, lon: first.value });
    const possible = found.filter(({ lat, lon }) => Math.abs(lat) <= 90 && Math.abs(lon) <= 180);
    if (!near || possible.length < 2) return possible;
    const far = ({ lat, lon }) => Math.hypot(lat - near.lat, lon - near.lng);
    possible.sort((a, b) => far(a) - far(b));
    return far(possible[0]) < 3 && far(possible[1]) > 6 ? possible.slice(0, 1) : possible; // the city decides where it can
  }
})();
