// "/" opens the search, arrows move through what was found, Enter opens it, Esc closes.
document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.getElementById("sb-search");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const links = () => [...dialog.querySelectorAll("#sb-hits a")];
  const open = () => { if (!dialog.open) dialog.showModal(); input.select(); };
  const typing = (element) => element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);

  document.addEventListener("keydown", (event) => {
    const plain = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
    const chord = event.key === "k" && (event.ctrlKey || event.metaKey);
    if (!((plain && !typing(event.target)) || chord)) return;
    event.preventDefault();
    event.stopPropagation(); // lists listen for "/", too; there is one search for everything
    open();
  }, true);
  document.querySelectorAll("[data-sb-search]").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault(); open();
  }));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [input, ...links()];
    all[Math.min(all.length - 1, Math.max(0, all.indexOf(document.activeElement) + step))].focus();
  });
});
