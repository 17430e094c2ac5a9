/* The grid of a product: typing like in a spreadsheet over a plain form. Without this file the form saves all the same.
   A change is {key, before, after}; a step on the undo stack is the list of changes made in one go. */
(() => {
  "use strict";
  const form = document.getElementById("sbm-form");
  const save = document.getElementById("sbm-save");
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "1";

  const committed = new Map(); // cell's key → {text, ignore} as it stands on the page
  const done = [], undone = [];
  let marked = [], anchor = null;
  const by = (id) => document.getElementById(id);
  const cellOf = (input) => input.closest("td");
  const inputOf = (cell) => cell && cell.querySelector('input[type="text"]');
  const cellAt = (key) => form.querySelector(`td[data-key="${CSS.escape(key)}"]`);
  const keyOf = (cell) => cell.dataset.key;
  const words = (number, one, many) => `${number} ${number === 1 ? one : many}`;

  function now(cell) { return committed.get(keyOf(cell)) || { text: inputOf(cell).defaultValue, ignore: false }; }
  function isChanged(cell) {
    const state = now(cell);
    return state.ignore || state.text.trim() !== inputOf(cell).dataset.shown.trim();
  }

  // --- changing cells, undo and redo ------------------------------------------------------------------------------

  function put(key, state) {
    const cell = cellAt(key);
    if (!cell) return;
    committed.set(key, state);
    inputOf(cell).value = state.text;
    cell.classList.toggle("sbm-changed", isChanged(cell));
    cell.classList.toggle("sbm-out", state.ignore);
  }
  function change(changes) {
    const real = changes.filter((one) => one.before.text !== one.after.text || one.before.ignore !== one.after.ignore);
    if (!real.length) return;
    real.forEach((one) => put(one.key, one.after));
    done.push(real);
    undone.length = 0;
    tell();
  }
  function set(cell, text, ignore = false) {
    return { key: keyOf(cell), before: now(cell), after: { text, ignore } };
  }
  function step(from, to, side) {
    const changes = from.pop();
    if (!changes) return;
    changes.forEach((one) => put(one.key, one[side]));
    to.push(changes);
    const first = cellAt(changes[0].key);
    if (first) focus(first);
    tell();
  }
  const undo = () => step(done, undone, "before");
  const redo = () => step(undone, done, "after");
  function commit(input) {
    const cell = cellOf(input);
    if (cell && input.value !== now(cell).text) change([set(cell, input.value)]);
  }
  function listChanged() {
    return [...form.querySelectorAll("td.sbm-changed")];
  }
  function tell(message) {
    if (!save) return;
    const count = listChanged().length;
    by("sbm-undo").disabled = !done.length;
    by("sbm-redo").disabled = !undone.length;
    by("sbm-status").textContent = message || (count ? `${words(count, "change", "changes")} not saved yet` : "");
  }

  // --- where one is ------------------------------------------------------------------------------------------------

  function rowsOf(cell) {
    return [...cell.closest("tbody").rows].filter((row) => row.querySelector("td.sbm-cell"));
  }
  function place(cell) {
    const rows = rowsOf(cell), row = cell.parentElement;
    return { rows, y: rows.indexOf(row), x: [...row.querySelectorAll("td.sbm-cell")].indexOf(cell) };
  }
  function at(rows, y, x) {
    return rows[y] ? rows[y].querySelectorAll("td.sbm-cell")[x] || null : null;
  }
  function focus(cell) {
    const input = inputOf(cell);
    if (!input) return false;
    input.focus();
    input.select();
    return true;
  }
  function move(cell, dy, dx, marking) {
    const { rows, y, x } = place(cell);
    let target = at(rows, y + dy, x + dx);
    for (let far = 2; target && !inputOf(target) && far < 500; far += 1) target = at(rows, y + dy * far, x + dx * far);
    if (!target || !inputOf(target)) return false;
    if (marking) mark(anchor || cell, target); else unmark();
    return focus(target);
  }
  function unmark() {
    marked.forEach((cell) => cell.classList.remove("sbm-marked"));
    marked = [];
    anchor = null;
  }
  function mark(from, to) {
    marked.forEach((cell) => cell.classList.remove("sbm-marked"));
    marked = [];
    if (from.closest("tbody") !== to.closest("tbody")) { anchor = null; return; }
    anchor = from;
    const a = place(from), b = place(to);
    for (let y = Math.min(a.y, b.y); y <= Math.max(a.y, b.y); y += 1) {
      for (let x = Math.min(a.x, b.x); x <= Math.max(a.x, b.x); x += 1) {
        const cell = at(a.rows, y, x);
        if (cell) { cell.classList.add("sbm-marked"); marked.push(cell); }
      }
    }
  }
  function corner(cell) { // the marked block's first cell, or the one the cursor is in
    if (marked.length < 2) return cell;
    return marked[0];
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  function fillDown(cell) {
    const changes = [];
    if (marked.length > 1) {
      const { rows } = place(marked[0]);
      const top = Math.min(...marked.map((one) => place(one).y));
      marked.forEach((one) => {
        const { y, x } = place(one), above = at(rows, top, x);
        if (y > top && inputOf(one) && inputOf(above)) changes.push(set(one, inputOf(above).value));
      });
    } else if (cell) {
      const { rows, y, x } = place(cell), above = at(rows, y - 1, x);
      if (above && inputOf(above)) changes.push(set(cell, inputOf(above).value));
    }
    change(changes);
  }
  function takeOffer(cell) {
    const input = inputOf(cell);
    if (!input.value.trim() && input.dataset.offered) {
      change([set(cell, input.dataset.offered)]);
      return true;
    }
    return false;
  }
  function onKey(event) {
    const input = event.target;
    if (!input.matches || !input.matches('.sbm input[type="text"]') || input.readOnly) return;
    const cell = cellOf(input), plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const command = event.ctrlKey || event.metaKey, letter = event.key.toLowerCase();
    const all = input.selectionStart === 0 && input.selectionEnd === input.value.length;
    const stop = () => event.preventDefault();
    if (command && letter === "z" && !event.shiftKey) {
      stop();
      if (input.value !== now(cell).text) input.value = now(cell).text; else undo();
    } else if (command && (letter === "y" || (letter === "z" && event.shiftKey))) { stop(); redo(); }
    else if (command && letter === "d") { stop(); commit(input); fillDown(cell); }
    else if (command && letter === "s") { stop(); commit(input); form.requestSubmit(save); }
    else if (!plain) return;
    else if (event.key === "Escape") {
      stop();
      input.value = now(cell).text;
      unmark();
      input.select();
    } else if (event.key === "Enter") {
      stop();
      commit(input);
      takeOffer(cell);
      move(cell, event.shiftKey ? -1 : 1, 0, false);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      stop();
      commit(input);
      move(cell, event.key === "ArrowDown" ? 1 : -1, 0, event.shiftKey);
    } else if (event.key === "ArrowRight" && (all || (!event.shiftKey && input.selectionStart === input.value.length))) {
      if (move(cell, 0, 1, event.shiftKey)) stop();
    } else if (event.key === "ArrowLeft" && (all || (!event.shiftKey && input.selectionEnd === 0))) {
      if (move(cell, 0, -1, event.shiftKey)) stop();
    } else if ((event.key === "Delete" || event.key === "Backspace") && marked.length > 1) {
      stop();
      change(marked.filter(inputOf).map((one) => set(one, "")));
    }
  }

  // --- blocks from and for a spreadsheet ---------------------------------------------------------------------------

  function parseBlock(text) { // tab-separated, with "quoted" cells that may hold tabs, line ends and ""
    const rows = [[]];
    let cell = "", quoted = false, begun = false;
    const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
    for (let i = 0; i < source.length; i += 1) {
      const char = source[i];
      if (quoted) {
        if (char !== '"') cell += char;
        else if (source[i + 1] === '"') { cell += '"'; i += 1; }
        else quoted = false;
      } else if (char === '"' && !begun) { quoted = true; begun = true; }
      else if (char === "\t" || char === "\n") {
        rows[rows.length - 1].push(cell);
        if (char === "\n") rows.push([]);
        cell = "";
        begun = false;
      } else { cell += char; begun = true; }
    }
    rows[rows.length - 1].push(cell);
    return rows;
  }
  function quote(text) { return /[\t\n"]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text; }
  function onPaste(event) {
    const input = event.target;
    if (!input.matches || !input.matches('.sbm input[type="text"]') || input.readOnly) return;
    const text = event.clipboardData.getData("text/plain");
    const block = parseBlock(text);
    const single = block.length === 1 && block[0].length === 1;
    if (single && marked.length < 2 && !text.includes('"') && !/[\r\n]/.test(text)) return; // typed text, as anywhere
    event.preventDefault();
    commit(input);
    if (single && marked.length > 1) {
      change(marked.filter(inputOf).map((one) => set(one, block[0][0].trim())));
      return;
    }
    const { rows, y, x } = place(corner(cellOf(input)));
    const changes = [], rest = [];
    block.forEach((line, dy) => line.forEach((value, dx) => {
      const cell = at(rows, y + dy, x + dx);
      if (cell && inputOf(cell)) changes.push(set(cell, value.replace(/\s+/g, " ").trim()));
      else if (value.trim()) rest.push({ dy, value });
    }));
    change(changes);
    tellRest(rest, changes.length + rest.length);
  }
  function tellRest(rest, all) {
    const box = by("sbm-rest");
    box.hidden = !rest.length;
    if (!rest.length) return;
    const lines = new Map();
    rest.forEach((one) => lines.set(one.dy, [...(lines.get(one.dy) || []), quote(one.value)]));
    by("sbm-rest-words").textContent =
      `${rest.length} of ${all} pasted cells have no place here: they lie outside the grid or on a combination without an article. The others are in their cells.`;
    by("sbm-rest-text").value = [...lines.values()].map((line) => line.join("\t")).join("\n");
  }
  function onCopy(event) {
    if (marked.length < 2) return;
    const lines = new Map();
    marked.forEach((cell) => {
      const { y } = place(cell);
      lines.set(y, [...(lines.get(y) || []), quote(inputOf(cell) ? inputOf(cell).value : "")]);
    });
    event.clipboardData.setData("text/plain", [...lines.values()].map((line) => line.join("\t")).join("\n"));
    event.preventDefault();
  }

  // --- saving ------------------------------------------------------------------------------------------------------

  async function send(event) {
    event.preventDefault();
    if (document.activeElement && document.activeElement.matches('.sbm input[type="text"]')) commit(document.activeElement);
    const cells = listChanged();
    if (!cells.length) { tell("Nothing was changed."); return; }
    const sent = new Map(cells.map((cell) => [keyOf(cell), now(cell)])), steps = done.length;
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    body.append("changes", JSON.stringify(cells.map((cell) => {
      const key = keyOf(cell), state = now(cell);
      const [was] = form.querySelector(`[name="was-${CSS.escape(key)}"]`).value.split("|");
      return [key, state.text, was, state.ignore];
    })));
    save.disabled = true;
    by("sbm-status").textContent = "Saving…";
    try {
      const answer = await fetch(window.location.href, {
        method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin",
      });
      if (!answer.ok || !(answer.headers.get("Content-Type") || "").includes("json")) throw new Error(String(answer.status));
      take(await answer.json(), sent, steps);
    } catch (error) {
      tell(`Not saved (${error.message}). Your changes are still here: try again, or log in again in another tab first.`);
    } finally {
      save.disabled = false;
    }
  }
  function take(told, sent, steps) { // what was typed since it was sent stays, and is saved with the next go
    const input = document.activeElement && document.activeElement.matches('.sbm input[type="text"]') ? document.activeElement : null;
    const typing = input && input.value !== now(cellOf(input)).text ? keyOf(cellOf(input)) : "";
    const at = input ? cellOf(input) : null;
    Object.entries(told.cells).forEach(([key, html]) => {
      const cell = cellAt(key), before = sent.get(key);
      if (!cell) return;
      if (key === typing || now(cell).text !== before.text || now(cell).ignore !== before.ignore) { stand(cell, html); return; }
      cell.innerHTML = html;
      committed.delete(key);
      const mark = cell.querySelector(".sbm-mark"), wrong = cell.querySelector(".sbm-error");
      cell.className = `sbm-cell ${stateOf(mark ? mark.textContent : "")}${wrong ? " sbm-refused" : ""}`;
      cell.classList.toggle("sbm-changed", Boolean(wrong) && isChanged(cell));
    });
    by("sbm-counts").innerHTML = told.counts;
    by("sbm-changes").innerHTML = told.changes;
    done.splice(0, steps); // what is saved is undone under "Last changes"
    undone.length = 0;
    unmark();
    tell(told.message);
    const wrong = form.querySelector("td.sbm-refused");
    if (at && (typing || !sent.has(keyOf(at)))) return; // somebody is at work elsewhere
    if (wrong) focus(wrong); else if (at && at.isConnected) focus(at);
  }
  function stand(cell, html) { // the cell was changed again meanwhile: only what it was changed from is new
    const holder = document.createElement("td");
    holder.innerHTML = html;
    const was = `[name="was-${CSS.escape(keyOf(cell))}"]`;
    if (!committed.has(keyOf(cell))) committed.set(keyOf(cell), now(cell));
    inputOf(cell).dataset.shown = inputOf(holder).dataset.shown;
    form.querySelector(was).value = holder.querySelector(was).value;
    cell.classList.toggle("sbm-changed", isChanged(cell));
  }
  function stateOf(mark) {
    return { "●": "sbm-bound", "◌": "sbm-suggested", "▲": "sbm-conflict", "✕": "sbm-stale", "○": "sbm-missing" }[mark] || "";
  }
  function onButton(event) {
    const button = event.target.closest && event.target.closest('button[name="pick"], button[name="ignore"]');
    if (!button) return;
    event.preventDefault();
    const cell = button.closest("td"), [, text] = button.value.split(/\|(.*)/s);
    change([button.name === "ignore" ? set(cell, "", true) : set(cell, text)]);
    focus(cell);
  }

  // --- tables on other pages, and rows that come later -------------------------------------------------------------

  function showPart(id) {
    const parts = [...form.querySelectorAll(".sbm-part")], tabs = [...form.querySelectorAll(".sbm-tabs a")];
    if (tabs.length < 2) return;
    const chosen = parts.find((part) => `#${part.id}` === id) || parts[0];
    parts.forEach((part) => { part.hidden = part !== chosen; });
    tabs.forEach((tab) => tab.setAttribute("aria-current", String(tab.getAttribute("href") === `#${chosen.id}`)));
  }
  const watcher = "IntersectionObserver" in window
    ? new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => more(one.target)), { rootMargin: "600px" })
    : null;
  async function more(row) {
    if (!row.isConnected || row.dataset.busy) return;
    row.dataset.busy = "1";
    watcher.unobserve(row);
    try {
      const answer = await fetch(row.dataset.url, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const holder = document.createElement("tbody");
      holder.innerHTML = await answer.text();
      const rows = [...holder.children];
      row.replaceWith(...rows);
      watch();
    } catch {
      delete row.dataset.busy; // the link in it still works
    }
  }
  function watch() {
    if (watcher) form.querySelectorAll("tr.sbm-more").forEach((row) => watcher.observe(row));
  }

  form.querySelectorAll("td.sbm-refused").forEach((cell) => cell.classList.toggle("sbm-changed", isChanged(cell)));
  showPart(window.location.hash);
  window.addEventListener("hashchange", () => showPart(window.location.hash));
  watch();
  if (!save) return;
  form.addEventListener("keydown", onKey);
  form.addEventListener("paste", onPaste);
  form.addEventListener("copy", onCopy);
  form.addEventListener("change", (event) => event.target.matches('.sbm input[type="text"]') && commit(event.target));
  form.addEventListener("click", onButton);
  form.addEventListener("mousedown", (event) => {
    const cell = event.target.closest("td.sbm-cell"), from = document.activeElement && document.activeElement.closest("td.sbm-cell");
    if (event.shiftKey && cell && from && from !== cell) { event.preventDefault(); mark(anchor || from, cell); } else unmark();
  });
  form.addEventListener("submit", send);
  by("sbm-undo").addEventListener("click", undo);
  by("sbm-redo").addEventListener("click", redo);
  let last = null;
  form.addEventListener("focusin", (event) => { if (event.target.matches('.sbm input[type="text"]')) last = cellOf(event.target); });
  by("sbm-fill").addEventListener("click", () => fillDown(last));
  window.addEventListener("beforeunload", (event) => { if (listChanged().length) event.preventDefault(); });
  tell();
})();
