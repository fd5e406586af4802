"""The site: figures are those of the study, links are relative, a copy is checked, complete and the same twice."""

from __future__ import annotations

import dataclasses
import html
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from sdaasp_geo.cli_site import site as command
from sdaasp_geo.errors import InputError, OutputError
from sdaasp_geo.outputs.epci_pages import map_fragment, render_epci
from sdaasp_geo.outputs.manifest import MANIFEST, write_manifest
from sdaasp_geo.outputs.share_picture import draw_share_picture
from sdaasp_geo.outputs.site import render_data, render_decisions, render_home
from sdaasp_geo.outputs.site_copy import base_address
from sdaasp_geo.outputs.site_model import CHANGES, NO_CHANGES, AnnexeLink, Contents, territories
from sdaasp_geo.outputs.tables import Table
from sdaasp_geo.pipeline.site import publish_site
from sdaasp_geo.study import Decision, Measures, Study

HOSTILE = "<img src=x onerror=alert(1)></script>`${alert(1)}`{{ 7*7 }}'\"\\"
MADIRAN = "200072106"
MAP = {"href": "maps/carte.html", "label": "Carte", "note": ""}
SCHEME = {"code": "essai", "name": "Essai", "departement": "65", "edition": "2026-11-22", "reference": ""}
PAGE = '<!DOCTYPE html>\n<html lang="fr"><head><title>L&#39;essai</title></head><body>{}</body></html>\n'


def words_of(page: str) -> str:
    body = page[page.index("<body>") :]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", body))).replace("\u00a0", " ")


def contents(**changed: object) -> Contents:
    link = AnnexeLink(MADIRAN, "annexes/a.html", "annexes/a.docx", (), "annexes/a.pdf")
    return dataclasses.replace(Contents(maps=(MAP,), annexes=(link,)), **changed)


def row_of(study: Study, siren: str) -> dict[str, object]:
    (row,) = (row for row in territories(study) if row["siren"] == siren)
    return row


def test_an_epci_astride_the_border_has_its_three_figures(study_65: Study, measures_65: Measures) -> None:
    page = render_epci(study_65, measures_65, contents(), row_of(study_65, MADIRAN))
    assert "72 communes, dont 11 hors du département" in words_of(page)
    cover = measures_65.coverage
    cover = cover[(cover["territory"] == MADIRAN) & (cover["rule"] == "france-services-20")].set_index("part")
    for part in ("entier", "dans le département", "hors du département"):
        figure = f"{cover['population_within'][part]:,}".replace(",", " ")
        assert figure in words_of(page)
    assert page.count('<tr><th scope="row">') == 72 + len(study_65.rules)
    assert "Bentayou-Sérée (64)" in page


def test_an_epci_leads_to_its_documents_by_relative_addresses(study_65: Study, measures_65: Measures) -> None:
    plan = ({"href": "plan/tableau-de-bord.html", "label": "Tableau de bord", "note": ""},)
    page = render_epci(study_65, measures_65, contents(plan=plan), row_of(study_65, MADIRAN))
    links = re.findall(r'<a href="([^"]+)"', page)
    assert {f"../../annexes/a.{kind}" for kind in ("html", "pdf", "docx")} < set(links)
    assert f"../../plan/tableau-de-bord.html#epci={MADIRAN}" in links
    assert f"../../maps/carte.html{map_fragment(study_65, MADIRAN)}" in links
    assert not [link for link in links if link.startswith("/") or ":" in link]


def test_the_map_opens_on_the_epci(study_65: Study) -> None:
    zoom, lat, lon = map_fragment(study_65, MADIRAN).removeprefix("#carte=").split("/")
    west, south, east, north = study_65.epci.set_index("siren").geometry.to_crs("EPSG:4326")[[MADIRAN]].total_bounds
    assert (float(lat), float(lon)) == pytest.approx(((south + north) / 2, (west + east) / 2), abs=1e-4)
    wide = [256 * 2 ** int(zoom) * step * (east - west) / 360 for step in (1, 2)]
    assert wide[0] <= 640
    tall = 2 * wide[0] / (east - west) * (north - south) / 0.72  # cosine of 43.4 degrees
    assert wide[1] > 640 or tall > 420


def test_every_epci_is_on_the_home_page(study_65: Study, measures_65: Measures) -> None:
    page = render_home(study_65, measures_65, contents())
    assert set(re.findall(r'href="epci/(\d{9})/index.html"', page)) == set(study_65.epci["siren"])
    assert "Ne signe pas dans ce département." in page
    assert NO_CHANGES in page
    assert CHANGES in render_home(study_65, measures_65, contents(changes=True))


def test_what_is_left_to_decide_is_whole(study_65: Study) -> None:
    signing = tuple(study_65.epci.loc[study_65.epci["role"] == "signataire", "name"])
    decisions = [Decision("Annexes", "date", signing), Decision("Annexes", "lieu", signing[:2]), Decision("Plan", "x")]
    text = words_of(render_decisions(study_65, decisions))
    assert "Date les 9 intercommunalités signataires Lieu" in text
    assert f"Lieu {signing[0]}, {signing[1]}" in text
    assert "Rien ne reste à décider" not in text


def test_every_column_is_in_the_dictionary(study_65: Study, measures_65: Measures) -> None:
    tables = [Table("acces", "Accès", measures_65.access), Table("long", "Long", measures_65.access, in_csv=False)]
    page = render_data(study_65, tables)
    assert page.count("<code>") == 2 * len(measures_65.access.columns)
    assert set(re.findall(r'href="(acces\.\w+|long\.\w+)"', page)) == {"acces.csv", "acces.parquet", "long.parquet"}


def test_hostile_texts_stay_texts(study_65: Study, measures_65: Measures) -> None:
    epci = study_65.epci.assign(name=HOSTILE)
    study = dataclasses.replace(study_65, epci=epci, communes=study_65.communes.assign(name=HOSTILE))
    pages = [
        render_home(study, measures_65, contents(plan=({"href": "a", "label": HOSTILE, "note": HOSTILE},))),
        render_epci(study, measures_65, contents(), row_of(study, MADIRAN)),
        render_decisions(study, [Decision(HOSTILE, HOSTILE, (HOSTILE,))]),
    ]
    for page in pages:
        assert "<img src=x" not in page
        assert "<script" not in page
        assert html.unescape(page).count(HOSTILE) >= 1


def test_the_shared_picture_has_the_expected_size_and_the_same_bytes(study_65: Study, measures_65: Measures) -> None:
    picture = draw_share_picture(study_65, measures_65)
    assert picture == draw_share_picture(study_65, measures_65)
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size) == ("PNG", (1200, 630))
    assert len(picture) < 300_000


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for name, text in {"index.html": NO_CHANGES, "epci/1/index.html": "un", "maps/carte à voir.html": "carte"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(PAGE.format(text), encoding="utf-8")
    (folder / "partage.png").write_bytes(b"png")
    write_manifest({"schema": "sdaasp_geo/manifest/1", "scheme": SCHEME}, folder)
    return folder


def comparison(folder: Path, *, edition: str = "2026-11-22") -> Path:
    folder.mkdir()
    (folder / "index.html").write_text(PAGE.format("changes"), encoding="utf-8")
    after = {"scheme": SCHEME | {"edition": edition}}
    write_manifest({"schema": "sdaasp_geo/manifest/1", "after": after}, folder)
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_an_address_pages_are_copied_as_they_are(run: Path, tmp_path: Path) -> None:
    before = bytes_of(run)
    copied = publish_site(run, tmp_path / "site")
    after = bytes_of(tmp_path / "site")
    assert bytes_of(run) == before
    assert {name: after[name] for name in before if name != MANIFEST} == {
        name: content for name, content in before.items() if name != MANIFEST
    }
    assert set(after) - set(before) == {".nojekyll", "404.html"}
    assert copied.pages == ("epci/1/index.html", "index.html", "maps/carte à voir.html")
    assert b'name="robots" content="noindex"' in after["404.html"]
    assert b"href" not in after["404.html"]


def test_an_address_gives_each_page_its_own(run: Path, tmp_path: Path) -> None:
    publish_site(run, tmp_path / "site", base_url="https://exemple.fr/sdaasp")
    after = bytes_of(tmp_path / "site")
    page = after["epci/1/index.html"].decode()
    assert '<link rel="canonical" href="https://exemple.fr/sdaasp/epci/1/">' in page
    assert '<meta property="og:image" content="https://exemple.fr/sdaasp/partage.png">' in page
    assert '<meta property="og:title" content="L&#x27;essai">' in page
    places = re.findall("<loc>(.*?)</loc>", after["sitemap.xml"].decode())
    root = "https://exemple.fr/sdaasp/"
    assert places == [f"{root}epci/1/", root, f"{root}maps/carte%20%C3%A0%20voir.html"]
    assert b'href="https://exemple.fr/sdaasp/"' in after["404.html"]
    publish_site(tmp_path / "site", tmp_path / "again", base_url="https://autre.fr/")
    again = bytes_of(tmp_path / "again")
    assert set(again) == set(after)
    assert not [name for name, content in again.items() if b"exemple.fr" in content]


def test_a_copy_is_the_same_twice_and_is_itself_a_run(run: Path, tmp_path: Path) -> None:
    changes = comparison(tmp_path / "changes")
    for name in ("a", "b", "a"):
        publish_site(run, tmp_path / name, base_url="https://exemple.fr/", changes=changes)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    listed = {one["name"] for one in json.loads((tmp_path / "a" / MANIFEST).read_text())["outputs"]}
    assert listed == {name for name in bytes_of(tmp_path / "a") if Path(name).name != MANIFEST}
    assert CHANGES in (tmp_path / "a" / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "a" / "changements" / "index.html").is_file()


def test_a_changed_or_incomplete_run_is_refused_whole(run: Path, tmp_path: Path) -> None:
    (run / "partage.png").write_bytes(b"other")
    (run / "epci" / "1" / "index.html").unlink()
    with pytest.raises(InputError) as caught:
        publish_site(run, tmp_path / "site")
    assert [fault.file for fault in caught.value.faults] == ["epci/1/index.html", "partage.png"]
    assert not (tmp_path / "site").exists()


def test_a_manifest_cannot_reach_other_folders(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (run / "link.txt").symlink_to(tmp_path / "secret.txt")
    path = run / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    reached = [{"name": name, "sha256": "0"} for name in ("../secret.txt", str(tmp_path / "secret.txt"), "link.txt")]
    path.write_text(json.dumps(manifest | {"outputs": [*manifest["outputs"], *reached]}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        publish_site(run, tmp_path / "site")
    assert len(caught.value.faults) == 3


def test_files_that_the_run_does_not_know_stay_behind(run: Path, tmp_path: Path) -> None:
    (run / "notes privées.txt").write_text("à ne pas publier", encoding="utf-8")
    answer = CliRunner().invoke(command, [str(run), "--out", str(tmp_path / "site")])
    assert answer.exit_code == 0, answer.output
    assert "notes privées.txt n'est pas du résultat et n'a pas été copié" in answer.output
    assert not (tmp_path / "site" / "notes privées.txt").exists()


def test_what_is_no_run_and_folders_that_overlap_are_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("a", encoding="utf-8")
    for source, target in (("empty", "site"), ("run", "run"), ("run", "run/site"), ("run", "full")):
        with pytest.raises(OutputError):
            publish_site(tmp_path / source, tmp_path / target)
    with pytest.raises(OutputError):
        publish_site(run, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full", "run"]


def test_a_comparison_of_another_edition_is_refused(run: Path, tmp_path: Path) -> None:
    changes = comparison(tmp_path / "changes", edition="2025-01-01")
    with pytest.raises(OutputError, match="n'aboutit pas à cette édition"):
        publish_site(run, tmp_path / "site", changes=changes)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("url", ["exemple.fr", "file:///tmp", "https://", "https://a.fr/?b", "https://u:p@a.fr/", "x"])
def test_what_is_no_address_of_a_site_is_refused(url: str) -> None:
    with pytest.raises(OutputError):
        base_address(url)


def test_an_address_ends_with_one_slash() -> None:
    assert base_address("https://a.fr") == base_address("https://a.fr//") == "https://a.fr/"
    assert base_address("http://a.fr:8080/b c") == "http://a.fr:8080/b%20c/"
