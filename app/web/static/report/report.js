"use strict";
// The report's buttons: print, and another choice at once.
(function () {
  document.getElementById("print").addEventListener("click", () => window.print());
  for (const list of document.querySelectorAll(".choose select")) list.addEventListener("change", () => list.form.submit());
})();
