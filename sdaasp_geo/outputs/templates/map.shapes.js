"use strict";
/* The communes of a département, that folium draws: one Leaflet layer each, and the places of each service. */
const sdaasp = (() => {
  const { INK, decodeLine, element, at } = outils;
  const page = carte(JSON.parse(at("donnees").textContent));
  const CHOSEN = { color: INK, weight: 3.5 };
  const popup = { maxWidth: 300, minWidth: 200, autoPanPadding: [16, 16] };
  const layers = new Map();
  let map = null, area = null, order = [], places = {}, chosen = -1;

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
  const style = (number) => ({ ...page.style(number), ...(number === chosen ? CHOSEN : {}) });

  function commune(feature, layer) {
    const number = feature.id;
    layers.set(number, layer);
    layer.on({
      mouseover: () => layer.setStyle(number === chosen ? CHOSEN : { color: INK, weight: 2.5 }),
      mouseout: () => layer.setStyle(style(number)),
      click: () => page.choose(number, { move: false }),
    });
    layer.bindPopup(() => page.card(number, "h3"), popup);
    layer.bindTooltip(() => element("span", page.tip(number)), { sticky: true });
  }

  function lieu(feature, layer) {
    layer.bindPopup(() => page.placeCard(feature.id), popup);
    layer.bindTooltip(() => element("span", page.placeName(feature.id)));
  }

  function restack(from = 0) {
    order.slice(from).forEach((layer) => map.hasLayer(layer) && layer.bringToFront());
  }

  /* What the page asks of its drawing. */
  const surface = {
    home: () => area.getBounds(),
    numbers: () => [...layers.keys()],
    fill: (number) => layers.get(number).options.fillColor,
    box: (number) => layers.has(number) && layers.get(number).getBounds(),
    restack,
    paint() {
      for (const [number, layer] of layers) layer.setStyle(style(number));
    },
    mark(number) {
      const before = chosen;
      chosen = number;
      if (layers.has(before)) layers.get(before).setStyle(style(before));
      if (!layers.has(number)) return;
      layers.get(number).setStyle(CHOSEN).bringToFront();
      restack(order.indexOf(area) + 1);
    },
    find(centre) {
      const point = map.latLngToLayerPoint(centre);
      const found = [...layers].find(([, layer]) => layer.getBounds().contains(centre) && layer._containsPoint(point));
      return found ? found[0] : -1;
    },
    places(services) {
      const wanted = new Set(services);
      if (!wanted.size) return;
      for (const [service, own] of Object.entries(places)) {
        for (const layer of own) {
          if (wanted.has(service)) layer.addTo(map);
          else layer.remove();
        }
      }
    },
  };

  function start(drawn, stack, polygons, byService) {
    [map, order, area, places] = [drawn, stack, polygons, byService];
    page.start(map, surface);
  }

  return { commune, lieu, start, drawn: page.drawn };
})();
