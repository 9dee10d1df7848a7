"""Rokt's fields, one table: everything that knows a field, from mapping to the documentation, derives from it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from airflow_provider_rokt.events import normalize
from airflow_provider_rokt.events.phones import phone
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.events.timestamps import birthday, timestamp
from airflow_provider_rokt.events.values import Normaliser, attribute, scalar, text


class Need(StrEnum):
    """Whether a conversion has to have a field, as the documentation says it."""

    REQUIRED = "yes"
    IDENTITY = "one of these"
    RECOMMENDED = "recommended"
    OPTIONAL = "no"


class Cost(StrEnum):
    """What an invalid value of a field costs, as the documentation says it."""

    FIELD = "the field"
    IDENTITY = "the row, if no identity is left"
    ROW = "the row"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field holds, and the rule that makes it of a raw value.

    :param label: for people, as in the documentation.
    :param normaliser: the rule, made once for a delivery since some depend on its choices.
    :param is_hash: whether it is of another one.
    """

    label: str
    normaliser: Callable[[Rules], Normaliser]
    is_hash: bool = False


@dataclass(frozen=True)
class Field:
    """One field of Rokt's.

    :param path: where it goes, as the guide's "Map to" column writes it; ``<any>`` and ``<purpose>`` stand for names
        the user chooses.
    :param about: one line for the documentation.
    """

    path: str
    kind: Kind
    about: str
    need: Need = Need.OPTIONAL

    @property
    def name(self) -> str:
        """Its last path segment."""
        return self.path.rpartition(".")[2]

    @property
    def is_open(self) -> bool:
        """Whether it stands for any number of fields."""
        return "<" in self.path

    @property
    def column(self) -> str:
        """The column that automatic mapping takes for it: its name, or the whole path of a consent record.

        A consent's ``timestamp_unixtime_ms`` would otherwise be the event's.
        """
        return self.path if self.path.startswith("consent_state.") else self.name

    @property
    def cost(self) -> Cost:
        """What an invalid value costs, unless the task or the mapping says otherwise.

        A conversion cannot be corrected once it is sent, so what it is worth must be right; consent must not be
        guessed.
        """
        if self.need is Need.REQUIRED or self.path in _WORTH or self.path.startswith("consent_state."):
            return Cost.ROW
        return Cost.IDENTITY if self.need is Need.IDENTITY else Cost.FIELD

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What its concrete paths look like; the groups are section and key."""
        section, _, key = self.path.rpartition(".")
        section = re.escape(section).replace("<purpose>", r"[^.]*[^.\s][^.]*")
        return re.compile(rf"({section})\.({key.replace('<any>', '.+')})", re.DOTALL)


_WORTH: Final = ("events[].data.custom_attributes.amount", "events[].data.custom_attributes.currency")


def _kind(label: str, normaliser: Normaliser) -> Kind:
    return Kind(label, lambda rules: normaliser)


def hash_of(kind: Kind, *, any_digest: bool = False) -> Kind:
    """The kind of a field that holds the SHA-256 of a value of `kind`, and takes either.

    :param any_digest: it takes those of other functions too.
    """
    return Kind(
        f"SHA-256, or the {kind.label} to hash",
        lambda rules: normalize.hashed(kind.normaliser(rules), any_digest=any_digest),
        is_hash=True,
    )


TEXT: Final = _kind("text", text)
# Of a function that Rokt matches nobody by.
DIGEST: Final = Kind("hash", lambda rules: normalize.some_digest, is_hash=True)
_IDENTITY: Final = Kind("text", lambda rules: normalize.identity(rules.no_identities))
_EVENT_ID: Final = _kind("text", normalize.event_id)
_EMAIL: Final = _kind("e-mail address", normalize.email)
_PHONE: Final = Kind("phone number", lambda rules: phone(rules.phone_region))
_TIMESTAMP: Final = Kind("time", lambda rules: timestamp(rules.timestamp_unit, rules.now))
_DAY: Final = Kind("date", lambda rules: birthday(rules.now))
_AGE: Final = _kind("whole years", normalize.age)
_AMOUNT: Final = _kind("decimal number", normalize.amount)
_NUMBER: Final = _kind("number", normalize.quantity)
_CURRENCY: Final = _kind("ISO 4217 code", normalize.currency)
_IP: Final = _kind("IP address", normalize.ip)
_GUID: Final = _kind("GUID", normalize.guid)
_FLAG: Final = _kind("true or false", normalize.flag)
_SCALAR: Final = _kind("text, number, true or false", scalar)
_ATTRIBUTE: Final = _kind("text, number, true or false, or a list of these", attribute)

# Sections in the order of the guide's complete example, and the fields of each too: documents are written in it.
FIELDS: Final = (
    Field("ip", _IP, "The customer's IP address; for geolocation and fraud detection."),
    Field("device_info.http_header_user_agent", TEXT, "Browser or device user agent."),
    Field("device_info.ios_advertising_id", _GUID, "iOS advertising ID (IDFA).", Need.IDENTITY),
    Field("device_info.android_advertising_id", _GUID, "Android advertising ID (AAID).", Need.IDENTITY),
    Field("device_info.ios_idfv", _GUID, "iOS vendor ID (IDFV).", Need.IDENTITY),
    Field("device_info.android_uuid", _IDENTITY, "Android device ID.", Need.IDENTITY),
    Field("user_identities.email", _EMAIL, "E-mail address; sent trimmed and in lower case.", Need.IDENTITY),
    Field("user_identities.other", hash_of(_EMAIL), "SHA-256 of the e-mail address.", Need.IDENTITY),
    Field(
        "user_identities.customerid", _IDENTITY, "Your own customer ID; links a user's events over time.", Need.IDENTITY
    ),
    Field("user_identities.other2", _IDENTITY, "Rokt Click ID; links the event to the ad click.", Need.IDENTITY),
    Field("user_attributes.firstname", TEXT, "First name."),
    Field("user_attributes.firstnamesha256", hash_of(TEXT), "First name, hashed."),
    Field("user_attributes.lastname", TEXT, "Last name."),
    Field("user_attributes.lastnamesha256", hash_of(TEXT), "Last name, hashed."),
    Field("user_attributes.mobile", _PHONE, "Mobile number; sent without country code, like 5551234567."),
    Field("user_attributes.mobilesha256", hash_of(_PHONE), "Mobile number, hashed."),
    Field("user_attributes.age", _AGE, "Age."),
    Field("user_attributes.dob", _DAY, "Date of birth; sent as yyyymmdd."),
    Field("user_attributes.gender", TEXT, "Gender, e.g. M, Female."),
    Field("user_attributes.zip", TEXT, "Zip code."),
    Field("user_attributes.city", TEXT, "City."),
    Field("user_attributes.state", TEXT, "State."),
    Field("user_attributes.title", TEXT, "Title, e.g. Mr, Ms."),
    Field("user_attributes.language", TEXT, "Language."),
    Field("user_attributes.value", _NUMBER, "Customer value."),
    Field("user_attributes.predictedltv", _NUMBER, "Predicted lifetime value."),
    Field("user_attributes.billingzipcode", TEXT, "Zip code of the billing address."),
    Field("user_attributes.billingzipsha256", hash_of(TEXT), "Zip code of the billing address, hashed."),
    Field("user_attributes.<any>", _ATTRIBUTE, "Any further profile field, under your own name."),
    Field("consent_state.gdpr.<purpose>.consented", _FLAG, "Whether the user consented to the purpose."),
    Field("consent_state.gdpr.<purpose>.timestamp_unixtime_ms", _TIMESTAMP, "When; the event's time if not mapped."),
    Field("consent_state.gdpr.<purpose>.document", TEXT, "Version of the document the user agreed to."),
    Field("consent_state.gdpr.<purpose>.location", TEXT, "Where the user was asked, e.g. a page."),
    Field("consent_state.gdpr.<purpose>.hardware_id", TEXT, "The device the user was asked on."),
    Field("consent_state.ccpa.data_sale_opt_out.consented", _FLAG, "True: the user opted out of the sale of data."),
    Field("consent_state.ccpa.data_sale_opt_out.timestamp_unixtime_ms", _TIMESTAMP, "As above."),
    Field("consent_state.ccpa.data_sale_opt_out.document", TEXT, "As above."),
    Field("consent_state.ccpa.data_sale_opt_out.location", TEXT, "As above."),
    Field("consent_state.ccpa.data_sale_opt_out.hardware_id", TEXT, "As above."),
    Field(
        "events[].data.source_message_id",
        _EVENT_ID,
        "A stable ID of the event; Rokt deduplicates by it.",
        Need.REQUIRED,
    ),
    Field(
        "events[].data.timestamp_unixtime_ms", _TIMESTAMP, "When it happened; sent as Unix time in ms.", Need.REQUIRED
    ),
    Field(
        "events[].data.custom_attributes.conversiontype",
        TEXT,
        "A short label for the action, like purchase or signup; use the same for the same.",
        Need.REQUIRED,
    ),
    Field(
        "events[].data.custom_attributes.confirmationref",
        _EVENT_ID,
        "Order or confirmation number; Rokt deduplicates by it.",
        Need.RECOMMENDED,
    ),
    Field("events[].data.custom_attributes.amount", _AMOUNT, 'Transaction value; sent as text, like "99.99".'),
    Field("events[].data.custom_attributes.currency", _CURRENCY, "Currency of the amount, like USD."),
    Field("events[].data.custom_attributes.<any>", _SCALAR, "Any further detail of the event, under your own name."),
)


def markdown() -> str:
    """The fields as a Markdown table, for the documentation."""
    rows = [
        f"| `{field.path}` | {field.kind.label} | {field.need} | {field.cost} | {field.about} |" for field in FIELDS
    ]
    return "\n".join(["| Map to | Holds | Required | An invalid value costs | Notes |", "|---|---|---|---|---|", *rows])


# The paths of which a report tells how many accepted rows carry them, to their bit: what Rokt matches people by.
COVERED: Final = {
    field.path: 1 << place
    for place, field in enumerate(FIELDS)
    if field.need is Need.IDENTITY
    or field.path
    in (
        "ip",
        "device_info.http_header_user_agent",
        "user_attributes.mobile",
        "user_attributes.mobilesha256",
    )
}
