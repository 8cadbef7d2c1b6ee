"""A message as the recogniser reads it: prose only, cut to a bounded length, in words.

Code, links, addresses and what somebody quotes say nothing about the language that a person writes
in. It decides about no language itself.
"""

from __future__ import annotations

import re

from wordfreq.tokens import simple_tokenize

# A message this long has told its language; the time for detection stays bounded by it.
MAX_CHARACTERS = 1000
_QUOTE_NEEDS_WORDS = 3

# No pattern looks further than it takes, or begins anew where an earlier attempt looked already, so
# that the time is linear.
_LINK = re.compile(
    r"""\b[a-z][a-z0-9+.-]{0,30}://\S+ | \bwww\.\S+ | (?<![^\s@])[^\s@]++@[^\s@]+\.\w+
    | (?<!\w)@\w+""",
    re.IGNORECASE | re.VERBOSE,
)
_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_QUOTED = re.compile(r'"[^"\n]+"|“[^“”\n]+”|„[^„“”\n]+[“”]|«[^«»\n]+»')
# A piece between spaces that no prose holds: calls, assignments, tags, snake_case, paths, {}.
_CODE = re.compile(
    r"""\w[(\[]\S*[)\]] | \w\( | \w\.\w+\( | \w=\S | [)\]}"0-9];$ | </?[A-Za-z] | \w_\w | \w::\w
    | ^[~.]*/\w+/ | \\\w | ^(?:[={}]|==|!=|=>|&&|\|\||\+=)$""",
    re.VERBOSE,
)
_CODE_SHARE = 0.4


def read_prose(text: str) -> str:
    """The text without links, code and, where enough is left around them, quotations."""
    cut = text[:MAX_CHARACTERS]
    prose = _LINK.sub(" ", _FENCED.sub(" ", cut))
    prose = "\n".join(_drop_code(line) for line in prose.splitlines())
    unquoted = _QUOTED.sub(" ", prose)
    return unquoted if len(unquoted.split()) >= _QUOTE_NEEDS_WORDS else prose


def split_words(prose: str) -> list[str]:
    """The case-folded words in order, without emoji and whatever holds a digit.

    They are cut as the frequency lists are: `l'heure` is two words, `don't` is one.
    """
    return [word for word in simple_tokenize(prose) if _is_word(word)]


def _drop_code(line: str) -> str:
    """The line without pieces of code; nothing of it when it is mostly code."""
    pieces = line.split()
    prose = [piece for piece in pieces if not _CODE.search(piece)]
    code = len(pieces) - len(prose)
    if code > 1 and code > _CODE_SHARE * len(pieces):
        return ""
    return " ".join(prose)


def _is_word(token: str) -> bool:
    return any(char.isalpha() for char in token) and not any(char.isdigit() for char in token)
