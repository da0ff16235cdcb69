"use strict";
// Where Chinese web maps (AMap, Tencent) draw a place: GCJ-02, the same formula as app/space/gcj02.py.
(function () {
  const chengtu = (window.chengtu = window.chengtu || {});
  const AXIS_M = 6378245, E2 = 0.00669342162296594323, { PI, sin, cos, sqrt, abs } = Math;
  const waves = (value, first, second, a, b) => ((first * sin((value * PI) / a) + second * sin((value * PI) / b)) * 2) / 3;

  /** [lat, lon] in WGS 84 or CGCS2000 (degrees) → [lat, lon] in GCJ-02; places outside China are left as they are. */
  chengtu.gcj02 = function (lat, lon) {
    if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lat, lon];
    const x = lon - 105, y = lat - 35, root = sqrt(abs(x));
    const common = ((20 * sin(6 * x * PI) + 20 * sin(2 * x * PI)) * 2) / 3;
    const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common + waves(y, 20, 40, 1, 3) + waves(y, 160, 320, 12, 30);
    const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common + waves(x, 20, 40, 1, 3) + waves(x, 150, 300, 12, 30);
    const phi = (lat * PI) / 180, magic = 1 - E2 * sin(phi) ** 2, degrees = 180 / PI;
    return [lat + (north * degrees * magic * sqrt(magic)) / (AXIS_M * (1 - E2)), lon + (east * degrees * sqrt(magic)) / (AXIS_M * cos(phi))];
  };
})();
