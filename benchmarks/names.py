"""Measure the resolving of names on every EPCI of France: official, short, BANATIC and old spellings.

Run from the checkout: ``python benchmarks/names.py [SHARED_DATA]``. The folder of shared data (by default
``../shared/data``) holds the spellings of BANATIC (2024), INSEE (2018) and of the rural contracts (2018); sources
that are not at hand are left out, and said.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from sdaasp_geo.layers.gazetteer import Gazetteer, build_gazetteer
from sdaasp_geo.layers.names import EPCI, KINDS
from sdaasp_geo.layers.territory_names import resolve_territories
from sdaasp_geo.sources import france

LONG = {"CC": "Communauté de communes", "CA": "Communauté d'agglomération", "CU": "Communauté urbaine"}
MEASURE = 2024


def france_gazetteer() -> Gazetteer:
    """Build the gazetteer of the embedded vintages, former names included."""
    years = france.vintages()
    return build_gazetteer(
        communes=pd.concat([france.read_membership(year) for year in years], ignore_index=True),
        epci=france.read_epci_name_history(),
        petr=france.read_petr(),
        departements={code: known.name for code, known in france.read_departements().items()},
        moves=france.read_moves(),
    )


def long_form(name: str) -> str:
    """Write the legal form in full."""
    return re.sub(r"^(CC|CA|CU)\b", lambda match: LONG[match[1]], name)


def short(name: str) -> str:
    """Leave the legal form out."""
    return re.sub(r"^(CC|CA|CU)\s+(?:d(?:e la|e l'|u|es|e|')\s*)?", "", name)


def plain_capitals(name: str) -> str:
    """Write in capitals, without accents, hyphens and apostrophes: as old files do."""
    letters = unicodedata.normalize("NFD", name.upper().replace("Œ", "OE"))
    return re.sub(r"[-'’]", " ", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def spellings(shared: Path) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Yield sources: title, vintage asked, ``siren, name``."""
    official = france.read_epci_names(MEASURE)[["siren", "name"]]
    ways: dict[str, Callable[[str], str]] = {
        "officiel": str,
        "officiel, forme en toutes lettres": long_form,
        "officiel, capitales sans accents": plain_capitals,
        "court (sans forme juridique)": short,
    }
    for title, write in ways.items():
        yield f"{title}, {MEASURE}", MEASURE, official.assign(name=official["name"].map(write))
    for year in france.vintages():
        names = france.read_epci_names(year)[["siren", "name"]]
        yield f"officiel {year}", year, names
        if year != MEASURE:
            yield f"officiel {year}, demandé en {MEASURE}", MEASURE, names[names["siren"].isin(set(official["siren"]))]
    yield from shared_spellings(shared, set(official["siren"]))


def shared_spellings(shared: Path, alive: set[str]) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Yield the sources of the shared data that are at hand."""
    path = shared / "banatic_2024" / "banatic___2024__table_grpt_liste.parquet"
    if path.is_file():
        table = pd.read_parquet(path).rename(columns={"grpt_siren": "siren", "grpt_nom": "name"})
        table = table[table["grpt_naturejuridique"].isin(["CC", "CA", "CU", "METRO", "MET69"])][["siren", "name"]]
        yield "BANATIC 2024", MEASURE, table
        yield "BANATIC 2024, forme en toutes lettres", MEASURE, table.assign(name=table["name"].map(long_form))
    path = shared / "memberships_2018" / "libelles_supracom_2018.csv"
    if path.is_file():
        table = pd.read_csv(path, dtype="str").rename(columns={"CODGEO": "siren", "LIBGEO": "name"})
        table = table[(table["NIVGEO"] == "EPCI") & table["siren"].str.isdigit()][["siren", "name"]]
        known = set(france.read_epci_names(2019)["siren"])
        yield "INSEE 2018, demandé en 2019", 2019, table[table["siren"].isin(known)]
        yield f"INSEE 2018, demandé en {MEASURE}", MEASURE, table[table["siren"].isin(alive)]
        yield "INSEE 2018, EPCI disparus en 2019", 2019, table[~table["siren"].isin(known)]
    path = shared / "banatic_2024" / "table-evenement-epci.csv"
    if path.is_file():
        table = pd.read_csv(path, dtype="str")
        for year, events in table.groupby(table["date"].str[:4].astype(int)):
            for side, asked in (("av", year - 1), ("ap", year)):
                names = events[[f"siren_epci_{side}", f"lib_epci_{side}"]].set_axis(["siren", "name"], axis="columns")
                yield f"événements de {year}, noms de {asked}", asked, names.dropna().drop_duplicates()
    yield from contracts(shared)


def contracts(shared: Path) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Yield the labels of the rural contracts carried by an EPCI; the truth is the EPCI of most of its communes."""
    path, members = shared / "petr_2018/communes2018_x_contrat_ruralite.csv", shared / "memberships_2018"
    if path.is_file() and (members / "table_supracom_2018.csv").is_file():
        table = pd.read_csv(path, dtype="str")
        table = table[table["perimetre"] == "EPCI"].rename(columns={"lib": "name"})
        epci = pd.read_csv(members / "table_supracom_2018.csv", dtype="str").set_index("CODGEO")["EPCI"]
        truth = table.assign(siren=table["code"].map(epci)).groupby("name")["siren"].agg(lambda s: s.mode().iloc[0])
        yield "contrats de ruralité 2018, demandés en 2019", 2019, truth.reset_index()


def score(table: pd.DataFrame, names: pd.DataFrame) -> dict[str, int]:
    """Count what is right, wrong, and left to people. Wrong: something is *reconnu* that is not the EPCI."""
    truth = table["position"].map(dict(enumerate(names["siren"])))
    known = table["status"] == "reconnu"
    whole = table.groupby("position")["text"].transform("size") == 1
    right = set(table.loc[known & whole & (table["codes"] == truth), "position"])
    wrong = set(table.loc[known & (table["codes"] != truth), "position"])
    listed = [code in cell.split() for code, cell in zip(truth, table["candidate_codes"], strict=True)]
    open_ = table[~table["position"].isin(right | wrong)]
    worst = open_.groupby("position")["status"].agg(lambda told: "ambigu" if set(told) == {"ambigu"} else max(told))
    return {
        "noms": len(names),
        "justes": len(right),
        "faux": len(wrong),
        "ambigus": int((worst == "ambigu").sum()),
        "à confirmer": int((worst == "à confirmer").sum()),
        "inconnus": int(worst.isin(["inconnu", "reconnu"]).sum()),
        "proposés": table.loc[listed, "position"].nunique(),
    }


def in_departements(
    gazetteer: Gazetteer, names: pd.DataFrame, *, vintage: int, kinds: tuple[str, ...]
) -> dict[str, int]:
    """Score names in each département where the EPCI has communes."""
    membership = france.read_membership(vintage).drop_duplicates(["epci", "departement"])
    pairs = names.merge(membership[["epci", "departement"]], left_on="siren", right_on="epci")
    total: dict[str, int] = {}
    for departement, local in pairs.groupby("departement"):
        table = resolve_territories(
            list(local["name"]), gazetteer, departement=str(departement), vintage=vintage, kinds=kinds
        )
        for key, value in score(table, local).items():
            total[key] = total.get(key, 0) + value
    return total


def main() -> None:
    """Print one row per source, in France and in each département, with every kind and EPCI alone."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
    gazetteer = france_gazetteer()
    rows = []
    for title, vintage, names in spellings(shared):
        for kinds in (KINDS, (EPCI,)) if title.startswith("court") else (KINDS,):
            table = resolve_territories(list(names["name"]), gazetteer, departement=None, vintage=vintage, kinds=kinds)
            told = {"source": title, "genres": "EPCI" if len(kinds) == 1 else "tous"}
            rows.append({**told, "lieu": "France", **score(table, names)})
            local = in_departements(gazetteer, names, vintage=vintage, kinds=kinds)
            rows += [{**told, "lieu": "département", **local}] if local else []
    result = pd.DataFrame(rows)
    result["justes %"] = (100 * result["justes"] / result["noms"]).round(2)
    sys.stdout.write(result.to_string() + "\n")


if __name__ == "__main__":
    main()
