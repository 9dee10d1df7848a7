"""What must hold of every run. Shares no code with the product, and reads the ledger's bytes by itself."""

import json
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Any, Final

from tests.simulation.outcome import Attempt, Outcome
from tests.simulation.rokt_model import Reply

# How long a run that has to end may take: the grace, the cut, and a second.
EXIT_SECONDS: Final = 3.0 + 0.5 + 1.0
# Requests that are answered while nothing is accepted, but for those on their way.
MOST_IN_VAIN: Final = 200
# How late a thread may be at what it is free to do.
_LATE: Final = 0.3
# From so many seconds on, a wait that is asked for with a 429 is everybody's.
_CLOSED: Final = 3.0
# What a store keeps back of a file that is written line by line.
PART_LINES: Final = 20
_OUR_ERRORS: Final = "Rokt"
_NEVER: Final = "RoktReconciliationError"


def broken(outcome: Outcome, marker: str) -> Iterator[str]:
    """What does not hold of a delivery, a sentence each."""
    yield from _error(outcome)
    yield from _time(outcome)
    yield from _wire(outcome)
    yield from _pace(outcome)
    yield from _waits(outcome)
    yield from _ledger(outcome)
    if outcome.report is not None:
        yield from _report(outcome, outcome.report)
    if outcome.remembers:
        yield from _memory(outcome)
        yield from _swallowed(outcome)
    yield from _values(outcome, marker)


def _error(outcome: Outcome) -> Iterator[str]:
    name = type(outcome.error).__name__
    own = {"source": "ShopError", "alarm": "AlarmError", "kill": "WorldEnded"}.get(outcome.ending)
    if outcome.error is not None and (name == _NEVER or not (name.startswith(_OUR_ERRORS) or name == own)):
        yield f"the error is {name}: {outcome.error}"
    if name.startswith(_OUR_ERRORS) and outcome.report is None and outcome.attempts:
        yield f"{name} carries no report"
    # A delivery that failed anyway may say in its log alone that its last rows are not remembered.
    if outcome.disk_failed and outcome.error is None and not any("not remembered" in text for text in outcome.logs):
        yield "the disk failed and nobody was told"
    for crash in outcome.crashes:
        yield f"a thread ended with {type(crash).__name__}: {crash}"


def _time(outcome: Outcome) -> Iterator[str]:
    if outcome.ending not in ("", "kill") and outcome.ended_in > EXIT_SECONDS:
        yield f"it went on for {outcome.ended_in:.1f} s after {outcome.ending}"
    if outcome.left:
        yield f"{outcome.left} threads never ended"
    late = [attempt.number for attempt in outcome.attempts if attempt.begun > outcome.ended]
    if late:
        yield f"attempts {late} were made after the end"


def _wire(outcome: Outcome) -> Iterator[str]:
    """Nothing is on its way twice at once, nothing is sent again once it was accepted, and refusals are bounded."""
    for name, attempts in _by_batch(outcome.attempts).items():
        for one, other in pairwise(attempts):
            if other.begun < one.ended:
                yield f"batch {name} was on its way twice: attempts {one.number} and {other.number}"
            if one.reply and one.rows and one.rows <= one.reply.accepts:
                yield f"batch {name} was sent again after it was accepted: attempt {other.number}"
    if not outcome.accepts:
        answered = sum(reply.is_final for _, reply in outcome.replies)
        if answered > MOST_IN_VAIN + outcome.concurrency:
            yield f"{answered} requests were answered and nothing accepted"
        if answered > MOST_IN_VAIN and set(outcome.ended_as("rejected")) - outcome.invalid:
            yield "nothing at all was accepted, yet rows are blamed"


def _by_batch(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        for name in attempt.names:
            found.setdefault(name, []).append(attempt)
    return found


def _pace(outcome: Outcome) -> Iterator[str]:
    """No window of a second has more batches than the rate, but for a single request that is larger."""
    if outcome.is_paused:
        return
    came = sorted((one.begun, one.size) for one in outcome.attempts)
    start = total = 0
    for time, size in came:
        total += size
        # A thread that has its turn may leave a little later.
        while came[start][0] <= time - 1.0 + _LATE:
            total -= came[start][1]
            start += 1
        if total > outcome.rate and total > size:
            yield f"{total} batches left within a second before {time:.3f}, the rate is {outcome.rate}"
            return


def _waits(outcome: Outcome) -> Iterator[str]:
    """Who is asked to wait waits, who is asked to wait too long stops, and nobody tries for longer than it may."""
    asked = [(attempt.ended, reply, _asked(reply)) for attempt, reply in outcome.replies if not reply.is_final]
    for ended, reply, seconds in asked if not outcome.is_paused else ():
        held = seconds if reply.status == 429 and seconds >= _CLOSED else 0.0
        until = inf if seconds >= outcome.budget else ended + held
        early = [one.number for one in outcome.attempts if ended + _LATE < one.begun < until - 0.001]
        if early:
            yield f"Rokt asked with {reply.status} to wait {seconds} s, and attempts {early[:5]} did not"
            return
    for attempts in _by_batch(outcome.attempts).values():
        for same in _same_request(attempts):
            if same[-1].begun - same[0].begun > 2 * outcome.budget + 60 + _turns(outcome) and not outcome.is_paused:
                yield f"a request was tried for {same[-1].begun - same[0].begun:.0f} s"
                return


def _asked(reply: Reply) -> float:
    text = reply.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 40 else 0.0


def _same_request(attempts: Sequence[Attempt]) -> Iterator[list[Attempt]]:
    found: dict[frozenset[str], list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.names, []).append(attempt)
    return iter(found.values())


def _turns(outcome: Outcome) -> float:
    """How long all that was sent may wait for its turn."""
    return sum(one.size for one in outcome.attempts) / outcome.rate * 2 + 2 * len(outcome.attempts)


def _ledger(outcome: Outcome) -> Iterator[str]:
    """Whatever it says is true, whenever its writer was killed."""
    if outcome.read:
        yield f"the ledger cannot be read: {outcome.read}"
    named = Counter(outcome.ended_as("rejected")) + Counter(outcome.ended_as("failed"))
    if any(times > 1 for times in named.values()):
        yield "a row ended twice in the ledger"
    if unknown := set(named) - set(outcome.sent) - outcome.invalid:
        yield f"rows {sorted(unknown)[:5]} ended and were never there"
    if guiltless := set(outcome.ended_as("rejected")) - outcome.invalid - outcome.blames:
        yield f"rows {sorted(guiltless)[:5]} were rejected and nobody refused them"
    if wrong := outcome.invalid & set(outcome.ended_as("failed")):
        yield f"invalid rows {sorted(wrong)[:5]} failed"
    proven = {row for row in outcome.accepts if outcome.held[row]}
    for record in (record for record in outcome.records if record["kind"] == "request"):
        accepted = _rows(record, "accepted", is_confirmed=True)
        if accepted > sum(record["first_row"] <= row <= record["last_row"] for row in proven):
            yield f"request {record['number']} accepted {accepted} rows of which Rokt does not hold all"
        if "attempts" in record and record["attempts"] == 0 and accepted:
            yield f"request {record['number']} was never sent, yet accepted"


def _rows(record: dict[str, Any], outcome: str, *, is_confirmed: bool = False) -> int:
    return sum(
        batch["rows"] * batch.get("times", 1)
        for batch in record["batches"]
        if batch["outcome"] == outcome and (batch.get("confirmed", True) or not is_confirmed)
    )


def _report(outcome: Outcome, report: dict[str, Any]) -> Iterator[str]:
    read, accepted = report["rows_read"], report["rows_accepted"]
    rejected, failed, skipped = report["rows_rejected"], report["rows_failed"], report["rows_skipped"]
    if read != accepted + rejected + failed + skipped:
        yield f"{read} rows read, {accepted} + {rejected} + {failed} + {skipped} accounted for"
    proven = {row for row in outcome.accepts if outcome.held[row]} | outcome.resumed
    if accepted - report.get("rows_unconfirmed", 0) > len(proven):
        yield f"{accepted} rows accepted, of which {len(proven)} are held by Rokt and said to be"
    final = json.loads(outcome.files.get("report.jsonl", b"{}") or b"{}")
    if outcome.disk_failed:
        if final.get("complete") and outcome.ledger_failed:
            yield "the ledger passes for complete, and the disk failed"
        return
    if outcome.ending != "alarm" and {name: final.get(name) for name in report} != report:
        yield "the ledger's report is another one"
    named_rejected, named_failed = outcome.ended_as("rejected"), outcome.ended_as("failed")
    if outcome.ending != "alarm" and len(named_rejected) != rejected:
        yield f"{rejected} rows rejected, {len(named_rejected)} named"
    if len(named_failed) > failed:
        yield f"{failed} rows failed, {len(named_failed)} named"
    if outcome.ending != "alarm" and len(outcome.posted - set(named_rejected) - set(named_failed)) > accepted:
        yield f"of {len(outcome.posted)} rows that were sent some have no end in the ledger"
    if final.get("complete"):
        yield from _complete(outcome, report)


def _complete(outcome: Outcome, report: dict[str, Any]) -> Iterator[str]:
    """Of a ledger that says that all was read, every row's end is known."""
    rejected, failed = set(outcome.ended_as("rejected")), set(outcome.ended_as("failed"))
    if report["rows_read"] != len(outcome.sent) + len(outcome.invalid) + outcome.skipped:
        yield f"complete with {report['rows_read']} rows"
    if report["rows_failed"] != len(failed) or report["rows_skipped"] != outcome.skipped + len(outcome.known):
        yield f"{report['rows_failed']} rows failed, {len(failed)} named; {report['rows_skipped']} skipped"
    accepted = set(outcome.sent) - rejected - failed - outcome.known
    unproven = accepted - {row for row in outcome.accepts if outcome.held[row]} - outcome.resumed
    if len(unproven) > report.get("rows_unconfirmed", 0):
        yield f"rows {sorted(unproven)[:5]} passed for accepted, and Rokt does not hold all of them"
    requests = [record for record in outcome.records if record["kind"] == "request"]
    if sum(_rows(record, "accepted") for record in requests) != report["rows_accepted"] - len(outcome.resumed):
        yield "the requests' accepted rows do not add up to the report's"
    if sum(sum(batch.get("times", 1) for batch in record["batches"]) for record in requests) != report["batches"]:
        yield "the requests' batches do not add up to the report's"
    if (outcome.ending, outcome.error) == ("", None) and not outcome.invalid <= rejected:
        yield "an invalid row was not rejected"


def _memory(outcome: Outcome) -> Iterator[str]:
    """What is remembered is true, and what was not remembered was in flight."""
    told = outcome.resumed | outcome.known
    confirmed = {row for earlier in outcome.before for row in earlier.accepts}
    if wrong := told - confirmed:
        yield f"rows {sorted(wrong)[:5]} are remembered, and nobody was told that Rokt took them"
    if (wrong := told - outcome.held_before) and not any(earlier.is_swallowed for earlier in outcome.before):
        yield f"rows {sorted(wrong)[:5]} are remembered, and Rokt does not hold them"
    if wrong := told & outcome.posted:
        yield f"rows {sorted(wrong)[:5]} are remembered, and sent all the same"
    if outcome.report is not None and outcome.report["rows_resumed"] != len(outcome.resumed):
        yield f"{outcome.report['rows_resumed']} rows resumed, {len(outcome.resumed)} were remembered"
    succeeded = [place for place, earlier in enumerate(outcome.before) if earlier.has_succeeded]
    since = outcome.before[succeeded[-1] + 1 if succeeded and not outcome.is_new else 0 :]
    if not since and told:
        yield f"{len(told)} rows are left out of a run that is to send everything again"
    if not any(earlier.disk_failed for earlier in since):
        # What was told to have failed, or to be refused, is sent again, whatever some answer said of it.
        taken = {row for one in since for row in one.taken.difference(one.ended_as("failed"), one.ended_as("rejected"))}
        again = outcome.posted & taken
        unconfirmed = sum((earlier.report or {}).get("rows_unconfirmed", 0) for earlier in since)
        if len(again) > unconfirmed + sum(_in_flight(earlier) for earlier in since):
            yield f"{len(again)} rows were sent again, of which it was known that Rokt took them"


def _swallowed(outcome: Outcome) -> Iterator[str]:
    """Where a refusal uses up an id, whoever was told of one takes others; who was not told cannot know."""
    for earlier in outcome.before:
        told = [attempt.names for attempt, reply in earlier.replies if reply.blames]
        if told and earlier.ending == "" and not earlier.disk_failed and outcome.before[-1] is earlier:
            again = {name for attempt in outcome.attempts for name in attempt.names & outcome.burnt}
            if again & frozenset().union(*told):
                yield f"{len(again)} batches were sent under ids that Rokt had refused"


def _in_flight(outcome: Outcome) -> int:
    """The most rows whose answers may have come and are not remembered."""
    if outcome.ending in ("", "source", "stop") and outcome.error is None:
        return 0
    requests = 2 * outcome.concurrency + (0 if outcome.appends else PART_LINES)
    return requests * max([len(attempt.rows) for attempt in outcome.attempts], default=0)


def _values(outcome: Outcome, marker: str) -> Iterator[str]:
    """No row's value anywhere but on the wire."""
    texts = {f"log line {text[:60]!r}": text for text in outcome.logs if marker in text.lower()}
    texts["the report"] = json.dumps(outcome.report, default=str)
    if outcome.error is not None and outcome.ending != "kill":
        chain = traceback.TracebackException.from_exception(outcome.error)
        texts["the error"] = " ".join(str(part) for part in _chained(chain))
    texts |= {name: data.decode("utf-8", "replace") for name, data in outcome.files.items()}
    for where, text in texts.items():
        if marker in text.lower():
            yield f"a row's value in {where}"


def _chained(one: traceback.TracebackException | None) -> Iterator[object]:
    while one is not None:
        yield from one.format_exception_only()
        yield from _chained(one.__cause__)
        # What is suppressed is never shown.
        one = None if one.__suppress_context__ else one.__context__


def repaired(outcome: Outcome) -> Iterator[str]:
    """What does not hold of the try that nothing befell, and of what Rokt holds then."""
    if any(one.is_forgotten for one in outcome.before) and type(outcome.error).__name__ == "RoktMemoryError":
        return
    if outcome.error is not None:
        yield f"the retry failed with {type(outcome.error).__name__}: {outcome.error}"
    good = {row for row, what in outcome.sent.items() if what == "good"}
    report = outcome.report or {}
    # Where nothing is right for so long, it ends before it finds what is.
    in_vain = not outcome.accepts and sum(reply.is_final for _, reply in outcome.replies) >= MOST_IN_VAIN
    if in_vain:
        return
    good_here = good - outcome.known
    # A refused row under an id that an earlier try used up passes for accepted, and is not called certain.
    unsure = report.get("rows_unconfirmed", 0)
    if not 0 <= report.get("rows_accepted", -1) - len(good_here) <= unsure or report.get("rows_failed") != 0:
        accepted, failed = report.get("rows_accepted"), report.get("rows_failed")
        yield f"the retry accepted {accepted} of {len(good_here)} rows, {failed} failed"
    if len(missing := good - set(outcome.held)) > unsure:
        yield f"rows {sorted(missing)[:5]} are not at Rokt after the retry"
    if twice := [row for row, times in outcome.held.items() if times > 1]:
        yield f"rows {sorted(twice)[:5]} are at Rokt twice"
    if strange := set(outcome.held) - good:
        yield f"rows {sorted(strange)[:5]} are at Rokt and should not be"
