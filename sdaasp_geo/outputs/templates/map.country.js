"use strict";
/* A region or France: communes are shared arcs, drawn on one canvas. The data of the page is unpacked first. */
let sdaasp = null;
(() => {
  const { INK, at, numbers, decodeLine, element } = outils;
  const PAD = 0.15, CLOSER_PX = 0.8, WORLD = 256, INSET = 84, AT_ONCE = 60;
  const popup = { maxWidth: 300, minWidth: 200, autoPanPadding: [16, 16] };

  async function unpack(text) {
    const letters = atob(text), bytes = new Uint8Array(letters.length);
    for (let index = 0; index < bytes.length; index++) bytes[index] = letters.charCodeAt(index);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /* Arcs in pixels of the world at zoom 0, and the rings of each commune: see outputs/overview_arcs.py. */
  function readArcs(data) {
    const steps = numbers(data.arcs), starts = [0], xs = [], ys = [];
    for (let index = 0, x = 0, y = 0; index < steps.length; ) {
      for (let left = steps[index++]; left > 0; left--) {
        x += steps[index++];
        y += steps[index++];
        const sine = Math.sin((y * data.step * Math.PI) / 180);
        xs.push(((x * data.step + 180) / 360) * WORLD);
        ys.push((0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD);
      }
      starts.push(xs.length);
    }
    const refs = numbers(data.rings), shapes = [];
    for (let index = 0, known = 0; index < refs.length; ) {
      shapes.push(
        Array.from({ length: refs[index++] }, () =>
          Array.from({ length: refs[index++] }, () => {
            const back = refs[index++];
            return back === 0 ? known++ : back > 0 ? ~(known - back) : known + back;
          }),
        ),
      );
    }
    return { starts, xs: Float64Array.from(xs), ys: Float64Array.from(ys), shapes };
  }

  /* West, north, east, south of each commune. */
  function readBoxes({ starts, xs, ys, shapes }) {
    return shapes.map((rings) => {
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      for (const ref of rings.flat()) {
        const arc = ref < 0 ? ~ref : ref;
        for (let index = starts[arc]; index < starts[arc + 1]; index++) {
          box[0] = Math.min(box[0], xs[index]);
          box[1] = Math.min(box[1], ys[index]);
          box[2] = Math.max(box[2], xs[index]);
          box[3] = Math.max(box[3], ys[index]);
        }
      }
      return box;
    });
  }

  const place = (x, y) => L.CRS.EPSG3857.pointToLatLng(L.point(x, y), 0);
  const joined = (boxes) => boxes.reduce((all, box) => all.map((side, rank) => (rank < 2 ? Math.min : Math.max)(side, box[rank])));
  const bounds = (box) => L.latLngBounds(place(box[0], box[1]), place(box[2], box[3]));

  function country(data) {
    const ground = readArcs(data), boxes = readBoxes(ground);
    const { starts, xs, ys, shapes } = ground, levels = Array.from(data.levels, Number);
    const drawn = shapes.flatMap((rings, number) => (rings.length ? [number] : []));
    const territories = data.territories.map(([label, first, size]) => ({ label, first, size }));
    const own = ({ first, size }) => drawn.filter((number) => number >= first && number < first + size);
    const spots = new Map(Object.entries(data.spots).map(([service, text]) => [service, decodeLine(text).map(([lon, lat]) => L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), 0))]));
    const fills = [], insets = [];
    let page = null, map = null, canvas = null, outline = null, dots = [];

    /* Points of an arc on the screen: those that a pixel would not tell apart are passed over, alike on both sides. */
    function screen({ scale, x, y }) {
      const known = [];
      return (arc) => {
        if (known[arc]) return known[arc];
        const points = [], last = starts[arc + 1] - 1;
        let before = Infinity, above = Infinity;
        for (let index = starts[arc]; index <= last; index++) {
          const right = xs[index] * scale - x, down = ys[index] * scale - y;
          if (index < last && Math.abs(right - before) + Math.abs(down - above) < CLOSER_PX) continue;
          points.push(right, down);
          [before, above] = [right, down];
        }
        return (known[arc] = points);
      };
    }

    function trace(context, line, ref, begin) {
      const points = line(ref < 0 ? ~ref : ref), size = points.length;
      for (let step = 0; step < size; step += 2) {
        const index = ref < 0 ? size - 2 - step : step;
        if (begin && step === 0) context.moveTo(points[index], points[index + 1]);
        else context.lineTo(points[index], points[index + 1]);
      }
    }

    /* A path of many thousand edges takes minutes to fill: it is drawn by parts. */
    function parts(all, task) {
      for (let first = 0; first < all.length; first += AT_ONCE) task(all.slice(first, first + AT_ONCE));
    }

    function fillShapes(context, line, visible) {
      const groups = new Map();
      for (const number of visible) {
        const colour = fills[number];
        if (!groups.has(colour)) groups.set(colour, []);
        groups.get(colour).push(number);
      }
      for (const [colour, members] of groups) {
        context.fillStyle = colour;
        parts(members, (part) => {
          context.beginPath();
          for (const number of part) {
            for (const ring of shapes[number]) {
              ring.forEach((ref, rank) => trace(context, line, ref, rank === 0));
              context.closePath();
            }
          }
          context.fill("evenodd");
        });
      }
    }

    /* Edges by level: communes and EPCI from near only, départements, outer edges. */
    function strokeEdges(context, line, visible, zoom) {
      const near = zoom >= 8.5, arcs = new Set();
      for (const number of visible) for (const ring of shapes[number]) for (const ref of ring) arcs.add(ref < 0 ? ~ref : ref);
      const pens = [["#ffffff", near ? 0.6 : 0], [INK, near ? 1 : 0], [INK, zoom < 7 ? 0.7 : 2], [INK, zoom < 7 ? 0.9 : 2]];
      pens.forEach(([colour, width], level) => {
        if (!width) return;
        context.strokeStyle = colour;
        context.lineWidth = width;
        parts([...arcs].filter((arc) => levels[arc] === level), (part) => {
          context.beginPath();
          for (const arc of part) trace(context, line, arc, true);
          context.stroke();
        });
      });
    }

    function drawDots(context, { scale, x, y }, zoom) {
      if (zoom < 6.75) return;
      const radius = zoom < 8.5 ? 2.4 : 4;
      context.fillStyle = "#ffffff";
      context.strokeStyle = INK;
      context.lineWidth = 1.4;
      for (const dot of dots) {
        context.beginPath();
        context.arc(dot.x * scale - x, dot.y * scale - y, radius, 0, 7);
        context.fill();
        context.stroke();
      }
    }

    function draw(target, width, height, frame, zoom) {
      const ratio = window.devicePixelRatio || 1, context = target.getContext("2d");
      target.width = Math.round(width * ratio);
      target.height = Math.round(height * ratio);
      target.style.width = `${width}px`;
      target.style.height = `${height}px`;
      context.scale(ratio, ratio);
      context.lineJoin = "round";
      const { scale, x, y } = frame;
      const seen = ([west, north, east, south]) => east * scale >= x && west * scale <= x + width && south * scale >= y && north * scale <= y + height;
      const visible = drawn.filter((number) => seen(boxes[number])), line = screen(frame);
      fillShapes(context, line, visible);
      strokeEdges(context, line, visible, zoom);
      drawDots(context, frame, zoom);
    }

    function redraw() {
      const size = map.getSize(), zoom = map.getZoom(), pad = size.multiplyBy(PAD).round();
      const corner = map.containerPointToLayerPoint(pad.multiplyBy(-1)), origin = map.getPixelOrigin().add(corner);
      L.DomUtil.setPosition(canvas, corner);
      draw(canvas, size.x + 2 * pad.x, size.y + 2 * pad.y, { scale: 2 ** zoom, x: origin.x, y: origin.y }, zoom);
    }

    /* The territories that the frame does not hold: a small picture of each, that leads to it. */
    function addInsets() {
      const list = at("cartouches");
      if (territories.length < 2) return;
      list.hidden = false;
      territories.forEach((territory, rank) => {
        const button = element("button", "", { type: "button" }), picture = element("canvas", "", { "aria-hidden": "true" });
        button.append(picture, element("span", territory.label));
        button.addEventListener("click", () => {
          page.frame();
          map.fitBounds(bounds(territory.box), { padding: [12, 12], animate: false });
        });
        list.append(button);
        if (rank) insets.push([picture, territory.box]);
        else picture.remove();
      });
    }

    function drawInsets() {
      for (const [picture, [west, north, east, south]] of insets) {
        const scale = (INSET - 8) / Math.max(east - west, south - north);
        const x = ((west + east) / 2) * scale - INSET / 2, y = ((north + south) / 2) * scale - INSET / 2;
        draw(picture, INSET, INSET, { scale, x, y }, 0);
      }
    }

    const turns = (x, y, ring) => {
      let inside = false;
      for (const ref of ring) {
        const arc = ref < 0 ? ~ref : ref;
        for (let index = starts[arc]; index < starts[arc + 1] - 1; index++) {
          if (ys[index] > y === ys[index + 1] > y) continue;
          if (x < xs[index] + ((y - ys[index]) * (xs[index + 1] - xs[index])) / (ys[index + 1] - ys[index])) inside = !inside;
        }
      }
      return inside;
    };

    const surface = {
      home: () => bounds(territories[0].box),
      numbers: () => drawn,
      fill: (number) => fills[number],
      box: (number) => shapes[number].length > 0 && bounds(boxes[number]),
      restack() {},
      places: (services) => (dots = services.flatMap((service) => spots.get(service) || [])),
      paint() {
        for (const number of drawn) fills[number] = page.style(number).fillColor;
        redraw();
        drawInsets();
      },
      mark(number) {
        if (outline) outline.remove();
        const along = (ref) => {
          const arc = ref < 0 ? ~ref : ref, points = [];
          for (let index = starts[arc]; index < starts[arc + 1]; index++) points.push(place(xs[index], ys[index]));
          return ref < 0 ? points.reverse() : points;
        };
        const lines = shapes[number].map((ring) => ring.flatMap(along));
        outline = L.polyline(lines, { color: INK, weight: 3.5, interactive: false, smoothFactor: 0.5 }).addTo(map);
      },
      find(centre) {
        const { x, y } = L.CRS.EPSG3857.latLngToPoint(centre, 0);
        const inside = (number) => shapes[number].reduce((odd, ring) => odd !== turns(x, y, ring), false);
        const found = drawn.find((number) => {
          const [west, north, east, south] = boxes[number];
          return x >= west && x <= east && y >= north && y <= south && inside(number);
        });
        return found ?? -1;
      },
    };

    function answer() {
      const tip = L.tooltip({ direction: "top", offset: [0, -6] });
      map.on("click", (event) => {
        const number = surface.find(event.latlng);
        if (number < 0) return;
        page.choose(number, { move: false });
        L.popup(popup).setLatLng(event.latlng).setContent(page.card(number, "h3")).openOn(map);
      });
      map.on("mousemove", (event) => {
        const number = surface.find(event.latlng);
        if (number < 0) tip.remove();
        else tip.setLatLng(event.latlng).setContent(element("span", page.tip(number))).addTo(map);
      });
      map.on("mouseout", () => tip.remove());
    }

    function start() {
      page = carte(data);
      for (const territory of territories) territory.box = joined(own(territory).map((number) => boxes[number]));
      at("image").hidden = true;
      at("cadre").hidden = false;
      map = L.map("carte", { preferCanvas: true, attributionControl: false, zoomSnap: 0.25, minZoom: 3, maxZoom: 14 });
      L.control.scale().addTo(map);
      map.fitBounds(surface.home(), { padding: [12, 12] });
      canvas = L.DomUtil.create("canvas", "", map.getPane("tilePane"));
      addInsets();
      page.start(map, surface);
      map.on("moveend zoom", redraw);
      answer();
      return { drawn: page.drawn, centre: (code) => bounds(boxes[page.number(code)]).getCenter(), redraw };
    }
    return { start };
  }

  if (!window.DecompressionStream) {
    at("ancien").hidden = false;
    return;
  }
  unpack(at("donnees").textContent).then((data) => (sdaasp = country(data).start()));
})();
