"""Which pairs of languages the options of a translator name, and what is wrong with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from langcodes import Language

from graph import contract
from predictors.settings import OptionError
from predictors.translator.pair import Pair

TEXT_FIELDS = (
    contract.USER_INPUT,
    contract.USER_INPUT_EN,
    contract.RESPONSE_EN,
    contract.RESPONSE,
)

_CODE = re.compile(r"[a-z]{2,3}")


def pairs_of(source: str, target: str, reads: str = "", writes: str = "") -> list[Pair]:
    """A pair for each source and each target; without fields of its own it has the usual ones."""
    if codes(target) == [contract.PIVOT]:
        usual = contract.USER_INPUT, contract.USER_INPUT_EN
    else:
        usual = contract.RESPONSE_EN, contract.RESPONSE
    fields = reads or usual[0], writes or usual[1]
    return [Pair(one, other, *fields) for one in codes(source) for other in codes(target)]


def codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",")]


def check_languages(source: str, target: str) -> None:
    """One side is English, and the other has languages of their own. Raises OptionError."""
    for name, text in (("source", source), ("target", target)):
        for code in codes(text):
            _check_code(f"--{name}", code)
        code, times = Counter(codes(text)).most_common(1)[0]
        if times > 1:
            raise OptionError(f"--{name}: {code} stands in it twice")
    sides = codes(source), codes(target)
    if sides[0] == sides[1]:
        raise OptionError(f"--source and --target: both are {source}")
    if [contract.PIVOT] not in sides:
        raise OptionError(f"--source or --target must be {contract.PIVOT} alone")
    if contract.PIVOT in sides[0] and contract.PIVOT in sides[1]:
        raise OptionError(f"--source and --target: {contract.PIVOT} stands in both")


def check_pairs(pairs: Sequence[Pair]) -> None:
    """The fields are those of a turn, and each turn is for one pair. Raises OptionError."""
    for pair in pairs:
        for name, value in (("reads", pair.reads), ("writes", pair.writes)):
            if value not in TEXT_FIELDS:
                raise OptionError(f"--{name}: choose from {', '.join(TEXT_FIELDS)}")
        if pair.reads == pair.writes:
            raise OptionError(f"--reads and --writes: both are {pair.reads}")
    turns = Counter((pair.language, pair.reads) for pair in pairs)
    (language, reads), times = turns.most_common(1)[0]
    if times > 1:
        raise OptionError(
            f"--reads: a turn with {reads} has the language {language}, which does not tell the "
            f"{times} pairs of languages apart; name one --source and one --target"
        )


def _check_code(option: str, code: str) -> None:
    if not _CODE.fullmatch(code):
        raise OptionError(f"{option}: must be a language code such as fr, or several: fr,it")
    if not Language.get(code).is_valid():
        raise OptionError(
            f"{option}: no language has the code {code}; write its ISO 639 code, such as fr"
        )
