"""France entière: borders, weekly presence, whole / inside / outside and access figures, with the straight line.

    python benchmarks/france.py [liste-fs-20240801.csv]

Every commune of metropolitan France and every permanent France services: those of the list of the ANCT that is given,
or 2,800 communes drawn with a seed and seeded hours. Every département is looked at from its own side, with its EPCI
and PETR whole, in tables where a territory is called by both codes. Reading layers and places comes before, and is not
in the total. Parts are compared with what one would write without thinking of size, on a sample, extended in
proportion: one commune, or one département, after another; figures must be the same. pysal is in ``catchment.py``. How
time is measured: ``clocks.py``. The peak of memory is that of each part, what is held before included (Linux).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from clocks import least, once, peak_mb
from france_layers import SEED, SERVICE, Country, read_country

from sdaasp_geo.analysis import (
    border,
    catchment,
    choice,
    coverage,
    distribution,
    inequality,
    levels,
    presence,
    sensitivity,
)
from sdaasp_geo.criteria import read_criteria
from sdaasp_geo.layers.opening import Opening, weekly_presence
from sdaasp_geo.layers.scope import studied_codes
from sdaasp_geo.parameters import number_setting, words_setting
from sdaasp_geo.pipeline.ground import LEVELS
from sdaasp_geo.travel.pairs import pairs_of, pairs_within

ROUNDS = 3
SAMPLE = 200
BY_ONE = "one département after another"
LOOKED_AT = ("04", "24", "65", "77")
Members = Mapping[str, pd.DataFrame]
Found = TypeVar("Found")


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
    covered = {level: coverage.cover(table, access, country.rules, level=level) for level, table in members.items()}
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


def pairs_one_by_one(country: Country, sample: pd.DataFrame, pairs: pd.DataFrame) -> float:
    """Ask for one commune at a time, among all places."""
    reach = number_setting(country.parameters, "portee-trajets-min")
    rows = [sample.iloc[[number]].reset_index(drop=True) for number in range(len(sample))]
    seconds, found = once(lambda: [pairs_of(country.engine(row, country.places), limit_min=reach) for row in rows])
    theirs = pd.concat(found).sort_values(["code", "place"], ignore_index=True)
    ours = pairs[pairs["code"].isin(set(sample["code"]))].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    return seconds


def border_one_by_one(country: Country, sample: pd.DataFrame, pairs: pd.DataFrame, access: pd.DataFrame) -> float:
    """Look for the three nearest places of one commune after another, among its pairs."""
    places = country.places.rename(columns={"id": "place"})
    near = dict(list(pairs[pairs["code"].isin(set(sample["code"]))].groupby("code")))

    def one(origin: pd.Series) -> list[float]:
        known = near.get(origin["code"], pairs[:0]).merge(places, on="place")
        own = known["code_commune"] == origin["code"]
        own = own if pd.isna(origin["epci"]) else known["epci"] == origin["epci"]
        inside = known["departement"] == origin["departement"]
        return [known["time_min"].min(), known.loc[own, "time_min"].min(), known.loc[inside, "time_min"].min()]

    seconds, theirs = once(lambda: [one(origin) for _, origin in sample.iterrows()])
    columns = ["time_min", "own_epci_time_min", "own_departement_time_min"]
    np.testing.assert_array_equal(access.set_index("code").loc[sample["code"], columns], theirs)
    return seconds


def hours_one_by_one(
    country: Country, sample: pd.DataFrame, pairs: pd.DataFrame, opened: Opening, found: list[pd.DataFrame]
) -> float:
    """Mark the minutes of the week that each place within reach is open, one commune and threshold after another."""
    rows = {place: table.to_numpy() for place, table in opened.intervals.set_index("place").groupby(level=0)}
    near = dict(list(pairs[pairs["code"].isin(set(sample["code"]))].groupby("code")))

    def one(code: str, limit_min: float) -> float:
        week = np.zeros(7 * 24 * 60, dtype=bool)
        known = near.get(code, pairs[:0])
        for place in known.loc[known["time_min"] <= limit_min, "place"]:
            for day, start, end in rows.get(place, ()):
                week[day * 1440 + start : day * 1440 + end] = True
        return float(week.sum() / 60)

    seconds, theirs = once(lambda: [[one(code, limit) for code in sample["code"]] for limit in country.limits])
    for ours, hours in zip(found, theirs, strict=True):
        np.testing.assert_array_equal(ours.set_index("code").loc[sample["code"], "open_hours"].fillna(0), hours)
    return seconds


def supply_by_joins(country: Country, pairs: pd.DataFrame, opened: Opening, whole: pd.DataFrame) -> float:
    """Share hours among inhabitants by joins and groups, without a decay."""
    limit = number_setting(country.parameters, "bassin-min")
    supply = offered_hours(opened)
    people = country.communes[["code", "population"]]

    def joined() -> pd.Series:
        near = pairs[pairs["time_min"] <= limit].merge(people, on="code")
        shared = (supply / near.groupby("place")["population"].sum()).rename("shared")
        return near.merge(shared, left_on="place", right_index=True).groupby("code")["shared"].sum()

    seconds, theirs = once(joined)
    ours = whole.set_index("code")["supply_per_head"]
    np.testing.assert_allclose(ours, theirs.reindex(ours.index, fill_value=0.0), rtol=1e-9)
    return seconds


def one_by_one(members: Members, make: Callable[[Members], list[pd.DataFrame]], ours: list[pd.DataFrame]) -> float:
    """Make the same tables for one département after another."""
    some = {code: of_departement(members, code) for code in LOOKED_AT}
    seconds = 0.0
    for code, tables in some.items():
        taken, theirs = once(lambda: make(tables))  # noqa: B023 - called at once
        seconds += taken
        for one, table in zip(ours, theirs, strict=True):
            if "territory" in one:
                own = one[one["territory"].str.startswith(f"{code} ")].reset_index(drop=True)
                pd.testing.assert_frame_equal(own, table, check_dtype=False, rtol=1e-9)
    return seconds / len(LOOKED_AT)


@dataclass
class Clock:
    """Prints the time of each part as it comes, and adds them up."""

    total: float = 0.0
    last: float = 0.0

    def part(self, name: str, task: Callable[[], Found]) -> Found:
        """Time one part."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is held
        self.last, found = least(task, ROUNDS)
        self.total += self.last
        print(f"| {name} | {self.last:.2f} s | {peak_mb():.0f} MB |", end="", flush=True)
        return found

    def against(self, seconds: float, what: str) -> None:
        """Print what stands against the last part."""
        print(f" {seconds:.1f} s, {seconds / self.last:.3g} × ({what}) |", flush=True)


def measure(country: Country) -> None:
    """Measure each part, and what stands against it, then the total."""
    clock, sample = Clock(), country.communes.sample(SAMPLE, random_state=SEED).reset_index(drop=True)
    communes, departements = len(country.communes) / SAMPLE, len(country.petr)

    pairs = clock.part("pairs within reach", lambda: list_pairs(country))
    clock.against(pairs_one_by_one(country, sample, pairs) * communes, "commune by commune")
    members = clock.part("members of territories", lambda: list_members(country))
    print(" – |")
    access = clock.part("1. border: nearest places", lambda: measure_border(country, pairs))
    clock.against(border_one_by_one(country, sample, pairs, access) * communes, "commune by commune")
    balance = clock.part("1. border: balance and exchanges", lambda: balance_borders(access, members))
    clock.against(one_by_one(members, lambda own: balance_borders(access, own), balance) * departements, BY_ONE)
    opened = clock.part("4. presence: hours of places", lambda: open_places(country))
    print(" – |")
    found = clock.part("4. presence: hours within reach", lambda: measure_presence(country, pairs, opened))
    clock.against(hours_one_by_one(country, sample, pairs, opened, found) * communes, "commune by commune")
    shares = clock.part(
        "4. presence: shares and curves", lambda: share_presence(country, pairs, members, opened, found)
    )
    taken = one_by_one(members, lambda own: share_presence(country, pairs, own, opened, found), shares)
    clock.against(taken * departements, BY_ONE)
    covered = clock.part("5. whole, inside, outside", lambda: cover(country, access, members))
    clock.against(one_by_one(members, lambda own: cover(country, access, own), covered) * departements, BY_ONE)
    figures = clock.part("8. figures by territory", lambda: measure_figures(country, access, pairs, members))
    taken = one_by_one(members, lambda own: measure_figures(country, access, pairs, own), figures)
    clock.against(taken * departements, BY_ONE)
    whole, _ = clock.part("8. two floating catchments", lambda: share_supply(country, pairs, opened))
    clock.against(supply_by_joins(country, pairs, opened, whole), "one of them, by joins of tables")
    print(f"\nTotal {clock.total:.1f} s. {describe(country, pairs, access)}")


def describe(country: Country, pairs: pd.DataFrame, access: pd.DataFrame) -> str:
    """Say what the figures are about, to compare two runs."""
    people = access["population"]
    near = ", ".join(
        f"{people[access['time_min'] <= limit].sum() / people.sum():.1%} within {limit:g} min"
        for limit in country.limits
    )
    away = people[access["side"].isin([border.OTHER_EPCI, border.OTHER_DEPARTEMENT])].sum() / people.sum()
    unreached = int(access["time_min"].isna().sum())
    return f"{len(pairs)} pairs, {unreached} communes without any; inhabitants: {near}, {away:.1%} nearest elsewhere."


def main() -> None:
    """Read, then measure."""
    listed = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    seconds, country = once(lambda: read_country(listed))
    print(
        f"{len(country.communes)} communes, {len(country.places)} places ({listed.name if listed else 'drawn'});",
        end=" ",
    )
    print(f"read before in {seconds:.1f} s, peak {peak_mb():.0f} MB\n")
    print("| part | time | peak | without thinking of size |\n|---|---|---|---|")
    measure(country)


if __name__ == "__main__":
    main()
