"""What a sandbox is told when it starts: whom it knows, how fast it lets them go and what it remembers."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The account a sandbox stands for.

    :param key: the Events API key (the connection's login).
    :param secret: the Events API secret (the connection's password).
    :param rpub: public half of the v3 audience import's credentials.
    :param rsec: secret half of them.
    :param account_id: the account id every v3 audience import must carry.
    :param audience_key: the v1.0 audience import's API key.
    :param batches_per_second: batches let through in any one-second window; ``None`` lets everything through.
    :param acceleration: how many batches more than in the second before; ``None`` for no such limit.
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
    acceleration: int | None = None
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    keep: Literal["everything", "counts"] = "everything"
    seed: int = 0
