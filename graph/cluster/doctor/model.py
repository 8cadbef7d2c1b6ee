"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    # Something that works may need it, or it cannot be looked at.
    NOTE = "note"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """check: what was looked at.  found: what is there, one line.  fix: "" where all is well."""

    check: str
    verdict: Verdict
    found: str
    fix: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Verdict.OK, found)


def note(check: str, found: str, fix: str) -> Finding:
    return Finding(check, Verdict.NOTE, found, fix)


def failure(check: str, found: str, fix: str) -> Finding:
    return Finding(check, Verdict.FAILURE, found, fix)
