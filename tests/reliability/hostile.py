"""Hostile repositories: attacks in any combination, and any command; nothing outside is read, run, asked or written."""

from __future__ import annotations

import os
import random
from pathlib import Path

from argosy.repository.model import ArgocdStyle, Format
from tests import changing, test_untrusted
from tests.changing import commit, files, git, model
from tests.loopback import listening, refusing
from tests.reliability.fuzz import CHANGES, LIKELY
from tests.reliability.trials import Stand
from tests.reliability.words import command_line
from tests.test_untrusted import CANARY, COMMANDS, URL


def trial(stand: Stand, chance: random.Random) -> None:
    """Run a few commands in a stranger's repository with some of the attacks, where a token is at hand."""
    site = stand.folder / "site"
    site.mkdir()
    test_untrusted.outside(site)
    argocd = chance.choice(list(ArgocdStyle))
    root = changing.create(site / "gitops", model(form=Format.HELM, argocd=argocd))
    git(root, "remote", "add", "origin", URL)
    git(root, "config", f"http.{URL}.extraheader", f"AUTHORIZATION: basic {CANARY}")
    stand.environment |= {"GITHUB_TOKEN": CANARY, "ARGOSY_TOKEN": CANARY}
    stand.environment |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")
    asked: list[str] = []
    with listening(refusing(asked)) as server:
        names = chance.sample(list(test_untrusted.ATTACKS), chance.randrange(1, 6))
        stand.step(f"attacks: {', '.join(names)}, with {argocd}")
        stand.counts["attacks"] += len(names)
        test_untrusted.plant(root, server, names)
        commit(root, message="Attack")
        around = _around(site)
        for _ in range(chance.randrange(1, 4)):
            looks = chance.choice(list(COMMANDS.values()))
            line = chance.choice((looks, chance.choice(CHANGES), command_line(chance, LIKELY)))
            ended = stand.run(*line, at=root)
            if CANARY in ended.out + ended.err:
                stand.fault("leaked", f"{' '.join(line)} shows a secret")
            if any(CANARY.encode() in content for _, content in files(root).values()):
                stand.fault("leaked", f"{' '.join(line)} writes a secret into the repository")
        if asked:
            stand.fault("leaked", f"asked of the network: {asked}")
        if (now := _around(site)) != around:
            stand.fault("wrong", f"written outside: {sorted(now ^ around)}")


def _around(site: Path) -> set[tuple[str, bytes]]:
    """Return all that lies around the repository."""
    found = set()
    for above, folders, names in os.walk(site):
        if Path(above) == site:
            folders.remove("gitops")
        found |= {(str(Path(above, name)), Path(above, name).read_bytes()) for name in names}
    return found
