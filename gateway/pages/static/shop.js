// Without it every page works by its links and forms; with it results come as one types, the cart without a new page, and a picture is sent once it is chosen.
"use strict";

const PAUSE = 180, TOAST = 4000, REFRESH = 5000;  // Milliseconds.
const main = document.getElementById("main");
const box = document.getElementById("q");

/** Shows what a search finds now, in place of the page; what was asked before is given up. */
let asked = null;
async function search() {
  const query = box.value.trim();
  if (!query) return;
  asked?.abort();
  asked = new AbortController();
  try {
    const words = new URLSearchParams({ q: query });
    const answer = await fetch(`/search/results?${words}`, { signal: asked.signal });
    if (!answer.ok) throw new Error(answer.statusText);
    const found = await answer.text();
    main.innerHTML = found;
    document.title = query;
    const move = location.pathname === "/search" ? "replaceState" : "pushState";
    history[move](null, "", `/search?${words}`);
    // The same words twice would be said once: the query tells them apart.
    hear(`${query}: ${main.querySelector("[data-heard]").textContent}`);
    tell(answer.headers.get("Server-Timing"));
  } catch (error) {
    if (error.name !== "AbortError") hear(document.getElementById("heard").dataset.silent);
  }
}

/** Has a screen reader say it. */
function hear(said) {
  document.getElementById("heard").textContent = said;
}

/** Writes where an answer's time went below the page. */
function tell(timing) {
  const told = (timing ?? "").split(", ").map((one) => one.match(/^([\w.]+);dur=([\d.]+)$/)).filter(Boolean);
  const written = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const words = told.map(([, name, took]) => `${name === "total" ? "" : `${name.replaceAll("_", " ")} `}${written.format(took)} ms`);
  document.getElementById("timing").textContent = words.join(", ");
}

let pause = 0;
function typed(event) {
  if (event.isComposing) return;  // A word that is still being put together.
  clearTimeout(pause);
  pause = setTimeout(search, PAUSE);
}
box.addEventListener("input", typed);
box.addEventListener("compositionend", typed);
box.form.addEventListener("submit", () => clearTimeout(pause));
addEventListener("popstate", () => location.reload());

/** The cart and buying, without leaving the page. */
let shown = 0;
addEventListener("submit", async (event) => {
  if (!event.target.matches("[data-event]")) return;
  event.preventDefault();
  const sent = new URLSearchParams(new FormData(event.target, event.submitter));
  const toast = document.getElementById("toast");
  let said = toast.dataset.failed;
  try {
    const answer = await fetch("/event", { method: "POST", body: sent, headers: { Accept: "application/json" } });
    if (answer.headers.get("Content-Type")?.startsWith("application/json")) said = (await answer.json()).said ?? said;
  } catch { /* It is said already. */ }
  toast.textContent = said;
  clearTimeout(shown);
  shown = setTimeout(() => { toast.textContent = ""; }, TOAST);
});

/** What opens in the head of the page closes by Escape and by a click elsewhere. */
for (const menu of document.querySelectorAll(".top details")) {
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
}

/** A picture is looked for once it is chosen. */
addEventListener("change", (event) => {
  if (event.target.matches("[data-look]") && event.target.files.length) event.target.form.requestSubmit();
});

/** The console, again and again while it is looked at. */
const now = document.getElementById("now");
if (now) {
  setInterval(async () => {
    if (!now.isConnected || document.hidden || !document.getElementById("refresh").checked || now.contains(document.activeElement)) return;
    const answer = await fetch("/console/now").catch(() => null);
    if (answer?.status === 401) location.reload();
    if (answer?.ok) now.innerHTML = await answer.text();
  }, REFRESH);
}
