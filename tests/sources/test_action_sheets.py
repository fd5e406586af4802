"""Action sheets: every field, every word, whatever the file and the hand that wrote it."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import action_fields, items_of
from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.action_items import calendar_of, territories_of
from sdaasp_geo.layers.actions import build_actions
from sdaasp_geo.layers.plans import plan_of
from sdaasp_geo.sources.action_sheets import ActionSheet, parse_sheets, read_action_sheets
from sdaasp_geo.sources.document_text import PAGE_BREAK, read_document, text_lines

SEEDS = Path(__file__).resolve().parents[2] / ".." / "shared" / "seeds"
SHEET = """Fiche action n° 12 : Ouvrir une antenne
Objectif opérationnel : Rapprocher les services
Description de l'action (quoi ?) :
- Trouver un local
- Former deux agents
Public cible (pour qui ?) : Habitants
Porteur de l'action (qui ?) : Commune
Calendrier :
En 2018 :
  • Étude
2019 : Ouverture
Indicateurs de suivi :
  • Personnes reçues
Territoire(s) : Chaque EPCI
"""


@pytest.fixture
def seed() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        path = SEEDS / name
        if not path.is_file():
            pytest.skip(f"the seed {name} is not at hand (expected in ../shared/seeds)")
        return path

    return find


def words(texts: Sequence[str]) -> Counter[str]:
    """Count the words of texts; the letter o alone may be a bullet of a word processor."""
    return Counter(word for text in texts for word in re.findall(r"[^\W_]+", text) if word != "o")


def all_words(sheets: Sequence[ActionSheet]) -> Counter[str]:
    told = [text for sheet in sheets for name, text in sheet.fields.items() if name != "niveau"]
    return words([*told, *(label for sheet in sheets for label in sheet.labels)])


def of(text: str) -> dict[str, str]:
    (sheet,) = parse_sheets(text_lines(text))
    return sheet.fields


def write(folder: Path, text: str, name: str = "fiche.txt", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


class TestSeed:
    """Sheet 1-B-2 of the Alpes-de-Haute-Provence, field by field."""

    @pytest.fixture
    def path(self, seed: Callable[[str], Path]) -> Path:
        return seed("alpes-de-haute-provence-fiche-1-B-2.txt")

    def test_every_field_is_read_and_nothing_is_left(self, path: Path) -> None:
        (row,) = read_action_sheets(path).to_dict("records")
        filled = {name for name, text in row.items() if text}
        assert filled == {
            *("niveau", "code", "titre", "objectif", "description", "public", "porteurs", "partenaires", "calendrier"),
            *("lieux", "financements", "liens_schemas", "indicateurs", "scenarios", "territoires", "priorites"),
            "origine",
        }

    def test_the_fields_hold_what_the_sheet_says(self, path: Path) -> None:
        (row,) = read_action_sheets(path).to_dict("records")
        assert row["code"] == "1-B-2"
        assert row["titre"] == "Adapter une gouvernance locale sur les services au sein de chaque EPCI"
        sizes = {name: len(items_of(row[name])) for name in ("objectif", "description", "public", "indicateurs")}
        assert sizes == {"objectif": 4, "description": 7, "public": 2, "indicateurs": 4}
        assert items_of(row["porteurs"]) == ("Conseil Départemental", "Etat")
        assert len(items_of(row["partenaires"])) == 1
        assert row["lieux"] == "Chaque EPCI"
        assert len(items_of(row["financements"])) == 2
        assert row["liens_schemas"].endswith("etc...)")
        assert row["scenarios"] == "Partenariat et Mise en réseau"
        names = [territory.words for territory in territories_of(row["territoires"], "")]
        assert len(names) == 9
        assert names[0] == "Département 04"
        assert names[-1].endswith("Pays de Banon")
        assert len(items_of(row["priorites"], commas=True)) == 2

    def test_the_calendar_has_three_periods(self, path: Path) -> None:
        (row,) = read_action_sheets(path).to_dict("records")
        steps = calendar_of(row["calendrier"])
        assert [(step.period.words, len(step.steps)) for step in steps] == [
            ("En 2017", 3),
            ("En 2018", 1),
            ("Tout au long du schéma", 2),
        ]
        assert [step.period.start.year if step.period.start else None for step in steps] == [2017, 2018, None]

    def test_every_word_is_in_a_field_or_is_a_label(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert all_words(parse_sheets(text_lines(text))) == words([text])

    def test_it_passes_the_contract_and_becomes_an_action(self, path: Path) -> None:
        layer, _ = build_actions(read_action_sheets(path))
        (action,) = plan_of(layer).actions
        assert (action.code, action.reste, len(action.territoires), len(action.calendrier)) == ("1-B-2", "", 9, 3)


FIELDS = {
    "Objectif opérationnel": "objectif",
    "Description de l'action (quoi ?)": "description",
    "Public cible": "public",
    "Porteur(s) de l'action": "porteurs",
    "Calendrier": "calendrier",
    "Indicateurs de suivi": "indicateurs",
    "Territoire(s)": "territoires",
    "Lien avec les autres schémas": "liens_schemas",
}
TEXT = st.text("abcdéèçœ É12'’-–•·.,;:()/?!*\u00a0\t", max_size=40)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), st.lists(TEXT, max_size=4)), min_size=1, max_size=8),
    st.sampled_from([" : ", ":", "\u00a0: ", "\t", "\n"]),
    st.sampled_from(["\n", "\r\n", "\n\n", f"\n{PAGE_BREAK}", "\n\t"]),
)
def test_no_word_is_lost_and_none_is_added(parts: list[tuple[str, list[str]]], colon: str, end: str) -> None:
    text = "4-C Ouvrir un lieu\n" + "".join(f"{label}{colon}{end.join(lines)}{end}" for label, lines in parts)
    assert all_words(parse_sheets(text_lines(text))) == words([text])


@given(st.text(max_size=300))
def test_any_text_at_all_is_kept_word_for_word(text: str) -> None:
    assert all_words(parse_sheets(text_lines(text))) == words([text])


@pytest.mark.parametrize("label", sorted(FIELDS))
@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        lambda x: x.replace("é", "e"),
        lambda x: f"  {x} ",
        lambda x: f"**{x}**",
        lambda x: f"2. {x}",
    ],
)
def test_labels_are_known_however_they_are_written(label: str, change: Callable[[str], str]) -> None:
    assert of(f"9 Titre\n{change(label)} : valeur")[FIELDS[label]] == "valeur"


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("Objectif opérationel", "objectif"),
        ("Pilotes", "porteurs"),
        ("Maître d'ouvrage", "porteurs"),
        ("Scénario(i)", "scenarios"),
        ("Où", "lieux"),
        ("Échéancier", "calendrier"),
        ("État d'avancement", "statut"),
        ("Budjet prévisionnel", None),
        ("Remarque libre", None),
    ],
)
def test_synonyms_and_one_wrong_letter(label: str, field: str | None) -> None:
    fields = of(f"Description : texte\n{label} : valeur")
    if field is None:
        assert fields["description"].endswith(f"{label} : valeur")
    else:
        assert fields[field] == "valeur"


def test_what_a_label_adds_is_kept_with_the_value() -> None:
    fields = of("Porteur de l'action (à confirmer en mars) : Département\nBudget prévu 2018 : 12 000 €")
    assert fields["porteurs"] == "(à confirmer en mars) Département"
    assert fields["budget_prevu_eur"] == "2018\u00a0: 12 000 €"


def test_a_label_alone_on_its_line_opens_its_field() -> None:
    assert of("Calendrier\nEn 2018\n- Étude\nLieux\nTarbes") == {
        "niveau": "action",
        "calendrier": "En 2018\n- Étude",
        "lieux": "Tarbes",
    }


def test_bulleted_labels_are_labels_only_when_no_other_is() -> None:
    bulleted = of("• Calendrier : 2018\n• Public cible : tous")
    assert (bulleted["calendrier"], bulleted["public"]) == ("2018", "tous")
    inside = of("Description :\n- Public cible : à préciser\nPublic cible : tous")
    assert inside["description"] == "- Public cible : à préciser"
    assert inside["public"] == "tous"


def test_bullets_are_brought_to_two_and_levels_kept_in_order() -> None:
    text = "Description :\n– un\n  ▪ deux\n  o trois\n\uf0b7 quatre\n➢ cinq"
    assert of(text)["description"].split("\n") == ["- un", "• deux", "• trois", "• quatre", "• cinq"]


def test_what_stands_above_the_heading_is_in_reste() -> None:
    fields = of("SDAASP 65\nVersion 3\n2-A-1 Un titre\nqui continue\nObjectif : x")
    assert fields == {
        "niveau": "action",
        "code": "2-A-1",
        "titre": "Un titre qui continue",
        "objectif": "x",
        "reste": "SDAASP 65\nVersion 3",
    }


@pytest.mark.parametrize(
    ("heading", "code", "title"),
    [
        ("1-B-2 Adapter", "1-B-2", "Adapter"),
        ("Action n°29 – Journée", "29", "Journée"),
        ("FICHE ACTION 3.1.2 : Bus", "3.1.2", "Bus"),
        ("Fiche n° 7\nTitre sur la ligne suivante", "7", "Titre sur la ligne suivante"),
        ("A2.1 Relais", "A2.1", "Relais"),
    ],
)
def test_headings_give_code_and_title(heading: str, code: str, title: str) -> None:
    fields = of(f"{heading}\nObjectif : x")
    assert (fields["code"], fields["titre"]) == (code, title)


def test_code_and_title_may_be_labelled() -> None:
    fields = of("Code : 12\nTitre : Ouvrir\nObjectif : x")
    assert (fields["code"], fields["titre"]) == ("12", "Ouvrir")
    fields = of("Intitulé de l'action : 1-A-3 Ouvrir\nObjectif : x")
    assert (fields["code"], fields["titre"]) == ("1-A-3", "Ouvrir")


@pytest.mark.parametrize("between", ["", "\n\n", PAGE_BREAK, f"\n{PAGE_BREAK}\n"])
def test_several_sheets_in_one_file(between: str) -> None:
    text = between.join([SHEET, SHEET.replace("12", "13"), SHEET.replace("12", "14")])
    sheets = parse_sheets(text_lines(text))
    assert [sheet.fields["code"] for sheet in sheets] == ["12", "13", "14"]
    assert all(sheet.fields["territoires"] == "Chaque EPCI" for sheet in sheets)
    assert all_words(sheets) == words([text])


def test_sheets_without_heading_are_parted_by_page_or_by_their_first_label() -> None:
    paged = PAGE_BREAK.join(["Ouvrir\nObjectif : a\nPublic : b\n", "Former\nObjectif : c\n"])
    assert [sheet.fields["titre"] for sheet in parse_sheets(text_lines(paged))] == ["Ouvrir", "Former"]
    labelled = "Code : 1\nObjectif : a\nCode : 2\nObjectif : b\n"
    assert [sheet.fields["code"] for sheet in parse_sheets(text_lines(labelled))] == ["1", "2"]


def test_another_action_named_inside_a_sheet_does_not_cut_it() -> None:
    text = SHEET.replace("- Former deux agents\n", "- Former deux agents\nAction 13 : voir cette fiche\n")
    (sheet,) = parse_sheets(text_lines(text))
    assert "Action 13 : voir cette fiche" in sheet.fields["description"]


def test_page_breaks_numbers_and_running_heads_do_not_cut_a_value() -> None:
    pages = ["SDAASP 04\nObjectif : un\nDescription : deux\nPage 1/2", "SDAASP 04\ntrois\nPublic : tous\nPage 2/2"]
    fields = of(PAGE_BREAK.join(pages))
    assert fields["description"] == "deux\ntrois"
    assert fields["reste"].split() == ["SDAASP", "04", "Page", "1/2", "SDAASP", "04", "Page", "2/2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_text_files(encoding: str, tmp_path: Path) -> None:
    table = read_action_sheets(write(tmp_path, SHEET, encoding=encoding))
    (row,) = table.to_dict("records")
    assert (row["code"], row["objectif"], row["origine"]) == ("12", "Rapprocher les services", "fiche.txt")
    assert list(table.columns) == [*(field.name for field in action_fields()), "origine"]


def word_document(path: Path, *, table: bool) -> Path:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "En-tête courant"
    document.add_heading("Fiche action n° 12 : Ouvrir une antenne")
    if table:
        grid = document.add_table(rows=0, cols=2)
        for label, value in (("Objectif opérationnel", "Rapprocher"), ("Porteur de l'action", "Commune")):
            cells = grid.add_row().cells
            cells[0].text, cells[1].text = label, value
    else:
        document.add_paragraph("Objectif opérationnel : Rapprocher")
        document.add_paragraph("Porteur de l'action\u00a0: Commune")
    document.add_page_break()
    paragraph = document.add_paragraph("Indicateurs de suivi :")
    paragraph.add_run().add_break()
    document.add_paragraph("Personnes reçues", style="List Bullet")
    document.add_paragraph("Délai moyen", style="List Bullet")
    document.save(str(path))
    return path


@pytest.mark.parametrize("table", [False, True])
def test_word_documents(table: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    (row,) = read_action_sheets(word_document(tmp_path / "fiche.docx", table=table)).to_dict("records")
    assert (row["code"], row["titre"]) == ("12", "Ouvrir une antenne")
    assert (row["objectif"], row["porteurs"]) == ("Rapprocher", "Commune")
    assert items_of(row["indicateurs"]) == ("Personnes reçues", "Délai moyen")
    assert row["reste"] == "En-tête courant"


BODY = """<w:p><w:r><w:t>Objectif : </w:t></w:r><w:ins><w:r><w:t>inséré </w:t></w:r></w:ins>
<w:del><w:r><w:delText>supprimé</w:delText></w:r></w:del></w:p>
<w:sdt><w:sdtContent><w:p><w:r><w:t>Public cible : contrôle</w:t></w:r></w:p></w:sdtContent></w:sdt>
<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>Lieux : encadré</w:t></w:r></w:p>
</w:txbxContent></mc:Choice>
<mc:Fallback><w:txbxContent><w:p><w:r><w:t>Lieux : encadré</w:t></w:r></w:p></w:txbxContent></mc:Fallback>
</mc:AlternateContent></w:r></w:p>"""
NAMES = 'xmlns:w="urn:w" xmlns:mc="urn:mc"'


def archive(path: Path, parts: dict[str, str]) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as target:
        for name, text in parts.items():
            target.writestr(name, text)
    path.write_bytes(content.getvalue())
    return path


def test_insertions_controls_and_text_boxes_are_read_deletions_are_not(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.docx", {"word/document.xml": f"<w:document {NAMES}><w:body>{BODY}</w:body></w:document>"}
    )
    (row,) = read_action_sheets(path).to_dict("records")
    assert (row["objectif"], row["public"], row["lieux"]) == ("inséré", "contrôle", "encadré")


ODT = """<office:document-content xmlns:office="urn:o" xmlns:text="urn:t" xmlns:style="urn:s" xmlns:fo="urn:f"
 xmlns:table="urn:tb"><office:automatic-styles><style:style style:name="P1"><style:paragraph-properties
 fo:break-before="page"/></style:style></office:automatic-styles><office:body><office:text>
<text:tracked-changes><text:p>effacé</text:p></text:tracked-changes>
<text:h>3-A-1 Ouvrir<text:s text:c="2"/>un lieu</text:h>
<text:p>Objectif<text:span> opérationnel</text:span> :<text:tab/>Rapprocher<text:note>
<text:note-citation>1</text:note-citation><text:note-body>
<text:p>Voir annexe</text:p></text:note-body></text:note></text:p>
<text:p text:style-name="P1">Indicateurs de suivi :</text:p>
<text:list><text:list-item><text:p>Personnes reçues</text:p><text:list><text:list-item><text:p>dont jeunes</text:p>
</text:list-item></text:list></text:list-item></text:list>
<table:table><table:table-row><table:table-cell><text:p>Calendrier</text:p></table:table-cell>
<table:table-cell><text:p>2018</text:p></table:table-cell></table:table-row></table:table>
</office:text></office:body></office:document-content>"""


def test_open_documents(tmp_path: Path) -> None:
    footer = (
        '<s:styles xmlns:s="urn:s" xmlns:text="urn:t"><s:footer><text:p>Pied de page</text:p></s:footer></s:styles>'
    )
    path = archive(tmp_path / "fiche.odt", {"content.xml": ODT, "styles.xml": footer})
    (row,) = read_action_sheets(path).to_dict("records")
    assert (row["code"], row["titre"]) == ("3-A-1", "Ouvrir un lieu")
    assert (row["objectif"], row["calendrier"]) == ("Rapprocher", "2018")
    assert items_of(row["indicateurs"]) == ("Personnes reçues", "dont jeunes")
    assert row["reste"].split("\n") == ["Voir annexe", "Pied de page"]
    assert PAGE_BREAK in read_document(path).lines


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vide.txt", b" \n\f\n"),
        ("vide.txt", b""),
        ("prose.txt", "Un compte rendu sans libellé.".encode()),
        ("fiche.pdf", b"%PDF"),
        ("fiche.doc", b"\xd0\xcf"),
        ("fiche.docx", b"pas une archive"),
        ("fiche.odt", b"PK\x03\x04abime"),
    ],
)
def test_what_is_no_sheet_is_told(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_action_sheets(path)
    (fault,) = caught.value.faults
    assert fault.file == name
    assert fault.remedy


def test_a_document_type_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    bomb = f"{entities}<w:document {NAMES}><w:p><w:t>&b;</w:t></w:p></w:document>"
    for path in (
        archive(tmp_path / "a.docx", {"word/document.xml": bomb}),
        archive(tmp_path / "a.odt", {"content.xml": bomb}),
    ):
        with pytest.raises(InputError):
            read_action_sheets(path)


def test_an_archive_that_unpacks_into_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("word/document.xml", b" " * 60_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError):
        read_action_sheets(path)
