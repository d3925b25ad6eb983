"""Which operations of AWS a function can come to, read from the code: who calls whom, by name.

Good enough for this project, whose adapters to AWS are four concrete types that everybody keeps in a field or variable of the same name.
"""

import re
from collections import defaultdict

from conftest import CRATES

# What the adapters are called where they are used.
ADAPTERS = {"table": "VideoTable", "uploads": "UploadBucket", "media": "MediaBucket", "queue": "JobQueue"}

# Other names of types of which methods are called.
RECEIVERS = {**ADAPTERS, "api": "Api", "worker": "Worker", "watch": "*Watch"}

IMPL = re.compile(r"\bimpl(?:<[^{]*?>)? (?:\w+ for )?(\w+)[^{;]*\{")
FN = re.compile(r"\bfn (\w+)\b[^;{]*(?:\{|;)")
CALL = re.compile(r"(?:\b(\w+)(\.|::)|(?<![.:\w]))([a-z]\w*)\(")
SDK_CALL = re.compile(r"self\.(?:client|presigner)\.(\w+)\(\)")


def end_of_block(text, opened):
    """Where the block ends whose brace is at `opened`."""
    depth = 0
    for place in range(opened, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise ValueError("a brace is never closed")


def plain(text):
    """Code without tests, comments, texts, and the line breaks of chained calls."""
    text = text.split("#[cfg(test)]\nmod tests", 1)[0]
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    text = re.sub(r"'[{}]'", "' '", text)
    return re.sub(r"\s*\.\s*(?=[a-z])", ".", text)


class Code:
    """The functions of some crates: by crate, type (or file, if it is of none) and name."""

    def __init__(self, *crates):
        self.bodies = {}
        self.files_of = defaultdict(set)
        for crate in crates:
            for path in sorted((CRATES / crate / "src").rglob("*.rs")):
                self._read(crate, path)

    def _read(self, crate, path):
        text = plain(path.read_text())
        impls = [(m.end(), end_of_block(text, m.end() - 1), m[1]) for m in IMPL.finditer(text)]
        for found in FN.finditer(text):
            if text[found.end() - 1] == ";":
                continue
            body = text[found.end():end_of_block(text, found.end() - 1)]
            of = [kind for begin, end, kind in impls if begin <= found.start() < end]
            key = (crate, of[-1] if of else path.stem, found[1])
            self.bodies[key] = self.bodies.get(key, "") + body

    def find(self, crate, kind, name):
        """Functions of this name, of a type that may end a pattern such as `*Watch`; those of the same crate before others."""
        fits = [key for key in self.bodies if key[2] == name and
                (key[1].endswith(kind[1:]) if kind.startswith("*") else key[1] == kind)]
        return [key for key in fits if key[0] == crate] or fits

    def calls(self, key):
        """The functions that one calls."""
        crate, kind, _ = key
        for receiver, dot, name in CALL.findall(self.bodies[key]):
            if dot == "." and receiver in ("self", *RECEIVERS):
                kinds = [kind] if receiver == "self" else [RECEIVERS[receiver]]
            elif dot == "::":
                kinds = [kind if receiver == "Self" else receiver]
            elif not dot:
                # A function of no type, of this file or another one of the crate.
                kinds = [kind] + sorted({k[1] for k in self.bodies if k[0] == crate and k[1].islower()})
            else:
                continue
            for each in kinds:
                found = self.find(crate, each, name)
                if not dot:
                    found = [f for f in found if f[0] == crate]
                yield from found
                if found:
                    break

    def reachable(self, entries, without=()):
        """Every function that these come to, but by methods named in `without`."""
        todo, seen = list(entries), set()
        while todo:
            key = todo.pop()
            if key in seen or key[2] in without:
                continue
            seen.add(key)
            todo.extend(self.calls(key))
            if key[1:] == ("ObjectSource", "new"):
                # It is read by the engine, through a trait.
                todo.extend(other for other in self.bodies if other[1] == "ObjectSource")
        return seen

    def operations(self, keys):
        """The operations that these functions ask of AWS, as (adapter, operation, index)."""
        for key in keys:
            body = self.bodies[key]
            # `since(BY_CHANGE, …)` asks for a query of that index.
            for index in re.findall(r"self\.since\((BY_[A-Z]+)", body):
                yield key[1], "query", index
            for operation in SDK_CALL.findall(body):
                if operation == "clone" or key[2] == "since":
                    continue
                index = re.search(r"index_name\((BY_[A-Z]+)", body)
                yield key[1], operation, index[1] if index else None
