"""Values that Python has no type for arrive as the database writes them, so that one of them costs itself and not the
result: ``infinity``, ``0044-03-15 BC``, ``24:00:00``, ``0000-00-00``, text in another character set.

Everything is registered with one connection; the process's drivers stay as they are for everybody else.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from functools import partial
from importlib import import_module
from typing import Any, Final

_log = logging.getLogger(__name__)

Decoder = Callable[[str], object]

_PSYCOPG_TYPES: Final = ("date", "timestamp", "timestamptz", "time", "timetz", "interval")
_MYSQL_TIMES: Final = ("DATE", "DATETIME", "TIMESTAMP", "TIME")


def tolerate(connection: Any) -> None:
    """Teaches a connection that was just opened to pass on what its driver cannot represent, where the driver can."""
    register = _DRIVERS.get(driver_of(connection))
    try:
        if register is not None:
            register(connection)
    except Exception as error:
        # A driver of another version reads as well as it always did.
        _log.info("%s cannot be taught to pass on odd values (%s)", driver_of(connection), type(error).__name__)


def driver_of(connection: object) -> str:
    """The driver's package, also for a class that was derived from the driver's."""
    packages = [base.__module__.partition(".")[0] for base in type(connection).__mro__]
    return next((package for package in packages if package in _DRIVERS), packages[0])


def _psycopg2(connection: Any) -> None:
    extensions = import_module("psycopg2.extensions")
    decoders: Mapping[str, Decoder] = {
        "PYDATE": date.fromisoformat,
        "PYDATETIME": datetime.fromisoformat,
        "PYDATETIMETZ": datetime.fromisoformat,
        "PYTIME": _time,
    }
    for name, decode in decoders.items():
        _cast(extensions, connection, name, partial(_psycopg2_value, decode))
    _cast(extensions, connection, "PYINTERVAL", partial(_psycopg2_interval, extensions.PYINTERVAL))
    extras = import_module("psycopg2.extras")
    extras.register_default_json(connection, loads=_json)
    extras.register_default_jsonb(connection, loads=_json)
    if connection.encoding == "SQLASCII":
        # The database does not know what its text is encoded in: psycopg 3 gives bytes too.
        extensions.register_type(extensions.BYTES, connection)
        extensions.register_type(extensions.BYTESARRAY, connection)


def _cast(extensions: Any, connection: Any, name: str, decode: Callable[..., object]) -> None:
    one = extensions.new_type(getattr(extensions, name).values, name, decode)
    array = extensions.new_array_type(getattr(extensions, f"{name}ARRAY").values, f"{name}ARRAY", one)
    extensions.register_type(one, connection)
    extensions.register_type(array, connection)


def _psycopg2_value(decode: Decoder, value: str | None, cursor: object) -> object:
    # psycopg2's own decoders make infinity the year 9999, and 24:00 the midnight before.
    try:
        return None if value is None else decode(value)
    except ValueError:
        return value


def _psycopg2_interval(decode: Callable[[str | None, object], object], value: str | None, cursor: object) -> object:
    try:
        return decode(value, cursor)
    except Exception:
        return value


def _time(value: str) -> time:
    if value.startswith("24"):
        # Python 3.14 reads it as midnight.
        raise ValueError
    return time.fromisoformat(value)


def _json(value: str | bytes) -> object:
    # A number of more than 4,300 digits, or a thousand brackets.
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value if isinstance(value, str) else bytes(value).decode()


def _psycopg(connection: Any) -> None:
    base, text = import_module("psycopg.adapt").Loader, import_module("psycopg.pq").Format.TEXT
    adapters = connection.adapters
    for name in _PSYCOPG_TYPES:
        oid = adapters.types[name].oid
        adapters.register_loader(oid, _psycopg_loader(base, adapters.get_loader(oid, text)))
    import_module("psycopg.types.json").set_json_loads(_json, connection)


def _psycopg_loader(base: Any, driver: Any) -> Any:
    class Tolerant(base):  # type: ignore[misc]
        """The driver's loader, or the text that it cannot load."""

        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._load = driver(oid, context).load

        def load(self, data: Any) -> object:
            try:
                return self._load(data)
            except Exception:
                return bytes(data).decode()

    return Tolerant


def _sqlite3(connection: Any) -> None:
    if connection.text_factory is str:
        connection.text_factory = _lenient("utf-8")


def _lenient(encoding: str) -> Callable[[bytes], str]:
    """Text whose wrong bytes become surrogates, which no encoder takes: whatever it is meant for finds it invalid."""
    # A function of ours costs half of what partial(str, …) does, and this one runs for every text of a result.
    return lambda data: data.decode(encoding, "surrogateescape")


def _mysqlclient(connection: Any) -> None:
    kinds = import_module("MySQLdb.constants.FIELD_TYPE")
    for name in _MYSQL_TIMES:
        kind = getattr(kinds, name)
        connection.converter[kind] = partial(_mysql_value, connection.converter[kind])
    if _foreign_text(connection):
        lenient = _lenient(connection.encoding)
        for kind, ways in connection.converter.items():
            if isinstance(ways, tuple):
                connection.converter[kind] = tuple((flag, lenient if way is str else way) for flag, way in ways)


def _foreign_text(connection: Any) -> bool:
    """Whether the server was told to write another character set than the driver reads, as by an ``init_command``."""
    connection.query("SELECT @@character_set_results")
    [[written]] = connection.store_result().fetch_row()
    names = {name.decode() if isinstance(name, bytes) else name for name in (written, connection.character_set_name())}
    return len(names) > 1


def _mysql_value(decode: Decoder, value: str) -> object:
    # The driver's own give NULL for a date that is none, like 0000-00-00, and it would seem to be missing.
    found = decode(value)
    return value if found is None else found


def _mysql_connector(connection: Any) -> None:
    # Its C extension has no converter: it gives NULL for a date that is none, and bytes for foreign text.
    if connection.converter is not None:
        connection.converter_class = _mysql_converter(type(connection.converter))


def _mysql_converter(base: Any) -> Any:
    """The driver's class of converters, which looks up a method by a column's type."""

    def tolerant(decode: Callable[..., object]) -> object:
        def convert(value: Any, description: object = None) -> object:
            found = decode(value, description)
            return bytes(value).decode() if found is None else found

        return staticmethod(convert)

    names = [f"_{name.lower()}_to_python" for name in _MYSQL_TIMES]
    return type("TolerantConverter", (base,), {name: tolerant(getattr(base, name)) for name in names})


_DRIVERS: Final[Mapping[str, Callable[[Any], None]]] = {
    "psycopg2": _psycopg2,
    "psycopg": _psycopg,
    "sqlite3": _sqlite3,
    "MySQLdb": _mysqlclient,
    "mysql": _mysql_connector,
}
