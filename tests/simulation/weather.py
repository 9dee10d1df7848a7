"""What befalls attempts: drawn from the seed, each seed with a weather of its own."""

import html
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from math import inf
from random import Random
from typing import Final

from tests.simulation.rokt_model import Posted, Reply, complaint, errors_of, marker_in, message, rows_of

NOT_NOW: Final = (408, 425, 429, 429, 429, 500, 502, 503, 503, 504, 529, 599)
# Whoever says these has not looked at what came.
AT_THE_DOOR: Final = (408, 425, 429)
_ROKTS_SUCCESS: Final = (200, 201, 202, 202, 204, 299)
_PAGE: Final = "<!DOCTYPE html><html><body>Please log in to the WiFi, {marker}</body></html>"

_TALK: Final = (
    "{value}",
    "The name {value} is too long",
    "{value}... is too long. Path '[{index}].user_attributes.{value}', line 1, position 3.",
    "Unknown field. Path '[{index}].user_attributes.{value}'.",
    "Could not convert string to integer: {value}. Path '[{index}].user_attributes.age', line 1, position 30.",
    "Batch [{index}] of {value} was refused",
    "[{index}] \u201c{value} is wrong",
)


@dataclass(frozen=True)
class Fate:
    """One attempt's.

    :param kind: as the coverage counts it.
    :param lookup: seconds before anything leaves, which nobody can cut off.
    :param way: seconds until it arrives.
    :param back: seconds until the answer is there, from the arrival on.
    :param stays_away: it does not arrive.
    :param breaks: no answer comes, though it arrives; at ``back``.
    :param error: what the client raises after the lookup: ``"answer"`` for none now, ``"name"``, ``"certificate"``.
    :param again: seconds after which the network delivers it a second time.
    :param replace: what comes for Rokt's answer; None for that answer itself.
    :param is_taken: whether Rokt gets it where something else answers.
    """

    kind: str
    lookup: float = 0.0
    way: float = 0.01
    back: float = 0.01
    stays_away: bool = False
    breaks: bool = False
    error: str = ""
    again: float | None = None
    replace: Callable[[Reply, list[Posted]], Reply] | None = None
    is_taken: bool = True


class Weather:
    """Draws fates.

    :param true_utc: the server's clock.
    :param budget: of the delivery's retries, so that some are asked to wait longer.
    :param honest: whether nobody blames a row that is right. Where Rokt drops what it refused as a repeat, errors are
        counted to find that out, and a refusal that is no refusal would count.
    """

    def __init__(
        self, rng: Random, true_utc: Callable[[], datetime], timeout: float, budget: float, *, honest: bool
    ) -> None:
        self._honest = honest
        self._rng, self._utc, self._timeout, self._budget = rng, true_utc, timeout, budget
        kinds = [kind for kind in _KINDS if rng.random() < 0.3] or ["clean"]
        if honest:
            kinds = [kind for kind in kinds if kind not in _LIES] or ["clean"]
        # Each kind that ends a delivery at once would hide what comes after; so few seeds have any.
        if rng.random() < 0.5:
            kinds = [kind for kind in kinds if kind not in _ENDS] or ["clean"]
        self._kinds = kinds
        self._share = rng.choice((0.02, 0.1, 0.1, 0.3, 0.3, 0.6, 0.6, 1.0))
        self._statuses = [rng.choice(NOT_NOW), rng.randint(100, 599), rng.randint(100, 599)]
        self._quick = rng.choice((0.002, 0.03, 0.1, 0.4))
        self.calm = False

    def fate(self) -> Fate:
        """That of the next attempt."""
        rng = self._rng
        way, back = rng.random() * self._quick / 2, rng.random() * self._quick
        if self.calm or rng.random() >= self._share:
            return Fate("clean", way=way, back=back)
        kind = rng.choice(self._kinds)
        return replace(_KINDS[kind](self), kind=kind, way=way)

    # -- kinds --

    def clean(self) -> Fate:
        return Fate("", back=self._rng.random() * self._quick)

    def slow(self) -> Fate:
        return Fate("", back=self._timeout * self._rng.random())

    def drip(self) -> Fate:
        """The answer begins in time and never ends, or comes after its deadline."""
        return Fate("", back=self._rng.choice((inf, self._timeout * (1.01 + self._rng.random()))))

    def late(self) -> Fate:
        """It arrives when nobody waits for it any longer; :attr:`Fate.way` is the network's to draw, so it waits."""
        return Fate("", again=self._timeout * (1 + 5 * self._rng.random()), stays_away=True, back=inf)

    def reset_before(self) -> Fate:
        return Fate("", stays_away=True, breaks=True, back=self._rng.random())

    def reset_after(self) -> Fate:
        return Fate("", breaks=True, back=self._rng.random())

    def twice(self) -> Fate:
        return Fate("", again=self._rng.choice((0.001, 0.1, 5.0, 300.0)) * self._rng.random())

    def unlooked(self) -> Fate:
        """A name that takes long to be looked up, and is not found now, or at last."""
        return Fate("", lookup=self._rng.choice((0.1, 2.0, 20.0, 100.0)), error=self._rng.choice(("", "answer")))

    def unknown(self) -> Fate:
        return Fate("", lookup=self._rng.random(), error="name")

    def untrusted(self) -> Fate:
        return Fate("", lookup=self._rng.random(), error="certificate")

    def busy(self) -> Fate:
        """A status of "not now", with or without a time to wait."""
        reply = Reply(self._rng.choice(NOT_NOW), self._any_body([])[0], self._headers())
        fate = self._instead(lambda _, batches: replace(reply, body=self._any_body(batches)[0]))
        return replace(fate, is_taken=fate.is_taken and reply.status not in AT_THE_DOOR)

    def limited(self) -> Fate:
        """The account's rate, which is for all of its senders to keep."""
        reply = Reply(429, headers={"Retry-After": str(self._rng.choice((1, 7, 30)))})
        return replace(self._instead(lambda _, batches: reply), is_taken=False)

    def same_status(self) -> Fate:
        """One of the few statuses that this seed has."""
        return self._status(self._rng.choice(self._statuses))

    def any_status(self) -> Fate:
        return self._status(self._rng.randint(100, 599))

    def foreign(self) -> Fate:
        """A success that is not Rokt's."""
        status = self._rng.choice(_ROKTS_SUCCESS)

        def foreign(reply: Reply, batches: list[Posted]) -> Reply:
            return Reply(status, self._foreign_body(batches))

        return self._instead(foreign)

    def truncated(self) -> Fate:
        """Rokt's list of errors, or one it would not write, cut off."""

        def cut(reply: Reply, batches: list[Posted]) -> Reply:
            if self._honest and not reply.body:
                return reply
            body = reply.body or errors_of([complaint("path", 0, batches[0])])
            return Reply(reply.status, body[: self._rng.randint(len('{"errors":') + 1, len(body) - 1)])

        return replace(self._instead(cut), is_taken=True)

    def unlocated(self) -> Fate:
        """Rokt's own verdicts, of which one or all do not lead to their batch."""

        def lost(reply: Reply, batches: list[Posted]) -> Reply:
            if not reply.body or len(batches) == 1:
                return reply
            told = len(json.loads(reply.body)["errors"])
            nowhere = message(self._rng.choice(("path", "position", "none")), 100 + len(batches), 0, 10**8, "zz")
            return Reply(reply.status, errors_of([nowhere] * (told + self._rng.randint(0, 2))))

        return replace(self._instead(lost), is_taken=True)

    def misled(self) -> Fate:
        """A refusal of the whole, which blames a batch that is right."""

        def misled(reply: Reply, batches: list[Posted]) -> Reply:
            index = self._rng.randrange(len(batches))
            batch = batches[index]
            how = self._rng.choice(("path", "position"))
            # Its value is another batch's, so that what is known of the blamed one does not tell it.
            value = marker_in(self._rng.choice(batches))
            body = errors_of([complaint(how, index, batch, value)])
            return Reply(self._rng.choice((400, 422)), body, blames=_alone([batch]))

        return replace(self._instead(misled), is_taken=False)

    def talkative(self) -> Fate:
        """A refusal of the whole in words that nobody publishes, with a row's value anywhere in them."""

        def talk(reply: Reply, batches: list[Posted]) -> Reply:
            value = marker_in(self._rng.choice(batches))
            text = self._rng.choice(_TALK).format(value=value, index=self._rng.randrange(len(batches) + 1))
            error = self._rng.choice(({"message": text}, {"code": value, "message": text, "path": value}))
            blames = _alone(batches)
            return Reply(self._rng.choice((400, 413, 422)), json.dumps({"errors": [error]}).encode(), blames=blames)

        return replace(self._instead(talk), is_taken=False)

    def another_form(self) -> Fate:
        """Rokt's yes in another form of those it may have."""

        def form(reply: Reply, batches: list[Posted]) -> Reply:
            if reply.body:
                return reply
            forms = (b"", b"  \r\n", b"{}", b'{"errors":[]}', b' {"errors": [ ] }\n', b"\xef\xbb\xbf{}")
            body = self._rng.choice(forms)
            return replace(reply, status=self._rng.choice(_ROKTS_SUCCESS), body=body)

        return replace(self._instead(form), is_taken=True)

    # -- pieces --

    def _status(self, status: int) -> Fate:
        def answer(reply: Reply, batches: list[Posted]) -> Reply:
            if 200 <= status <= 299:
                return Reply(status, self._foreign_body(batches))
            body, is_rokts = (self._foreign_body(batches), False) if self._honest else self._any_body(batches)
            blames = status in (400, 422, 413) and is_rokts and len(batches) == 1
            return Reply(status, body, self._headers(), blames=_alone(batches) if blames else frozenset())

        fate = self._instead(answer)
        return replace(fate, is_taken=fate.is_taken and status not in AT_THE_DOOR)

    def _instead(self, reply: Callable[[Reply, list[Posted]], Reply]) -> Fate:
        return Fate("", back=self._rng.random() * self._quick, replace=reply, is_taken=self._rng.random() < 0.4)

    def _any_body(self, batches: list[Posted]) -> tuple[bytes, bool]:
        """A body, and whether it has a form of Rokt's."""
        draw = self._rng.random()
        if draw < 0.25:
            return self._rng.choice((b"", b"{}", b'{"errors":[]}')), True
        if draw < 0.5:
            return errors_of([message("none", 0, 0, 0, "zz")] * self._rng.randint(1, 3)), True
        return self._foreign_body(batches), False

    def _foreign_body(self, batches: list[Posted]) -> bytes:
        marker = marker_in(batches[0]) if batches else "zz"
        page = _PAGE.format(marker=html.escape(marker)).encode()
        bodies: tuple[bytes, ...] = (
            page,
            b" " * 3000 + page,
            b"Please log in to the WiFi",
            b'{"error": "quota exhausted, nothing stored"}',
            b'{"Errors": [{"code": "BAD_REQUEST", "message": "no"}]}',
            json.dumps({"errors": {"message": marker}}).encode(),
            json.dumps({"errors": [marker]}).encode(),
            json.dumps({"errors": "not stored", "value": marker}).encode(),
            b'{"errors": [{}]}',
            b'{"errors": [], "errors": [{"message": "x"}]}',
            b'{"errors": [{"message": "x"}], "errors": []}',
            b"null",
            b"[]",
            b'"ok"',
            b"202",
            b"[" * 5000,
            b"\xff\xfe\x00\xd8",
            b'{"status": "accepted"}',
            json.dumps([batch.content for batch in batches] or [1]).encode(),
        )
        return self._rng.choice(bodies)

    def _headers(self) -> dict[str, str]:
        rng = self._rng
        if rng.random() < 0.4:
            return {}
        seconds = rng.choice((0, 1, 2, 7, 30, int(self._budget), int(self._budget) + 5, 10**9))
        if rng.random() < 0.3:
            when = self._utc() + timedelta(seconds=min(seconds, 10**6))
            return {"Retry-After": format_datetime(when.replace(microsecond=0), usegmt=True)}
        texts = (str(seconds), f"{seconds}.5", "soon", "-3", "", "9" * 80, "٣")
        text = texts[0] if rng.random() < 0.8 else rng.choice(texts)
        return {"Retry-After": text, "X-mp-rate-limit-exceeded": rng.choice(("feed", "acceleration"))}


def _alone(batches: list[Posted]) -> frozenset[int]:
    return rows_of([batch for batch in batches if len(batch.rows) == 1])


_KINDS: Final[dict[str, Callable[[Weather], Fate]]] = {
    "clean": Weather.clean,
    "slow": Weather.slow,
    "drip": Weather.drip,
    "late": Weather.late,
    "reset before": Weather.reset_before,
    "reset after": Weather.reset_after,
    "twice": Weather.twice,
    "long lookup": Weather.unlooked,
    "name unknown": Weather.unknown,
    "certificate": Weather.untrusted,
    "not now": Weather.busy,
    "rate limit": Weather.limited,
    "same status": Weather.same_status,
    "any status": Weather.any_status,
    "foreign success": Weather.foreign,
    "truncated": Weather.truncated,
    "unlocated": Weather.unlocated,
    "misled": Weather.misled,
    "talkative": Weather.talkative,
    "another form": Weather.another_form,
}
_ENDS: Final = {"name unknown", "certificate", "any status", "foreign success"}
_LIES: Final = {"misled", "talkative"}
