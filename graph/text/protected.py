r"""What a translation must not touch: code, addresses, placeholders, mentions.

`find_spans` finds such places in a line, `hide` puts a short stand-in in the place of each, and
`show` puts them back, or says that the model lost one. Nothing here knows a language or a model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What is found first wins, so the longer and stricter forms stand before the loose ones. No form
# looks further than it takes: one that searched for the end of what a sign begins would search the
# rest of the line again for each sign. So the pattern does not find where code ends.
_SPANS = re.compile(
    r"""
      (?P<ticks>`+)
    | (?P<link>(?:https?|ftp|file|mailto|ssh|git)://?[^\s<>«»"“”`]+|\bwww\.[^\s<>«»"“”`]+)
    | (?P<email>\b[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)
    | (?P<tag></?[A-Za-z][\w:.-]*(?:\s[^<>\n]*)?/?>)
    | (?P<braces>\{\{[^{}\n]*\}\}|\$?\{[^{}\n]*\})
    | (?P<percent>%\([A-Za-z_]\w*\)[sdifr]|%[sdif](?!\w))
    | (?P<variable>\$[A-Za-z_]\w*)
    | (?P<mention>(?<![\w@#])[@\#][A-Za-z_]\w*)
    | (?P<path>(?<![\w/])(?:~|\.{1,2})?/[\w.-]+(?:/[\w.-]+)+)
    | (?P<escape>\\[ntr])
    """,
    re.VERBOSE,
)
# One of these is in every protected place. Most lines have none, and are not searched any further.
_SIGN = re.compile(r"[`/@<{%$#\\]|www\.")
_TICKS = re.compile(r"`+")
_STAND_IN = re.compile(r"X(\d+)")
# A link in running text does not own the punctuation that ends the sentence.
_LINK_TAIL = ".,;:!?…'"
_CLOSERS = {")": "(", "]": "["}

_CODE_LINE = re.compile(
    r"""
      \s*(?:
        [\w.]+\((?!\w{1,2}\)$)[^()]*(?:\([^()]*\)[^()]*)*\)\s*[;:{]?          # a call, not: ami(e)
      | (?:def|func|fn|function)\s+\w+\s*\(.*                   # a function's head
      | class\s+\w+\s*[:({].*
      | (?:import|package|using)\s+[\w.*{}"]+(?:\s+as\s+\w+)?;?
      | from\s+[\w.]+\s+import\s+.+
      | (?:if|elif|while|for)\b[^:]*[=<>()\[\]][^:]*:
      | (?:else|try|finally)\s*:
      | \#include\s*[<"].+
      | \$\s+[a-z][\w.-]*(?:\s+\S+)*                           # after a shell's prompt
      | (?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP)\s.*\b(?:FROM|INTO|SET|TABLE)\b.*
      | \s{2,}return\b.*
      | .*\{\s*
      | [\s{}()\[\];,]+
      )
    """,
    re.VERBOSE,
)
# Signs that prose may hold too, so they count only where no three words stand in a row.
_CODE_SIGN = re.compile(
    r"""
      \s*(?:(?:let|const|var|int|float|auto|string)\s+)?
      [\w.\[\]'"]+\s*(?:[-+*/%|&]|:)?=\s*\S.*                   # an assignment: x = 5
    | [^(={\[]*[(={\[].*;\s*
    | \s*(?:return|print|echo)\s.*[\d"'$()\[\]_;=+*].*
    | .*(?:=>|->|==|!=|&&|\|\||::|\+=).*
    """,
    re.VERBOSE,
)
_LONGEST_CODE_LINE = 300
# Signs without which hardly any code is written.
_CODE_CHARACTERS = frozenset("(){}[]=;<>$#|&+*/%\\`_@~^")
_PROSE = re.compile(r"(?:\b[^\W\d_]+['’]?[ ,]+){2}[^\W\d_]")


@dataclass(frozen=True)
class Span:
    """A protected place: text[start:end]."""

    start: int
    end: int


@dataclass(frozen=True)
class Hidden:
    """A text with stand-ins, and what each stands for, in the order of the text."""

    text: str
    kept: tuple[str, ...]

    def show(self, translated: str) -> str | None:
        """The translation with everything put back; None where the model lost or doubled one."""
        if not self.kept:
            return translated
        marks = [int(number) for number in _STAND_IN.findall(translated)]
        if sorted(marks) != list(range(1, len(self.kept) + 1)):
            return None
        return _STAND_IN.sub(lambda match: self.kept[int(match[1]) - 1], translated)


def stand_in(index: int) -> str:
    """A short word that models copy: a capital and a digit, like a name in a text."""
    return f"X{index + 1}"


def find_spans(line: str) -> list[Span]:
    """The protected places of one line, in order, without overlap; in linear time."""
    if not _SIGN.search(line):
        return []
    spans = []
    ends_of_code = _ends_of_code(line)
    position = 0
    while match := _SPANS.search(line, position):
        end: int | None = match.end()
        if match["ticks"]:
            end = ends_of_code.get(match.start())
        elif match["link"]:
            end = match.start() + len(_without_tail(match[0]))
        if end is not None:
            spans.append(Span(match.start(), end))
        position = end or match.end()
    return spans


def _ends_of_code(line: str) -> dict[int, int]:
    """Where the code ends that a run of ticks begins: after the next run of the same length."""
    ends: dict[int, int] = {}
    next_end: dict[int, int] = {}
    for run in reversed(list(_TICKS.finditer(line))):
        length = run.end() - run.start()
        if length in next_end:
            ends[run.start()] = next_end[length]
        next_end[length] = run.end()
    return ends


def hide(text: str) -> Hidden | None:
    """The text with stand-ins; None where they could not be told from the text's own characters."""
    parts: list[str] = []
    kept: list[str] = []
    last = 0
    for span in find_spans(text):
        parts += [text[last : span.start], stand_in(len(kept))]
        kept.append(text[span.start : span.end])
        last = span.end
    hidden = Hidden("".join([*parts, text[last:]]), tuple(kept))
    return hidden if hidden.show(hidden.text) == text else None


def is_code(line: str) -> bool:
    """Whether a line without any mark-up is program code rather than a sentence."""
    if len(line) > _LONGEST_CODE_LINE:
        return False
    # Two spaces of an indent say as much as all of them, which the pattern would try one by one.
    line = line[max(0, len(line) - len(line.lstrip()) - 2) :].rstrip()
    if _CODE_LINE.fullmatch(line):
        return True
    return bool(_CODE_SIGN.fullmatch(line)) and not _PROSE.search(line)


def is_prose(text: str) -> bool:
    """Whether the beginning of a line is known to be no code: words alone, or three in a row."""
    if is_code(text):
        return False
    return _CODE_CHARACTERS.isdisjoint(text) or bool(_PROSE.search(text))


def _without_tail(link: str) -> str:
    counts = {sign: link.count(sign) for pair in _CLOSERS.items() for sign in pair}
    end = len(link)
    while end:
        last = link[end - 1]
        unopened = last in _CLOSERS and counts[last] > counts[_CLOSERS[last]]
        if last not in _LINK_TAIL and not unopened:
            break
        if last in counts:
            counts[last] -= 1
        end -= 1
    return link[:end]
