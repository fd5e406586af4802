"""France entière: borders, weekly presence, whole / inside / outside and access figures, with the straight line.

    python benchmarks/france.py [liste-fs-20240801.csv]

Every commune of metropolitan France and every permanent France services: those of the list of the ANCT that is given, or
2,500 communes drawn with a seed and seeded hours. Figures are those of a département's run, made for each département
in turn, with its EPCI and PETR whole. Reading layers and places comes before, and is not in the total. Each part is
compared with what one would write without thinking of size, on a sample, and must give the same figures. How time is
measured: ``clocks.py``; the peak of memory is that of each part, what was held before included.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from clocks import least, once, peak_mb

from sdaasp_geo.analysis import border, catchment, choice, distribution, inequality, levels, presence, sensitivity
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.criteria import read_criteria
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.layers import communes as commune_layer
from sdaasp_geo.layers.opening import Opening, weekly_presence
from sdaasp_geo.layers.scope import studied_codes
from sdaasp_geo.layers.services import build_service_points, current_codes
from sdaasp_geo.layers.territories import petr_members
from sdaasp_geo.parameters import Parameters, Rule, number_setting, read_parameters, rules_of, words_setting
from sdaasp_geo.pipeline.ground import LEVELS, NETWORK
from sdaasp_geo.pipeline.measurement import STRAIGHT_LINE
from sdaasp_geo.sources import france
from sdaasp_geo.sources.services import read_services
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.pairs import pairs_of, pairs_within
from sdaasp_geo.travel.straight_line import straight_line_engine

SERVICE = "france-services"
ZONE = "metropole"
DRAWN, SEED = 2_500, 65
ROUNDS = 3
SAMPLE = 200
Members = Mapping[str, Mapping[str, pd.DataFrame]]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Country:
    """What is read before: communes, places, points, parameters, rules and the engine."""

    communes: pd.DataFrame
    petr: Mapping[str, pd.DataFrame]
    places: pd.DataFrame
    points: pd.DataFrame
    parameters: Parameters
    rules: tuple[Rule, ...]
    engine: Engine

    @property
    def limits(self) -> list[float]:
        """Thresholds of the rules, in minutes."""
        return sorted({rule.threshold_min for rule in self.rules})


def drawn_grid(layer: pd.DataFrame) -> pd.DataFrame:
    """Draw communes where a France services would be, by population, and its hours."""
    random = np.random.default_rng(SEED)
    weight = np.sqrt(layer["population"].to_numpy(dtype="float64"))
    chosen = layer.iloc[np.sort(random.choice(len(layer), DRAWN, replace=False, p=weight / weight.sum()))]
    opens, closes = random.choice(["08:30", "09:00"], DRAWN), random.choice(["17:00", "17:30", "18:00"], DRAWN)
    days = random.choice(["Mo-Fr", "Mo-Sa", "Tu-Sa", "Mo,We,Fr"], DRAWN)
    hours = [f"{d} {o}-12:00,13:30-{c}" for d, o, c in zip(days, opens, closes, strict=True)]
    return pd.DataFrame(
        {
            "id": [f"fs-{number:04d}" for number in range(DRAWN)],
            "nom": chosen["name"].to_numpy(),
            "operateur": "",
            "service": SERVICE,
            "format": "fixe",
            "code_commune": chosen["code"].to_numpy(),
            "commune": chosen["name"].to_numpy(),
            "lon": np.nan,
            "lat": np.nan,
            "horaires": hours,
            "horaires_bruts": "",
        }
    )


def read_country(listed: Path | None) -> Country:
    """Read communes, as the layer of a study holds them, and places."""
    vintage = france.vintages()[-1]
    codes = {code for code, one in france.read_departements().items() if one.zone == ZONE}
    membership = france.read_membership(vintage)
    shapes = commune_layer.apply_vintage(france.read_contours(codes), france.read_contour_links(), vintage=vintage)
    layer = commune_layer.build_communes(
        shapes,
        membership[membership["departement"].isin(codes)],
        france.read_mairies(codes),
        departement="",
        vintage=vintage,
    )
    parameters = read_parameters(None)
    grid = read_services(listed) if listed else drawn_grid(layer)
    grid = grid[grid["service"] == SERVICE]
    moved = current_codes(grid["code_commune"], france.read_moves(), set(layer["code"]), vintage=vintage)
    formats = words_setting(parameters, "formats-permanents")
    points = build_service_points(
        grid.assign(code_commune=moved), layer, permanent_formats=formats, departement=""
    )
    points = points[points["code_commune"].isin(set(layer["code"]))].reset_index(drop=True)
    places = service_places(points, pd.DataFrame(layer[["code", "population", "area_km2"]]), service=SERVICE)
    petr = {
        code: petr_members(france.read_petr(), membership, date=f"{vintage}-01-01", departement=code)
        for code in sorted(codes)
    }
    calibration = embedded_path(STRAIGHT_LINE).read_text(encoding="utf-8")
    return Country(
        communes=pd.DataFrame(layer.drop(columns="geometry")),
        petr=petr,
        places=places.assign(operateur=NETWORK),
        points=pd.DataFrame(points.drop(columns="geometry")),
        parameters=parameters,
        rules=rules_of(parameters, codes=(), services=(SERVICE,), date=dt.date(vintage, 1, 1)),
        engine=straight_line_engine(calibration, coverage=number_setting(parameters, "bande-erreur")),
    )


def list_pairs(country: Country) -> pd.DataFrame:
    """List the pairs within reach."""
    reach = number_setting(country.parameters, "portee-trajets-min")
    return pairs_within(country.engine, country.communes, country.places, limit_min=reach)


def list_members(country: Country) -> Members:
    """Say, by level, which communes count where, from the side of each département: EPCI and PETR are whole.

    A territory is called by the département that looks at it and its own code, so that all are measured at once.
    """
    everywhere, found = country.communes, {}
    for code, petr in country.petr.items():
        studied = everywhere[everywhere["code"].isin(studied_codes(everywhere, petr, departement=code))]
        studied = studied.assign(inside=studied["departement"] == code)
        sirens = set(studied.loc[studied["inside"], "epci"].dropna())
        found[code] = levels.territory_members(studied, petr, epci=sirens, departement=code)
    return {
        level: pd.concat(
            [tables[level].assign(territory=code + " " + tables[level]["territory"]) for code, tables in found.items()],
            ignore_index=True,
        )
        for level in levels.LEVELS
    }


def of_departement(members: Members, code: str) -> Members:
    """Keep the territories seen from one département."""
    return {
        level: table[table["territory"].str.startswith(f"{code} ")].reset_index(drop=True)
        for level, table in members.items()
    }


def by_level(members: Members, make: Callable[[pd.DataFrame, str], pd.DataFrame]) -> list[pd.DataFrame]:
    """Make a table for each level that means something for more than one commune."""
    return [make(members[level], level) for level in LEVELS]


def measure_border(country: Country, pairs: pd.DataFrame) -> pd.DataFrame:
    """Find the nearest places anywhere, in the EPCI and in the département, and the minutes won."""
    return border.border_access(country.communes, country.places, pairs, service=SERVICE)


def balance_borders(access: pd.DataFrame, members: Members) -> list[pd.DataFrame]:
    """Count who is served where, at every level, and every pair of EPCI or of départements."""
    balances = [border.border_balance(access, table, level=level) for level, table in members.items()]
    return balances + [border.border_pairs(access, level=level) for level in border.SHARED]


def open_places(country: Country) -> Opening:
    """Read the hours of places."""
    return weekly_presence(
        country.points,
        permanent_formats=words_setting(country.parameters, "formats-permanents"),
        monday=dt.date.fromisoformat(words_setting(country.parameters, "semaine-reference")[0]),
    )


def measure_presence(country: Country, pairs: pd.DataFrame, opened: Opening) -> list[pd.DataFrame]:
    """Add up the hours within reach of each commune, for each threshold."""
    evening_h = number_setting(country.parameters, "soir-min")
    return [
        presence.reachable_hours(
            country.communes, pairs, opened.places, opened.intervals, limit_min=limit_min, evening_h=evening_h
        )
        for limit_min in country.limits
    ]


def share_presence(
    country: Country, pairs: pd.DataFrame, members: Members, opened: Opening, found: list[pd.DataFrame]
) -> list[pd.DataFrame]:
    """Share hours, evenings and Saturdays by territory, for each threshold, and follow them over a week."""
    shares = [
        table
        for hours in found
        for table in by_level(members, lambda table, level: presence.presence_shares(table, hours, level=level))  # noqa: B023 - called at once
    ]
    origins = country.communes
    week = presence.week_profile(origins, pairs, opened.intervals, limit_min=country.limits[0])
    return shares + by_level(members, lambda table, level: presence.presence_curve(table, origins, week, level=level))


def cover(country: Country, access: pd.DataFrame, members: Members) -> list[pd.DataFrame]:
    """Count inhabitants within each threshold and summarise times, whole, inside and outside; levels must add up."""
    covered = {
        level: coverage.cover(table, access, country.rules, level=level) for level, table in members.items()
    }
    sums = {level: inside_sums(table) for level, table in covered.items()}
    for level in ("commune", "epci"):
        pd.testing.assert_frame_equal(sums[level], sums["departement"])
    summaries = [coverage.summarise(table, access, level=level) for level, table in members.items()]
    return [*covered.values(), *summaries]


def inside_sums(covered: pd.DataFrame) -> pd.DataFrame:
    """Add up the inside parts, by département and rule."""
    inside = covered[covered["part"] == coverage.PARTS[1]]
    counted = ["communes", "population", "population_within", "population_beyond", "population_not_measured"]
    return inside.groupby([inside["territory"].str.split(" ").str[0], inside["rule"]])[counted].sum()


def measure_figures(
    country: Country, access: pd.DataFrame, pairs: pd.DataFrame, members: Members
) -> list[pd.DataFrame]:
    """Measure deciles, inequality, sensitivity to the threshold and choice."""
    epci = country.communes.set_index("code")["epci"]
    thresholds = read_criteria(None).sensitivity_min
    counts = choice.count_within(pairs, access, country.places, limits=country.limits)
    kinds: tuple[Callable[[pd.DataFrame, str], pd.DataFrame], ...] = (
        lambda table, level: distribution.distribution(table, access, level=level),
        lambda table, level: inequality.inequality(table, access, epci, level=level),
        lambda table, level: inequality.contributions(table, access, epci, level=level),
        lambda table, level: sensitivity.sensitivity(table, access, thresholds=thresholds, level=level),
        lambda table, level: choice.choice_coverage(table, counts, level=level),
    )
    return [table for make in kinds for table in by_level(members, make)]


def share_supply(country: Country, pairs: pd.DataFrame, opened: Opening) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Share the hours of places among the inhabitants within reach: the two-step method, and with a decay."""
    limit = number_setting(country.parameters, "bassin-min")
    origins = country.communes.set_index("code")
    reach = catchment.reach_of(pairs, codes=origins.index, places=pd.Index(country.places["id"]))
    whole, decaying = (
        catchment.floating_catchment(
            reach, demand=origins["population"].astype("float64"), supply=offered_hours(opened), decay=decay
        )[0]
        for decay in (catchment.whole(limit), catchment.gaussian(limit))
    )
    return whole, decaying


def offered_hours(opened: Opening) -> pd.Series:
    """Add up the hours of each place in a week."""
    table = opened.intervals
    return (table["end_min"] - table["start_min"]).groupby(table["place"]).sum() / 60


def sample_of(country: Country) -> pd.DataFrame:
    """Draw the communes of the comparisons."""
    return country.communes.sample(SAMPLE, random_state=SEED).reset_index(drop=True)


def naive_pairs(country: Country, sample: pd.DataFrame, pairs: pd.DataFrame) -> float:
    """Ask for one commune at a time."""
    reach = number_setting(country.parameters, "portee-trajets-min")
    rows = [sample.iloc[[number]].reset_index(drop=True) for number in range(len(sample))]
    seconds, found = once(lambda: [pairs_of(country.engine(row, country.places), limit_min=reach) for row in rows])
    theirs = pd.concat(found).sort_values(["code", "place"], ignore_index=True)
    ours = pairs[pairs["code"].isin(set(sample["code"]))].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, theirs)
    return seconds


def naive_border(country: Country, sample: pd.DataFrame, pairs: pd.DataFrame, access: pd.DataFrame) -> float:
    """Look for the three nearest places of one commune after another."""
    places = country.places.rename(columns={"id": "place"})

    def one(origin: pd.Series) -> list[float]:
        near = pairs[pairs["code"] == origin["code"]].merge(places, on="place")
        own = near["epci"] == origin["epci"]
        if pd.isna(origin["epci"]):
            own = near["code_commune"] == origin["code"]
        inside = near["departement"] == origin["departement"]
        return [near["time_min"].min(), near.loc[own, "time_min"].min(), near.loc[inside, "time_min"].min()]

    seconds, theirs = once(lambda: [one(origin) for _, origin in sample.iterrows()])
    columns = ["time_min", "own_epci_time_min", "own_departement_time_min"]
    np.testing.assert_array_equal(access.set_index("code").loc[sample["code"], columns], theirs)
    return seconds


def naive_presence(
    country: Country, sample: pd.DataFrame, pairs: pd.DataFrame, opened: Opening, hours: pd.DataFrame
) -> float:
    """Mark the minutes of the week of one commune after another."""
    slots = {place: table for place, table in opened.intervals.groupby("place")}  # noqa: C416 - a mapping of groups
    near = pairs[pairs["time_min"] <= country.limits[0]]

    def one(code: str) -> float:
        week = np.zeros(7 * 24 * 60, dtype=bool)
        for place in near.loc[near["code"] == code, "place"]:
            for row in slots[place].itertuples() if place in slots else ():
                week[row.day * 1440 + row.start_min : row.day * 1440 + row.end_min] = True
        return float(week.sum() / 60)

    seconds, theirs = once(lambda: [one(code) for code in sample["code"]])
    np.testing.assert_array_equal(hours.set_index("code").loc[sample["code"], "open_hours"].fillna(0), theirs)
    return seconds


def naive_catchment(country: Country, pairs: pd.DataFrame, opened: Opening, received: pd.DataFrame) -> float:
    """Share hours among inhabitants by joins and groups, the whole table of pairs at once."""
    limit = number_setting(country.parameters, "bassin-min")
    supply = offered_hours(opened).rename("hours")
    people = country.communes[["code", "population"]]

    def all_of_them() -> pd.Series:
        near = pairs[pairs["time_min"] <= limit].merge(people, on="code")
        shared = (supply / near.groupby("place")["population"].sum()).rename("shared")
        return near.merge(shared, left_on="place", right_index=True).groupby("code")["shared"].sum()

    seconds, theirs = once(all_of_them)
    ours = received.set_index("code")["supply_per_head"]
    np.testing.assert_allclose(ours, theirs.reindex(ours.index, fill_value=0.0), atol=1e-12)
    return seconds


class Clock:
    """Time of each part, printed as it comes, and their total."""

    def __init__(self) -> None:
        self.total = 0.0

    def part(self, name: str, task: Callable[[], Found]) -> tuple[float, Found]:
        """Time one part."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is held
        seconds, found = least(task, ROUNDS)
        self.total += seconds
        print(f"{name:44s} {seconds:7.2f} s   peak {peak_mb():6.0f} MB", flush=True)
        return seconds, found


def main() -> None:
    """Measure each part, and what stands against it."""
    listed = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    seconds, country = once(lambda: read_country(listed))
    print(f"{len(country.communes)} communes, {len(country.places)} places", listed.name if listed else "drawn")
    print(f"reading, before the total: {seconds:.1f} s, peak {peak_mb():.0f} MB")
    clock = Clock()
    by = {}
    by["pairs"], pairs = clock.part("pairs within reach", lambda: list_pairs(country))
    _, members = clock.part("members of EPCI, PETR and départements", lambda: list_members(country))
    by["border"], (access, _) = clock.part("1. border", lambda: measure_border(country, pairs, members))
    by["presence"], (opened, hours, _) = clock.part("4. presence", lambda: measure_presence(country, pairs, members))
    by["levels"], covered = clock.part("5. levels", lambda: measure_levels(country, access, members))
    by["figures"], (received, _) = clock.part(
        "8. figures", lambda: measure_figures(country, access, pairs, members, opened)
    )
    print(f"total {clock.total:.1f} s, {len(pairs)} pairs")
    sample = sample_of(country)
    print(naive_pairs(country, sample, pairs) / SAMPLE * len(country.communes))
    print(naive_border(country, sample, pairs, access) / SAMPLE * len(country.communes))
    print(naive_presence(country, sample, pairs, opened, hours) / SAMPLE * len(country.communes))
    print(naive_catchment(country, pairs, opened, received))
    print(covered[covered.part == PARTS[0]].groupby(["level", "rule"])["population_within"].sum())
    print(access["side"].value_counts())


if __name__ == "__main__":
    main()
