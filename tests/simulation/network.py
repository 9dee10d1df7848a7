"""A network between a delivery and the model of Rokt; posts as RoktClient does, and fails as the weather has it."""

import re
from collections import Counter
from math import inf

from requests.structures import CaseInsensitiveDict

from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.exceptions import RoktEndpointError, RoktUnreachableError
from airflow_provider_rokt.flow.request import Endpoint
from airflow_provider_rokt.network.outages import NoAnswerError
from tests.simulation.outcome import Attempt
from tests.simulation.rokt_model import Reply, RoktModel, posted, rows_of
from tests.simulation.scheduler import World
from tests.simulation.weather import Weather

# As RoktClient has it.
SLOWEST_BYTES = 50_000

_ID = re.compile(rb"[0-9a-f]{16,}")


class Network:
    """One network; each process that uses it begins with :meth:`connect`.

    :ivar attempts: all that were made, in order.
    :ivar struck: how often each kind of fate befell one.
    """

    def __init__(self, world: World, rokt: RoktModel, weather: Weather, timeout: float) -> None:
        self._world, self._rokt, self._weather, self._timeout = world, rokt, weather, timeout
        self.attempts: list[Attempt] = []
        self.struck: Counter[str] = Counter()
        self._run = 0
        self._is_cut = False

    def connect(self, *, calm: bool) -> None:
        """A new client."""
        self._run += 1
        self._is_cut = False
        self._weather.calm = calm

    def cut(self) -> None:
        """Ends all attempts that can be cut off, and every later one."""
        self._world.note("all connections are cut")
        self._is_cut = True
        self._world.step()

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        """One attempt, see :meth:`~airflow_provider_rokt.api.client.RoktClient.post`."""
        world = self._world
        world.step()
        fate, batches = self._weather.fate(), posted(body)
        self.struck[fate.kind] += 1
        names = frozenset(batch.name for batch in batches)
        number = len(self.attempts) + 1
        attempt = Attempt(number, world.time, names, rows_of(batches), len(batches), self._run, fate)
        self.attempts.append(attempt)
        world.note(f"posts {number}: {len(batches)} batches of rows {sorted(attempt.rows)[:6]}, {fate.kind}")
        try:
            return self._answered(attempt, body)
        finally:
            attempt.ended = world.time
            world.note(f"ends  {number}: {attempt.reply.status if attempt.reply else 'no answer'}")

    def _answered(self, attempt: Attempt, body: bytes) -> Answer:
        world, fate = self._world, attempt.fate
        deadline = attempt.begun + self._timeout + len(body) / SLOWEST_BYTES
        if fate.lookup:
            world.sleep(fate.lookup)
            self._fail(fate.error)
        if not fate.stays_away:
            world.at(world.time + fate.way, self._arrive, attempt, body)
        elif fate.breaks:
            world.at(world.time + fate.back, self._break, attempt)
        if fate.again is not None:
            world.at(world.time + fate.way + fate.again, self._arrive_again, attempt, body)
        world.wait(lambda: bool(attempt.coming or attempt.is_broken or self._is_cut), deadline - world.time)
        if self._is_cut:
            raise NoAnswerError("the connection was cut, since the task ends")
        if attempt.is_broken:
            raise NoAnswerError("the connection broke")
        if attempt.coming is None:
            raise NoAnswerError(f"no whole answer within {self._timeout:.0f} s")
        attempt.reply = reply = attempt.coming
        return Answer(reply.status, CaseInsensitiveDict(reply.headers), reply.body, 1000 * (world.time - attempt.begun))

    def _fail(self, error: str) -> None:
        if error == "name":
            raise RoktUnreachableError("No request to Rokt can be made: the name of its address is not known to DNS.")
        if error == "certificate":
            raise RoktEndpointError("No request to Rokt can be made: the certificate has expired. Check the clock.")
        if error == "answer":
            raise NoAnswerError("the name of its address cannot be looked up now")
        if self._is_cut:
            raise NoAnswerError("the connection was cut, since the task ends")

    def _arrive(self, attempt: Attempt, body: bytes) -> None:
        attempt.arrived = self._world.time
        fate = attempt.fate
        self._rokt.arrivals.append((self._world.time, attempt.size))
        reply = self._rokt.take(body) if fate.is_taken else Reply(0)
        if fate.replace:
            reply = fate.replace(reply, posted(body))
        # A body that is echoed begins with an id, which follows from a salt that no seed tells.
        said = _ID.sub(b"id", reply.body[:60])
        self._world.note(f"attempt {attempt.number} arrives; {reply.status} {said!r} {reply.headers}")
        if fate.back < inf:
            if fate.breaks:
                self._world.at(self._world.time + fate.back, self._break, attempt)
            else:
                self._world.at(self._world.time + fate.back, self._deliver, attempt, reply)

    def _arrive_again(self, attempt: Attempt, body: bytes) -> None:
        self._world.note(f"attempt {attempt.number} arrives once more")
        self._rokt.take(body)

    @staticmethod
    def _deliver(attempt: Attempt, reply: Reply) -> None:
        attempt.coming = attempt.coming or reply

    @staticmethod
    def _break(attempt: Attempt) -> None:
        attempt.is_broken = True
