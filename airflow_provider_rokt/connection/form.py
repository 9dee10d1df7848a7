"""The connection ``rokt`` as people fill it in: one table for the UI's metadata, the old hook methods and the reader.

Airflow 3.2 and later draw the form from provider metadata alone and never import the hook; 2.11 to 3.1 ask the
hook's class methods. Both are derived from ``EXTRAS``, so they cannot disagree.
"""

from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_rokt.api.addresses import PODS
from airflow_provider_rokt.limits import BATCHES_PER_SECOND

CONN_TYPE: Final = "rokt"
HOOK_NAME: Final = "Rokt"
DEFAULT_CONN_ID: Final = "rokt_default"
TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class ExtraField:
    """One extra of the connection.

    :param name: its key in the connection's extra JSON.
    :param kind: JSON type: ``string``, ``number``, ``boolean``, or ``object``, which may come as text.
    :param secret: masked in the form and in logs. Airflow hides stored extras by their name, hence ``…api_key``.
    """

    name: str
    label: str
    description: str
    kind: str = "string"
    secret: bool = False
    choices: tuple[str, ...] = ()
    default: str | float | bool | None = None

    def json_schema(self) -> dict[str, Any]:
        """The field's JSON schema, as ``conn-fields`` wants it; null is allowed since the UI saves it for "unset"."""
        # The form has no field for an object but one that takes text.
        schema: dict[str, Any] = {"type": ["string" if self.kind == "object" else self.kind, "null"]}
        if self.secret:
            schema["format"] = "password"
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.default is not None:
            schema["default"] = self.default
        return schema


EXTRAS: Final = (
    ExtraField(
        "pod",
        "Pod",
        "The mParticle data centre of your account; ask your Rokt account manager.",
        choices=PODS,
        default="us1",
    ),
    ExtraField(
        "events_url",
        "Events API address",
        "Overrides the pod: https address without /v2, e.g. https://s2s.us2.mparticle.com",
    ),
    ExtraField(
        "audience_url",
        "Audience import address",
        "https address without /v3; https://data.rokt.com when empty.",
    ),
    ExtraField(
        "audience_api_key",
        "Audience API key",
        "For custom audiences: the single API key of Rokt's guide. Leave empty to use an rpub-/rsec- pair as login "
        "and password, with the account id.",
        secret=True,
    ),
    ExtraField("account_id", "Rokt account id", "Needed for audiences with an rpub-/rsec- pair."),
    ExtraField(
        "audience_success",
        "Audience import's success",
        'JSON members that your account\'s import answers where it succeeds, e.g. {"success": true}, if it answers '
        "more than an empty body; ask your Rokt account manager.",
        kind="object",
    ),
    ExtraField(
        "batches_per_second",
        "Batches per second",
        "Your account's whole limit; tasks share it by themselves. Rokt's default is 270.",
        kind="number",
        default=BATCHES_PER_SECOND,
    ),
    ExtraField(
        "timeout_seconds",
        "Timeout in seconds",
        "How long one request may take before it is tried again.",
        kind="number",
        default=TIMEOUT_SECONDS,
    ),
    ExtraField(
        "allow_any_host",
        "Allow any host",
        "Only for a local sandbox or a gateway of your own: otherwise only mparticle.com and rokt.com are accepted.",
        kind="boolean",
        default=False,
    ),
)

# Airflow 3.3.2 posts port 0 for an empty port when a saved connection is tested from the UI, compares it with
# NULL and refuses the test; a filled-in port avoids that, so the field stays and says so.
_PORT_LABEL: Final = "Port (unused; 443 makes the Test button work)"

_FIELD_BEHAVIOUR: Final = {
    "hidden-fields": ["schema", "host"],
    "relabeling": {"login": "API key", "password": "API secret", "port": _PORT_LABEL},
    "placeholders": {"login": "from your Rokt account manager", "port": "443"},
}


def connection_type() -> dict[str, Any]:
    """The ``connection-types`` entry of the provider metadata."""
    return {
        "connection-type": CONN_TYPE,
        "hook-class-name": "airflow_provider_rokt.hooks.rokt.RoktHook",
        "hook-name": HOOK_NAME,
        "ui-field-behaviour": _FIELD_BEHAVIOUR,
        "conn-fields": {
            field.name: {
                "label": field.label,
                "description": field.description,
                "schema": field.json_schema(),
            }
            for field in EXTRAS
        },
    }


def ui_field_behaviour() -> dict[str, Any]:
    """The same behaviour as ``get_ui_field_behaviour`` of Airflow before 3.2 spells it."""
    return {key.replace("-", "_"): value for key, value in _FIELD_BEHAVIOUR.items()}


def form_widgets() -> dict[str, Any]:
    """The extras as WTForms fields for the connection form of Airflow before 3.2."""
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from wtforms import BooleanField, PasswordField, StringField

    def widget(field: ExtraField) -> Any:
        if field.kind == "boolean":
            return BooleanField(field.label, default=bool(field.default), description=field.description)
        if field.secret:
            return PasswordField(field.label, widget=BS3PasswordFieldWidget(), description=field.description)
        default = None if field.default is None else str(field.default)
        return StringField(field.label, widget=BS3TextFieldWidget(), default=default, description=field.description)

    return {field.name: widget(field) for field in EXTRAS}
