"use strict";
/* Filters of the page: native controls, state in the address, result announced. Without it everything is shown. */
(() => {
  const STEP = 200;
  const KEYS = ["statut", "orientation", "epci", "porteur", "retard", "dates", "q"];
  const form = document.getElementById("filtres");
  const count = document.getElementById("compte");
  const more = document.getElementById("plus");
  const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/\s+/g, " ").trim();
  const words = (text) => (text || "").split(" ");
  const bars = new Map();
  for (const row of document.querySelectorAll("#calendrier-table tr[data-c]")) bars.set(row.dataset.c, row);
  const actions = Array.from(document.querySelectorAll("#actions tbody tr"), (row) => ({
    row,
    bar: bars.get(row.dataset.c),
    statut: [row.dataset.s],
    orientation: [row.dataset.o],
    epci: words(row.dataset.e),
    porteur: words(row.dataset.p),
    retard: words(row.dataset.r),
    dates: [row.dataset.d],
    text: fold(row.textContent),
  }));
  const undated = document.getElementById("sans-date");
  const control = (key) => form.elements.namedItem(key);
  let limit = STEP;

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (location.hash.length > 1 && !KEYS.some((key) => given.has(key))) return false;
    for (const key of KEYS) {
      const value = given.get(key) || "";
      const known = key === "q" || Array.from(control(key).options).some((option) => option.value === value);
      control(key).value = known ? value : "";
    }
    return true;
  }

  function write() {
    const given = new URLSearchParams();
    for (const key of KEYS) if (control(key).value) given.set(key, control(key).value);
    const text = given.toString();
    try {
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    } catch {
      location.hash = text;
    }
  }

  function show() {
    const wanted = KEYS.slice(0, -1).map((key) => [key, control(key).value]).filter(([, value]) => value);
    const sought = words(fold(control("q").value));
    let found = 0, left = 0;
    for (const action of actions) {
      const kept = wanted.every(([key, value]) => action[key].includes(value)) && sought.every((word) => action.text.includes(word));
      found += kept;
      const shown = kept && found <= limit;
      action.row.hidden = !shown;
      if (action.bar) {
        action.bar.hidden = !shown;
        left += shown && action.dates[0] === "sans date";
      }
    }
    if (undated) undated.hidden = !left;
    const shown = Math.min(found, limit);
    const plural = found > 1 ? "actions" : "action";
    count.textContent = `${found} ${plural} sur ${actions.length}` + (shown < found ? `, les ${shown} premières affichées` : "");
    more.hidden = shown >= found;
    form.dataset.trouvees = String(found);
  }

  const change = () => {
    limit = STEP;
    write();
    show();
  };
  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(change));
  more.addEventListener("click", () => {
    limit += STEP;
    show();
  });
  window.addEventListener("hashchange", () => {
    if (read()) {
      limit = STEP;
      show();
    }
  });
  read();
  show();
  form.hidden = false;
})();
