"""Run the tests that a change touches: `python -m tests.running.changed [REF] [PYTEST ARGUMENTS]`.

A change is what differs from the commit at which this branch left REF (main unless one is named): commits,
the working tree and files that are not added yet. A test is touched if it needs a changed file, however
indirectly, or if its folder mirrors that file's. Tests nearest to the change run first.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from click import echo

from config.errors import InputError
from tests.running.__main__ import main as run_stages
from tests.running.dependencies import is_test, reach, read_needs

EVERYTHING = ("pyproject.toml", "constraints.txt", "scripts/setup.sh", "scripts/test", ".ci/", ".gitignore")
"""Files that may change what any test does."""
PROSE = (".md", ".txt")
PACKAGING = "tests/packaging/"
"""Tests of documents and of the whole."""
SHOWN = 20
"""How many of the chosen files are printed."""
GIT = "git"
BAD_INPUT = 2


def select(changed: Collection[str], needs: Mapping[str, Collection[str]]) -> list[str]:
    """Choose the test files that a change touches, nearest first.

    A file that nothing is known to need is in doubt: prose runs tests/packaging, anything else every test.
    """
    tests = [file for file in needs if is_test(file)]
    if any(file.startswith(EVERYTHING) for file in changed):
        return sorted(tests)
    needed_by: dict[str, set[str]] = {}
    for file, wanted in needs.items():
        for one in wanted:
            needed_by.setdefault(one, set()).add(file)
    chosen: dict[str, int] = {}
    for file in changed:
        touched = {one: steps for one, steps in reach(needed_by, [file]).items() if is_test(one)}
        touched |= {test: 1 for test in tests if _mirrors(test, file)}
        if not touched:
            touched = {test: 9 for test in tests if test.startswith(PACKAGING) or not file.endswith(PROSE)}
        for test, steps in touched.items():
            chosen[test] = min(steps, chosen.get(test, steps))
    return sorted(chosen.keys() & needs.keys(), key=lambda test: (chosen[test], test))


def _mirrors(test: str, file: str) -> bool:
    """Tell whether a test's folder mirrors the file's; tests/ledger mirrors cloud_sync/ledger."""
    folder = str(PurePosixPath(test).parent).removeprefix("tests/")
    return str(PurePosixPath(file).parent).removeprefix("cloud_sync/") == folder.removeprefix("cloud_sync/")


def changed_files(root: Path, ref: str | None) -> list[str]:
    """Ask git for the paths that differ from where this branch left `ref`; InputError if it cannot say."""
    base = _git(root, "merge-base", "HEAD", ref or _trunk(root)).strip()
    differing = _git(root, "diff", "--name-only", "--no-renames", "-z", base)
    return _paths(differing + _git(root, "ls-files", "--others", "--exclude-standard", "-z"))


def _trunk(root: Path) -> str:
    known = _git(
        root, "for-each-ref", "--format=%(refname:short)", "refs/heads/main", "refs/remotes/origin/main"
    )
    if not known:
        raise InputError(
            "this checkout has no branch main", "name what to compare with: scripts/test --changed REF"
        )
    return known.split()[0]


def _paths(zeroed: str) -> list[str]:
    return sorted(filter(None, set(zeroed.split("\0"))))


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run([GIT, *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError("there is no git here", "run all tests: scripts/test") from None
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"git {arguments[0]} failed ({why})", "name a commit or a branch that is here")
    return done.stdout


def main(arguments: Sequence[str], root: Path | None = None) -> int:
    """Choose, say what was chosen, and run it in the stages of the everyday run; give the exit status."""
    root = root or Path.cwd()
    ref = arguments[0] if arguments and not arguments[0].startswith("-") else None
    rest = list(arguments[1:] if ref else arguments)
    try:
        changed = changed_files(root, ref)
        listed = _paths(_git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"))
    except InputError as problem:
        echo(f"error: {problem}", err=True)
        return BAD_INPUT
    if not changed:
        echo(f"tongzhan: nothing differs from {ref or 'main'}: no test to run")
        return 0
    here = [file for file in listed if (root / file).is_file()]
    needs = read_needs(root, here)
    chosen = select(changed, needs)
    all_tests = sum(map(is_test, here))
    echo(f"tongzhan: {len(changed)} files differ; {len(chosen)} of {all_tests} test files are touched")
    for test in chosen[:SHOWN]:
        echo(f"  {test}")
    if len(chosen) > SHOWN:
        echo(f"  and {len(chosen) - SHOWN} more")
    return run_stages([*rest, *chosen]) if chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
