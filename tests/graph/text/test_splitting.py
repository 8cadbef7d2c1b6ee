"""What is translated and what is kept; joined again, a text is itself."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.text.sentences import MAX_CHARACTERS
from graph.text.splitting import Piece, Splitter, trim

FRENCH = Splitter("fr")
BREAK = (Piece("\n", False),)
CHUNKS = st.sampled_from(
    [
        *("Bonjour", "M. Dupont", "3,5", "oui", "中文。", "नमस्ते", "é", "e\u0301"),
        *("!", "?", "...", ". ", "« ", "\u00a0»", "(", ")", '"', "'", "’", "-", ";", "=="),
        *("\n", "\r\n", "\u2028", "  ", "\t", "1. ", "- ", "> ", "😀", "👨\u200d👩\u200d👧"),
        *("`code`", "```", "https://a.org/b?c=1", "x@y.fr", "{name}", "@ana", "#1"),
        *("%s", "</b>", "<b ", "$HOME", "~/a/b", "{", "}", "[", "]", "`", "~~~", "|", "\\|"),
        *("x = 5;", "import os", "def f(x):", "print('a')", " e.g. ", "Dr. ", "1", "un deux trois"),
        *("“", "”", "»", "。", "！", "word ", "a" * 90, ", "),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(CHUNKS, max_size=40).map("".join))


def kept(text: str) -> list[str]:
    return [piece.text for piece in FRENCH.split(text) if not piece.translate]


def translated(text: str) -> list[str]:
    return [piece.text for piece in FRENCH.split(text) if piece.translate]


def in_parts(text: str, sizes: list[int]) -> list[Piece]:
    """The pieces of a text that comes in parts of these sizes, again and again."""
    splitting = FRENCH.begin()
    found: list[Piece] = []
    for size in itertools.cycle(sizes):
        if not text:
            return [*found, *splitting.end()]
        found += splitting.feed(text[:size])
        text = text[size:]
    return found


def merged(pieces: list[Piece]) -> list[Piece]:
    """The pieces, with those that are kept put together where they stand side by side."""
    groups = itertools.groupby(pieces, key=lambda piece: piece.translate)
    return [
        piece
        for translate, group in groups
        for piece in (group if translate else [Piece("".join(p.text for p in group), False)])
    ]


@given(TEXTS)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in FRENCH.split(text)) == text


@given(TEXTS, st.lists(st.integers(1, 12), min_size=1))
def test_the_parts_in_which_a_text_comes_change_nothing(text: str, sizes: list[int]) -> None:
    assert merged(in_parts(text, sizes)) == merged(FRENCH.split(text))


@given(TEXTS)
def test_a_piece_to_translate_is_that_piece_if_it_is_split_by_itself(text: str) -> None:
    for piece in translated(text):
        assert FRENCH.split(piece) == [Piece(piece, True)]


@given(TEXTS)
def test_a_piece_to_translate_is_one_line_with_a_letter_and_no_outer_space(text: str) -> None:
    for piece in translated(text):
        assert len(piece.splitlines()) == 1
        assert piece == piece.strip()
        assert any(map(str.isalpha, piece))


@given(st.text().filter(lambda text: not any(map(str.isalpha, text))))
def test_a_text_without_letters_is_kept_whole(text: str) -> None:
    assert translated(text) == []


@given(TEXTS)
def test_trimmed_parts_joined_are_the_text(text: str) -> None:
    assert "".join(trim(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "😀👍",
        "12 345,67 €",
        "24/12/2026",
        "?!",
        "https://example.org/a-page?q=words&lang=fr",
        "www.example.org",
        "ana.lopez@example.org",
        "`rm -rf build`",
        "```python\nprint('bonjour tout le monde')\n```",
        "```\nnever closed, so all of it is code\n",
        'print("bonjour")',
        "x = valeur + 1;",
        "def salut(nom):\n    return nom\n",
        "import os",
        "return x + 1;",
        "f(a, b)",
        'echo "bonjour"',
        "const nom = lire();",
        "});",
        "if (a == b) {\n}",
        "$ git commit -m message",
        "SELECT nom FROM clients",
        "<br/>",
        "{name} {count}",
    ],
)
def test_code_numbers_emoji_and_addresses_are_kept_whole(text: str) -> None:
    assert translated(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour",
        "Oui ;",
        "par exemple :",
        "Si tu veux, on part (à deux) ;",
        "Elle a dit « oui » -> c'est super",
        "import de voitures en France",
        "si tu viens demain : appelle-moi",
        "OK",
        "ami(e)",
        "print it",
        "Rue de la Paix, 12",
        "return home",
        "M. et Mme X = nos voisins",
    ],
)
def test_words_of_a_language_are_translated(text: str) -> None:
    assert translated(text) != []


def test_sentences_are_split_with_their_spaces_and_emoji_kept() -> None:
    assert FRENCH.split("Bonjour ! \tÇa va ? 😀") == [
        Piece("Bonjour !", True),
        Piece(" \t", False),
        Piece("Ça va ?", True),
        Piece(" ", False),
        Piece("😀", False),
    ]


def test_abbreviations_end_no_sentence() -> None:
    assert translated("M. Dupont habite au 3, av. Foch. Il est né ici.") == [
        "M. Dupont habite au 3, av. Foch.",
        "Il est né ici.",
    ]


def test_a_character_that_the_library_drops_shifts_no_boundary() -> None:
    text = "Salut !\u200b\u200b\u200bÇa va ? Bien sûr."
    assert translated(text) == ["Salut !", "Ça va ?", "Bien sûr."]


def test_list_marks_quotes_and_headings_are_kept() -> None:
    text = "# Titre\n\n- un chat\n2. un chien\n> une citation"
    assert translated(text) == ["Titre", "un chat", "un chien", "une citation"]
    assert kept(text)[0] == "# "


def test_a_protected_place_is_not_torn_apart() -> None:
    [first, second] = translated("Va sur https://a.org/x.Y?z=1 ! Tape `a. B` ensuite.")
    assert first.startswith("Va sur https://a.org/x.Y?z=1")
    assert second == "Tape `a. B` ensuite."


def test_text_around_a_code_block_is_translated() -> None:
    text = "Regarde :\n```sh\necho bonjour\n```\nCompris ?"
    assert translated(text) == ["Regarde :", "Compris ?"]


def test_the_cells_of_a_table_are_texts_of_their_own() -> None:
    assert translated("| un chat | `a|b` |\n|---|:-:|\n| Il dort. Il mange. | 3 |") == [
        "un chat",
        "Il dort.",
        "Il mange.",
    ]


def test_a_sentence_comes_when_the_next_one_begins() -> None:
    splitting = FRENCH.begin()
    assert splitting.feed("Bonjour ! Ça") == []
    assert splitting.feed(" ") == [Piece("Bonjour !", True), Piece(" ", False)]
    assert splitting.feed("va « bien ? Oui") == []
    assert splitting.end() == [Piece("Ça va « bien ?", True), Piece(" ", False), Piece("Oui", True)]


def test_a_line_of_code_comes_when_it_has_ended() -> None:
    splitting = FRENCH.begin()
    assert splitting.feed("```\nprint('un deux trois. quatre')") == [Piece("```", False), *BREAK]
    assert splitting.feed("\n```\nx = 1; y = 2. ") == [
        *(Piece("print('un deux trois. quatre')", False), *BREAK, Piece("```", False), *BREAK)
    ]
    assert splitting.end() == [Piece("x = 1; y = 2.", False), Piece(" ", False)]


def test_a_long_sentence_is_cut_after_a_comma_else_a_space_else_anywhere() -> None:
    commas = "des pommes et des poires, " * 40
    assert all(part.endswith(",") for part in translated(commas))
    for text in (commas, "pomme " * 200, "a" * 1000):
        assert max(map(len, translated(text))) <= MAX_CHARACTERS


def test_a_link_that_is_longer_than_a_part_stays_whole() -> None:
    link = "https://example.org/" + "page/" * 300
    pieces = FRENCH.split(f"Lis bien {link} demain.")
    assert [piece.translate for piece in pieces if link in piece.text] == [False]


@pytest.mark.parametrize(
    "unit",
    ["a.a.", "A. B. C. ", "`a", "<a ", "(", "« ", "foo(", "if in (in (", "a@", "/a", "a-", "M. "],
)
def test_ten_thousand_odd_characters_take_seconds_at_most(unit: str) -> None:
    """The library alone took 20 to 40 seconds of processor time for some of these."""
    text = (unit * 10_000)[:10_000]
    started = time.process_time()
    assert "".join(piece.text for piece in FRENCH.split(text)) == text
    assert time.process_time() - started < 10


def test_a_language_that_the_library_does_not_know_is_split_as_english() -> None:
    pieces = Splitter("eo").split("Saluton! Kiel vi fartas?")
    assert [piece.text for piece in pieces if piece.translate] == ["Saluton!", "Kiel vi fartas?"]
