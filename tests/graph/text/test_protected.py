"""Places that a translation must not touch, and their stand-ins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.text.protected import find_spans, hide


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_spans(text)]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Tape `ls -l` ici", ["`ls -l`"]),
        ("Tape ``a ` b`` ici", ["``a ` b``"]),
        ("Va sur https://a.org/x?y=1.", ["https://a.org/x?y=1"]),
        ("(voir https://a.org/x_(y))", ["https://a.org/x_(y)"]),
        ("« https://a.org »", ["https://a.org"]),
        ("Écris à ana@exemple.fr, merci", ["ana@exemple.fr"]),
        ("Bonjour {name} et {{ user.id }}", ["{name}", "{{ user.id }}"]),
        ("Il y a %d jours, %(nom)s", ["%d", "%(nom)s"]),
        ("à 50 % du prix", []),
        ("C'est <b>gras</b>", ["<b>", "</b>"]),
        ("2 < 3 et 4 > 1", []),
        ("dans ~/docs/a.txt et /etc/hosts", ["~/docs/a.txt", "/etc/hosts"]),
        ("lui et/ou elle", []),
        ("merci @claire #vacances", ["@claire", "#vacances"]),
        ("le dossier $HOME coûte 5 $", ["$HOME"]),
    ],
)
def test_protected_places_are_found(text: str, places: list[str]) -> None:
    assert found(text) == places


def test_what_is_hidden_is_put_back_where_the_model_moved_it() -> None:
    hidden = hide("Écris à ana@x.fr avant {date}")
    assert hidden is not None
    assert hidden.text == "Écris à X1 avant X2"
    assert hidden.show("Before X2, write to X1") == "Before {date}, write to ana@x.fr"


@pytest.mark.parametrize("answer", ["Write to him", "X1 and X1 X2", "X1", "X1 X2 X3", "X1 X21"])
def test_a_stand_in_that_is_lost_doubled_or_made_up_is_seen(answer: str) -> None:
    hidden = hide("Écris à ana@x.fr avant {date}")
    assert hidden is not None
    assert hidden.show(answer) is None


def test_ten_stand_ins_are_told_apart() -> None:
    text = " ".join(f"{{p{i}}}" for i in range(12))
    hidden = hide(text)
    assert hidden is not None
    assert hidden.show(hidden.text) == text


def test_a_text_with_something_like_a_stand_in_is_not_hidden() -> None:
    assert hide("La BMW X1 sur https://a.org") is None
    assert hide("`a`1") is None
    plain = hide("La BMW X1 est belle")
    assert plain is not None and plain.show("The BMW X1 is nice") == "The BMW X1 is nice"


@given(st.text(alphabet=st.sampled_from("ab `{}@.:/<>%$#X1é"), max_size=60))
def test_hiding_and_showing_is_the_text(text: str) -> None:
    hidden = hide(text)
    if hidden is None:
        assert find_spans(text)
    else:
        assert hidden.show(hidden.text) == text
