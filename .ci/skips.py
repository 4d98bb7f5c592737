"""Fail on a skipped test whose reason is neither the lack of CUDA nor a named data set."""

import sys
import xml.etree.ElementTree as ElementTree


def allowed(reason: str) -> bool:
    return reason == "no CUDA" or reason.startswith("data set ")


skipped = [(case, skip) for case in ElementTree.parse(sys.argv[1]).iter("testcase") for skip in case.iter("skipped")]
for case, skip in skipped:
    print(f"skipped: {case.get('classname')}.{case.get('name')}: {skip.get('message')}")
bad = [skip for _, skip in skipped if not allowed(skip.get("message") or "")]
print(f"{len(skipped)} tests skipped, {len(bad)} of them for a reason that is not allowed")
sys.exit(1 if bad else 0)
