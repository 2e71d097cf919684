"""The server: tools and resources of one repository by the Model Context Protocol, over stdio or HTTP."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread
import mcp_types as types
import uvicorn
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError

from argosy import git, supervisor
from argosy.api import Repository
from argosy.errors import ArgosyError
from argosy.mcp import limits, resources
from argosy.mcp.tools import TOOLS, Answer, Tool

ADDRESS = "127.0.0.1"
PATH = "/mcp"
_INSTRUCTIONS = (
    "argosy looks after one GitOps repository for Argo CD, {root}: applications run in environments, and are promoted "
    "from one to the next. status says what is deployed where, validate whether Argo CD and Kubernetes will accept it, "
    "explain_rule what a finding means. Plan a change or a promotion first: plans write nothing. {changes} Answers "
    "have at most `limit` items of each list, and `leftOut` counts the others. Files are read anew by each call."
)
_CHANGES = "propose_change and propose_promotion make a branch or a pull request; nothing writes into the work tree."
_NO_CHANGES = "No tool changes anything: the user can run the `command` of a plan."
_PATIENCE = 3.0
"""How many seconds calls have to end by themselves, and to remove what they wrote aside, once nobody waits for them."""
_IDLE, _SESSIONS = 600.0, 100
"""After how many seconds a session that asks nothing is dropped, by HTTP, and how many there may be: the next client is
told to come later, and one whose session was dropped to begin another."""
_LOG = logging.getLogger("argosy.mcp")

Done = TypeVar("Done")


def serve(repository: Repository, *, changes: bool) -> None:
    """Answer on standard input and output until the input ends."""

    async def run() -> None:
        server = _server(repository, changes=changes)
        told: Any = _Lines()
        async with stdio_server(stdin=told) as (received, sent):
            await server.run(received, sent, server.create_initialization_options())

    with _ending():
        anyio.run(run)


@contextmanager
def _ending() -> Iterator[None]:
    """End what calls are still at, once nobody waits for their answers: what they run, and what waits for its turn."""
    try:
        yield
    finally:
        threads = [each for each in threading.enumerate() if each is not threading.current_thread()]
        supervisor.abandon(threads)
        git.abandon(threads)
        until = time.monotonic() + _PATIENCE
        for each in threads:
            if not each.daemon:
                each.join(max(0.0, until - time.monotonic()))
        if any(each.is_alive() and not each.daemon for each in threads):
            os._exit(0)  # Python would wait until they have worked out what nobody asks for any more.


class _Lines:
    """The lines of standard input, which no program that is started meanwhile gets.

    A thread that waits for them keeps nobody from ending the process, as the SDK's own would.
    """

    def __init__(self) -> None:
        self.read = os.dup(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        begun = b""
        with suppress(OSError, RuntimeError):  # The input is gone, or the loop is.
            while part := os.read(self.read, 65536):
                *whole, begun = (begun + part).split(b"\n")
                for line in whole:
                    self.loop.call_soon_threadsafe(self.lines.put_nowait, line.decode(errors="replace"))
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.lines.put_nowait, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        line = await self.lines.get()
        if line is None:
            raise StopAsyncIteration
        return line


def listen(repository: Repository, port: int, *, changes: bool, token: str, ready: Callable[[str, str], None]) -> None:
    """Answer by HTTP on this machine alone; `ready` is told the address, and the token that has to come with requests.

    Without a token, who asks is not asked who they are; with `changes` there always is one. Raise ArgosyError where
    the port is taken.
    """
    known = token or (secrets.token_urlsafe(24) if changes else "")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((ADDRESS, port))
            bound.listen()  # Whoever is told the address may ask at once.
        except OSError as error:
            hint = "Name another: --http=0 finds one."
            raise ArgosyError(f"Port {port} cannot be listened on: {error.strerror}.", hint) from error
        here = bound.getsockname()[1]
        names = (f"{ADDRESS}:{here}", f"localhost:{here}")
        # A page of elsewhere may lead its own name here, and has a browser ask.
        security = TransportSecuritySettings(
            allowed_hosts=[*names], allowed_origins=[f"http://{each}" for each in names]
        )
        app: Any = _server(repository, changes=changes).streamable_http_app(
            streamable_http_path=PATH,
            host=ADDRESS,
            transport_security=security,
            session_idle_timeout=_IDLE,
            max_sessions=_SESSIONS,
        )
        config = uvicorn.Config(_guarded(app, known) if known else app, log_config=None, timeout_graceful_shutdown=1)
        ready(f"http://{names[0]}{PATH}", known)
        with _ending():
            anyio.run(partial(uvicorn.Server(config).serve, sockets=[bound]))


def _guarded(app: Any, token: str) -> Any:
    """Return an application that answers those alone who have the token."""
    wanted = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] == "http" and not secrets.compare_digest(given, wanted):
            headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b"Send the token that argosy mcp printed.\n"})
            return
        await app(scope, receive, send)

    return guarded


def _server(repository: Repository, *, changes: bool) -> Server[Any]:
    offered = {each.name: each for each in TOOLS if changes or not each.changes}

    async def list_tools(_: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[*map(_as_tool, offered.values())])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in offered:
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no tool “{limits.shown(params.name)}”.")
        return await _called(offered[params.name], repository, params.arguments or {})

    async def list_resources(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        found = [
            types.Resource(uri=each.uri, name=each.name, description=each.description, mime_type=each.mime_type)
            for each in resources.listed()
        ]
        return types.ListResourcesResult(resources=found)

    async def list_templates(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        found = [
            types.ResourceTemplate(
                uri_template=each.uri, name=each.name, description=each.description, mime_type=each.mime_type
            )
            for each in resources.TEMPLATES
        ]
        return types.ListResourceTemplatesResult(resource_templates=found)

    async def read_resource(_: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            text, kind = await _in_thread(partial(resources.read, repository, uri))
        except ArgosyError as error:
            raise MCPError(code=types.INVALID_PARAMS, message=limits.shown(f"{error.message} {error.hint}")) from error
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=kind, text=limits.shown(text))]
        )

    told = _INSTRUCTIONS.format(root=repository.root.name, changes=_CHANGES if changes else _NO_CHANGES)
    return Server(
        "argosy",
        title="argosy",
        version=version("argosy"),
        instructions=told,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


def _as_tool(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.changes,
            # A new branch takes nothing away, and the same again is the same branch.
            destructive_hint=False,
            idempotent_hint=True,
            # Only a pull request is made anywhere else.
            open_world_hint=tool.changes,
        ),
    )


async def _called(tool: Tool, repository: Repository, arguments: Mapping[str, Any]) -> types.CallToolResult:
    """Call a tool, in a thread of its own; what goes wrong is its answer, which an agent can act on."""
    try:
        answer: Answer = await _in_thread(partial(tool.call, repository, arguments))
    except ArgosyError as error:
        return _failed(f"{error.message}\n{error.hint}")
    except OSError as error:
        return _failed(f"{error.filename or tool.name}: {error.strerror or error}.")
    except Exception:
        # Its text may hold anything of the repository's: it is for the log.
        _LOG.exception("The tool %s failed", tool.name)
        return _failed(f"{tool.name} failed by a fault of argosy's own: its log on standard error says more.")
    content = [types.TextContent(type="text", text=limits.shown(limits.text(answer.text)))]
    return types.CallToolResult(content=[*content], structured_content=answer.data)


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=limits.shown(limits.text(text.strip())))], is_error=True
    )


async def _in_thread(work: Callable[[], Done]) -> Done:
    """Do what takes long where it keeps nobody from being answered; who gives up waits no longer."""
    run: Callable[..., Awaitable[Done]] = anyio.to_thread.run_sync
    return await run(work, abandon_on_cancel=True)
