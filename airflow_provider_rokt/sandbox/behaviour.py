"""What a sandbox is told when it starts: whom it knows, how fast it lets them go, what it remembers and believes."""

from dataclasses import dataclass
from typing import Literal, get_args


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What senders believe about Rokt without proof: of each guess, the reading that the sandbox follows.

    The first value is the default: what is published or, where nothing is, what others have seen. Whoever relies on a
    guess runs against its other readings too. The guesses are numbered as this project counts them.

    :param request_id_remembered: guess 1: a ``source_request_id`` is remembered once its batch was accepted, or from
        its receipt, also where the batch was refused or the request answered 5xx or not at all. Who is turned away by
        credentials, a limit of the request or the rate was not received.
    :param errors_status: guess 1: the status where batches are bad. ``202``: 400 where all are. ``202_always``: for
        all of a bulk request too. ``400_good_taken`` and ``400_none_taken``: 400 where one is, and what of the others.
    :param position_from: guess 4: whether an error's position counts from the posted array or from its batch.
    :param index_base: guess 4: the index of the first batch.
    :param errors_listed: guess 5: at most so many errors are listed, though all bad batches are refused.
    :param confirmationref: guess 3: whether another event of one ``conversiontype`` and ``confirmationref`` is dropped.
    :param message_id: guess 9: whether another event of one ``source_message_id`` is dropped, on each road by itself.
    :param join_hash_and_address: guess 6: whether an import knows that an address and its hash are one person.
    :param import_body: guess 7: what an import answers. Nothing; ``success``: ``{"success": true}``; ``unprocessed``:
        the members it did not take, of any four about one; ``known_lists``: ``{"success": false}`` for any list but
        ``AdvertiserDatabase``, which it leaves as it was.
    :param membership: guess 8: whether a membership event has to look as those of another sender do (event name, type,
        audience, status, flag, and a drop with the identities of its add), or anything goes.
    :param age_limit: guess 13: events of more months ago, or in the future, are answered as taken and not stored.
    :param auth_first: guess 14: whether credentials are judged before the body.
    """

    request_id_remembered: Literal["acceptance", "receipt"] = "acceptance"
    errors_status: Literal["202", "202_always", "400_good_taken", "400_none_taken"] = "202"
    position_from: Literal["array", "batch"] = "array"
    index_base: Literal[0, 1] = 0
    errors_listed: Literal["all"] | int = "all"
    confirmationref: Literal["drop", "keep"] = "drop"
    message_id: Literal["drop", "keep"] = "drop"
    join_hash_and_address: Literal["yes", "no"] = "yes"
    import_body: Literal["empty", "success", "unprocessed", "known_lists"] = "empty"
    membership: Literal["documented", "any"] = "documented"
    age_limit: Literal["none"] | int = "none"
    auth_first: Literal["yes", "no"] = "yes"

    def __post_init__(self) -> None:
        """A misspelt reading must not pass for the default.

        :raises ValueError: for a value that a reading cannot have.
        """
        for name in Readings.__dataclass_fields__:
            values, counted = values_of(name)
            value = getattr(self, name)
            if value not in values and not (counted and isinstance(value, int) and value >= 1):
                among = ", ".join(map(str, values)) + (" or a number from 1" if counted else "")
                raise ValueError(f"{name} is {value!r}; it may be {among}")


def values_of(name: str) -> tuple[tuple[str | int, ...], bool]:
    """What a reading may be, and whether any number from 1 may be it too."""
    values = get_args(Readings.__annotations__[name])
    return (get_args(values[0]), True) if int in values else (values, False)


@dataclass(frozen=True, kw_only=True)
class Settings(Readings):
    """The account a sandbox stands for, and its :class:`Readings`.

    :param key: the Events API key (the connection's login).
    :param secret: the Events API secret (the connection's password).
    :param rpub: public half of the v3 audience import's credentials.
    :param rsec: secret half of them.
    :param account_id: the account id every v3 audience import must carry.
    :param audience_key: the v1.0 audience import's API key.
    :param batches_per_second: batches let through in a second; ``None`` lets everything through.
    :param counting: how that is counted: in any one-second window; in whole seconds of a clock; or as a bucket that
        holds a second's batches and fills evenly.
    :param acceleration: how many batches more than in the second before; ``None`` for no such limit.
    :param growth: the second before counts so many times for that.
    :param usage: whether an answer tells how much of ``batches_per_second`` is used.
    :param retry_after: how ``Retry-After`` is written on a 429: seconds, an HTTP date, or not at all.
    :param keep: ``"everything"``, or ``"counts"`` for runs too large to hold: no bodies, and ids as 64-bit hashes.
    :param seed: of the faults that strike with a probability.
    """

    key: str = "sandbox-key"
    secret: str = "sandbox-secret"  # noqa: S105  a published default of a local server
    rpub: str = "rpub-sandbox"
    rsec: str = "rsec-sandbox"
    account_id: str = "sandbox-account"
    audience_key: str = "sandbox-audience-key"
    batches_per_second: int | None = None
    counting: Literal["sliding", "calendar", "bucket"] = "sliding"
    acceleration: int | None = None
    growth: float = 1.0
    usage: Literal["told", "untold"] = "told"
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    keep: Literal["everything", "counts"] = "everything"
    seed: int = 0

    @property
    def readings(self) -> dict[str, str | int]:
        """The readings alone, by name."""
        return {name: getattr(self, name) for name in Readings.__dataclass_fields__}
