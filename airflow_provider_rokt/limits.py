"""Every limit of Rokt's APIs, once. Sizes in bytes of UTF-8, lengths in characters, times in seconds.

Sources: Rokt's Hightouch guide ("guide"), mParticle's default service limits ("lim") and its HTTP reference
("http"). Where KB could mean 1,000 or 1,024 the smaller reading is used. Lengths of values and names that the
schema checks (4,096 and 256 characters) stand in the schema file.
"""

from typing import Final

# http: "up to 100 batches"; it also says "100 event data items", so events are counted too.
BATCHES_PER_REQUEST: Final = 100
EVENTS_PER_REQUEST: Final = 100
# guide, lim: 256 KB a request; http: a batch should not exceed 128 KB.
REQUEST_BYTES: Final = 256_000
BATCH_BYTES: Final = 128_000
# guide, lim: user attributes per batch. Attributes per event are as many, less the one that Rokt adds where a custom
# feed's credentials send (JSON reference): the schema file says 99.
ATTRIBUTES: Final = 100
# guide, lim: batches per second and account, adjustable by Rokt.
BATCHES_PER_SECOND: Final = 270
# http: /historical does not process a batch with an event younger than 72 hours.
HISTORICAL_MIN_AGE: Final = 72 * 3600
# http: /events and /bulkevents should not carry data older than 30 days.
STALE_AGE: Final = 30 * 24 * 3600
# Another API of Rokt's: nothing from more than 12 months back, nothing from the future. Not published of this one.
OLDEST_AGE: Final = 365 * 24 * 3600
# lim: events of one user in 24 hours, on average; 175 in 30 days.
EVENTS_PER_USER: Final = 150
# lim: length of an audience's name.
AUDIENCE_NAME_CHARS: Final = 100
# Rokt's v1.0 import page says up to 1,000,000 contacts; the v3 page names no number, so a tenth.
MEMBERS_PER_REQUEST: Final = 100_000
MOST_MEMBERS_PER_REQUEST: Final = 1_000_000
# Ours: how long one request is tried before its rows fail and the task's own retry takes over.
RETRY_SECONDS: Final = 600.0
# Rokt: inclusion targeting needs at least 1,000 individuals.
SMALLEST_AUDIENCE: Final = 1_000
