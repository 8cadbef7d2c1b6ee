"""Writes down what KServe's router does in the cases that do not say it yet.

`python -m tests.conformance.record` adds an `expect` line to each such case. Read what it wrote:
from then on our router is held to it.
"""

from __future__ import annotations

import json
import os
import re
import sys

from tests.conformance.bench import Side, open_bench
from tests.conformance.cases import FOLDER, Case, read_cases, seen

# YAML would end the line there, or read a pair of surrogates as two characters.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def main() -> int:
    with open_bench(os.environ) as bench:
        if bench.kserve is None:
            print(f"KServe's router cannot run: {bench.missing}", file=sys.stderr)
            return 1
        for path in sorted(FOLDER.glob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            blocks = re.split(r"(?m)^(?=- name:)", text)
            expects = [_expect(bench.kserve, case) for case in read_cases(path)]
            added = [b.rstrip("\n") + e for b, e in zip(blocks[1:], expects, strict=True)]
            path.write_text(blocks[0] + "\n".join([*added, ""]), encoding="utf-8")
    return 0


def _expect(kserve: Side, case: Case) -> str:
    if case.expect is not None:
        return ""
    found = seen(case.job, kserve.run(case.job)[0])
    line = json.dumps(found, ensure_ascii=False)
    return "\n  expect: " + _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


if __name__ == "__main__":
    sys.exit(main())
