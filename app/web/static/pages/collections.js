"use strict";
// Finding a class in the list: by its name in both languages, its id and what else it is called.
(function () {
  const find = document.getElementById("find"), filled = document.getElementById("filled"), none = document.getElementById("none");
  const items = [...document.querySelectorAll("li[data-words]")], offices = [...document.querySelectorAll(".office")];

  function show() {
    const wanted = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) item.hidden = !wanted.every((word) => item.dataset.words.includes(word)) || (filled.checked && "empty" in item.dataset);
    for (const office of offices) office.hidden = !office.querySelector("li:not([hidden])");
    none.hidden = offices.some((office) => !office.hidden);
  }

  find.addEventListener("input", show);
  filled.addEventListener("change", show);
  show(); // what the browser kept of the form
})();
