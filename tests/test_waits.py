"""Whatever waits in the package has an end: each such place is named here, with what bounds it."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_rings import NAME, modules

# Calls that wait, by the method's or function's name. A new one that is not here is a review's to find.
WAITING = frozenset(
    [
        "wait",
        "acquire",
        "recv",
        "recv_into",
        "accept",
        "select",
        "poll",
        "result",
        "sleep",
        "getaddrinfo",
        "create_connection",
        "urlopen",
        "_new_conn",
        "fetchmany",
        "fetchall",
        "exec_driver_sql",
        "run_until_complete",
        "to_thread",
    ]
)
# Whose ``get`` takes from a mailbox or a queue, whose ``join`` waits for a thread, whose ``send`` and ``execute`` ask
# another machine.
OF_CERTAIN = {
    "get": {"_jobs", "_done", "_items"},
    "join": {"thread", "_thread"},
    "send": {"_session"},
    "execute": {"cursor()"},
    "run": {"_server", "hook"},
}
LOCKS = frozenset(("_lock", "_turn", "_changing", "_renewing"))

ANSWERS_END = "the attempt's deadline, kept by another thread that cuts the connection"
DATABASE = "the database: a stop cancels the query, where the driver can"
BRIEF = "a lock held for a few lines that wait for nothing"
SANDBOX = "a sandbox serves until it is stopped; no task waits for it"

BOUNDS = {
    "api.client": {"_session.send": ANSWERS_END},
    "api.pacing": {
        "with _turn": "whoever holds it waits for its batches' second, or for the stop that frees all",
        "with _changing": BRIEF,
        "stop.wait": "a quarter of a second at a time, until there is room, or a 429's wait within the budget",
    },
    "delivery.brake": {"with _lock": BRIEF},
    "delivery.engine": {
        "_jobs.get": "looks up five times a second whether it is over",
        "_done.get": "looks up as often; once the delivery is to end, the grace and the cut",
    },
    "api.quota": {"with _lock": BRIEF, "_stop.wait": "half a second at a time, within the request's time budget"},
    "api.retry": {"outcome.result": "tenacity's name for what is there already"},
    "delivery.exchange": {
        "flag.wait": "the time budget of the request, or the halt",
        "_pacer.acquire": "see api.pacing",
    },
    "flow.threads": {"_items.get": "the seconds given"},
    "network.lifelines": {
        "with _changing": BRIEF,
        "_closed.wait": "a tenth of a second, in a daemon thread of its own",
        "super()._new_conn": "the attempt's time, shared among the host's addresses",
        "socket.getaddrinfo": "the resolver's own time-outs; the delivery does not wait for it past the cut",
    },
    "transfers.table_writer": {
        "cursor.fetchall": "a line or two; the database's own time-outs, and Airflow's execution_timeout",
    },
    "turns.renewal": {
        "_over.wait": "a minute at a time, in a daemon thread, until the turn is over",
        "with _renewing": "two small files written and read",
    },
    "turns.turn": {
        "_stopped.wait": "some seconds at a time, ten minutes in all, or the stop",
    },
    "sources.cancelling": {"cursor().execute": "KILL QUERY on a connection of its own, which answers at once"},
    "sources.sql": {"hook.run": DATABASE, "cursor.fetchmany": DATABASE},
    "sources.streaming": {
        "connection.exec_driver_sql": "one SET, before there is a query",
        "execution_options().exec_driver_sql": DATABASE,
        "result.fetchmany": DATABASE,
    },
    "sources.waking": {
        "near.recv": "the reading's end closes the other side",
        "thread.join": "as that thread: the other side is closed first",
    },
    "sources.window": {"fetchmany": DATABASE},
    "plugin.task_instances": {"select": "makes a statement; Airflow's database answers as it does Airflow's own API"},
    "plugin.failed_tasks": {"select": "makes a statement, as above"},
    "plugin.visitor": {"select": "makes a statement, as above"},
    "triggers.rokt": {
        "asyncio.to_thread": "one look at the ledger",
        "asyncio.sleep": "the poke interval; the triggerer ends the trigger at the task's timeout",
    },
    "sandbox.app": {"asyncio.sleep": SANDBOX},
    "sandbox.events_api": {"store.accept": "no wait, but a method's name"},
    "sandbox.faults": {"with _lock": BRIEF},
    "sandbox.process": {"request.urlopen": "the timeout given with it"},
    "sandbox.rate": {"_counted.wait": "no wait, but the seconds of one"},
    "sandbox.server": {"_server.run": SANDBOX, "time.sleep": SANDBOX, "_thread.join": SANDBOX},
    "sandbox.store": {"with _lock": BRIEF},
}


def receiver(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return f"{receiver(node.func)}()"
    return node.id if isinstance(node, ast.Name) else ""


def waits(tree: ast.AST) -> Iterator[str]:
    """``receiver.method`` of every call that waits, and ``with lock``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, of = node.func.attr, receiver(node.func.value)
            if name in WAITING or of in OF_CERTAIN.get(name, ()):
                yield f"{of}.{name}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WAITING:
            yield node.func.id
        elif isinstance(node, ast.With):
            yield from (f"with {name}" for item in node.items if (name := receiver(item.context_expr)) in LOCKS)


@pytest.mark.parametrize("module", modules())
def test_every_wait_has_a_bound_that_is_named(module: str) -> None:
    found = set(waits(ast.parse(modules()[module].read_text())))
    assert found == set(BOUNDS.get(module.removeprefix(f"{NAME}."), {}))


def test_no_bound_is_named_for_a_module_that_is_gone() -> None:
    assert {f"{NAME}.{module}" for module in BOUNDS} <= set(modules())


@pytest.mark.parametrize(
    ("code", "wait"),
    [
        ("self._event.wait()", "_event.wait"),
        ("with self._lock:\n    pass", "with _lock"),
        ("future.result()", "future.result"),
        ("time.sleep(1)", "time.sleep"),
        ("self._done.get()", "_done.get"),
        ("a.b().recv(1)", "b().recv"),
    ],
)
def test_a_wait_is_found(code: str, wait: str) -> None:
    assert list(waits(ast.parse(code))) == [wait]
