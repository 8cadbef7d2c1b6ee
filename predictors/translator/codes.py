"""The code that a model's checkpoint has for a language: `fr` is fr, fr_XX or fra_Latn.

M2M100 has two-letter codes, mBART-50 adds a country, NLLB takes FLORES-200's: ISO 639-3 and the
script. A code is found by its language part, so each model's own list decides; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from langcodes import Language

# Where ISO 639-1 means a group of languages, FLORES-200 names the one that is its standard form
# (Standard Arabic, Tosk Albanian), by ISO 639-3.
_STANDARD_FORMS = {
    "ar": "arb", "az": "azj", "et": "ekk", "fa": "pes", "ku": "kmr", "lv": "lvs", "mg": "plt",
    "mn": "khk", "ms": "zsm", "ne": "npi", "no": "nob", "or": "ory", "ps": "pbt", "sq": "als",
    "sw": "swh", "tl": "tgl", "uz": "uzn", "yi": "ydd",
}  # fmt: skip
_GROUPS = {form: group for group, form in _STANDARD_FORMS.items()}
# Another two-letter code under which a checkpoint may have the language.
_SAME = {"nb": "no", "tl": "fil"}
# Of a language in several scripts, the one that its code alone means.
_USUAL = {"zho": "zho_Hans"}


def choose_code(language: str, codes: Sequence[str]) -> str | None:
    """The model's code for an ISO 639-1 or 639-3 code; None if it has none or several."""
    for name in _names(language):
        if name in codes:
            return name
        if _USUAL.get(name) in codes:
            return _USUAL[name]
        fitting = [code for code in codes if code.partition("_")[0] == name]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _names(language: str) -> list[str]:
    """The language's codes, its own first."""
    short = _GROUPS.get(language) or Language.get(language, normalize=len(language) == 3).to_tag()
    names = [language, short, _SAME.get(short), _STANDARD_FORMS.get(short), _alpha3(short)]
    return [name for name in dict.fromkeys(names) if name]


def _alpha3(language: str) -> str | None:
    try:
        return Language.get(language, normalize=False).to_alpha3()
    except LookupError:
        return None
