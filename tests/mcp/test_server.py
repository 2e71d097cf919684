"""The server, as agents' programs see it: the SDK's own client asks a real process, over stdio and HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from argosy import api
from tests.changing import commit, create, git, model, state
from tests.conftest import Argosy
from tests.forked import Forked
from tests.hosting.server import playing
from tests.promoting import NEW, edit, on_host, path, release, start, with_remote
from tests.test_output import CANARY, EVIL, OBEYED, SECRETS

READING = ("status", "tree", "render", "diff", "validate", "list_rules", "explain_rule", "settings")
PLANS = ("plan_change", "plan_promotion")
PROPOSALS = ("propose_change", "propose_promotion")

if TYPE_CHECKING:
    import anyio
    import httpx2
    from mcp import StdioServerParameters, stdio_client
    from mcp.client.client import Client
    from mcp.shared.exceptions import MCPError

    from argosy.mcp import limits, server
    from argosy.mcp.tools import TOOLS

    Story = Callable[[Client], Awaitable[None]]


@pytest.fixture(scope="module", autouse=True)
def _sdk() -> None:
    """Import the SDK, which takes half a second, in a worker that speaks by it, and not in each that collects."""
    import anyio
    import httpx2
    from mcp import StdioServerParameters, stdio_client
    from mcp.client.client import Client
    from mcp.shared.exceptions import MCPError

    from argosy.mcp import limits, server
    from argosy.mcp.tools import TOOLS

    globals().update(anyio=anyio, httpx2=httpx2, limits=limits, server=server, TOOLS=TOOLS)
    globals().update(Client=Client, MCPError=MCPError, StdioServerParameters=StdioServerParameters)
    globals().update(stdio_client=stdio_client)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with a release that is in dev alone."""
    made = start(tmp_path / "gitops")
    release(made)
    monkeypatch.chdir(made)
    return made


async def told(client: Client, tool: str, /, **arguments: Any) -> tuple[str, Any]:
    """Return the text and the data of a tool's answer; the client compares the data with the tool's schema."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    (content,) = answer.content
    assert content.type == "text"
    return content.text, answer.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> str:
    """Return what is wrong with a call."""
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    (content,) = answer.content
    assert content.type == "text"
    return content.text


def inside(root: Path, story: Story, *, changes: bool = False) -> None:
    """Tell a story to a server of this process."""

    async def run() -> None:
        async with Client(server._server(api.Repository(root), changes=changes)) as client:
            await story(client)

    with checked():
        anyio.run(run)


@contextmanager
def checked() -> Iterator[None]:
    """Have the client check the tools' schemas in Rust: in Python it takes longer than all that the tools do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jsonschema.Draft202012Validator.check_schema", jsonschema_rs.meta.validate)
        yield


@contextmanager
def listening(*options: str, **environment: str) -> Iterator[tuple[str, list[str]]]:
    """Run a server that speaks HTTP; yield its address, and the lines that it prints first."""
    heard, said = os.pipe()
    with os.fdopen(heard) as lines:
        process = Forked(["mcp", "--http=0", *options], cwd=Path.cwd(), env={**os.environ, **environment}, stderr=said)
        os.close(said)
        address = lines.readline().strip()
        try:
            yield address, [lines.readline().strip() for _ in range(1 + ("--allow-changes" in options))]
        finally:
            process.send_signal(signal.SIGINT)
        assert process.communicate()[0] == ""
        assert process.wait() == 0


def test_a_process_answers_on_standard_output(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A tool, a resource and what is wrong, over stdio, until Ctrl-C."""
    pid = root.parent / "pid"
    prelude = f"import os, pathlib, runpy; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))"
    code = f"{prelude}; import sys; sys.argv = ['argosy', 'mcp']; runpy.run_module('argosy', run_name='__main__')"
    parameters = StdioServerParameters(command=sys.executable, args=["-c", code], env={**os.environ})

    async def run() -> None:
        async with Client(stdio_client(parameters)) as client:
            assert "1 key behind dev" in (await told(client, "status"))[0]
            assert "is not in" in await refused(client, "validate", paths=["../.."])
            assert json.loads((await client.read_resource("argosy://repository")).contents[0].text)  # type: ignore[union-attr]
            os.kill(int(pid.read_text()), signal.SIGINT)
            with pytest.raises(MCPError):
                await client.call_tool("list_rules", {})

    anyio.run(run)
    assert "Traceback" not in capfd.readouterr().err


def test_all_that_is_read(root: Path) -> None:
    """Each tool, each resource, and what is wrong."""
    whole = state(root)

    async def story(client: Client) -> None:
        await _reads(client)
        await _plans(client, root)
        await _refuses(client)
        await _resources(client)

    inside(root, story)
    assert state(root) == whole


async def _reads(client: Client) -> None:
    tools = {each.name: each for each in (await client.list_tools()).tools}
    assert (*tools,) == (*READING, *PLANS)
    for each in tools.values():
        assert each.annotations
        assert (each.annotations.read_only_hint, each.annotations.open_world_hint) == (True, False)
        jsonschema_rs.meta.validate(each.input_schema)
        assert all(field["description"] for field in each.input_schema["properties"].values())
    assert "gitops" in (client.instructions or "")
    assert "No tool changes anything" in (client.instructions or "")

    text, data = await told(client, "status")
    assert "1 key behind dev" in text
    assert data == api.to_data(api.open_repository().status())
    assert "promoted" in (await told(client, "status", application="web"))[0]
    text, data = await told(client, "tree", environments=["prod"])
    assert "web-prod" in text
    assert "web-dev" not in json.dumps(data)
    text, data = await told(client, "render", application="web", environment="dev", kinds=["Deployment"])
    assert (text.count("\nkind: "), NEW in text, data) == (1, True, None)
    before = await told(client, "render", application="web", environment="dev", revision="HEAD~1")
    assert NEW not in before[0]
    text, data = await told(client, "diff", revision="HEAD", against="HEAD~1")
    assert [each["application"] for each in data["applications"]] == ["web-dev"]
    assert (await told(client, "validate"))[1]["summary"]["errors"] == 0
    text, data = await told(client, "list_rules", search="latest", limit=1)
    assert "image-tag" in text
    assert (await told(client, "explain_rule", id="image-tag"))[1]["rules"][0]["bad"]
    text, data = await told(client, "settings", of="env", name="prod", key="autoSync")
    assert (text, len(data["settings"][0]["settings"])) == ("autoSync = true (false, true)", 1)


async def _plans(client: Client, root: Path) -> None:
    text, data = await told(client, "plan_change", action="add_environment", names=["qa"], after="dev")
    assert "web-qa appears" in text
    assert (data["dryRun"], data["valid"], data["command"]) == (True, True, "argosy add env qa --after dev")
    assert (data["commitMessage"], "+++ b/environments/qa/environment.yaml" in data["diff"]) == (
        "Add the environment qa",
        True,
    )
    text, data = await told(client, "plan_promotion", to="staging", applications=["web"])
    assert "promoted: deployment.yaml:" in text
    assert data["commitMessage"].startswith("Promote web from dev to staging\n")

    # Files are read anew.
    (root / "environments/dev/web/more.yaml").write_text("kind: [\n")
    text, data = await told(client, "validate", paths=["environments/dev"])
    assert data["findings"][0]["path"] == "environments/dev/web/more.yaml"
    assert (await told(client, "validate", severity="warning"))[1]["findings"] == []
    (root / "environments/dev/web/more.yaml").unlink()
    assert (await told(client, "validate"))[1]["summary"]["errors"] == 0


async def _refuses(client: Client) -> None:
    assert "Did you mean “web”?" in await refused(client, "status", application="wbe")
    assert "is not in" in await refused(client, "validate", paths=["../.."])
    assert "is not in" in await refused(client, "validate", paths=["/etc"])
    assert "There is no revision" in await refused(client, "diff", revision="nowhere")
    assert "against" in await refused(client, "diff", against="--output=/tmp/x")
    assert "use one of" in await refused(client, "plan_change", action="delete", names=["web"])
    assert "needs what" in await refused(client, "plan_change", action="remove", names=["web"])
    assert "needs names" in await refused(client, "plan_change", action="add_application")
    assert "limit" in await refused(client, "status", limit=0)
    assert "wide" in await refused(client, "status", wide=True)
    for name in (*PROPOSALS, "bootstrap"):
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool(name, {})


async def _resources(client: Client) -> None:
    found = [each.uri for each in (await client.list_resources()).resources]
    for uri in (*found, "argosy://rules/image-tag", "argosy://schemas/Status"):
        (contents,) = (await client.read_resource(uri)).contents
        assert contents.mime_type in {"text/markdown", "application/json"}
        assert contents.text  # type: ignore[union-attr]
    assert len((await client.list_resource_templates()).resource_templates) == 2
    model_of = json.loads((await client.read_resource("argosy://repository")).contents[0].text)  # type: ignore[union-attr]
    assert [each["promotesFrom"] for each in model_of["environments"]] == [None, "dev", "staging"]
    for uri in ("argosy://docs/../../etc/passwd", "file:///etc/passwd", "argosy://rules/none"):
        with pytest.raises(MCPError, match="There is no"):
            await client.read_resource(uri)


def test_changes_go_to_branches_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "NOTES.md").write_text("Ours\n")
    files, _, _ = state(root)

    async def story(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert [each.name for each in tools] == [*READING, *PLANS, *PROPOSALS]
        marked = {each.name: each.annotations for each in tools if each.annotations}
        assert [name for name, each in marked.items() if not each.read_only_hint] == [*PROPOSALS]
        assert not any(each.destructive_hint for each in marked.values())
        text, data = await told(
            client, "propose_change", action="set", what="env", names=["dev"], values={"autoSync": "false"}
        )
        assert "The work tree is as it was" in text
        assert git(root, "diff", "--name-only", "main", data["branch"]).split() == [
            each["path"] for each in data["files"]
        ]
        text, data = await told(client, "propose_promotion", to="staging", branch="ship", message="Ship it")
        assert git(root, "log", "-1", "--format=%s", "ship") == "Ship it\n"
        text = await refused(client, "propose_change", action="remove", what="app", names=["shop"])
        assert "shop" in text
        with_remote(root)
        with playing("github", "acme/gitops") as host:
            on_host(root, "github", host, monkeypatch)
            _, data = await told(client, "propose_promotion", to="staging", pull_request=True)
            assert [each.branch for each in host.pull_requests] == [data["promotions"][0]["branch"]]

    inside(root, story, changes=True)
    now, _, _ = state(root)
    assert {name: held for name, held in now.items() if name != ".argosy.yaml"} == files
    assert git(root, "status", "--porcelain") == "?? NOTES.md\n"


def test_what_a_person_has_to_decide_and_what_is_not_valid(root: Path) -> None:
    edit(root, path("staging"), "1.29.3-alpine", "9.9.9", "By hand")

    async def story(client: Client) -> None:
        text, data = await told(client, "plan_promotion", to="staging", applications=["web"])
        assert text.startswith("A person has to decide first")
        assert "conflict: deployment.yaml:" in text
        assert data["diff"] == ""
        text, data = await told(client, "plan_promotion", to="staging", applications=["web"], take=["**"])
        assert data["diff"].count(f'+          image: "nginx:{NEW}"') == 1
        edit(root, path("dev"), "value: info", "value: 3", "Be loud")
        text, data = await told(client, "propose_promotion", to="staging", applications=["web"], take=["**"])
        assert text.startswith("Refused")
        assert data["findings"][0]["path"] == path("staging")

    inside(root, story, changes=True)
    assert git(root, "branch", "--format=%(refname:short)") == "main\n"


def test_answers_are_no_longer_than_is_asked_for(tmp_path: Path) -> None:
    names = tuple(f"app-{number:02}" for number in range(20))
    root = create(tmp_path / "gitops", model(names, ("dev",)))

    async def story(client: Client) -> None:
        _, data = await told(client, "status", limit=4, offset=18)
        assert [each["name"] for each in data["applications"]] == ["app-18", "app-19"]
        assert data["leftOut"] == {"applications": 16, "applications before": 18}
        text, data = await told(client, "plan_change", action="add_environment", names=["qa"])
        assert len(text) < limits.TEXT + 200
        assert len(json.dumps(data)) <= limits.CHARACTERS + 200
        assert data["leftOut"]["files"]
        _, data = await told(client, "plan_change", action="add_environment", names=["qa"], limit=1, offset=3)
        assert data["diff"].count("\n+++ ") == 1
        text, _ = await told(client, "list_rules", limit=3)
        assert "more: offset 3." in text

    inside(root, story)


def test_a_stranger_s_repository_is_read_and_nothing_of_it_is_run_or_shown(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    evil = json.dumps(EVIL)
    shown = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: {evil}}}\n"
    text = (root / path("dev")).read_text()
    secret = text.replace("          env:\n", f"          env:\n            - {{name: DB_PASSWORD, value: {CANARY}}}\n")
    commit(
        root,
        {
            path("dev"): secret,
            "environments/dev/web/secrets.yaml": SECRETS,
            "environments/dev/web/shown.yaml": shown,
        },
        f"Promote {EVIL}",
    )
    assert secret != text
    (root / "outside").symlink_to(tmp_path)
    pwned = tmp_path / "pwned"
    for name in ("git", "helm", "kubectl", "kustomize"):
        program = root / name
        program.write_text(f"#!/bin/sh\ntouch {pwned}\n")
        program.chmod(0o755)
    git(root, "config", "core.fsmonitor", f"touch {pwned}; false")
    git(root, "config", "diff.external", f"touch {pwned}; false")
    monkeypatch.setenv("PATH", f"{root}{os.pathsep}{os.environ['PATH']}")

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("A socket was opened.")

    async def story(client: Client) -> None:
        calls: dict[str, Any] = {
            "status": {"application": "web"},
            "tree": {"resources": True},
            "render": {"application": "web", "environment": "dev"},
            "diff": {"against": "HEAD~1"},
            "validate": {},
            "plan_change": {"action": "add_environment", "names": ["qa"], "after": "dev"},
            "plan_promotion": {"to": "staging", "applications": ["web"], "take": ["**"]},
        }
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "connect", opened)
            answers = {name: await client.call_tool(name, given) for name, given in calls.items()}
        for name, answer in answers.items():
            told_all = f"{answer.content[0].text}\n{json.dumps(answer.structured_content, ensure_ascii=False)}"  # type: ignore[union-attr]
            assert CANARY not in told_all, name
            assert not OBEYED.search(told_all), name
        assert "***" in answers["render"].content[0].text  # type: ignore[union-attr]
        assert "outside" in await refused(client, "validate", paths=["outside"])

    inside(root, story)
    assert not pwned.exists()


def test_a_fault_of_argosy_s_own_is_logged_and_not_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(api.Repository, "status", fail)

    async def story(client: Client) -> None:
        assert CANARY not in await refused(client, "status")
        assert "image-tag" in (await told(client, "list_rules", search="latest"))[0]

    inside(root, story)
    assert CANARY in caplog.text


def test_who_takes_long_keeps_nobody_waiting(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call takes its time, others that need no repository are answered; who gives up is let go."""
    go_on = threading.Event()

    def wait(*_: object, **__: object) -> Any:
        go_on.wait(60)
        raise api.ArgosyError("Late.")

    monkeypatch.setattr(api.Repository, "validate", wait)

    async def story(client: Client) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(refused, client, "validate"))
            await anyio.lowlevel.checkpoint()
            await told(client, "list_rules")
            go_on.set()

    inside(root, story)


HANGING = """
import subprocess, sys, threading
from argosy import api
from argosy.__main__ import main
from argosy.git.command import inherited, started

def validate(self, **_):
    with api._session(self.root):
        pipe, variables = subprocess.PIPE, inherited(self.root)
        git = started("cat-file", "--batch", cwd=self.root, stdin=pipe, stdout=pipe, env=variables)
        print("asked", file=sys.stderr, flush=True)
        git.stdout.read()
        self.model()

api.Repository.validate = validate
sys.argv = ["argosy", "mcp"]
try:
    main()
finally:
    threading._shutdown()  # Python waits for its threads, where a fork ends without them.
"""


@pytest.mark.parametrize("ends_with", ["the input", "Ctrl-C"])
def test_it_ends_with_the_input_whatever_calls_are_at(root: Path, ends_with: str) -> None:
    """One call waits for git, which would take for ever, and others for their turn: nobody waits for any of them."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    calls: list[dict[str, Any]] = [
        {"id": number, "method": "tools/call", "params": {"name": "validate"}} for number in (1, 2, 3)
    ]
    asked: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        *calls,
    ]
    (heard, say), (hear, told_of) = os.pipe(), os.pipe()
    process = Forked([], code=HANGING, cwd=root, stdin=heard, stderr=told_of)
    os.close(heard)
    os.close(told_of)
    with os.fdopen(say, "w") as stdin, os.fdopen(hear) as stderr:
        stdin.write("".join(f"{json.dumps({'jsonrpc': '2.0', **each})}\n" for each in asked))
        stdin.flush()
        assert stderr.readline() == "asked\n"
        if ends_with == "Ctrl-C":
            process.send_signal(signal.SIGINT)
        else:
            stdin.close()
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
        # What git says goes there too: so it has ended as well.
        assert stderr.read() == ""


def test_http_answers_this_machine_and_those_with_the_token(argosy: Argosy, root: Path) -> None:
    post: dict[str, Any] = {
        "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        "headers": {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"},
    }

    def status(address: str, **headers: str) -> int:
        return httpx2.post(
            address, json=post["json"], headers={**post["headers"], **headers}, trust_env=False
        ).status_code

    async def ask(address: str, client: httpx2.AsyncClient | None = None) -> None:
        from mcp.client.streamable_http import streamable_http_client

        transport = streamable_http_client(address, http_client=client) if client else address
        async with Client(transport) as session:
            assert "1 key behind dev" in (await told(session, "status"))[0]

    with listening() as (address, _), checked():
        anyio.run(ask, address)
        assert address.startswith("http://127.0.0.1:")
        assert status(address, Host="evil.example.com") == 421
        assert status(address, Origin="https://evil.example.com") == 403
        port = address.rpartition(":")[2].partition("/")[0]
        taken = argosy("mcp", f"--http={port}")
        assert (taken.code, f"Port {port} cannot be listened on" in taken.err) == (2, True)
    with listening("--allow-changes") as (address, lines), checked():
        assert status(address) == 401
        assert status(address, Authorization="Bearer no") == 401
        token = lines[1].rpartition(" ")[2]

        async def with_token() -> None:
            async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
                await ask(address, client)

        anyio.run(with_token)


def test_without_the_sdk_it_says_what_to_install(argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.delitem(sys.modules, "argosy.mcp.server", raising=False)
    monkeypatch.delattr("argosy.mcp.server", raising=False)
    result = argosy("mcp")
    assert (result.code, "pip install 'argosy[mcp]'" in result.err) == (2, True)
    nowhere = argosy("mcp", "--repository", "nowhere")
    assert (nowhere.code, "is not a folder" in nowhere.err) == (2, True)


def test_each_tool_says_what_it_is_for() -> None:
    assert len({each.name for each in TOOLS}) == len(TOOLS)
    for tool in TOOLS:
        assert len(tool.description) < 400
        assert set(tool.required) <= tool.properties.keys()
        if tool.output_schema:
            assert tool.output_schema["type"] == "object"
