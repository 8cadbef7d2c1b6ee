"""The code that a model's checkpoint has for a language: `fr` is fr, fr_XX or fra_Latn.

M2M100 has two-letter codes, mBART-50 adds a country, NLLB takes FLORES-200's: ISO 639-3 and the
script. A code is found by its language part, so each model's own list decides; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

# ISO 639-3 by ISO 639-1. Where 639-1 means a group of languages, FLORES-200 names the one that is
# its standard form (Standard Arabic, Tosk Albanian), which comes first.
_THREE_LETTERS = {
    "af": "afr", "am": "amh", "ar": "arb ara", "as": "asm", "az": "azj aze", "be": "bel",
    "bg": "bul", "bn": "ben", "bs": "bos", "ca": "cat", "cs": "ces", "cy": "cym", "da": "dan",
    "de": "deu", "el": "ell", "en": "eng", "eo": "epo", "es": "spa", "et": "est ekk", "eu": "eus",
    "fa": "pes fas", "fi": "fin", "fo": "fao", "fr": "fra", "ga": "gle", "gd": "gla", "gl": "glg",
    "gu": "guj", "ha": "hau", "he": "heb", "hi": "hin", "hr": "hrv", "ht": "hat", "hu": "hun",
    "hy": "hye", "id": "ind", "ig": "ibo", "is": "isl", "it": "ita", "ja": "jpn", "jv": "jav",
    "ka": "kat", "kk": "kaz", "km": "khm", "kn": "kan", "ko": "kor", "ku": "kmr kur", "ky": "kir",
    "la": "lat", "lb": "ltz", "lg": "lug", "ln": "lin", "lo": "lao", "lt": "lit", "lv": "lvs lav",
    "mg": "plt mlg", "mi": "mri", "mk": "mkd", "ml": "mal", "mn": "khk mon", "mr": "mar",
    "ms": "zsm msa", "mt": "mlt", "my": "mya", "nb": "nob", "ne": "npi nep", "nl": "nld",
    "nn": "nno", "no": "nob nor", "ny": "nya", "oc": "oci", "or": "ory ori", "pa": "pan",
    "pl": "pol", "ps": "pbt pus", "pt": "por", "ro": "ron", "ru": "rus", "rw": "kin", "sd": "snd",
    "si": "sin", "sk": "slk", "sl": "slv", "sn": "sna", "so": "som", "sq": "als sqi", "sr": "srp",
    "ss": "ssw", "st": "sot", "su": "sun", "sv": "swe", "sw": "swh swa", "ta": "tam", "te": "tel",
    "tg": "tgk", "th": "tha", "ti": "tir", "tk": "tuk", "tl": "tgl", "tn": "tsn", "tr": "tur",
    "ts": "tso", "tt": "tat", "ug": "uig", "uk": "ukr", "ur": "urd", "uz": "uzn uzb", "vi": "vie",
    "wo": "wol", "xh": "xho", "yi": "ydd yid", "yo": "yor", "zh": "zho", "zu": "zul",
}  # fmt: skip
# Another two-letter code under which a checkpoint may have the language.
_SAME = {"nb": "no", "tl": "fil"}
# Of a language in several scripts, the one that its code alone means.
_USUAL = {"zho": "zho_Hans"}


def choose_code(language: str, codes: Sequence[str]) -> str | None:
    """Of a model's codes, the one for an ISO 639-1 or 639-3 code; None for none or several."""
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
    short = language
    if len(language) == 3:
        short = next((s for s, long in _THREE_LETTERS.items() if language in long.split()), "")
    names = [language, short, _SAME.get(short, ""), *_THREE_LETTERS.get(short, "").split()]
    return [name for name in dict.fromkeys(names) if name]
