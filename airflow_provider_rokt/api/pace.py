"""How fast one of several senders goes that share an account, learnt from its own answers alone.

Pure: told the time, it says when a request may leave, and it learns from answers. ARCHITECTURE.md says why it is so.

- **The cap.** No second holds more departures than ``batches_per_second``, wherever it begins.
- **The ramp.** It begins with a request or two a second and doubles until it climbs by a third of the cap each second.
  An ``acceleration`` 429 halves that slope; the ramp goes on from what went through. It ends at the cap, or where an
  account's 429 or 75 % of its use show that there is no more room.
- **The share.** From then on each accepted answer adds the same and each one that has a price takes off a part of the
  rate. A 429 costs the price of 1, an acceptance what the use of the account that it tells is worth. All senders meet
  the same prices, so their rates become the same, ``increase / (cut * price)``, and nobody need know of another.
- **The margin.** A sender alone at the cap is refused only where requests took longer and shorter ways: then its
  second becomes a little longer, and its rate hardly less.
"""

from collections import deque
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

from airflow_provider_rokt.api.latency import Latency
from airflow_provider_rokt.api.usage import PRICE, USED, Doubt, Usage, Window
from airflow_provider_rokt.flow.packing import batches_per_request
from airflow_provider_rokt.limits import BATCHES_PER_SECOND

# A hundred times the usual cap is nobody's: whoever sets it wants no pace, so there is none to find.
UNPACED: Final = 100.0 * BATCHES_PER_SECOND
# What it begins with: 64 tasks that begin at once stay below the cap. More than nothing at a cap of 10, too.
_START: Final = 1 / 90
_LEAST_START: Final = 2.0
_DOUBLING: Final = 0.2
_SLOPE: Final = 1 / 3
_GENTLEST_SLOPE: Final = 1 / 100
# Where the ramp ends for lack of room, at least this much is begun with; and no 429 takes it below that.
_FIRST_SHARE: Final = 1 / 40
_LEAST: Final = 1 / 100
# Below such a cap all requests are as small, so who joins finds gaps only where it tries more often, and where the
# others' second is longer and their refusals, of which the next comes soon, are no mere chance.
_SMALL_CAP: Final = 100.0
_SMALL_FIRST_SHARE: Final = 1 / 5
_SMALL_FIRST: Final = 2.0
_SMALL_LEAST_SHARE: Final = 1 / 10
_SMALL_LEAST: Final = 0.7
_SMALL_MARGIN: Final = 0.25
_CHANCE: Final = 20.0
# Small requests are refused more rarely and keep the second's count even; more of them cost CPU and threads. Alone at
# the cap a sender has nobody to be passed by.
_PER_SECOND: Final = 12
_PER_SECOND_AT_CAP: Final = 6
# One of eight senders has 3 % of its requests priced at 1; one of 64, whose increase falls with its rate's root, 9 %.
_INCREASE: Final = 0.00036
_KNEE: Final = 1 / 12
_CUT: Final = 0.1
_FULL: Final = 0.75
# A batch of a smaller cap is more of it than the price is exact.
_TOLD_CAP: Final = 33.0
# Use that is told alone takes the rate no lower than a share of sixty-four.
_TOLD_LEAST: Final = 1 / 64
# What others use, as far as it can be told from what is used by oneself.
_OTHERS: Final = 0.03
# After so long without a price the increase grows: a cap that was lowered may have been raised again. One answer adds
# at most a part of the rate; then, where answers are rare, as much as twelve a second would have added.
_CALM: Final = 10.0
_MOST_AT_ONCE: Final = 0.03
_MOST_AFTER_CALM: Final = 0.5
_MARGIN: Final = 0.013
_MARGIN_STEP: Final = 0.003
_MOST_MARGIN: Final = 0.05
_MARGIN_FADES: Final = 1.2e-5
# A second's refusals that say that the cap is another one, and not only reached.
_MANY: Final = 0.3
_FEW: Final = 0.03


@dataclass(slots=True, eq=False)
class Departure:
    """One request that left.

    :param at: when.
    :param own: how many batches this sender let leave in the second until then, these included.
    """

    at: float
    batches: int
    own: float


class Pace:
    """The pace of one sender.

    :param cap: batches a second, above 0; also below 1.
    :param concurrency: how many requests may be on their way at once.
    :param ramps: whether it begins slowly; what does not count for the account's rate need not.
    """

    def __init__(self, cap: float, now: float, concurrency: int, *, ramps: bool = True) -> None:
        self._cap, self._concurrency = cap, concurrency
        self._largest = batches_per_request(cap)
        self._least = max(cap * _LEAST, min(cap * _SMALL_LEAST_SHARE, _SMALL_LEAST))
        small = min(cap * _SMALL_FIRST_SHARE, _SMALL_FIRST)
        self._first = max(cap * _FIRST_SHARE, small)
        self._doubt = Doubt(max(cap * _TOLD_LEAST, small), now)
        self._start = min(cap, max(cap * _START, _LEAST_START))
        self.rate = self._start if ramps and cap < UNPACED else cap
        self._ramping = self.rate < cap
        self._slope = cap * _SLOPE
        self._margin = self._least_margin = max(_MARGIN, min(_SMALL_MARGIN / cap, _MOST_MARGIN))
        self._refused_at = float("-inf")
        self._left, self._passed, self._usage = Window(), Window(), Usage()
        self._from, self._owed = now, 0.0
        self._grown = self._calm_since = self._cut_at = self._adjusted = now
        self._answers = deque([True] * 100, maxlen=100)
        self._latency = Latency(now)

    @property
    def size(self) -> int:
        """How many batches the next request should carry.

        At the cap so many that whole requests fill a second; below it a twelfth of the rate. Where answers are slow,
        as many as the threads need to keep it.
        """
        needed = self.rate * self._latency.mean / (0.75 * self._concurrency)
        if self.rate > 0.9 * self._cap:
            return self._filling(max(self._cap / _PER_SECOND_AT_CAP, needed))
        return max(1, min(int(max(self.rate / _PER_SECOND, needed)), self._largest))

    def is_too_large(self, batches: int) -> bool:
        """Whether a request that was packed at a higher rate would be passed over for ever by others' smaller ones."""
        return not self._ramping and self.rate < 0.9 * self._cap and batches > 2 * self.size

    def delay(self, now: float, batches: int) -> float:
        """Seconds until so many batches may leave in one request, as things stand; 0 where they may now."""
        self._grow(now)
        span = 1.0 + self._margin
        counted = self._left.since(now - span)
        if counted and counted + batches > self._cap:
            # Never 0, whatever is lost in adding.
            return max(self._left.time_of(self._cap - batches) + span - now, 1e-4)
        return max(0.0, self._due - now)

    def depart(self, now: float, batches: int) -> Departure:
        """Counts them as gone."""
        # A request larger than the cap counts for as many seconds as its batches need.
        self._left.add(now + max(0.0, batches / self._cap - 1.0), batches)
        # Who is late may make up for it by one request.
        self._from, self._owed = max(self._due, now - batches / self._speed), batches
        return Departure(now, batches, self._left.total)

    def accepted(self, now: float, departure: Departure, used: float | None) -> None:
        """Learns from an answer that let the request through.

        :param used: the share of the account's limit that is used, where the answer tells it.
        """
        self._answers.append(True)
        self._passed.add(now, departure.batches)
        self._passed.since(now - 1.0)
        self._latency.took(now, now - departure.at)
        self._margin = max(self._least_margin, self._margin - _MARGIN_FADES)
        share = self._usage.told(departure.at, used) if used is not None else 0.0
        own = departure.own / self._cap + _OTHERS
        if self._ramping:
            self._slope = min(self._cap * _SLOPE, 1.01 * self._slope)
            # As it is told, since what is smoothed is too late while all begin.
            if used is not None and used >= max(_FULL, own):
                # What went through of all that did is this sender's share of what may.
                self._end_ramp(USED * self._passed.since(now - 1.0) / used)
            return
        self._adjust(now, self._usage.price(now) if own < share and self._cap >= _TOLD_CAP else 0.0)

    def refused(self, now: float, departure: Departure, exceeded: str) -> None:
        """Learns from a 429.

        :param exceeded: which limit, as Rokt names it; all but ``acceleration`` are taken for the account's.
        """
        self._answers.append(False)
        passed = self._passed.since(now - 1.0)
        # The limit's answers to what left before the last cut say nothing of the rate since.
        is_news = departure.at >= self._cut_at
        if exceeded == "acceleration":
            if is_news:
                self._cut_at = now
                self._slope = max(self._slope / 2, self._cap * _GENTLEST_SLOPE)
                self.rate = max(min(self.rate, 0.7 * passed), self._start)
                self._ramping = True
            return
        is_chance = self._cap >= _SMALL_CAP or now - self._refused_at > _CHANCE
        self._calm_since = self._refused_at = now
        self._doubt.refused(now)
        is_chance = is_chance and self._answers.count(False) <= _FEW * len(self._answers)
        if self._ramping:
            self._cut_at = now
            self._end_ramp(0.97 * passed)
        elif departure.own > 0.9 * self._cap and is_chance:
            self._margin = min(_MOST_MARGIN, self._margin + _MARGIN_STEP)
            self.rate *= 0.99
        elif is_news:
            self._cut_at = now
            self.rate = max(self._lowered(passed), min(self.rate, self._least))

    def _lowered(self, passed: float) -> float:
        recent = list(self._answers)[-20:]
        if recent.count(False) > _MANY * len(recent):
            return max(min(self.rate * (1 - _CUT), passed), 0.5 * self.rate)
        return self.rate * (1 - _CUT * self._haste)

    def _adjust(self, now: float, price: float) -> None:
        apart, self._adjusted = now - self._adjusted, now
        if price > 0.1 * PRICE:
            self._calm_since = now
        calm = max(0.0, now - self._calm_since - _CALM)
        increase = _INCREASE * self._cap * min(1.0, sqrt(self.rate / (_KNEE * self._cap))) * (1 + (calm / 5) ** 2)
        most = min(_MOST_AFTER_CALM, _MOST_AT_ONCE * max(1.0, _PER_SECOND * apart)) if calm else _MOST_AT_ONCE
        increase = 0.0 if self._latency.is_long else min(most * self.rate, increase)
        # A flatter price takes a larger step to arrive as soon.
        haste = self._haste * (1.25 if self._usage.by_second(now) else 1.0)
        rate = self.rate + haste * (increase - _CUT * self.rate * price)
        self.rate = min(self._cap, max(rate, self._doubt.least(now, rate) if price else 0.0))

    @property
    def _haste(self) -> float:
        """Who has few answers meets few prices, and must not be thrown about by each."""
        return max(0.4, min(1.0, sqrt(32 * self.rate / self._cap)))

    def _end_ramp(self, share: float) -> None:
        self._ramping = False
        self.rate = max(min(self.rate, share), min(self.rate, self._first))

    def _grow(self, now: float) -> None:
        passed, self._grown = min(now - self._grown, 0.25), now
        if self._ramping and not self._latency.is_long:
            self.rate = min(self._cap, self.rate + passed * min(self.rate * log(2) / _DOUBLING, self._slope))
            self._ramping = self.rate < self._cap

    @property
    def _speed(self) -> float:
        # At the cap it is the counted second that binds, not the gaps.
        return self.rate if self.rate < self._cap else 1.05 * self._cap

    @property
    def _due(self) -> float:
        return self._from + self._owed / self._speed

    def _filling(self, wanted: float) -> int:
        """About so many batches that whole requests fill a second at the cap."""
        wanted = max(1.0, wanted)
        if wanted >= self._largest:
            return self._largest
        near = range(max(1, int(0.5 * wanted)), min(self._largest, int(1.5 * wanted)) + 1)
        return min(near, key=lambda size: (int(self._cap % size), abs(size - wanted)))
