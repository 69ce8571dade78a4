"""Fails on an #include that leaves the folders its module may use.

usage: neighbours.py SRC

Reads `USES` of each SRC/<module>/CMakeLists.txt and every #include below that folder; and checks that a third party's
headers are included only from the folder that is their home. Tests build what their module is given, and so may include
what its neighbours use, too.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)

# header prefix -> the folders that may include it
HOMES = {
    "drogon/": {"api", "store", "execution", "app"},
    "trantor/": {"api", "store", "execution", "app"},
    "curl/": {"net"},
    "libav": {"audio"},
    "libsw": {"audio"},
    "llama": {"engine"},
    "whisper": {"engine"},
    "espeak-ng/": {"engine"},
    "sqlite3.h": {"store"},
    "libpq-fe.h": {"store"},
    "sodium": {"store"},
    "seccomp.h": {"checkpoint", "app"},
}


def uses(cmake_file):
    text = re.sub(r"#.*", "", cmake_file.read_text())
    match = re.search(r"titans_module\(\s*(\w+)(.*?)\)", text, re.DOTALL)
    if not match:
        sys.exit(f"{cmake_file}: no titans_module")
    words = match.group(2).split()
    if "USES" not in words:
        return set()
    allowed = []
    for word in words[words.index("USES") + 1:]:
        if word.isupper():
            break
        allowed.append(word)
    return set(allowed)


def is_test(path):
    return path.stem.endswith("test") or path.stem == "testing"


def main():
    src = pathlib.Path(sys.argv[1])
    modules = {path.parent.name: uses(path) for path in src.glob("*/CMakeLists.txt")}
    faults = []
    checked = 0
    for module, allowed in modules.items():
        for path in sorted((src / module).rglob("*")):
            if path.suffix not in {".h", ".cpp"}:
                continue
            reachable = allowed.union(*(modules.get(folder, set()) for folder in allowed)) if is_test(path) else allowed
            for kind, header in INCLUDE.findall(path.read_text()):
                checked += 1
                folder = header.split("/")[0]
                where = f"{path.relative_to(src)} includes {header}"
                if kind == '"' and folder != module and folder not in reachable:
                    faults.append(f"{where}: {module} may include {', '.join(sorted(allowed)) or 'nothing'}")
                for prefix, homes in HOMES.items():
                    if kind == "<" and header.startswith(prefix) and module not in homes:
                        faults.append(f"{where}: its home is {', '.join(sorted(homes))}")
    print("\n".join(faults) or f"{checked} includes of {len(modules)} modules stay with their neighbours")
    sys.exit(1 if faults or not checked else 0)


main()
