"""The page's addresses, and what each answer carries besides its content."""

import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from fastapi.routing import APIRoute

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.plugin.delivery_page import DeliveryPages
from airflow_provider_rokt.plugin.failed_tasks import FailedTasksDep
from airflow_provider_rokt.plugin.rejected_rows import rejected_csv
from airflow_provider_rokt.plugin.rendering import rendered
from airflow_provider_rokt.plugin.sync_pages import Filter, SyncPages
from airflow_provider_rokt.plugin.task_instances import TaskInstancesDep, TaskName
from airflow_provider_rokt.plugin.visitor import LoggedIn, ReadsTasks, VisitorDep
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import KnownDelivery, dag_of
from airflow_provider_rokt.task.configuration import open_ledger

log = logging.getLogger(__name__)

# Nothing is loaded from elsewhere, nothing inline is run, and only Airflow's own pages may show this one.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TYPES: Final = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
_NOT_FOUND: Final = "There is no such page, or it is not yours to read."
_READING: Final = ("GET", "HEAD")
_ONLY_READ: Final = "This page can be read, and nothing else."

# Airflow keeps a place in a map in 32 bits.
_LAST_INDEX: Final = 2**31 - 1
_INDEX_DIGITS: Final = len(str(_LAST_INDEX))

# One beyond the last is taken for the last.
PageNumber = Annotated[int, Query(ge=1)]


def page_app() -> FastAPI:
    """The app, for Airflow to mount. Every address wants a login, whatever the method, also those that do not exist."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[LoggedIn])
    known = KnownDeliveries(open_ledger())
    _add_lists(app, SyncPages(known))
    _add_deliveries(app, DeliveryPages(known))
    _add_static(app)
    _add_nothing(app)
    _add_words(app)
    return app


def _add_lists(app: FastAPI, pages: SyncPages) -> None:
    @app.get("/", response_class=HTMLResponse)
    def syncs(
        request: Request,
        visitor: VisitorDep,
        tasks: TaskInstancesDep,
        failed: FailedTasksDep,
        chosen: Annotated[Filter, Depends()],
        page: PageNumber = 1,
    ) -> Response:
        return rendered(request, "syncs.html", pages.all(visitor, tasks, failed, chosen, page))

    @app.get("/syncs/{key}", response_class=HTMLResponse)
    def sync(request: Request, visitor: VisitorDep, tasks: TaskInstancesDep, key: str) -> Response:
        return rendered(request, "sync.html", _found(pages.one(visitor, tasks, key)))


def _add_deliveries(app: FastAPI, pages: DeliveryPages) -> None:
    def readable(delivery_id: str, visitor: VisitorDep) -> KnownDelivery:
        delivery = pages.known.find(delivery_id)
        # Who may not read it learns no more than who guesses.
        if delivery is None or not visitor.may_read(dag_of(delivery.sender)):
            raise HTTPException(404, _NOT_FOUND)
        return delivery

    Readable = Annotated[KnownDelivery, Depends(readable)]

    @app.get("/deliveries/{delivery_id}", response_class=HTMLResponse)
    def delivery(
        request: Request, tasks: TaskInstancesDep, found: Readable, page: PageNumber = 1, outcome: str = ""
    ) -> Response:
        return rendered(request, "delivery.html", pages.one(found, tasks, page, outcome))

    @app.get("/deliveries/{delivery_id}/rejected.csv")
    def rejected(found: Readable) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="rejected-{found.delivery_id}.csv"'}
        return StreamingResponse(rejected_csv(found.reader), headers=headers, media_type="text/csv")

    instance = "/task/{dag_id}/{run_id:path}/{task_id}/{map_index}"

    @app.get(instance, response_class=HTMLResponse, dependencies=[ReadsTasks])
    def task(
        request: Request,
        tasks: TaskInstancesDep,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: str,
        page: PageNumber = 1,
        outcome: str = "",
    ) -> Response:
        name = TaskName(dag_id, run_id, task_id, _map_index(map_index))
        template, found = pages.of_task(name, tasks, page, outcome)
        return rendered(request, template, found)

    @app.get("/run/{dag_id}/{run_id:path}", response_class=HTMLResponse, dependencies=[ReadsTasks])
    def run(request: Request, tasks: TaskInstancesDep, dag_id: str, run_id: str) -> Response:
        return rendered(request, "run.html", pages.of_run(TaskName(dag_id, run_id), tasks))


def _add_static(app: FastAPI) -> None:
    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in _TYPES:
            raise HTTPException(404, _NOT_FOUND)
        text = files("airflow_provider_rokt.plugin").joinpath("static", name).read_bytes()
        return Response(text, headers={"Content-Type": _TYPES[name]})


def _add_nothing(app: FastAPI) -> None:
    """Answers what no other route does; to be added behind them."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            route.methods.add("HEAD")

    # No method is any. A route that lacks the method asked for would refuse it before it asks for a login. An id is
    # otherwise made of a method.
    @app.api_route("/{path:path}", methods=[], operation_id="nothing")
    def nothing(request: Request) -> Response:
        if request.method not in _READING:
            raise HTTPException(405, _ONLY_READ, {"Allow": ", ".join(_READING)})
        raise HTTPException(404, _NOT_FOUND)


def _add_words(app: FastAPI) -> None:
    """What each answer carries, and what it says where something is wrong."""

    @app.middleware("http")
    async def add_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers.update(HEADERS)
        return response

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return _message(request, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def misspelt(request: Request, error: RequestValidationError) -> Response:
        # Airflow's own words would quote what was asked for.
        return _message(request, 422, "This address asks for something that there cannot be.", None)

    @app.exception_handler(RoktError)
    async def failed(request: Request, error: RoktError) -> Response:
        return _message(request, 503, str(error), None)

    @app.exception_handler(OSError)
    async def unreachable(request: Request, error: OSError) -> Response:
        # A store's error may quote its answer.
        log.warning("The Rokt page could not read the ledger: %s", type(error).__name__)
        return _message(request, 503, f"The ledger cannot be read: {type(error).__name__}", None)


def _message(request: Request, status: int, text: str, headers: Any) -> Response:
    words = {401: "You are not logged in to Airflow."}.get(status, text)
    response = rendered(request, "message.html", {"title": f"{status}", "text": words}, status)
    response.headers.update(headers or {})
    return response


def _map_index(text: str) -> int:
    """A place in a map; Airflow's UI leaves ``{MAP_INDEX}`` as it is where a task is not mapped."""
    if not text.isdecimal():
        return -1
    # Beyond that a database raises an error of its own, and of many more digits Python makes no number.
    if len(text) > _INDEX_DIGITS or int(text) > _LAST_INDEX:
        raise HTTPException(404, _NOT_FOUND)
    return int(text)


def _found(context: dict[str, Any] | None) -> dict[str, Any]:
    if context is None:
        raise HTTPException(404, _NOT_FOUND)
    return context
