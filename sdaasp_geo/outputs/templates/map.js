"use strict";
/* Runtime of the page: decodes shapes and texts, colours the communes, fills legend, table and cards.
   Texts go through textContent only. */
const sdaasp = (() => {
  const INK = "#1b1b1b", NEIGHBOUR = "#f1f1ee", NBSP = "\u00a0", TENTHS = 10;
  const SVG = "http://www.w3.org/2000/svg";
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("donnees").textContent);
  const figures = new Intl.NumberFormat("fr-FR");

  /* Five bits a letter, the sixth says that more follow; the lowest bit of a number is its sign. */
  const LETTERS = {};
  Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (letter, rank) => (LETTERS[letter] = rank));
  function numbers(text) {
    const values = [];
    let index = 0;
    while (index < text.length) {
      let bits, shift = 0, value = 0;
      do {
        bits = LETTERS[text[index++]];
        value |= (bits & 31) << shift;
        shift += 5;
      } while (bits >= 32);
      values.push(value & 1 ? ~(value >> 1) : value >> 1);
    }
    return values;
  }

  function decodeLine(text) {
    const steps = numbers(text), points = [];
    let x = 0, y = 0;
    for (let index = 0; index < steps.length; index += 2) {
      x += steps[index];
      y += steps[index + 1];
      points.push([x / 1e5, y / 1e5]);
    }
    return points;
  }

  /* One feature holds all the shapes of a layer: one is made of each, numbered; an empty text is no shape. */
  function decode(collection) {
    const features = [];
    for (const { id, properties, geometry } of collection.features) {
      const add = (rank, type, coordinates) =>
        features.push({ type: "Feature", id: id + rank, properties, geometry: { type, coordinates } });
      if (geometry.type === "MultiPoint") {
        decodeLine(geometry.coordinates).forEach((point, rank) => add(rank, "Point", point));
      } else {
        geometry.coordinates.forEach((text, rank) => {
          const polygons = text.split(";").map((rings) => rings.split(" ").map(decodeLine));
          if (text) add(rank, "MultiPolygon", polygons);
        });
      }
    }
    return { ...collection, features };
  }

  const phrases = data.phrases.split(".").map((line) => numbers(line).map((rank) => data.words[rank]).join(" "));
  const column = (text) => numbers(text).map((rank) => phrases[rank]);
  const codes = data.codes.split(" ");
  const communes = column(data.communes), names = column(data.names), rows = numbers(data.rows);
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
  const perCommune = data.plain;

  const addData = L.GeoJSON.prototype.addData;
  L.GeoJSON.include({
    addData(given) {
      return addData.call(this, Array.isArray(given.features) ? decode(given) : given);
    },
  });

  /* Canvas circles whose option "forme" is "losange" are drawn as diamonds. */
  const updateCircle = L.Canvas.prototype._updateCircle;
  L.Canvas.include({
    _updateCircle(layer) {
      if (layer.options.forme !== "losange" || !this._drawing || layer._empty()) {
        updateCircle.call(this, layer);
        return;
      }
      const p = layer._point, r = layer._radius, ctx = this._ctx;
      ctx.beginPath();
      ctx.moveTo(p.x, p.y - r);
      ctx.lineTo(p.x + r, p.y);
      ctx.lineTo(p.x, p.y + r);
      ctx.lineTo(p.x - r, p.y);
      ctx.closePath();
      this._fillStroke(ctx, layer);
    },
  });
  L.Control.Zoom.mergeOptions({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" });
  L.Control.Scale.mergeOptions({ imperial: false });
  L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false });

  /* A canvas pattern serves as a fill colour: dots (to check) or hatches (not measured) over the class colour. */
  const patterns = {};
  function pattern(kind, colour) {
    const key = kind + colour;
    if (!patterns[key]) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = 7;
      const ctx = tile.getContext("2d");
      ctx.fillStyle = colour;
      ctx.fillRect(0, 0, 7, 7);
      if (kind === "points") {
        for (const [fill, radius] of [["#ffffff", 1.7], [INK, 1.1]]) {
          ctx.fillStyle = fill;
          ctx.beginPath();
          ctx.arc(3.5, 3.5, radius, 0, 7);
          ctx.fill();
        }
      } else {
        ctx.strokeStyle = "#6b6b6b";
        for (const shift of [-7, 0, 7]) {
          ctx.beginPath();
          ctx.moveTo(shift - 1, 8);
          ctx.lineTo(shift + 8, -1);
          ctx.stroke();
        }
      }
      patterns[key] = ctx.createPattern(tile, "repeat");
    }
    return patterns[key];
  }

  function element(tag, text = "", attributes = {}) {
    const node = document.createElement(tag);
    node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  /* What is shown: a view, a threshold (tenths of a minute; 0: the classes of the scheme), a commune (its number). */
  const state = { view: views[0], limit: 0, commune: -1 };
  const layers = new Map();
  let map = null, area = null, order = [], places = {}, shown = null;

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

  function many(number, [singular, plural]) {
    return `${figures.format(number)}${NBSP}${number < 2 ? singular : plural}`;
  }

  function swatch(colour, hatched) {
    const picture = document.createElementNS(SVG, "svg");
    const set = (node, attributes) => Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    set(picture, { class: "pastille", viewBox: "0 0 35 20", "aria-hidden": "true", focusable: "false" });
    const fill = document.createElementNS(SVG, "rect");
    set(fill, { width: 35, height: 20, fill: colour });
    picture.append(fill);
    if (hatched) {
      const lines = document.createElementNS(SVG, "path");
      set(lines, { class: "hachures", d: at("trait-hachures").getAttribute("d") });
      picture.append(lines);
    }
    return picture;
  }

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

  function paint() {
    for (const [number, layer] of layers) layer.setStyle({ ...baseStyle(number), ...(number === state.commune ? CHOSEN : {}) });
  }

  const CHOSEN = { color: INK, weight: 3.5 };

  /* Pairs of a row: what the card lists and the table aligns. */
  function terms() {
    const { view, limit } = state;
    return limit ? ["Au seuil choisi", ...view.terms] : view.terms;
  }

  function cells(row) {
    const { view, limit } = state;
    const own = view.cells.map((texts) => texts[row]);
    if (!limit) return own;
    const doubt = shown.checks[row] ? ", à vérifier" : "";
    return [className(shown.classes[shown.ranks[row]]) + doubt, ...own];
  }

  function card(number, level) {
    const box = element("div"), row = rows[number];
    box.append(element(level, communes[number]));
    const list = element("dl");
    const pairs = row < 0 ? [] : [...identity.map((texts, rank) => [data.headers[rank + 1], texts[row]])];
    if (row >= 0 && !perCommune) pairs.unshift(["EPCI", names[row]]);
    if (row >= 0) terms().forEach((term, rank) => pairs.push([term, cells(row)[rank]]));
    for (const [term, text] of pairs) list.append(element("dt", term), element("dd", text));
    box.append(list, element("p", row < 0 ? "Commune hors des EPCI de cette carte." : state.view.sentences[row]));
    return box;
  }

  function placeCard(number) {
    const box = element("div"), [name, ...rest] = column(data.places[number]);
    const list = element("dl");
    for (let rank = 0; rank < rest.length; rank += 2) list.append(element("dt", rest[rank]), element("dd", rest[rank + 1]));
    box.append(element("h3", name), list);
    return box;
  }

  const popup = { maxWidth: 300, minWidth: 200, autoPanPadding: [16, 16] };

  function commune(feature, layer) {
    const number = feature.id;
    layers.set(number, layer);
    layer.on({
      mouseover: () => layer.setStyle(number === state.commune ? CHOSEN : { color: INK, weight: 2.5 }),
      mouseout: () => layer.setStyle(number === state.commune ? CHOSEN : baseStyle(number)),
      click: () => choose(number, { move: false }),
    });
    layer.bindPopup(() => card(number, "h3"), popup);
    layer.bindTooltip(() => element("span", tip(number)), { sticky: true });
  }

  function tip(number) {
    const row = rows[number];
    return row < 0 ? communes[number] : `${perCommune ? communes[number] : names[row]}${NBSP}: ${cells(row)[0]}`;
  }

  function lieu(feature, layer) {
    layer.bindPopup(() => placeCard(feature.id), popup);
    layer.bindTooltip(() => element("span", column(data.places[feature.id])[0]));
  }

  function restack(from = 0) {
    order.slice(from).forEach((layer) => map.hasLayer(layer) && layer.bringToFront());
  }

  /* Show the card of a commune beside the map, and outline it. */
  function choose(number, { move = true } = {}) {
    const before = layers.get(state.commune);
    state.commune = number;
    if (before) before.setStyle(baseStyle(Number([...layers].find(([, layer]) => layer === before)[0])));
    const layer = layers.get(number);
    at("resultat").replaceChildren(...card(number, "h2").childNodes);
    if (layer) {
      if (move) map.fitBounds(layer.getBounds(), { maxZoom: Math.max(11, map.getZoom()), animate: false });
      layer.setStyle(CHOSEN);
      layer.bringToFront();
      restack(order.indexOf(area) + 1);
    }
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
    const lines = names.map((name, row) => {
      const line = element("tr");
      line.append(element("th", name, { scope: "row" }));
      const texts = [...identity.map((texts) => texts[row]), ...cells(row), state.view.sentences[row]];
      line.append(...texts.map((text) => element("td", text)));
      return line;
    });
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...lines);
    at("legende-tableau").textContent = `${state.view.title}.`;
  }

  function drawPlaces() {
    const wanted = new Set(state.view.services);
    if (!wanted.size) return;
    for (const [service, own] of Object.entries(places)) {
      for (const layer of own) {
        if (wanted.has(service)) layer.addTo(map);
        else layer.remove();
      }
    }
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
    if (changed) drawPlaces();
    drawLegend();
    paint();
    fillTable();
    if (state.commune >= 0) at("resultat").replaceChildren(...card(state.commune, "h2").childNodes);
    map.closePopup();
    restack();
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

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

  function search() {
    const field = at("commune");
    at("noms").append(...communes.map((name) => element("option", "", { value: name })));
    at("recherche").hidden = false;
    at("recherche").addEventListener("submit", (event) => {
      event.preventDefault();
      const wanted = plain(field.value), known = communes.map(plain);
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
    window.addEventListener("hashchange", restore);
  }

  /* Enter, on the map, opens the card of the commune at its centre, where a cross shows. */
  function keyboard(box) {
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== box) return;
      event.preventDefault();
      const centre = map.getCenter(), point = map.latLngToLayerPoint(centre);
      const found = [...layers].find(([, layer]) => layer.getBounds().contains(centre) && layer._containsPoint(point));
      if (found) choose(found[0], { move: false });
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

  function start(drawn, stack, polygons, byService) {
    [map, order, area, places] = [drawn, stack, polygons, byService];
    const home = area.getBounds(), box = map.getContainer();
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
        restack();
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
    return [...layers].map(([number, layer]) => {
      const row = rows[number];
      const fill = layer.options.fillColor;
      const known = Object.keys(patterns).find((key) => patterns[key] === fill);
      return [codes[number], row < 0 ? "" : className(shown.classes[shown.ranks[row]]), known || fill];
    });
  }

  return { commune, lieu, start, drawn };
})();
