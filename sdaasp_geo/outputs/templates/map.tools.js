"use strict";
/* What the pages of maps share: compact texts read back, patterns, elements. Texts go through textContent only. */
const outils = (() => {
  const INK = "#1b1b1b", NBSP = "\u00a0", SVG = "http://www.w3.org/2000/svg";
  const at = (id) => document.getElementById(id);
  const figures = new Intl.NumberFormat("fr-FR");

  /* Five bits a letter, the sixth says that more follow; the lowest bit of a number is its sign. */
  const BITS = new Uint8Array(128);
  Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (letter, rank) => (BITS[letter.charCodeAt(0)] = rank));
  function numbers(text) {
    const values = [], length = text.length;
    let index = 0;
    while (index < length) {
      let bits, shift = 0, value = 0;
      do {
        bits = BITS[text.charCodeAt(index++)];
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

  /* Phrases are numbers of words, columns numbers of phrases: each is read the first time that it is asked for. */
  function reader(data) {
    const lines = data.phrases.split("."), known = [];
    const phrase = (rank) => (known[rank] ??= numbers(lines[rank]).map((word) => data.words[word]).join(" "));
    return (text) => {
      let ranks = null;
      const column = (row) => phrase((ranks ??= numbers(text))[row]);
      column.all = () => (ranks ??= numbers(text)).map(phrase);
      return column;
    };
  }

  function many(number, [singular, plural]) {
    return `${figures.format(number)}${NBSP}${number < 2 ? singular : plural}`;
  }

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

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

  L.Control.Zoom.mergeOptions({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" });
  L.Control.Scale.mergeOptions({ imperial: false });
  L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false });

  return { INK, NBSP, at, numbers, decodeLine, reader, many, plain, patterns, pattern, element, swatch };
})();
