"""An audience's table, for both roads to Rokt: who is named by a row does not depend on how he travels."""

from hashlib import sha256

_ANN = sha256(b"ann@example.com")
ROWS = {
    "an address": "ann@example.com",
    "in capitals": " BOB@Example.COM\n",
    "a hash": sha256(b"cat@example.com").hexdigest(),
    "a hash in capitals": sha256(b"dan@example.com").hexdigest().upper(),
    "a hash in bytes": sha256(b"eve@example.com").digest(),
    "a hash in a buffer": memoryview(sha256(b"fay@example.com").digest()),
    "text in bytes": b"gil@example.com",
    "no-break spaces": "\u00a0hal@example.com\u00a0",
    "another alphabet": "иван@почта.рф",
    "the same person, hashed": _ANN.hexdigest(),
    "a blank inside": "jane doe@ex.com",
    "a tab inside": "jane\tdoe@ex.com",
    "an invisible one inside": "ann\u200b@example.com",
    "nothing": None,
    "blank": "  ",
    "a placeholder": "null",
    "still in JSON": '"ann@example.com"',
    "a phone": "+1 555 123 4567",
    "MD5": _ANN.hexdigest()[:32],
    "a hash of nothing": sha256(b"").hexdigest(),
    "name and address": "Ann <ann@example.com>",
    "a number": 17,
}
