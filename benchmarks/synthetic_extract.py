"""Synthetic roads, or the graph of a real extract, in the form that every engine of ``matrices.py`` can read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import osmium
import pyproj
from osmium.osm.mutable import Node, Way
from routers import Network
from synthetic_roads import SPEEDS_KMH, Roads, synthetic_roads

from sdaasp_geo.road_speeds import read_road_parameters
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.travel.paths import Arcs
from sdaasp_geo.travel.road_graph import build_road_graph

HIGHWAYS = ("trunk", "primary", "secondary", "tertiary", "residential")
SOUTH_WEST = (0.5, 45.5)
EARTH_M = 6_371_000.0


def synthetic_network(nodes: int, folder: Path) -> Network:
    """Make synthetic roads and write them as an extract."""
    roads, path = synthetic_roads(nodes), folder / "synthetic.osm.pbf"
    lat = SOUTH_WEST[1] + np.degrees(roads.node_xy[:, 1] / EARTH_M)
    lon = SOUTH_WEST[0] + np.degrees(roads.node_xy[:, 0] / (EARTH_M * np.cos(np.radians(lat))))
    lonlat = np.column_stack([lon, lat]).round(7)
    write_extract(roads, lonlat, path)
    return Network(roads.arcs, lonlat, path)


def write_extract(roads: Roads, lonlat: np.ndarray, path: Path) -> None:
    """Write one way per road, with its class and its speed as the limit."""
    with osmium.SimpleWriter(str(path)) as writer:
        for number, point in enumerate(lonlat.tolist(), start=1):
            writer.add_node(Node(id=number, location=tuple(point), version=1))
        rows = zip((roads.edges + 1).tolist(), roads.road_class.tolist(), roads.one_way.tolist(), strict=True)
        for number, (ends, road_class, one_way) in enumerate(rows, start=1):
            tags = {"highway": HIGHWAYS[road_class], "maxspeed": f"{SPEEDS_KMH[road_class]:.0f}"}
            writer.add_way(Way(id=number, nodes=ends, tags=tags | ({"oneway": "yes"} if one_way else {}), version=1))


def real_network(extract: Path) -> Network:
    """Read an extract as the package does."""
    table, _ = read_osm_roads(extract, speeds=read_road_parameters())
    crs = table.estimate_utm_crs()
    graph = build_road_graph(table.to_crs(crs), crs=crs.to_string(), source=extract.name)
    turn = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lonlat = np.column_stack(turn.transform(*graph.node_xy.T))
    return Network(Arcs(graph.first_out, graph.head, graph.weight_ms), lonlat, extract.resolve())
