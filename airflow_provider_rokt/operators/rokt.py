"""Tasks that send a query's rows to Rokt."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_rokt.flow.warn_when import WarnWhen
from airflow_provider_rokt.operators.delivery_operator import DeliveryOperator, noting_arguments
from airflow_provider_rokt.task.base_arguments import TaskArguments

if TYPE_CHECKING:
    from airflow_provider_rokt.ledger.report import Report
    from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions
    from airflow_provider_rokt.task.approval import Asker


class RoktConversionOperator(DeliveryOperator):
    """Sends a query's rows as conversion events and returns what became of each row.

    Every row ends as *accepted*, *rejected* (invalid, sending it again is useless), *failed* (should have gone, did
    not; the task fails and its retry sends it) or *skipped*. Rows are read, sent and recorded a window at a time.

    :param sql: one query, or a ``.sql`` file; an ``ORDER BY`` keeps retries comparable. (templated)
    :param sql_conn_id: any SQL connection. (templated)
    :param mapping: destination path, as the guide's "Map to" column writes it, to source: a column's name,
        ``{"column": name, "default": value}`` or ``{"literal": value}``. ``None`` maps columns to the fields whose
        last path segment they are named after. ``source_message_id`` has to be unique over all kinds of conversion, or
        Rokt takes the second event for a repeat of the first. (templated)
    :param parameters: of the query, in the driver's own style. (templated)
    :param sql_hook_params: arguments of the SQL connection's hook. (templated)
    :param rokt_conn_id: a connection of type ``rokt``. (templated)
    :param environment: ``production``, also for tests, as Rokt's guide says; or ``development``. (templated)
    :param timestamp_unit: of plain numbers: ``s``, ``ms``, ``us``, ``ns``; ``auto`` tells by their size.
    :param phone_region: two-letter country of phone numbers without ``+`` and country code.
    :param placeholders: values that stand where an identity is missing, like ``unknown``; such a value is invalid,
        since strangers who share it would become one person. None takes the list that other platforms refuse.
    :param on_invalid: what a value costs that cannot be sent, in an optional field: ``drop`` the field, ``reject`` the
        row; None as README's table of fields says. A mapping's source can say it for one field:
        ``{"column": name, "on_invalid": "reject"}``.
    :param max_dropped: the share of a field's values that may be invalid. It is judged for each field with at least 100
        values: on the first read window (on all rows where they are read first), before anything is sent, and on all
        rows at the end.
    :param min_rows: fewer rows than this fail the task: before anything is sent where ``min_rows`` is at most
        ``fetch_size``, or all rows are read first (``group_by_user="result"``, ``on_guard="ask"``), else once the
        query has ended.
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected; above it the task
        fails without retry, after everything deliverable was delivered.
    :param concurrency: connections to Rokt, 1 to 32.
    :param fetch_size: rows read at a time.
    :param resend_from: a ``delivery_id``, or an operator's result: only rows that were rejected or failed there are
        sent. (templated)
    :param sync: the name of the sync that this task keeps going; tasks of one name and connection share its memory.
        None is ``<dag_id>.<task_id>``. (templated)
    :param on_guard: what follows when ``max_dropped`` or ``min_rows`` stops the run before anything is sent: ``fail``,
        or ``ask`` a person (Airflow 3.1 or newer), who has 24 hours: the task then sends what was shown, or fails. With
        ``ask`` all rows are read before the first is sent, as with ``group_by_user="result"``.
    :param record_accepted: the ledger names the rows that Rokt took, too, some 30 bytes for each; otherwise it only
        counts them. :class:`~airflow_provider_rokt.transfers.rokt_to_sql.RoktDeliveryToSqlOperator` then writes them.
    :param warn_when: rules against the sync's own last runs, e.g. ``{"rows_below": 0.5, "rejected_above": 0.01}``; the
        task succeeds, and what is not as usual is told in the log, the report (``degraded``) and the asset event. See
        :class:`~airflow_provider_rokt.flow.warn_when.WarnWhen`.
    :param group_by_user: send a user's successive events of one read window as one batch; Rokt's limit counts
        batches. With ``result``, those of the whole result, whatever its order: the query is read to its end and closed
        before anything is sent, and the events lie sorted on the worker's disk meanwhile, about 1 GB a million.
    :param historical: send events older than 72 hours to ``/historical``. Rokt does not forward those to event
        outputs, so they may never be attributed; fresher events take the usual way.
    :param send: ``all`` that the query returns, in every run; or what is ``new``: rows whose ``source_message_id`` Rokt
        has not accepted yet in this sync. So the query may overlap with the one before ("the last 3 days, every hour"),
        and rows that came late, were rejected or failed are sent by the next run. Parts of a mapped task do not see
        what the others send meanwhile: no row may be in the queries of two.
    :param remember_days: for how many days the sync remembers which rows Rokt accepted.
    :returns: ``delivery_id, sync, rows_read, rows_accepted, rows_rejected, rows_failed, rows_skipped,
        rows_unconfirmed``, ``rows_resumed`` (of the accepted: by an earlier try of the task),
        ``skipped`` (rows by reason), ``dropped`` (values left out, by path), ``coverage`` (the share of accepted rows
        that carry each identity and what else Rokt matches people by), ``batches, requests, status_codes, ledger``
        and ``rejections``.
    :raises RoktSettingsError: in the DAG file, naming every argument that is known to be wrong: out of range, or a
        destination path that does not exist.
    """

    @noting_arguments
    def __init__(
        self,
        *,
        sql: str,
        sql_conn_id: str,
        mapping: Mapping[str, Any] | None = None,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None = None,
        sql_hook_params: Mapping[str, Any] | None = None,
        rokt_conn_id: str = "rokt_default",
        environment: Literal["production", "development"] = "production",
        timestamp_unit: Literal["auto", "s", "ms", "us", "ns"] = "auto",
        phone_region: str = "US",
        placeholders: Sequence[str] | None = None,
        on_invalid: Literal["drop", "reject"] | None = None,
        max_dropped: float = 0.2,
        max_rejected: int | float = 0,
        min_rows: int = 0,
        concurrency: int = 4,
        fetch_size: int = 5000,
        resend_from: str | Mapping[str, Any] | XComArg | None = None,
        sync: str | None = None,
        on_guard: Literal["fail", "ask"] = "fail",
        record_accepted: bool = False,
        warn_when: WarnWhen | None = None,
        group_by_user: bool | Literal["result"] = True,
        historical: bool = False,
        send: Literal["all", "new"] = "all",
        remember_days: int = 90,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(
            sql=sql,
            sql_conn_id=sql_conn_id,
            mapping=mapping,
            parameters=parameters,
            sql_hook_params=sql_hook_params,
            rokt_conn_id=rokt_conn_id,
            environment=environment,
            timestamp_unit=timestamp_unit,
            phone_region=phone_region,
            placeholders=placeholders,
            on_invalid=on_invalid,
            max_dropped=max_dropped,
            max_rejected=max_rejected,
            min_rows=min_rows,
            concurrency=concurrency,
            fetch_size=fetch_size,
            resend_from=resend_from,
            sync=sync,
            on_guard=on_guard,
            record_accepted=record_accepted,
            warn_when=warn_when,
            **kwargs,
        )
        from airflow_provider_rokt.runs.options import ConversionOptions

        self.group_by_user = group_by_user
        self.historical = historical
        self.send = send
        self.remember_days = remember_days
        self._refuse_what_is_wrong(ConversionOptions)

    def delivery_options(self) -> "ConversionOptions":
        """What the delivery is told, as far as the arguments are rendered."""
        from airflow_provider_rokt.runs.options import ConversionOptions

        return self._options(ConversionOptions)

    def _deliver(self, asker: "Asker") -> "Report":
        options = self.delivery_options()
        return self.hook.deliver_conversions(self._source(), options, decide=asker, query=self._query())


class RoktAudienceOperator(DeliveryOperator):
    """Keeps an audience at Rokt by a query's rows: adds them, removes them, or makes the audience equal to them.

    All rows are read before anything is sent, so that a guard can stop the run. Memory stays constant: members are
    sorted on the worker's disk, in files without a name.

    :param sql: one query, or a ``.sql`` file. (templated)
    :param sql_conn_id: any SQL connection. (templated)
    :param audience: the audience's name, 1 to 100 characters. (templated)
    :param mode: ``include`` adds the rows, ``exclude`` removes them, ``mirror`` adds and removes what changed since
        the last run that succeeded; the first run adds everyone.
    :param via: ``import`` uses the Custom Audience Import (e-mail addresses or their SHA-256), ``events`` sends
        ``audiencemembershipupdate`` events (any identity; a row that excludes must give the identities that the row
        which included gave). To move, change this argument alone: each road has a
        memory of its own, so a mirror's first run on the new road adds everyone there.
    :param mapping: as for :class:`RoktConversionOperator`. ``events[].data.custom_attributes.status`` may name a
        column that says per row whether its person is in (``add``, ``true``, ...) or out, and with ``via="events"``
        ``events[].data.custom_attributes.audience_name`` one that names the audience. (templated)
    :param parameters: of the query, in the driver's own style. (templated)
    :param sql_hook_params: arguments of the SQL connection's hook. (templated)
    :param rokt_conn_id: a connection of type ``rokt``. (templated)
    :param environment: with ``via="events"``: ``production``, also for tests, or ``development``. (templated)
    :param timestamp_unit: of plain numbers: ``s``, ``ms``, ``us``, ``ns``; ``auto`` tells by their size.
    :param phone_region: two-letter country of phone numbers without ``+`` and country code.
    :param placeholders: values that stand where an identity is missing, like ``unknown``; such a value is invalid,
        since strangers who share it would become one person. None takes the list that other platforms refuse.
    :param on_invalid: what a value costs that cannot be sent, in an optional field: ``drop`` the field, ``reject`` the
        row; None as README's table of fields says. A mapping's source can say it for one field:
        ``{"column": name, "on_invalid": "reject"}``.
    :param max_dropped: the share of a field's values that may be invalid. It is judged for each field with at least 100
        values, before anything is sent.
    :param min_rows: fewer rows than this fail the task before anything is sent.
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected. More unusable rows than
        that stop a mirror before anything is sent; otherwise the task fails, without retry, once all is delivered.
    :param concurrency: connections to Rokt, 1 to 32.
    :param fetch_size: rows read at a time.
    :param resend_from: a ``delivery_id``, or an operator's result: only members that were rejected or failed there are
        sent; not for a mirror, whose next run repairs what is missing. (templated)
    :param sync: the name of the sync that this task keeps going. None is ``<dag_id>.<task_id>``. A mirrored list
        belongs to one sync: where the task was renamed, give the old name. (templated)
    :param on_guard: what follows when a guard stops the run before anything is sent (``max_removed``, an empty result,
        unusable rows of a mirror, ``max_dropped``, ``min_rows``): ``fail``, or ``ask`` a person (Airflow 3.1 or newer),
        who has 24 hours: the task then does what was shown, or fails.
    :param record_accepted: the ledger names the members that Rokt took, too, some 40 bytes for each.
    :param warn_when: as for :class:`RoktConversionOperator`.
    :param hash_emails: send addresses as their SHA-256; ready hashes are recognised either way. With False a
        member goes under the name that the row gives, an address or a hash: exclude under the one that was included, as
        nothing says that Rokt joins them. So a mirror, which remembers hashes alone, takes no False.
    :param max_removed: the largest fraction of a mirrored audience that one run may remove.
    :param allow_empty: take a query without rows at its word: a mirror then removes everyone.
    :param members_per_request: of an import, at most 1,000,000.
    :param flag: with ``via="events"``, the user attribute set to true or false, with ``{audience}`` in it; empty for
        none. Rokt has not published which name it expects of whom; the default is what Segment sends.
    :returns: the report of :class:`RoktConversionOperator` and ``members_added, members_removed,
        members_unchanged``, what the run decided, in persons.
    :raises RoktSettingsError: in the DAG file, naming every argument that is known to be wrong.
    """

    template_fields: Sequence[str] = (*DeliveryOperator.template_fields, "audience")

    @noting_arguments
    def __init__(
        self,
        *,
        sql: str,
        sql_conn_id: str,
        audience: str | int,
        mode: Literal["include", "exclude", "mirror"] = "include",
        via: Literal["import", "events"] = "import",
        mapping: Mapping[str, Any] | None = None,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None = None,
        sql_hook_params: Mapping[str, Any] | None = None,
        rokt_conn_id: str = "rokt_default",
        environment: Literal["production", "development"] = "production",
        timestamp_unit: Literal["auto", "s", "ms", "us", "ns"] = "auto",
        phone_region: str = "US",
        placeholders: Sequence[str] | None = None,
        on_invalid: Literal["drop", "reject"] | None = None,
        max_dropped: float = 0.2,
        max_rejected: int | float = 0,
        min_rows: int = 0,
        concurrency: int = 4,
        fetch_size: int = 5000,
        resend_from: str | Mapping[str, Any] | XComArg | None = None,
        sync: str | None = None,
        on_guard: Literal["fail", "ask"] = "fail",
        record_accepted: bool = False,
        warn_when: WarnWhen | None = None,
        hash_emails: bool = True,
        max_removed: float = 0.3,
        allow_empty: bool = False,
        members_per_request: int = 100_000,
        flag: str = "segment_{audience}",
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(
            sql=sql,
            sql_conn_id=sql_conn_id,
            mapping=mapping,
            parameters=parameters,
            sql_hook_params=sql_hook_params,
            rokt_conn_id=rokt_conn_id,
            environment=environment,
            timestamp_unit=timestamp_unit,
            phone_region=phone_region,
            placeholders=placeholders,
            on_invalid=on_invalid,
            max_dropped=max_dropped,
            max_rejected=max_rejected,
            min_rows=min_rows,
            concurrency=concurrency,
            fetch_size=fetch_size,
            resend_from=resend_from,
            sync=sync,
            on_guard=on_guard,
            record_accepted=record_accepted,
            warn_when=warn_when,
            **kwargs,
        )
        from airflow_provider_rokt.runs.options import AudienceOptions

        self.audience = audience
        self.mode = mode
        self.via = via
        self.hash_emails = hash_emails
        self.max_removed = max_removed
        self.allow_empty = allow_empty
        self.members_per_request = members_per_request
        self.flag = flag
        self._refuse_what_is_wrong(AudienceOptions)

    def delivery_options(self) -> "AudienceOptions":
        """What the delivery is told, as far as the arguments are rendered."""
        from airflow_provider_rokt.runs.options import AudienceOptions

        return self._options(AudienceOptions)

    def _deliver(self, asker: "Asker") -> "Report":
        options = self.delivery_options()
        return self.hook.deliver_audience(self._source(), options, keeps_one=True, decide=asker, query=self._query())
