"""Tasks that send a query's rows to Rokt."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.limits import MEMBERS_PER_REQUEST
from airflow_provider_rokt.task.failures import terminal_errors

# What delivers (requests, validators, phone numbers) is imported where it runs: a DAG file that only names a
# task is parsed every few seconds.
if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_rokt.hooks.rokt import RoktHook
    from airflow_provider_rokt.ledger.report import Report
    from airflow_provider_rokt.runs.options import DeliveryOptions
    from airflow_provider_rokt.sources import SqlSource

_Options = TypeVar("_Options", bound="DeliveryOptions")


class _RoktDeliveryOperator(BaseOperator):
    """What the operators share: the rows of a query, options, one delivery, its report."""

    template_fields: Sequence[str] = (
        "sql",
        "sql_conn_id",
        "parameters",
        "sql_hook_params",
        "mapping",
        "rokt_conn_id",
        "environment",
        "resend_from",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sql": "sql",
        "parameters": "json",
        "sql_hook_params": "json",
        "mapping": "json",
    }
    ui_color = "#e9d8fd"

    def __init__(
        self,
        *,
        sql: str,
        sql_conn_id: str,
        mapping: Mapping[str, Any] | None = None,
        parameters: Any = None,
        sql_hook_params: dict[str, Any] | None = None,
        rokt_conn_id: str = DEFAULT_CONN_ID,
        environment: str = "production",
        timestamp_unit: str = "auto",
        phone_region: str = "US",
        max_rejected: int | float = 0,
        concurrency: int = 4,
        fetch_size: int = 5000,
        resend_from: str | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.mapping = mapping
        self.parameters = parameters
        self.sql_hook_params = sql_hook_params
        self.rokt_conn_id = rokt_conn_id
        self.environment = environment
        self.timestamp_unit = timestamp_unit
        self.phone_region = phone_region
        self.max_rejected = max_rejected
        self.concurrency = concurrency
        self.fetch_size = fetch_size
        self.resend_from = resend_from

    def execute(self, context: "Context") -> dict[str, Any]:
        """Delivers, then judges the report; a failed task has its report as XCom too."""
        with terminal_errors():
            try:
                report = self._deliver()
                report.check(self.max_rejected)
            except RoktError as error:
                if error.report and (ti := context.get("ti")):
                    ti.xcom_push(key="return_value", value=error.report)
                raise
            return report.summary()

    @abstractmethod
    def _deliver(self) -> "Report":
        """Delivers the query's rows."""

    @cached_property
    def hook(self) -> "RoktHook":
        """The hook of ``rokt_conn_id``."""
        from airflow_provider_rokt.hooks.rokt import RoktHook

        return RoktHook(self.rokt_conn_id)

    def on_kill(self) -> None:
        """Stops in order: requests on their way get their verdict, nothing more is sent."""
        self.hook.stop()

    def _source(self) -> "SqlSource":
        from airflow_provider_rokt.sources import SqlSource

        return SqlSource(self.sql_conn_id, self.sql, self.parameters, self.sql_hook_params, self.fetch_size)

    def _options(self, kind: "type[_Options]") -> "_Options":
        options = kind(**{field.name: getattr(self, field.name) for field in fields(kind)})
        # Before the source checks its own share of them and hides the rest.
        options.check()
        return options


class RoktConversionOperator(_RoktDeliveryOperator):
    """Sends a query's rows as conversion events and returns what became of each row.

    Every row ends as *accepted*, *rejected* (invalid, sending it again is useless), *failed* (should have gone, did
    not; the task fails and its retry sends it) or *skipped*. Rows are read, sent and recorded a window at a time.

    :param sql: one query, or a ``.sql`` file; an ``ORDER BY`` keeps retries comparable. (templated)
    :param sql_conn_id: any SQL connection. (templated)
    :param mapping: destination path, as the guide's "Map to" column writes it, to source: a column's name,
        ``{"column": name, "default": value}`` or ``{"literal": value}``. ``None`` maps columns to the fields whose
        last path segment they are named after. (templated)
    :param parameters: of the query, in the driver's own style. (templated)
    :param sql_hook_params: arguments of the SQL connection's hook. (templated)
    :param rokt_conn_id: a connection of type ``rokt``. (templated)
    :param environment: ``production``, also for tests, as Rokt's guide says; or ``development``. (templated)
    :param timestamp_unit: of plain numbers: ``s``, ``ms``, ``us``, ``ns``; ``auto`` tells by their size.
    :param phone_region: two-letter country of phone numbers without ``+`` and country code.
    :param group_by_user: send a user's successive events of one read window as one batch; Rokt's limit counts
        batches.
    :param historical: send events older than 72 hours to ``/historical``. Rokt does not forward those to event
        outputs, so they may never be attributed; fresher events take the usual way.
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected; above it the task
        fails without retry, after everything deliverable was delivered.
    :param concurrency: connections to Rokt, 1 to 32.
    :param fetch_size: rows read at a time.
    :param resend_from: a ``delivery_id``, or an operator's result: only rows that were rejected or failed there are
        sent. (templated)
    :returns: ``delivery_id, rows_read, rows_accepted, rows_rejected, rows_failed, rows_skipped, batches, requests,
        status_codes, ledger, rejections``.
    """

    def __init__(self, *, group_by_user: bool = True, historical: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_by_user = group_by_user
        self.historical = historical

    def _deliver(self) -> "Report":
        from airflow_provider_rokt.runs.options import ConversionOptions

        options = self._options(ConversionOptions)
        return self.hook.deliver_conversions(self._source(), options)


class RoktAudienceOperator(_RoktDeliveryOperator):
    """Keeps an audience at Rokt by a query's rows: adds them, removes them, or makes the audience equal to them.

    All rows are read before anything is sent, so that a guard can stop the run. Memory stays constant: members are
    sorted on the worker's disk, in files without a name.

    :param sql: one query, or a ``.sql`` file. (templated)
    :param sql_conn_id: any SQL connection. (templated)
    :param audience: the audience's name, 1 to 100 characters. (templated)
    :param mode: ``include`` adds the rows, ``exclude`` removes them, ``mirror`` adds and removes what changed since
        the last run that succeeded; the first run adds everyone.
    :param via: ``import`` uses the Custom Audience Import (e-mail addresses or their SHA-256), ``events`` sends
        ``audiencemembershipupdate`` events (any identity). To move, change this argument alone: each road has a
        memory of its own, so a mirror's first run on the new road adds everyone there.
    :param mapping: as for :class:`RoktConversionOperator`. ``events[].data.custom_attributes.status`` may name a
        column that says per row whether its person is in (``add``, ``true``, ...) or out, and with ``via="events"``
        ``events[].data.custom_attributes.audience_name`` one that names the audience. (templated)
    :param hash_emails: send addresses as their SHA-256; ready hashes are recognised either way. A mirror over
        ``events`` that sends addresses sends the SHA-256 beside them, as it removes by that.
    :param max_removed: the largest fraction of a mirrored audience that one run may remove.
    :param allow_empty: take a query without rows at its word: a mirror then removes everyone.
    :param members_per_request: of an import, at most 1,000,000.
    :param flag: with ``via="events"``, the user attribute set to true or false, with ``{audience}`` in it; empty for
        none. Rokt has not published which name it expects of whom; the default is what Segment sends.
    :returns: the report of :class:`RoktConversionOperator` and ``members_added, members_removed,
        members_unchanged``, what the run decided, in persons.

    The other parameters are those of :class:`RoktConversionOperator`.
    """

    template_fields: Sequence[str] = (*_RoktDeliveryOperator.template_fields, "audience")

    def __init__(
        self,
        *,
        audience: str,
        mode: str = "include",
        via: str = "import",
        hash_emails: bool = True,
        max_removed: float = 0.3,
        allow_empty: bool = False,
        members_per_request: int = MEMBERS_PER_REQUEST,
        flag: str = "segment_{audience}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.audience = audience
        self.mode = mode
        self.via = via
        self.hash_emails = hash_emails
        self.max_removed = max_removed
        self.allow_empty = allow_empty
        self.members_per_request = members_per_request
        self.flag = flag

    def _deliver(self) -> "Report":
        from airflow_provider_rokt.runs.options import AudienceOptions

        options = self._options(AudienceOptions)
        return self.hook.deliver_audience(self._source(), options, keeps_one=True)
