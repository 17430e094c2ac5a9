// Keys of the mapping pages: n goes on to the next unfinished product.
"use strict";
document.addEventListener("keydown", (event) => {
  const page = document.querySelector("[data-next]");
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "n" || event.ctrlKey || event.metaKey || event.altKey || typing || !page) return;
  event.preventDefault();
  const rows = [...document.querySelectorAll("[data-unfinished] a:first-of-type")].filter(
    (link) => link.closest("td") === link.closest("tr").cells[0],
  );
  const next = rows[rows.indexOf(document.activeElement) + 1];
  if (next) next.focus();
  else location.assign(page.dataset.next);
});
