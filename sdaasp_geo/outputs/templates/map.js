"use strict";
/* A page of maps, whatever draws the communes: view, threshold, legend, cards, table, search, fragment, print. */
function carte(data) {
  const { NBSP, at, numbers, reader, many, plain, patterns, pattern, element, swatch } = outils;
  const NEIGHBOUR = "#f1f1ee", TENTHS = 10, FEW = 1500, SHOWN = 30;
  const column = reader(data);
  const codes = data.codes.split(" ");
  const communes = column(data.communes), names = data.names ? column(data.names) : communes;
  const rows = data.rows ? numbers(data.rows) : codes.map((_, number) => number);
  const counted = numbers(data.counted), identity = data.identity.map(column);
  const columns = data.columns.map(column);
  const views = data.views.map((view) => ({
    ...view,
    ranks: Array.from(view.ranks, Number),
    checks: Array.from(view.checks, Number),
    cells: view.cells.map((number) => columns[number]),
    sentences: columns[view.sentences],
    times: view.times && view.times.map(numbers),
  }));
  const perCommune = data.plain, areas = data.areas || [];

  /* What is shown: a view, a threshold (tenths of a minute; 0: the classes of the scheme), a commune (its number). */
  const state = { view: views[0], limit: 0, commune: -1 };
  let map = null, surface = null, shown = null;

  /* Class of each row for what is shown, as the package gives it: a time equal to a threshold is within it. */
  function classified() {
    const { view, limit } = state;
    if (!limit) return { classes: view.classes, ranks: view.ranks, checks: view.checks };
    const words = view.thresholds.find(([value]) => value === limit)[1];
    const [time, low, high] = view.times;
    return {
      classes: [
        ["", `${words} au plus`, data.two[0], 0],
        ["", `plus de ${words}`, data.two[1], 0],
        ["Non mesuré", "", data.missing, 1],
      ],
      ranks: time.map((value) => (value < 0 ? 2 : Number(value > limit))),
      checks: time.map((value, row) => Number(value >= 0 && low[row] <= limit && limit < high[row])),
    };
  }

  const className = ([label, span]) => label || span;

  function drawLegend() {
    const { view, limit } = state;
    at("titre-legende").textContent = view.title;
    at("note-vue").textContent = view.note;
    const lines = shown.classes.map(([label, span, colour, hatched], rank) => {
      const own = shown.ranks.flatMap((value, row) => (value === rank ? [row] : []));
      if (hatched && !own.length) return null;
      const inside = own.filter((row) => counted[row] >= 0);
      const people = many(inside.reduce((sum, row) => sum + counted[row], 0), ["habitant", "habitants"]);
      const text = element("span", label && span ? `${label}${NBSP}: ${span}` : label || span);
      text.append(element("small", `${many(inside.length, data.nouns)}, ${people}${data.nouns[2]}`));
      const line = element("li");
      line.append(swatch(colour, hatched), text);
      return line;
    });
    at("classes").replaceChildren(...lines.filter(Boolean));
    at("a-verifier").hidden = !shown.checks.some(Boolean);
    document.documentElement.dataset.seuil = limit ? limit / TENTHS : "";
  }

  function baseStyle(number) {
    const row = rows[number];
    if (row < 0) return { color: "#ffffff", weight: 0.6, fillColor: NEIGHBOUR };
    const [, , colour, hatched] = shown.classes[shown.ranks[row]];
    const kind = hatched ? "hachures" : shown.checks[row] ? "points" : "";
    const fillColor = kind ? pattern(kind, colour) : colour;
    return { color: perCommune ? "#ffffff" : colour, weight: 0.6, fillColor };
  }

  /* Pairs of a row: what the card lists and the table aligns. */
  function terms() {
    const { view, limit } = state;
    return limit ? ["Au seuil choisi", ...view.terms] : view.terms;
  }

  function cells(row) {
    const { view, limit } = state;
    const own = view.cells.map((text) => text(row));
    if (!limit) return own;
    const doubt = shown.checks[row] ? ", à vérifier" : "";
    return [className(shown.classes[shown.ranks[row]]) + doubt, ...own];
  }

  function card(number, level) {
    const box = element("div"), row = rows[number];
    box.append(element(level, communes(number)));
    const list = element("dl");
    const pairs = row < 0 ? [] : [...identity.map((text, rank) => [data.headers[rank + 1], text(row)])];
    if (row >= 0 && !perCommune) pairs.unshift(["EPCI", names(row)]);
    if (row >= 0) terms().forEach((term, rank) => pairs.push([term, cells(row)[rank]]));
    for (const [term, text] of pairs) list.append(element("dt", term), element("dd", text));
    box.append(list, element("p", row < 0 ? "Commune hors des EPCI de cette carte." : state.view.sentences(row)));
    return box;
  }

  function placeCard(number) {
    const box = element("div"), [name, ...rest] = column(data.places[number]).all();
    const list = element("dl");
    for (let rank = 0; rank < rest.length; rank += 2) list.append(element("dt", rest[rank]), element("dd", rest[rank + 1]));
    box.append(element("h3", name), list);
    return box;
  }

  const placeName = (number) => column(data.places[number])(0);

  function tip(number) {
    const row = rows[number];
    return row < 0 ? communes(number) : `${perCommune ? communes(number) : names(row)}${NBSP}: ${cells(row)[0]}`;
  }

  /* Show the card of a commune beside the map, and outline it. */
  function choose(number, { move = true } = {}) {
    state.commune = number;
    at("resultat").replaceChildren(...card(number, "h2").childNodes);
    const box = surface.box(number);
    if (box && move) map.fitBounds(box, { maxZoom: Math.max(11, map.getZoom()), animate: false });
    surface.mark(number);
    followArea(number);
    share();
  }

  /* The table of the view that is shown; built when it is opened. */
  function fillTable() {
    const details = at("tableau-vue");
    if (!details.open) return;
    const table = at("communes");
    const head = element("tr");
    const headers = [...data.headers, ...terms(), "Explication"];
    head.append(...headers.map((text) => element("th", text, { scope: "col" })));
    const [, label, first, size] = areas[at("departement")?.value] || areas[0] || ["", "", 0, counted.length];
    const lines = Array.from({ length: size }, (_, rank) => {
      const line = element("tr"), row = first + rank;
      line.append(element("th", names(row), { scope: "row" }));
      const texts = [...identity.map((text) => text(row)), ...cells(row), state.view.sentences(row)];
      line.append(...texts.map((text) => element("td", text)));
      return line;
    });
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...lines);
    at("legende-tableau").textContent = `${label ? `${label}. ` : ""}${state.view.title}.`;
  }

  /* Where communes are too many for one table, it shows those of a département: the chosen one, or the commune's. */
  function followArea(number) {
    const rank = areas.findIndex(([, , first, size]) => number >= first && number < first + size);
    if (rank < 0 || at("departement").value === String(rank)) return;
    at("departement").value = String(rank);
    fillTable();
  }

  function fillThresholds() {
    const list = at("seuil"), { thresholds, scheme } = state.view;
    at("choix-seuil").hidden = !thresholds;
    if (!thresholds) return;
    const option = (value, text) => element("option", text, { value });
    list.replaceChildren(option(0, scheme), ...thresholds.map(([value, text]) => option(value / TENTHS, text)));
    list.value = String(state.limit / TENTHS);
  }

  function show(view, limit) {
    const changed = view !== state.view || !shown;
    state.view = view;
    state.limit = view.thresholds && view.thresholds.some(([value]) => value === limit) ? limit : 0;
    shown = classified();
    at("vue").value = view.code;
    fillThresholds();
    if (changed) surface.places(view.services);
    drawLegend();
    surface.paint();
    fillTable();
    if (state.commune >= 0) at("resultat").replaceChildren(...card(state.commune, "h2").childNodes);
    map.closePopup();
    surface.restack();
  }

  /* The fragment of the address holds the view, the threshold, the commune and the frame of the map. */
  let framed = false;
  function share() {
    const words = new URLSearchParams();
    if (state.view !== views[0]) words.set("vue", state.view.code);
    if (state.limit) words.set("seuil", state.limit / TENTHS);
    if (state.commune >= 0) words.set("commune", codes[state.commune]);
    if (framed) {
      const { lat, lng } = map.getCenter();
      words.set("carte", [map.getZoom(), lat.toFixed(4), lng.toFixed(4)].join("/"));
    }
    const text = words.toString().replaceAll("%2F", "/");
    if (text || location.hash.includes("=")) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  function restore() {
    const words = new URLSearchParams(location.hash.slice(1));
    if (!location.hash.includes("=")) return;
    const view = views.find((candidate) => candidate.code === words.get("vue")) || views[0];
    show(view, Math.round(Number(words.get("seuil")) * TENTHS));
    const frame = (words.get("carte") || "").split("/").map(Number);
    const given = frame.length === 3 && frame.every(Number.isFinite);
    const number = codes.indexOf(words.get("commune"));
    if (number >= 0) choose(number, { move: !given });
    if (given) {
      framed = true;
      map.setView([frame[1], frame[2]], frame[0], { animate: false });
      share();
    }
  }

  /* Names to choose from: all of them, or where they are many those that the letters typed begin. */
  function suggest(all, known) {
    const field = at("commune"), list = at("noms");
    const option = (name) => element("option", "", { value: name });
    if (all.length <= FEW) {
      list.append(...all.map(option));
      return;
    }
    field.addEventListener("input", () => {
      const wanted = plain(field.value);
      if (wanted.length < 2) return;
      const found = all.filter((_, rank) => known()[rank].startsWith(wanted)).slice(0, SHOWN);
      list.replaceChildren(...found.map(option));
    });
  }

  function search() {
    const field = at("commune"), all = communes.all();
    let folded = null;
    const names = () => (folded ??= all.map(plain));
    suggest(all, names);
    at("recherche").hidden = false;
    at("recherche").addEventListener("submit", (event) => {
      event.preventDefault();
      const wanted = plain(field.value), known = names();
      const tests = [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)];
      const number = wanted ? tests.map((test) => known.findIndex(test)).find((found) => found >= 0) : undefined;
      if (number === undefined) at("resultat").replaceChildren(element("p", "Aucune commune étudiée ne porte ce nom."));
      else choose(number);
    });
  }

  function choices() {
    at("choix").hidden = false;
    at("vue").addEventListener("change", (event) => {
      show(views.find((view) => view.code === event.target.value), state.limit);
      share();
    });
    at("seuil").addEventListener("change", (event) => {
      show(state.view, Math.round(Number(event.target.value) * TENTHS));
      share();
    });
    at("tableau-vue").addEventListener("toggle", fillTable);
    at("departement")?.addEventListener("change", (event) => {
      fillTable();
      const [, , first, size] = areas[event.target.value] || ["", "", 0, 0];
      const boxes = Array.from({ length: size }, (_, rank) => surface.box(first + rank)).filter(Boolean);
      const frame = boxes.length ? boxes.reduce((all, box) => all.extend(box), L.latLngBounds([])) : surface.home();
      map.fitBounds(frame, { padding: [12, 12], animate: false });
      framed = boxes.length > 0;
      share();
    });
    window.addEventListener("hashchange", restore);
  }

  /* Enter, on the map, opens the card of the commune at its centre, where a cross shows. */
  function keyboard(box) {
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== box) return;
      event.preventDefault();
      const found = surface.find(map.getCenter());
      if (found >= 0) choose(found, { move: false });
    });
  }

  function translate() {
    const toggle = document.querySelector(".leaflet-control-layers-toggle");
    if (toggle) {
      toggle.title = "Couches de la carte";
      toggle.setAttribute("aria-label", "Couches de la carte");
    }
    map.on("popupopen", (event) => {
      const close = event.popup.getElement().querySelector(".leaflet-popup-close-button");
      if (close) close.setAttribute("aria-label", "Fermer la fiche");
    });
  }

  /* On paper the map takes the frame of the page, then its own again. */
  function printing(home) {
    let before = null;
    window.addEventListener("beforeprint", () => {
      before = { centre: map.getCenter(), zoom: map.getZoom() };
      const bounds = framed || state.commune >= 0 ? map.getBounds() : home;
      document.body.classList.add("impression");
      map.invalidateSize({ animate: false }).fitBounds(bounds, { animate: false });
    });
    window.addEventListener("afterprint", () => {
      document.body.classList.remove("impression");
      map.invalidateSize({ animate: false });
      if (before) map.setView(before.centre, before.zoom, { animate: false });
    });
  }

  function start(given, drawing) {
    [map, surface] = [given, drawing];
    const home = surface.home(), box = map.getContainer();
    let moved = false;
    for (const gesture of ["pointerdown", "wheel", "keydown"]) {
      box.addEventListener(gesture, () => (moved = true), { passive: true });
    }
    map.on("resize", () => moved || framed || map.fitBounds(home, { padding: [12, 12], animate: false }));
    map.on("moveend", () => {
      framed = framed || moved;
      if (moved) share();
    });
    const scale = () => box.classList.toggle("eloignee", map.getZoom() < 8.75);
    for (const [name, visible] of [["overlayadd", true], ["overlayremove", false]]) {
      map.on(name, (event) => {
        const line = document.querySelector(`.signes li[data-couche="${CSS.escape(event.name)}"]`);
        if (line) line.classList.toggle("visible", visible);
        surface.restack();
      });
    }
    map.on("zoomend", scale);
    translate();
    keyboard(box);
    search();
    choices();
    show(views[0], 0);
    scale();
    printing(home);
    restore();
    performance.mark("carte");
    document.documentElement.dataset.carte = "prete";
  }

  /* What a test reads: the class and the fill of every commune drawn. */
  function drawn() {
    return surface.numbers().map((number) => {
      const row = rows[number], fill = surface.fill(number);
      const known = Object.keys(patterns).find((key) => patterns[key] === fill);
      return [codes[number], row < 0 ? "" : className(shown.classes[shown.ranks[row]]), known || fill];
    });
  }

  const number = (code) => codes.indexOf(code);
  return { start, drawn, choose, card, tip, placeCard, placeName, number, frame: () => (framed = true), style: baseStyle };
}
