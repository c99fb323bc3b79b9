// Keys for the list of findings: j and k move, x chooses, Enter opens, / searches. Every page works without this.
"use strict";
(() => {
  const rows = [...document.querySelectorAll("[data-row]")];
  const search = document.querySelector("[data-search]");
  const count = document.querySelector("[data-count]");
  let at = -1;

  const boxes = () => [...document.querySelectorAll("[data-row] input[type=checkbox]")];
  const tell = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    if (count) count.textContent = chosen === 0 ? "none chosen" : `${chosen} chosen`;
  };
  const go = (to) => {
    if (rows.length === 0) return;
    at = Math.max(0, Math.min(rows.length - 1, to));
    rows.forEach((row, index) => row.classList.toggle("here", index === at));
    rows[at].querySelector("a").focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };

  rows.forEach((row, index) => row.addEventListener("focusin", () => {
    at = index;
    rows.forEach((other, place) => other.classList.toggle("here", place === at));
  }));
  boxes().forEach((box) => box.addEventListener("change", tell));
  document.querySelectorAll("[data-all]").forEach((all) => {
    all.hidden = false;
    all.addEventListener("click", () => {
      const every = boxes().every((box) => box.checked);
      boxes().forEach((box) => { box.checked = !every; });
      tell();
    });
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "j") {
      go(at + 1);
    } else if (event.key === "k") {
      go(at - 1);
    } else if (event.key === "x" && rows[at]) {
      const box = rows[at].querySelector("input[type=checkbox]");
      if (box) {
        box.checked = !box.checked;
        tell();
      }
    }
  });
  tell();
})();
