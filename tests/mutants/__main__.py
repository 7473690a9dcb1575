"""`scripts/test --mutants [NAME…]`: change our code wrongly, one place at a time, and see the tests notice.

Each mutant is tried in a copy of the working tree. Exit status: 0 if all were killed, 1 if one survived, its
tests are skipped here or do not pass without it, 2 if the table does not fit the code.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutants.copies import Copy, Ending, Outcome
from tests.mutants.table import TABLE, Mutant, TableError, choose, mutate, read_table, tests_of

CHECKOUT = Path(__file__).resolve().parents[2]
GOOD = {Ending.KILLED, Ending.HUNG}


def say(text: str) -> None:
    """Print a line at once, so that a long run shows how far it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def try_all(
    mutants: Sequence[Mutant], jobs: int, folder: Path, limit_s: float
) -> list[tuple[Mutant, Outcome]]:
    """Try each mutant in one of `jobs` copies of the checkout, and tell of each as it ends."""
    copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for number in range(min(jobs, len(mutants))):
        copies.put(Copy.of(CHECKOUT, folder / str(number)))

    def attempt(mutant: Mutant) -> Outcome:
        copy = copies.get()
        try:
            return copy.attempt(mutant, limit_s)
        finally:
            copies.put(copy)

    ended = []
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(attempt, mutant): mutant for mutant in mutants}
        for one in as_completed(running):
            mutant, outcome = running[one], one.result()
            say(f"{outcome.ending:<9} {outcome.took_s:6.1f} s  {mutant.name}  {outcome.by}")
            ended.append((mutant, outcome))
    return ended


def report(ended: Sequence[tuple[Mutant, Outcome]]) -> int:
    """Print what was not killed, with what it means, and the sum; give the exit status."""
    bad = [(mutant, outcome) for mutant, outcome in ended if outcome.ending not in GOOD]
    for mutant, outcome in sorted(bad, key=lambda one: one[0].name):
        say(f"\n{mutant.name} {outcome.ending}: {mutant.why or 'no reason is given in the table'}")
        say(f"  {mutant.file}: {mutant.old.strip()!r} -> {mutant.new.strip()!r}")
        say("\n".join(f"  {line}" for line in outcome.output.splitlines()[-25:]))
    say(f"\n{len(ended) - len(bad)} of {len(ended)} mutants were killed")
    return 1 if bad else 0


def check_table(mutants: Sequence[Mutant]) -> None:
    """TableError unless each mutant still fits the working tree."""
    for mutant in mutants:
        file = CHECKOUT / mutant.file
        if not file.is_file():
            raise TableError(f"mutant {mutant.name} names {mutant.file}, which is not there: mend the table")
        mutate(file.read_text(encoding="utf-8"), mutant)


def run(given: argparse.Namespace) -> int:
    """Do what was asked; give the exit status."""
    mutants = choose(read_table(TABLE.read_text(encoding="utf-8")), given.name)
    check_table(mutants)
    if given.list:
        for mutant in mutants:
            say(f"{mutant.name}  {mutant.file}  {mutant.why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="tongzhan-mutants-") as name:
        if not given.no_baseline:
            say(f"{len(mutants)} mutants; first their tests without any")
            sound = Copy.of(CHECKOUT, Path(name) / "sound").run(tests_of(mutants), given.limit)
            if sound.ending is not Ending.SURVIVED:
                say(sound.output)
                say(f"the tests do not pass without a mutant ({sound.ending}): mend them first")
                return 1
        return report(try_all(mutants, given.jobs, Path(name), given.limit))


def main() -> int:
    """Be the command."""
    parser = argparse.ArgumentParser(prog="scripts/test --mutants", description=__doc__)
    parser.add_argument("name", nargs="*", help="only mutants with this word in their name")
    parser.add_argument("--list", action="store_true", help="print the names and change nothing")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="mutants at once (default: CPUs)"
    )
    parser.add_argument("--limit", type=float, default=900.0, help="seconds for the tests of one mutant")
    parser.add_argument(
        "--no-baseline", action="store_true", help="do not run the tests without a mutant first"
    )
    try:
        return run(parser.parse_args())
    except TableError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
