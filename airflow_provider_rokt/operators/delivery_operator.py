"""What the operators share: the rows of a query, options, one delivery, its report."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Unpack, cast

from airflow.providers.common.compat.sdk import BaseOperator, XComArg

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.warn_when import WarnWhen
from airflow_provider_rokt.operators.delivery_link import RoktDeliveryLink
from airflow_provider_rokt.task.approval import Asker, RoktDecisionNeeded
from airflow_provider_rokt.task.base_arguments import TaskArguments, is_templated, known
from airflow_provider_rokt.task.failures import RoktArgumentsError, terminal_errors

# What delivers (requests, validators, phone numbers) is imported where it runs: a DAG file that only names a
# task is parsed every few seconds.
if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_rokt.events.rules import Environment, OnInvalid, TimestampUnit
    from airflow_provider_rokt.hooks.rokt import RoktHook
    from airflow_provider_rokt.ledger.report import Report
    from airflow_provider_rokt.runs.options import DeliveryOptions
    from airflow_provider_rokt.sources import SqlSource

# What an asset's event tells beside the counts.
_TOLD = {"delivery_id", "sync", "degraded"}
_NAMES = ("audience", "sync")
_Options = TypeVar("_Options", bound="DeliveryOptions")
_Init = TypeVar("_Init", bound=Callable[..., None])


def noting_arguments(init: _Init) -> _Init:
    """An operator's ``__init__`` that notes which arguments were given, with whatever value."""

    @wraps(init)
    def noting(self: "DeliveryOperator", **given: Any) -> None:
        self.__dict__.setdefault("_given", frozenset(given))
        init(self, **given)

    return cast(_Init, noting)


class DeliveryOperator(BaseOperator):
    """One delivery of a query's rows; the parameters are those that both operators document."""

    template_fields: Sequence[str] = (
        "sql",
        "sql_conn_id",
        "parameters",
        "sql_hook_params",
        "mapping",
        "rokt_conn_id",
        "environment",
        "resend_from",
        "sync",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sql": "sql",
        "parameters": "json",
        "sql_hook_params": "json",
        "mapping": "json",
    }
    ui_color = "#e9d8fd"
    operator_extra_links = (RoktDeliveryLink(),)
    # Of the arguments, which were given; and those that were not None then.
    _given: frozenset[str]
    _narrowed: set[str]

    def __init__(
        self,
        *,
        sql: str,
        sql_conn_id: str,
        mapping: Mapping[str, Any] | None,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None,
        sql_hook_params: Mapping[str, Any] | None,
        rokt_conn_id: str,
        environment: "Environment",
        timestamp_unit: "TimestampUnit",
        phone_region: str,
        placeholders: Sequence[str] | None,
        on_invalid: "OnInvalid | None",
        max_dropped: float,
        max_rejected: int | float,
        min_rows: int,
        concurrency: int,
        fetch_size: int,
        resend_from: str | Mapping[str, Any] | XComArg | None,
        sync: str | None,
        on_guard: Literal["fail", "ask"],
        record_accepted: bool,
        warn_when: WarnWhen | None,
        **kwargs: Unpack[TaskArguments],
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
        self.placeholders = placeholders
        self.on_invalid = on_invalid
        self.max_dropped = max_dropped
        self.min_rows = min_rows
        self.max_rejected = max_rejected
        self.concurrency = concurrency
        self.fetch_size = fetch_size
        self.resend_from = resend_from
        self.sync = sync
        self.on_guard = on_guard
        self.record_accepted = record_accepted
        self.warn_when = warn_when

    def render_template(self, content: Any, context: Any, jinja_env: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Renders what holds a template; a text that holds none stays the text that was written.

        With ``render_template_as_native_obj`` Airflow would make a number of ``"2026"`` and a list of ``"[1, 2]"``.
        """
        env = jinja_env or self.get_template_env()
        if isinstance(content, str) and not content.endswith(tuple(self.template_ext)):
            # A DAG may have signs of its own (jinja_environment_kwargs).
            signs = env.variable_start_string, env.block_start_string, env.comment_start_string
            if not any(sign in content for sign in signs) and not env.line_statement_prefix:
                return content
        return super().render_template(content, context, env, *args, **kwargs)

    def execute(self, context: "Context") -> dict[str, Any]:
        """Delivers, then judges the report; a failed task has its report as XCom too.

        :raises RoktTaskFailed: when running it again is useless; the cause says why.
        :raises RoktError: one that a retry may mend.
        """
        return self._run(context, Asker())

    def execute_complete(
        self, context: "Context", event: Mapping[str, Any], plan: str = "", asked: int = 0
    ) -> dict[str, Any]:
        """Goes on once a person has answered: reads the query again, and sends what was shown, or nothing.

        :param event: the answer, as Airflow hands it over.
        :param plan: the digest of what was shown; empty where Airflow lost it.
        :param asked: how often was asked.
        :raises RoktTaskFailed: where nobody let the run pass.
        """
        return self._run(context, Asker.answered(event, plan, asked))

    def _run(self, context: "Context", asker: Asker) -> dict[str, Any]:
        with terminal_errors():
            try:
                report = self._deliver(asker).judged(self.max_rejected, self.max_dropped).summary()
            except RoktDecisionNeeded as undecided:
                # Asked where the query is closed and a mirror's lease given back.
                question = undecided.question
            except BaseException as error:
                # Airflow itself tells callbacks of it from 3.3 on, and in 2.
                cast(Any, context).setdefault("exception", error)
                # Airflow's own timeout, too, leaves every row accounted for.
                if ended := getattr(error, "report", None):
                    self._hand_over(ended, context)
                    if self.do_xcom_push:
                        self._push(ended, context)
                raise
            else:
                self._hand_over(report, context)
                return report
        raise asker.ask(question, context["ti"].id)

    def leave_out(self, *names: str) -> None:
        """Goes on without arguments that were given, as what sends nothing may."""
        for name in names:
            setattr(self, name, None)
        self._narrowed -= set(names)

    @abstractmethod
    def delivery_options(self) -> "DeliveryOptions":
        """What the delivery is told, as far as the arguments are rendered.

        :raises RoktSettingsError: listing every argument out of range.
        """

    @abstractmethod
    def _deliver(self, asker: Asker) -> "Report":
        """Delivers the query's rows.

        :param asker: asked where a guard objects.
        """

    def _hand_over(self, report: Mapping[str, Any], context: "Context") -> None:
        """Leaves the report where the task's callbacks and notifiers find it, and its counts in its assets' events."""
        cast(Any, context)["rokt_report"] = report
        events: Any = context.get("outlet_events")
        counts = {name: value for name, value in report.items() if name in _TOLD or type(value) is int}
        for outlet in self.outlets or () if events is not None else ():
            # An outlet may be of a kind that has no events.
            with suppress(KeyError, TypeError, AttributeError):
                events[outlet].extra.update(counts)

    def _push(self, report: Mapping[str, Any], context: "Context") -> None:
        """Leaves a failed task's report where Airflow puts a good one's."""
        if ti := context.get("ti"):
            apart = report if self.multiple_outputs else {}
            try:
                for key, value in {**apart, "return_value": report}.items():
                    ti.xcom_push(key=key, value=value)
            except Exception as failure:
                # Airflow may know already that the task is over; why it failed must not be hidden by that.
                self.log.warning("The report could not be kept as XCom: %s", type(failure).__name__)

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

        # What another task returns is there by now.
        parameters: Any = self.parameters
        return SqlSource(self.sql_conn_id, self.sql, parameters, self.sql_hook_params, self.fetch_size)

    def _query(self) -> list[object]:
        """What makes the rows, as rendered."""
        return [self.sql_conn_id, self.sql, self.parameters, self.sql_hook_params]

    def _arguments(self, kind: "type[DeliveryOptions]") -> dict[str, Any]:
        arguments = {field.name: getattr(self, field.name) for field in fields(kind)}
        # Rendered as a native object, a name may have become a number.
        numbers = {name: arguments[name] for name in _NAMES if type(arguments.get(name)) is int}
        return arguments | {name: str(number) for name, number in numbers.items()}

    def _options(self, kind: "type[_Options]") -> "_Options":
        """The options as rendered; made before the source reads its own share of them.

        :raises RoktSettingsError: naming every argument that is wrong.
        """
        from airflow_provider_rokt.runs.options import NARROWING

        for name, problem in NARROWING.items():
            if name in self._narrowed and getattr(self, name) is None:
                raise RoktSettingsError(f"argument {name!r}", [problem])
        return kind(**self._arguments(kind))

    def _refuse_what_is_wrong(self, kind: "type[DeliveryOptions]") -> None:
        """Says in the DAG file what need not wait for a run.

        :raises RoktSettingsError: naming everything that is known to be wrong.
        """
        from airflow_provider_rokt.events.destinations import misplaced

        arguments = self._arguments(kind)
        # Of a mapped task, another task's result has taken the argument's place already, and may be None.
        mapped = getattr(self, "_BaseOperator__from_mapped", False)
        self._narrowed = {name for name in self._given if mapped or arguments.get(name) is not None}
        given = known(arguments)
        mapping = arguments["mapping"]
        if isinstance(mapping, Mapping):
            # A destination's path is never a template. A source that is one stands for any column.
            given["mapping"] = {path: "a column" if is_templated(one) else one for path, one in mapping.items()}
        if problems := kind.early_problems(given):
            raise RoktArgumentsError(f"the task {self.task_id!r}", problems)
        for text in misplaced(given.get("mapping") or ()):
            # Airflow keeps the warnings of a DAG file.
            warnings.warn(f"the task {self.task_id!r}: {text}", UserWarning, stacklevel=2)
