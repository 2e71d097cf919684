"""Bad hosts: one that fails at any request, or answers with anything; a command says so, and the next one goes on."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import Any

from tests.changing import git
from tests.hosting.conftest import WEB
from tests.hosting.server import Server, playing
from tests.hosting.test_bad_hosts import BAD, bad, serving
from tests.promoting import release, start, with_remote
from tests.reliability import fuzz
from tests.reliability.repositories import difference, state
from tests.reliability.trials import Stand
from tests.reliability.words import hostile

_STATUSES = (301, 302, 307, 400, 401, 403, 404, 405, 409, 410, 418, 422, 429, 500, 502, 503, 504)


def trial(stand: Stand, chance: random.Random) -> None:
    """Open and comment pull requests on a host that is bad, and then on the same host when it is well again."""
    kind = chance.choice(list(WEB))
    root = start(stand.folder / "gitops")
    release(root)
    with_remote(root)
    (root / ".argosy.yaml").write_text(f"host: {{kind: {kind}, web: 'https://git.example.com'}}\n")
    git(root, "add", ".argosy.yaml")
    git(root, "commit", "--quiet", "--message", "Say which host it is")
    git(root, "push", "--quiet", "origin", "HEAD")
    lines = (
        ("promote", "web", "--to", "staging", "--yes", "--pull-request"),
        ("set", "environment", "dev", "replicas=4", "--pull-request"),
        ("add", "app", "shop", "--pull-request"),
        ("diff", "--against", "HEAD~1", "--comment", "--pull-request", "1"),
    )
    line = chance.choice(lines)
    before = state(root)[:2]
    with ExitStack() as stack:
        server = stack.enter_context(playing(kind))
        server.add()
        stand.environment |= {**server.environment, "no_proxy": "127.0.0.1"}
        if chance.random() < 0.5:
            stand.environment["ARGOSY_HOST_API"] = stack.enter_context(serving(_anything(stand, chance)))
        else:
            _faults(stand, chance, server)
        _ask(stand, line, server, root)
        if state(root)[:2] != before:
            stand.fault("wrong", f"the work tree is another: {difference((*before, ''), (*state(root)[:2], ''))}")
    with playing(kind) as server:
        server.add()
        stand.environment |= server.environment
        if (ended := _ask(stand, line, server, root)).code:
            stand.fault("stuck", f"the host is well again: {ended.err[-800:]}")


def _ask(stand: Stand, line: tuple[str, ...], server: Server, root: Any) -> Any:
    ended = stand.run(*line, at=root)
    stand.counts[f"exit code {ended.code}"] += 1
    if server.token in ended.out + ended.err:
        stand.fault("leaked", "the token is shown")
    return ended


def _anything(stand: Stand, chance: random.Random) -> bytes:
    """Return what a host sends that is not of its API, or is so by half."""
    name = chance.choice(list(BAD))
    stand.step(f"a host that answers with {name}")
    sent, _ = bad(name)
    return fuzz.mutated(chance, sent) if len(sent) < 100_000 and chance.random() < 0.5 else sent


def _faults(stand: Stand, chance: random.Random, server: Server) -> None:
    """Have some of the next requests fail, each in a way of its own."""
    for _ in range(chance.randrange(1, 5)):
        on = chance.choice(("", "", "POST", "GET", "PATCH", "PUT"))
        if chance.random() < 0.3:
            after = chance.random() < 0.5
            server.die_next(on=on, after=after)
            stand.step(f"hangs up on {on or 'any'}{' once it is done' if after else ''}")
            continue
        status = chance.choice(_STATUSES)
        body: object = chance.choice(
            (None, "<html>", {"message": hostile(chance)}, [hostile(chance)], 7, {"a": {"b": []}})
        )
        headers = {"Retry-After": chance.choice(("0", "1", "-1", "soon", "3600"))} if chance.random() < 0.3 else {}
        server.fail_next(status, headers, body, on=on, times=chance.choice((1, 1, 9)))
        stand.step(f"answers {on or 'any'} with {status} {headers} {body!r}")
