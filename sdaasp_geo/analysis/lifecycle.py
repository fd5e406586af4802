"""Life cycle of perimeters: what happened to communes, EPCI and PETR between two vintages, and breaks in series.

In a notebook::

    from sdaasp_geo.analysis.lifecycle import apply_events, break_flag, lifecycle
    from sdaasp_geo.sources import france

    events = lifecycle(
        france.read_membership(2019),
        france.read_membership(2026),
        france.read_moves(),
        epci_names=(france.read_epci_names(2019), france.read_epci_names(2026)),
        petr=france.read_petr(),
        departements=["65"],
    )

Figures of one vintage on the perimeter of another are in `sdaasp_geo.analysis.restatement`.

Sources: communes and their changes, INSEE (*Code officiel géographique*); EPCI, DGCL (perimeters on 1 January); PETR,
DGCL (BANATIC) and the contracts quoted in their table.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count, in_order
from sdaasp_geo.layers.vintages import passage_table, single_vintage

COMMUNE, EPCI, PETR = "commune", "epci", "petr"
MERGED, SPLIT, RECODED, RENAMED = "fusion", "rétablissement", "changement de code", "changement de nom"
APPEARED, DISAPPEARED = "commune apparue", "commune disparue"
CREATED, ENDED, ABSORBED, REPLACED = "création", "fin", "fusion dans un autre", "remplacement à l'identique"
NATURE, GAINED, LOST = "changement de nature", "commune gagnée", "commune perdue"
EVENTS = (
    *(CREATED, ENDED, ABSORBED, REPLACED, RENAMED, NATURE, GAINED, LOST),
    *(MERGED, SPLIT, RECODED, APPEARED, DISAPPEARED),
)
BREAKS = frozenset(EVENTS) - {RENAMED, NATURE, RECODED}
"""Events that change the extent of a territory: a series is not comparable across them."""

_COLUMNS = [
    *("level", "territory", "name", "event", "code", "commune", "code_after", "before", "after", "population"),
    *("vintage_before", "vintage_after", "source"),
]
_PAIR = ["code_before", "code_after"]
_SHOWN = 5


def lifecycle(
    before: pd.DataFrame,
    after: pd.DataFrame,
    moves: pd.DataFrame,
    *,
    epci_names: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    petr: pd.DataFrame | None = None,
    departements: Collection[str] | None = None,
) -> pd.DataFrame:
    """List what happened to communes, EPCI and PETR between two vintages, net of what came and went.

    A perimeter is land: when two communes of one EPCI merge the EPCI neither gains nor loses; when a commune joins
    one of another EPCI, the land of the first is lost there and gained here.

    Parameters
    ----------
    before, after : DataFrame
        Communes of France at the older and at the later vintage: ``code, name, departement, epci`` (missing where
        none), ``population, vintage``.
    moves : DataFrame
        Changes of communes: ``vintage, kind, code_before, code_after, note``.
    epci_names : tuple of DataFrame, optional
        Names of EPCI at the two vintages: ``siren, name, kind``. Without them EPCI have no name and none is renamed.
    petr : DataFrame, optional
        Dated members of PETR: ``petr, name, valid_from, valid_to, member_kind, member, source``; read on 1 January.
    departements : collection of str, optional
        Keep what concerns their communes, and the EPCI and PETR that have a commune there, whole. Default: France.

    Returns
    -------
    DataFrame
        One row per event, sorted:

        - ``level`` (commune, epci, petr), ``territory`` (code of the commune afterwards, SIREN, PETR), ``name``;
        - ``event``: for a commune ``fusion`` and ``rétablissement`` (a row whose code does not change is the commune
          that keeps its code, larger or smaller), ``changement de code``, ``changement de nom``, ``commune apparue``
          and ``commune disparue`` (moves do not explain it); for an EPCI or a PETR ``création``, ``fin``, ``fusion
          dans un autre`` (all it had is in one territory that has more), ``remplacement à l'identique`` (all it had,
          and nothing else), ``changement de nom``, ``changement de nature``, ``commune gagnée``, ``commune perdue``;
        - ``code, commune``: the commune concerned, beforehand; ``code_after``: its code afterwards;
        - ``before, after``: codes of communes, names, or territories of that level, separated by spaces;
        - ``population``: inhabitants concerned (int64): of the commune beforehand, or afterwards where it is born or
          renamed; of the whole territory where it is created, ended or renamed;
        - ``vintage_before, vintage_after, source``. Text is empty where there is nothing to say.

    Raises
    ------
    InputError
        When ``before`` is not the older, or either holds several vintages.
    """
    start, end = _in_order(before, after)
    pairs = _described(passage_table(before, after, moves), before, after)
    members = {EPCI: (epci_members(before), epci_members(after))}
    names = {EPCI: _epci_names(epci_names)}
    if petr is not None:
        dated = [_petr_on(petr, f"{year}-01-01") for year in (start, end)]
        members[PETR] = (petr_communes(dated[0], before), petr_communes(dated[1], after))
        names[PETR] = (_petr_names(dated[0]), _petr_names(dated[1]))
    tables = [_commune_events(pairs, moves[(moves["vintage"] > start) & (moves["vintage"] <= end)])]
    tables += [_territory_events(pairs, members[level], names[level], level=level) for level in members]
    events = pd.concat(tables, ignore_index=True).assign(vintage_before=start, vintage_after=end)
    if departements is not None:
        events = _concerning(events, (before, after), members, departements)
    return _finished(events, start, end)


def _in_order(before: pd.DataFrame, after: pd.DataFrame) -> tuple[int, int]:
    start, end = (single_vintage(table) for table in (before, after))
    if start >= end:
        remedy = "Donnez le plus ancien en premier."
        raise InputError(
            [Fault("communes", None, "vintage", f"{start}, {end}", "deux millésimes dans l'ordre", remedy)]
        )
    return start, end


def _finished(events: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """Say the sources, and sort."""
    sources = {
        COMMUNE: f"INSEE, listes des communes de {start} et {end}",
        EPCI: f"DGCL, périmètres au 1er janvier {start} et {end}",
        PETR: "composition datée des PETR",
    }
    said = [
        note if isinstance(note, str) and note else sources[level]
        for note, level in zip(events["source"], events["level"], strict=True)
    ]
    events = events.assign(source=pd.Series(said, index=events.index, dtype="str"))
    rank = events["event"].map({event: rank for rank, event in enumerate(EVENTS)})
    level = events["level"].map({level: rank for rank, level in enumerate(sources)})
    keys = ["level_rank", "territory", "event_rank", "code", "code_after"]
    ordered = events.assign(level_rank=level, event_rank=rank).sort_values(keys, ignore_index=True)
    return ordered[_COLUMNS].astype({"population": "int64"})


def epci_members(communes: pd.DataFrame) -> pd.DataFrame:
    """Return ``territory, code`` of the communes that belong to an EPCI."""
    own = communes.loc[communes["epci"].notna(), ["epci", "code"]]
    return own.set_axis(["territory", "code"], axis="columns").reset_index(drop=True)


def petr_communes(petr: pd.DataFrame, communes: pd.DataFrame, *, date: str | None = None) -> pd.DataFrame:
    """Return ``territory, code`` of the communes of each PETR, on an ISO date (default: every row counts)."""
    current = petr if date is None else _petr_on(petr, date)
    keys = current[["petr", "member_kind", "member"]]
    by_epci = keys[keys["member_kind"] == "epci"].merge(communes, left_on="member", right_on="epci")
    by_commune = keys[keys["member_kind"] == "commune"].merge(communes, left_on="member", right_on="code")
    both = pd.concat([by_epci, by_commune])[["petr", "code"]].drop_duplicates()
    return both.set_axis(["territory", "code"], axis="columns").sort_values(["territory", "code"], ignore_index=True)


def _petr_on(petr: pd.DataFrame, date: str) -> pd.DataFrame:
    started = (petr["valid_from"] == "") | (petr["valid_from"] <= date)
    return petr[started & ((petr["valid_to"] == "") | (petr["valid_to"] >= date))]


def _petr_names(petr: pd.DataFrame) -> pd.DataFrame:
    return petr.drop_duplicates("petr").set_index("petr")[["name", "source"]].assign(kind="")


def _epci_names(tables: tuple[pd.DataFrame, pd.DataFrame] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    if tables is None:
        none = pd.DataFrame({"name": [], "kind": []}, dtype="str")
        return none, none
    before, after = (table.set_index("siren")[["name", "kind"]] for table in tables)
    return before, after


def _described(passage: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Give each pair of the passage its names and population; a commune that nothing explains is alone in its pair."""
    # an index looks texts up faster than isin does
    lost = before.loc[pd.Index(passage["code_before"].unique()).get_indexer(before["code"]) < 0, "code"]
    born = after.loc[pd.Index(passage["code_after"].unique()).get_indexer(after["code"]) < 0, "code"]
    alone = [
        pd.DataFrame({"code_before": lost, "code_after": ""}),
        pd.DataFrame({"code_before": "", "code_after": born}),
    ]
    pairs = pd.concat([passage[_PAIR], *alone], ignore_index=True)
    old, new = before.set_index("code"), after.set_index("code")
    outs = pairs.groupby("code_before")["code_after"].transform("size").where(pairs["code_before"] != "", 1)
    into = pairs.groupby("code_after")["code_before"].transform("size").where(pairs["code_after"] != "", 1)
    whole = pairs["code_before"].map(old["population"]).where(outs == 1)
    return pairs.assign(
        name_before=pairs["code_before"].map(old["name"]).fillna(""),
        name_after=pairs["code_after"].map(new["name"]).fillna(""),
        outs=outs,
        into=into,
        population_before=pairs["code_before"].map(old["population"]).fillna(0),
        population_after=pairs["code_after"].map(new["population"]).fillna(0),
        population=whole.fillna(pairs["code_after"].map(new["population"])).fillna(0),
    )


def _commune_events(pairs: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    kind = pd.Series("", index=pairs.index).mask(pairs["code_before"] != pairs["code_after"], RECODED)
    kind = kind.mask(pairs["into"] > 1, MERGED).mask(pairs["outs"] > 1, SPLIT)
    kind = kind.mask(pairs["code_after"] == "", DISAPPEARED).mask(pairs["code_before"] == "", APPEARED)
    structural = pairs.assign(event=kind, before=pairs["code_before"], after=pairs["code_after"])[kind != ""]
    alone = (pairs["code_before"] == pairs["code_after"]) | ((pairs["outs"] == 1) & (pairs["into"] == 1))
    explained = (pairs["code_before"] != "") & (pairs["code_after"] != "")
    renamed = pairs[alone & explained & (pairs["name_before"] != pairs["name_after"])]
    renamed = renamed.assign(
        event=RENAMED,
        before=renamed["name_before"],
        after=renamed["name_after"],
        population=renamed["population_after"],
    )
    table = pd.concat([structural, renamed], ignore_index=True)
    gone = table["code_after"] == ""
    table = table.assign(
        level=COMMUNE,
        territory=table["code_after"].mask(gone, table["code_before"]),
        name=table["name_after"].mask(gone, table["name_before"]),
        code=table["code_before"].mask(table["code_before"] == "", table["code_after"]),
        commune=table["name_before"].mask(table["code_before"] == "", table["name_after"]),
    )
    kinds = {"fusion": MERGED, "retablissement": SPLIT, "changement_de_code": RECODED, "changement_de_nom": RENAMED}
    notes = moves.assign(event=moves["kind"].map(kinds)).drop_duplicates([*_PAIR, "event"], keep="last")
    notes = notes[[*_PAIR, "event", "note"]].rename(columns={"note": "source"})
    return table.merge(notes, on=[*_PAIR, "event"], how="left")


def _territory_events(
    pairs: pd.DataFrame,
    members: tuple[pd.DataFrame, pd.DataFrame],
    names: tuple[pd.DataFrame, pd.DataFrame],
    *,
    level: str,
) -> pd.DataFrame:
    """List the events of one level: communes gained and lost, then what they make of the whole territory."""
    old, new = (table.rename(columns={"code": key}) for table, key in zip(members, _PAIR, strict=True))
    was = pairs.merge(old, on="code_before")
    now = pairs.merge(new, on="code_after")
    keys = [*_PAIR, "territory"]
    crossed = was[keys].merge(now[keys], on=keys, how="outer", indicator="side")
    changed = crossed[crossed["side"] != "both"].merge(pairs, on=_PAIR)
    table = changed.assign(
        event=changed["side"].map({"left_only": LOST, "right_only": GAINED}).astype("str"),
        before=_labels(changed, was),
        after=_labels(changed, now),
        code=changed["code_before"].mask(changed["code_before"] == "", changed["code_after"]),
        commune=changed["name_before"].mask(changed["code_before"] == "", changed["name_after"]),
    )
    wholes = _whole_events(was, now, names)
    both = pd.concat([table, wholes], ignore_index=True)
    known = [names[0].reindex(columns=["name", "source"]), names[1].reindex(columns=["name", "source"])]
    labels, sources = ({**known[0][column].to_dict(), **known[1][column].to_dict()} for column in ("name", "source"))
    said = [sources.get(own) for own in both["territory"]]
    return both.assign(level=level, name=[labels.get(own, "") for own in both["territory"]], source=said)


def _labels(changed: pd.DataFrame, sides: pd.DataFrame) -> pd.Series:
    """Territories of each pair on one side, separated by spaces."""
    near = changed[_PAIR].drop_duplicates().merge(sides[[*_PAIR, "territory"]], on=_PAIR).sort_values("territory")
    joined = near.groupby(_PAIR)["territory"].agg(" ".join).rename("label").reset_index()
    return changed[_PAIR].merge(joined, on=_PAIR, how="left")["label"].fillna("").set_axis(changed.index)


def _whole_events(was: pd.DataFrame, now: pd.DataFrame, names: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """List creations, ends, renamings of whole territories."""
    before, after = set(was["territory"]), set(now["territory"])
    flows = was.merge(now, on=_PAIR, how="outer", suffixes=("_old", "_new")).fillna(
        {"territory_new": "", "territory_old": ""}
    )
    flows = flows[["territory_old", "territory_new"]].drop_duplicates()
    heirs = flows.groupby("territory_old")["territory_new"].agg(sorted)
    origins = flows.groupby("territory_new")["territory_old"].agg(sorted)
    sizes = [
        table.drop_duplicates(["territory", code]).groupby("territory")[column].sum()
        for table, code, column in ((was, _PAIR[0], "population_before"), (now, _PAIR[1], "population_after"))
    ]
    rows = [
        (old, _end_kind(heirs[old], origins), old, " ".join(heirs[old]).strip(), sizes[0][old])
        for old in sorted(before - after)
    ]
    rows += [(new, CREATED, " ".join(origins[new]).strip(), new, sizes[1][new]) for new in sorted(after - before)]
    for column, event in (("name", RENAMED), ("kind", NATURE)):
        both = pd.DataFrame({"old": names[0][column], "new": names[1][column]}).dropna()
        other = both[(both["old"] != both["new"]) & both.index.isin(list(before & after))]
        rows += [(own, event, old, new, sizes[1][own]) for own, old, new in other.itertuples()]
    table = pd.DataFrame(rows, columns=["territory", "event", "before", "after", "population"])
    return table.assign(code="", commune="", code_before="", code_after="")


def _end_kind(heirs: list[str], origins: pd.Series) -> str:
    """Say how a territory ended, from those that have its land now and from what these are made of."""
    if len(heirs) > 1 or heirs == [""]:
        return ENDED
    return REPLACED if len(origins[heirs[0]]) == 1 else ABSORBED


def _concerning(
    events: pd.DataFrame,
    communes: tuple[pd.DataFrame, pd.DataFrame],
    members: dict[str, tuple[pd.DataFrame, pd.DataFrame]],
    departements: Collection[str],
) -> pd.DataFrame:
    """Keep the events of some départements, and of the territories that have a commune there."""
    wanted = {code for table in communes for code in table.loc[table["departement"].isin(list(departements)), "code"]}
    near = set(wanted)
    kept = pd.Series(data=False, index=events.index)
    for level, sides in members.items():
        both = pd.concat(list(sides))
        concerned = set(both.loc[both["code"].isin(wanted), "territory"])
        near |= set(both.loc[both["territory"].isin(concerned), "code"])
        kept |= (events["level"] == level) & events["territory"].isin(concerned)
    own = events["code"].isin(near) | events["code_after"].isin(near)
    return events[kept | ((events["level"] == COMMUNE) & own)]


def apply_events(before: pd.DataFrame, members: pd.DataFrame, events: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Apply events to the older vintage: what comes out is the later one.

    Parameters
    ----------
    before : DataFrame
        Communes of the older vintage: ``code, name``.
    members : DataFrame
        Territories of that level in the older vintage: ``territory, code`` (`epci_members`, `petr_communes`).
    events : DataFrame
        From `lifecycle`.
    level : str
        ``epci`` or ``petr``.

    Returns
    -------
    DataFrame
        ``code, name, territory`` of the later vintage, sorted; territory is missing for a commune of none.
    """
    own = events[events["level"] == COMMUNE]
    steps = own.loc[~own["event"].isin([RENAMED, APPEARED]), ["code", "code_after"]]
    born = own.loc[own["event"] == APPEARED, ["code_after"]].assign(code="")
    pairs = before[["code", "name"]].merge(steps, on="code", how="left")
    pairs["code_after"] = pairs["code_after"].where(pairs["code_after"].notna(), pairs["code"])
    pairs = pd.concat([pairs[pairs["code_after"] != ""], born], ignore_index=True)
    names = dict(zip(own["territory"], own["name"], strict=True))
    pairs["name"] = [names.get(code, name) for code, name in zip(pairs["code_after"], pairs["name"], strict=True)]
    keys = ["code", "code_after", "territory"]
    changes = events[events["level"] == level]
    lost, gained = (changes.loc[changes["event"] == event, keys] for event in (LOST, GAINED))
    kept = pairs.merge(members, on="code")[keys].merge(lost, on=keys, how="left", indicator="side")
    now = pd.concat([kept[kept["side"] == "left_only"][keys], gained])[["code_after", "territory"]].drop_duplicates()
    table = pairs[["code_after", "name"]].drop_duplicates().merge(now, on="code_after", how="left")
    return table.rename(columns={"code_after": "code"}).sort_values(["code", "territory"], ignore_index=True)


def break_flag(series: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Flag the points of a series before which the perimeter of their territory changed.

    Parameters
    ----------
    series : DataFrame
        One row per territory × point: ``territory, vintage`` (year of the perimeter), anything else.
    events : DataFrame
        From `lifecycle`, for every step from the first to the last vintage; concatenate the steps of one year, or the
        flag also falls on points that a longer step only touches.

    Returns
    -------
    DataFrame
        The rows of ``series`` in their order, with ``perimeter_break`` (bool: an event of `BREAKS` between the previous
        point of that territory and this one; False at its first point) and ``break_reason`` (French, empty otherwise).
    """
    points = series[["territory", "vintage"]].drop_duplicates().sort_values(["territory", "vintage"])
    points = points.assign(previous=points.groupby("territory")["vintage"].shift())
    changes = events.loc[events["event"].isin(BREAKS), _BREAK]
    met = points.dropna(subset=["previous"]).merge(changes, on="territory")
    met = met[(met["vintage_before"] < met["vintage"]) & (met["vintage_after"] > met["previous"])]
    reasons = {key: _reason(own) for key, own in met.groupby(["territory", "vintage"])}
    found = [reasons.get(key, "") for key in zip(series["territory"], series["vintage"], strict=True)]
    return series.assign(perimeter_break=[reason != "" for reason in found], break_reason=found)


_BREAK = ["territory", "event", "commune", "vintage_before", "vintage_after"]


def _reason(events: pd.DataFrame) -> str:
    """Say in French what changed, the communes by name."""
    words = []
    for event in EVENTS:
        own = events[events["event"] == event]
        names = in_order({name for name in own["commune"] if name})
        if not names:
            words += [event] if len(own) else []
            continue
        more = "…" if len(names) > _SHOWN else ""
        words.append(f"{event} ({count(len(names), 'commune')}{NBSP}: {', '.join(names[:_SHOWN])}{more})")
    return " ; ".join(words)
