"use strict";
/* Runtime of the page: decodes the shapes, marks the communes, opens the cards. Texts go through textContent only. */
const sdaasp = (() => {
  const INK = "#1b1b1b";
  const CARD_FIELDS = [1, 2, 3, 4, 5, 6, 7];
  const known = {};
  const communes = document.querySelector("#communes tbody").rows;
  const lieux = JSON.parse(document.getElementById("lieux").textContent);

  /* Signed differences of 1e-5 degree, five bits a character, the sixth says that more follow. */
  const DIGITS = {};
  Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (letter, rank) => (DIGITS[letter] = rank));
  function decodeLine(text) {
    const points = [];
    let x = 0, y = 0, index = 0;
    const step = () => {
      let bits, shift = 0, value = 0;
      do {
        bits = DIGITS[text[index++]];
        value |= (bits & 31) << shift;
        shift += 5;
      } while (bits >= 32);
      return value & 1 ? ~(value >> 1) : value >> 1;
    };
    while (index < text.length) {
      x += step();
      y += step();
      points.push([x / 1e5, y / 1e5]);
    }
    return points;
  }

  function decode(data) {
    const features = [];
    for (const feature of data.features) {
      const { type, coordinates } = feature.geometry;
      if (type === "MultiPoint") {
        decodeLine(coordinates).forEach((point, rank) => {
          features.push({ ...feature, id: feature.id + rank, geometry: { type: "Point", coordinates: point } });
        });
      } else {
        const polygons = coordinates.map((rings) => rings.map(decodeLine));
        features.push({ ...feature, geometry: { type, coordinates: polygons } });
      }
    }
    return { ...data, features };
  }

  const addData = L.GeoJSON.prototype.addData;
  L.GeoJSON.include({
    addData(data) {
      return addData.call(this, Array.isArray(data.features) ? decode(data) : data);
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
      if (kind === 1) {
        ctx.fillStyle = "#ffffff";
        ctx.beginPath();
        ctx.arc(3.5, 3.5, 1.7, 0, 7);
        ctx.fill();
        ctx.fillStyle = INK;
        ctx.beginPath();
        ctx.arc(3.5, 3.5, 1.1, 0, 7);
        ctx.fill();
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

  function element(tag, text) {
    const node = document.createElement(tag);
    node.textContent = text;
    return node;
  }

  function definitions(pairs) {
    const list = document.createElement("dl");
    for (const [term, text] of pairs) {
      list.append(element("dt", term), element("dd", text));
    }
    return list;
  }

  function headings() {
    return Array.from(document.querySelectorAll("#communes thead th"), (cell) => cell.textContent);
  }

  function communeCard(number) {
    const cells = communes[number].cells;
    const card = document.createElement("div");
    const names = headings();
    card.append(element("h3", cells[0].textContent));
    card.append(definitions(CARD_FIELDS.map((rank) => [names[rank], cells[rank].textContent])));
    card.append(element("p", cells[cells.length - 1].textContent));
    return card;
  }

  function placeCard(number) {
    const card = document.createElement("div");
    const [name, ...rest] = lieux[number];
    const pairs = [];
    for (let rank = 0; rank < rest.length; rank += 2) pairs.push([rest[rank], rest[rank + 1]]);
    card.append(element("h3", name), definitions(pairs));
    return card;
  }

  const popup = { maxWidth: 300, minWidth: 200, autoPanPadding: [16, 16] };

  function commune(feature, layer) {
    const cells = communes[feature.id].cells;
    known[feature.id] = layer;
    if (feature.properties.m) {
      layer.options.fillColor = pattern(feature.properties.m, layer.options.fillColor);
    }
    const { color, weight } = layer.options;
    layer.on({
      mouseover: () => layer.setStyle({ color: INK, weight: 2.5 }),
      mouseout: () => layer.setStyle({ color, weight }),
    });
    layer.bindPopup(() => communeCard(feature.id), popup);
    layer.bindTooltip(() => element("span", `${cells[0].textContent}\u00a0: ${cells[3].textContent}`), { sticky: true });
  }

  function lieu(feature, layer) {
    layer.bindPopup(() => placeCard(feature.id), popup);
    layer.bindTooltip(() => element("span", lieux[feature.id][0]));
  }

  function search(map, above) {
    const form = document.getElementById("recherche");
    const field = document.getElementById("commune");
    const status = document.getElementById("resultat");
    const options = document.getElementById("noms");
    const numbers = new Map();
    for (const row of communes) {
      const name = row.cells[0].textContent;
      numbers.set(name.toLowerCase(), row.sectionRowIndex);
      const option = document.createElement("option");
      option.value = name;
      options.append(option);
    }
    const find = (text) => {
      const wanted = text.trim().toLowerCase();
      const names = Array.from(numbers.keys());
      const found = names.find((name) => name === wanted) || names.find((name) => name.startsWith(wanted));
      return wanted && found ? numbers.get(found) : null;
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const number = find(field.value);
      status.replaceChildren();
      if (number === null) {
        status.textContent = "Aucune commune étudiée ne porte ce nom.";
        return;
      }
      status.append(...communeCard(number).childNodes);
      const layer = known[number];
      if (layer) {
        map.fitBounds(layer.getBounds(), { maxZoom: 11 });
        layer.setStyle({ color: INK, weight: 3.5 });
        layer.bringToFront();
        above();
      }
    });
  }

  function translate(map) {
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

  function start(map, order, area) {
    const stack = () => order.forEach((layer) => map.hasLayer(layer) && layer.bringToFront());
    const home = area.getBounds();
    let moved = false;
    for (const gesture of ["pointerdown", "wheel", "keydown"]) {
      map.getContainer().addEventListener(gesture, () => (moved = true), { passive: true });
    }
    map.on("resize", () => moved || map.fitBounds(home, { padding: [12, 12], animate: false }));
    const scale = () => map.getContainer().classList.toggle("eloignee", map.getZoom() < 8.75);
    map.on("overlayadd", stack);
    map.on("zoomend", scale);
    translate(map);
    search(map, () => order.slice(order.indexOf(area) + 1).forEach((layer) => map.hasLayer(layer) && layer.bringToFront()));
    stack();
    scale();
    window.addEventListener("beforeprint", () => {
      document.body.classList.add("impression");
      map.invalidateSize({ animate: false }).fitBounds(home, { animate: false });
    });
    window.addEventListener("afterprint", () => {
      document.body.classList.remove("impression");
      map.invalidateSize({ animate: false });
    });
    document.documentElement.dataset.carte = "prete";
  }

  return { commune, lieu, start };
})();
