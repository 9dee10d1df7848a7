"""What becomes of a request some of whose batches are bad, and how its answer says so, under the sandbox's readings."""

from collections.abc import Iterator, Mapping, Sequence

from airflow_provider_rokt.sandbox.behaviour import Readings
from airflow_provider_rokt.sandbox.contract import Breach
from airflow_provider_rokt.sandbox.kept import PostedBatch
from airflow_provider_rokt.sandbox.reply import Reply, bad_request

_TAKEN, _BAD = 202, 400


class Judgement:
    """The batches of one request, judged.

    :param breaches: what each batch is refused for, or ``None``.
    :param alone: whether the one batch was posted to the address of single batches.
    :ivar status: what the request is answered.
    """

    def __init__(
        self, readings: Readings, batches: Sequence[PostedBatch], breaches: Sequence[Breach | None], *, alone: bool
    ) -> None:
        self._readings = readings
        self._batches = batches
        self._breaches = breaches
        self._alone = alone
        self._bad = [batch for batch, breach in zip(batches, breaches, strict=True) if breach]
        self.status = self._status()

    @property
    def is_refusal(self) -> bool:
        """Whether the answer says that the request is bad."""
        return self.status == _BAD

    @property
    def taken(self) -> Sequence[PostedBatch]:
        """The batches that are taken."""
        if self._takes_none:
            return []
        return [batch for batch, breach in zip(self._batches, self._breaches, strict=True) if not breach]

    @property
    def refused(self) -> Sequence[PostedBatch]:
        """The batches that are not."""
        return self._batches if self._takes_none else self._bad

    @property
    def unlisted(self) -> int:
        """How many refused batches, from the last, an answer of 202 does not name."""
        return 0 if self.is_refusal else len(self._bad) - self._listed

    def reply(self, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """The answer.

        :param body: what was posted.
        :param headers: of an answer of 202.
        """
        headers = headers or {}
        if not self._bad:
            return Reply(self.status, headers=headers)
        refusal = bad_request(*list(self._messages(body))[: self._listed], status=self.status)
        return Reply(self.status, refusal.body, {**refusal.headers, **({} if self.is_refusal else headers)})

    def _status(self) -> int:
        how = self._readings.errors_status
        if not self._bad:
            return _TAKEN
        if how == "202":
            return _BAD if len(self._bad) == len(self._batches) else _TAKEN
        # A single batch at its own address is 400 under every reading, as published.
        return _TAKEN if how == "202_always" and not self._alone else _BAD

    @property
    def _takes_none(self) -> bool:
        return bool(self._bad) and self._readings.errors_status == "400_none_taken"

    @property
    def _listed(self) -> int:
        most = self._readings.errors_listed
        return len(self._bad) if most == "all" else min(most, len(self._bad))

    def _messages(self, body: bytes) -> Iterator[str]:
        """One message for each bad batch, with where in the posted text it stands."""
        text, start = body.decode(), 0
        for index, (batch, breach) in enumerate(zip(self._batches, self._breaches, strict=True)):
            # Nothing but commas and space lies between batches, so this finds each at once.
            start = body.find(batch.body, start)
            if breach is not None:
                place = None if self._alone else index + self._readings.index_base
                own = batch.body.decode()
                if self._readings.position_from == "batch":
                    yield breach.message(own, place, own, 0)
                else:
                    yield breach.message(own, place, text, _characters(body, start))
            start += len(batch.body)


def _characters(body: bytes, count: int) -> int:
    return count if body.isascii() else len(body[:count].decode())
