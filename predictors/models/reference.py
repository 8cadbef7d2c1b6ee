"""What `--model` may say, read into one dataclass.

Four forms name weights: `embedded:NAME`, `hf:ID@REVISION`, `gguf:FILE` (with `@sha256:HEX` after
it, that very file) and the path of a folder; a fifth, `openai:MODEL@URL`, names a model that
another server runs. Reading a name touches no file and asks no network: whether the weights are
there is the business of `resolve`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from graph.errors import ModelError, find_nearest
from predictors.models.catalogue import EMBEDDED

Kind = Literal["embedded", "hf", "gguf", "folder", "openai"]

FORMS = (
    "embedded:NAME, hf:ID@REVISION, gguf:FILE[@sha256:HEX], openai:MODEL@URL, "
    "or the path of a folder"
)

# A hub id is `name` or `organisation/name`; a revision is a commit, a tag or a branch. Neither may
# climb out of the cache: no `..`, no leading dot.
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]*")
# A path may hold an `@` of its own; only this ending is a hash.
_SHA256 = re.compile(r"(?P<path>.+)@sha256:(?P<digest>[^@/]*)", re.DOTALL)


@dataclass(frozen=True)
class Reference:
    """A model's name taken apart.

    name: of the embedded model, the hub's id, the model on a server, or a path as it was written.
    revision: of a hub's model.  url: of an OpenAI-compatible server, up to and with its `/v1`.
    sha256: that a GGUF file must have, in hexadecimal; empty where any file of the name will do.
    """

    kind: Kind
    name: str
    revision: str = ""
    url: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "folder":
                return self.name
            case "hf":
                return f"hf:{self.name}@{self.revision}"
            case "openai":
                return f"openai:{self.name}@{self.url}"
            case "gguf" if self.sha256:
                return f"gguf:{self.name}@sha256:{self.sha256}"
            case _:
                return f"{self.kind}:{self.name}"


def parse(model: str) -> Reference:
    """Raises ModelError that says what is wrong, what is known, and what is nearest."""
    text = model.strip()
    if text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
        return _parse_folder(text)
    kind, colon, rest = text.partition(":")
    parser = _PARSERS.get(kind)
    if not colon or parser is None:
        raise ModelError(_unknown_form(text))
    if not rest:
        raise ModelError(f"model {text!r}: nothing after the colon; write {FORMS}")
    return parser(rest)


def _parse_folder(text: str) -> Reference:
    if text.endswith(".gguf"):
        raise ModelError(f"model {text!r}: a GGUF file is named gguf:{text}")
    return Reference("folder", text)


def _parse_embedded(name: str) -> Reference:
    if name not in EMBEDDED:
        near = find_nearest(name, EMBEDDED, cutoff=0.4)
        hint = f"; did you mean embedded:{near}?" if near else ""
        known = ", ".join(f"embedded:{known}" for known in EMBEDDED)
        raise ModelError(f"model embedded:{name}: unknown; known are {known}{hint}")
    return Reference("embedded", name)


def _parse_hub(rest: str) -> Reference:
    name, _, revision = rest.partition("@")
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name:
        raise ModelError(f"model hf:{rest}: {name!r} is no id of a model hub, such as owner/name")
    if not revision:
        raise ModelError(f"model hf:{rest}: pin a revision, a commit or a tag: hf:{name}@REVISION")
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise ModelError(f"model hf:{rest}: {revision!r} is no revision")
    return Reference("hf", name, revision=revision)


def _parse_gguf(rest: str) -> Reference:
    pinned = _SHA256.fullmatch(rest)
    if pinned is None:
        return Reference("gguf", rest)
    if not re.fullmatch(r"[0-9a-fA-F]{64}", pinned["digest"]):
        raise ModelError(
            f"model gguf:{rest}: a SHA-256 has 64 hexadecimal digits; `sha256sum FILE` prints it"
        )
    return Reference("gguf", pinned["path"], sha256=pinned["digest"].lower())


def _parse_openai(rest: str) -> Reference:
    name, _, url = rest.partition("@")
    if not name or not re.fullmatch(r"https?://[^\s@]+", url):
        raise ModelError(
            f"model openai:{rest}: write openai:MODEL@URL, such as openai:llama@http://llm:8000/v1"
        )
    return Reference("openai", name, url=url.rstrip("/"))


_PARSERS = {
    "embedded": _parse_embedded,
    "hf": _parse_hub,
    "gguf": _parse_gguf,
    "openai": _parse_openai,
}


def _unknown_form(text: str) -> str:
    candidates = [*(f"embedded:{name}" for name in EMBEDDED), *EMBEDDED]
    near = find_nearest(text, candidates, cutoff=0.4)
    if near:
        hint = f"did you mean embedded:{near.removeprefix('embedded:')}?"
    elif _HUB_ID.fullmatch(text.partition("@")[0]) and "/" in text:
        hint = f"a model hub's id is named hf:{text if '@' in text else text + '@REVISION'}"
    else:
        hint = f"embedded are {', '.join(EMBEDDED)}"
    return f"model {text!r}: unknown; write {FORMS}; {hint}"
