import pytest

from marianne_language.sentences import find_end, split_sentences


def test_a_paragraph_becomes_its_sentences() -> None:
    text = "La demande se fait en ligne. Elle est gratuite ! Quel est le délai ? Deux mois."

    assert split_sentences(text) == [
        "La demande se fait en ligne.",
        "Elle est gratuite !",
        "Quel est le délai ?",
        "Deux mois.",
    ]


def test_items_and_headings_are_sentences_of_their_own_and_keep_their_marker() -> None:
    text = "## 1. Pièces à fournir\n\nVous joignez :\n- un passeport ;\n- deux photos.\n\n1. Remplir le formulaire."

    assert split_sentences(text) == [
        "## 1. Pièces à fournir",
        "Vous joignez :",
        "- un passeport ;",
        "- deux photos.",
        "1. Remplir le formulaire.",
    ]


def test_an_item_of_two_sentences_is_split_and_its_first_keeps_the_marker() -> None:
    assert split_sentences("- Un timbre. Il coûte 25 euros.") == ["- Un timbre.", "Il coûte 25 euros."]


def test_a_table_row_stays_whole() -> None:
    assert split_sentences("| Titre. Coût | 225 € |\n| A. B | C. D |") == ["| Titre. Coût | 225 € |", "| A. B | C. D |"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Selon l'art. L. 423-23 du CESEDA, la carte est délivrée de plein droit.",
        "Les art. R. 421-5 et D. 12 s'appliquent.",
        "M. Dupont écrit à Mme. Durand, cf. Annexe 2.",
        "Voir p. 12 et le n° 3, al. 2 de la circulaire.",
        "M. J.-P. Martin et A. B. Leroy signent.",
        "Le montant est de 1.500,50 euros, soit 12.5 % du total.",
        "Allez sur https://www.service-public.fr/a.b.Html ou écrivez à jean.dupont@ofii.fr avant midi.",
        "Lancez `pip install x. Y` puis fermez.",
        "Lisez [la fiche. Le détail](https://a.fr/x. Y) en entier.",
        "Vous pouvez… attendre... un peu.",
        "Il a répondu « Je pars. Je reviens. » sans un mot de plus.",
        "Le dossier (passeport, photos, etc. Voir la liste) est complet.",
        "Les pièces (passeport, etc.) sont à joindre.",
        "Mr. Smith lives at No. 5, e.g. Paris or Lyon.",
        "El Sr. Pérez cita el art. 5, núm. 3.",
        "Ông sống ở TP. Hồ Chí Minh, Q. 1.",
        "السيد د. محمد هنا.",
        "II. – Le préfet statue.",
        "1.2. Déposer la demande.",
        "**1.** Déposer la demande.",
        "Étape 1. Déposer la demande.",
        "- **Étape 2.** Payer la taxe.",
        "Article 5. Le préfet statue.",
        "Điều 5. Nghị định này có hiệu lực.",
        "La Sté. Dupont et Cie. Martin signent.",
        "El Excmo. Sr. Ministro firma.",
        "Cass. soc., 12 janv. 2020, n° 18-12.345 le rappelle.",
        "« Êtes-vous marié ? » demande l'agent.",
    ],
)
def test_a_full_stop_that_ends_nothing_does_not_cut(sentence: str) -> None:
    assert split_sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Il faut un visa de type D. Il est délivré par le consulat.", "Il faut un visa de type D."),
        ("Joignez vos papiers, etc. Le dossier est alors complet.", "Joignez vos papiers, etc."),
        ("No. You cannot.", "No."),
        ("Oui. Vous pouvez.", "Oui."),
        ("C'est l'article 5. Il s'applique.", "C'est l'article 5."),
        ("Passez à l'étape 2. Payez.", "Passez à l'étape 2."),
        ("D'abord l'étape 1. Puis payez.", "D'abord l'étape 1."),
        ("La carte date de 2024. Elle expire.", "La carte date de 2024."),
        ("Il a dit : « Le délai est fixé. » La suite est connue.", "Il a dit : « Le délai est fixé. »"),
        ('"The time limit is set." The rest follows.', '"The time limit is set."'),
        ("(Voir la fiche.) La suite.", "(Voir la fiche.)"),
        ("**Important.** Le délai court.", "**Important.**"),
        ("Vous attendez... Puis vous payez.", "Vous attendez..."),
        ("Le délai est long ? ! Oui.", "Le délai est long ? !"),
        ("هل لديك تصريح؟ نعم لدي.", "هل لديك تصريح؟"),
        ("کیا ہے۔ ہاں", "کیا ہے۔"),
        ("日本。中国！", "日本。"),
        ("Une parenthèse (jamais fermée. Et la suite", "Une parenthèse (jamais fermée."),
    ],
)
def test_the_first_sentence_ends_where_a_reader_ends_it(text: str, first: str) -> None:
    assert split_sentences(text)[0] == first


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Le délai est de deux mois [1.2]. La suite.", "Le délai est de deux mois [1.2]."),
        ("Le délai est de deux mois. [1.2] La suite.", "Le délai est de deux mois. [1.2]"),
        ("Le délai est de deux mois.[1.2][3.1] La suite.", "Le délai est de deux mois.[1.2][3.1]"),
        ("Le délai est de deux mois. [1.2, 3.1] la suite.", "Le délai est de deux mois. [1.2, 3.1]"),
        ("**Deux mois [1.2].** La suite.", "**Deux mois [1.2].**"),
        ("Deux mois. [Note] La suite.", "Deux mois."),
        ("Deux mois. [1](https://a.fr) La suite.", "Deux mois."),
    ],
)
def test_citation_marks_belong_to_the_sentence_before_them(text: str, first: str) -> None:
    assert split_sentences(text)[0] == first


@pytest.mark.parametrize(
    "text", ["", "  \n ", "Le délai", "Le délai est de deux mois.", "Deux mois. ", "Deux mois. [1"]
)
def test_an_end_that_more_text_could_move_is_not_told(text: str) -> None:
    assert find_end(text) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Deux mois. L", "Deux mois."),
        ("Deux mois.\n", "Deux mois."),
        ("- un passeport\n", "- un passeport"),
        ("Deux mois [1.2].", "Deux mois [1.2]."),
        ("\n\n  Deux mois. [1.2] L", "\n\n  Deux mois. [1.2]"),
    ],
)
def test_an_end_is_told_as_soon_as_nothing_can_move_it(text: str, unit: str) -> None:
    end = find_end(text)

    assert end is not None
    assert text[:end] == unit
    assert find_end(unit) in (None, len(unit))


def test_what_is_left_at_the_end_is_a_unit() -> None:
    assert find_end("Le délai est de deux  ", final=True) == len("Le délai est de deux")
    assert find_end("   ", final=True) is None


def test_a_lost_bracket_holds_back_a_bounded_length() -> None:
    text = "Il dit « sans fermer. " + "Le délai court. " * 40

    end = find_end(text)

    assert end is not None
    assert text[:end] == "Il dit « sans fermer."
