"""Every write to the ledger's database goes through one function, or stands here with its reason."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.packaging.source import shipped

LEDGER = "cloud_sync/ledger/"
OTHERS = {
    "audit/write.py": "the one function",
    "db/sql.py": "statements for sets of rows, which only settling and the register use",
    "db/triggers.py": "the triggers that forbid it",
    "points/posting.py": "transfers, the chain and balances, under the chain's lock",
    "intake/": "the hot path: what stations sent, under their signatures",
    "settling/inputs.py": "settling: what stations brought in a day",
    "settling/settlement.py": "settling, by rules and without a person",
    "settling/redating.py": "settling of visits that waited for their day",
    "points/held.py": "settling; who decided and why is noted beside it",
    "points/offsets.py": "settling: later points pay a debt by themselves",
    "points/clock.py": "workers count how long they ran and whether the clock can be believed",
    "points/decisions.py": "a decision is itself the row of who and why",
    "points/models/transfers.py": "a transfer's own guard, which lets rows only be added",
    "chain/evidence.py": "what stations signed",
    "chain/records.py": "the register seals rows and salts them",
    "households/erasure.py": "an erasure empties rows; that it was done is noted",
    "api/nonces.py": "numbers that a station's request used up",
    "enrolment/logins.py": "users at the broker, drawn when a station enrols",
    "enrolment/redeeming.py": "what a station's code brings, by its proof and its key",
    "enrolment/succession.py": "a new key takes the place of older ones once it was heard",
    "downlink/versions.py": "numbers of what stations fetch, and what changed in them",
    "commanding/outcomes.py": "what became of commands, as workers and stations say",
    "fleet/states.py": "what stations say of themselves",
    "fleet/readings.py": "how long readings are kept",
    "fleet/alarms.py": "alarms that stations raise and clear",
    "tokens/register.py": "when a token was last used",
    "moving/": "rows of a community that moves, as they are; that it left or came is noted",
    "officers/attempts.py": "counts of attempts to sign in",
    "officers/factor/codes.py": "codes that were used; what a person did with them is noted",
    "communities/register.py": "a change of a community is itself a row of who and why",
    "stations/alarms.py": "alarms that the ledger raises",
    "stations/watch.py": "alarms that the ledger closes",
}
"""Files and rooms that write by themselves, and why."""
MANAGERS = {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update"}
INSTANCES = {"save", "delete"}
STATEMENTS = ("INSERT ", "UPDATE ", "DELETE ")


def writes(tree: ast.AST) -> list[int]:
    """The lines of a file that write to the database: by a manager, a query, a row, or a statement of SQL."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            # A dictionary's or a hash's update takes a value, a query's takes names.
            is_sql = name in {"insert", "insert_returning", "add"} and ast.unparse(node.func.value) == "sql"
            is_query = name == "update" and not node.args and bool(node.keywords)
            if name in MANAGERS | INSTANCES or is_query or is_sql:
                found.append(node.lineno)
        elif isinstance(node, ast.Constant) and str(node.value).lstrip().startswith(STATEMENTS):
            found.append(node.lineno)
    return found


def written() -> dict[str, list[int]]:
    found = {
        file.removeprefix(LEDGER): writes(tree)
        for file, tree in shipped().items()
        if file.startswith((LEDGER, "scripts/commands/ledger/")) and "/migrations/" not in file
    }
    return {file: lines for file, lines in found.items() if lines}


def test_nothing_writes_past_the_one_function_without_a_reason() -> None:
    past = {file: lines for file, lines in written().items() if not file.startswith(tuple(OTHERS))}
    assert past == {}, "write through cloud_sync/ledger/audit/write.py, so that who and why are kept"


def test_every_reason_to_write_otherwise_is_still_needed() -> None:
    used = defaultdict[str, int](int)
    for file in written():
        for other in OTHERS:
            used[other] += file.startswith(other)
    assert [other for other in OTHERS if not used[other]] == []


def test_each_way_to_write_is_found() -> None:
    for code in (
        "Card.objects.filter(pk=1).update(status='x')",
        "row.save(update_fields=['a'])",
        "row.delete()",
        "Card.objects.bulk_update(rows, ['a'])",
        "Card.objects.get_or_create(hash='a')",
        "sql.execute('UPDATE points_card SET status = 1')",
        "cursor.execute(f'DELETE FROM {table}')",
        "sql.insert(TABLE, rows)",
    ):
        assert writes(ast.parse(code)) == [1], code
    for code in ("counts.update(more)", "digest.update(b'x')", "found = {'update': 1}"):
        assert writes(ast.parse(code)) == [], code
