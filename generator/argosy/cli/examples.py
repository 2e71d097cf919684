"""Examples for the help of each command: what people type, and why where that is not plain."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "init": """\
        argosy init gitops
        argosy init gitops --defaults --app shop --image shop=ghcr.io/acme/shop:1.0.0
        argosy init gitops --env dev --env prod=https://prod.example.com:6443 --ci gitlab --production
        # Look at it first
        argosy init gitops --defaults --dry-run""",
    "bootstrap": """\
        argosy bootstrap --context prod --dry-run
        argosy bootstrap --context prod --yes""",
    "add app": """\
        argosy add app shop --image ghcr.io/acme/shop:1.0.0 --port 8080
        argosy add app shop --env dev --env staging --commit
        # Somebody else's chart, with values here
        argosy add app cache --chart oci://registry-1.docker.io/bitnamicharts/redis --version 20.6.2""",
    "add env": """\
        argosy add env qa --after dev
        argosy add env prod-eu --after staging --cluster https://eu.example.com:6443 --pull-request""",
    "add cluster": "argosy add cluster europe --server https://eu.example.com:6443 --label region=eu",
    "add team": "argosy add team payments --sso-group acme:payments",
    "add chart": "argosy add chart 2.0.0",
    "add component": """\
        argosy add component cert-manager external-secrets
        argosy add component kyverno --env dev""",
    "remove app": "argosy remove app shop --dry-run",
    "remove env": "argosy remove env qa --yes --commit",
    "remove cluster": "argosy remove cluster europe",
    "remove team": "argosy remove team payments",
    "remove component": "argosy remove component kyverno --env dev",
    "components": """\
        argosy components
        argosy components cert-manager
        argosy components -o name""",
    "rename app": "argosy rename app shop store",
    "rename env": "argosy rename env qa test",
    "rename cluster": "argosy rename cluster europe eu-west",
    "rename team": "argosy rename team payments billing",
    "set": """\
        argosy set env prod autoSync=false replicas=5
        argosy set app shop team=payments
        argosy set cluster europe labels=region=eu,tier=gold
        argosy set team payments ssoGroup=acme:payments prod.requests.cpu=16
        argosy set repository repoURL=git@github.com:acme/gitops.git followUp=true --pull-request""",
    "settings": """\
        argosy settings repository
        argosy settings env prod autoSync
        argosy settings -o json""",
    "apply": """\
        argosy apply --dry-run
        argosy apply --commit -m "Follow the edited settings\"""",
    "convert": """\
        argosy convert shop --to kustomize --dry-run
        argosy convert shop --to helm --commit""",
    "promote": """\
        argosy promote shop --to prod
        argosy promote shop --from dev --to prod --chain
        argosy promote --all --to staging --pull-request
        # What is undecided: take one key from the source, leave the rest
        argosy promote shop --to prod --take values.yaml:replicas --leave '**'""",
    "rollback": """\
        argosy rollback shop prod
        argosy rollback shop prod --steps 2 --pull-request""",
    "update": """\
        argosy update --check
        argosy update --dry-run
        argosy update --only argocd --commit""",
    "template add": "argosy template add https://github.com/acme/gitops-layer@v1.0.0",
    "template list": "argosy template list",
    "template fetch": "argosy template fetch",
    "template order": "argosy template order acme payments",
    "template remove": "argosy template remove acme",
    "template update": """\
        argosy template update
        argosy template update acme --to v1.1.0 --pull-request""",
    "restore": """\
        argosy restore argocd/prod/shop.yaml --dry-run
        argosy restore shop""",
    "previews expire": "argosy previews expire --dry-run",
    "abort": "argosy abort",
    "status": """\
        argosy status
        argosy status shop
        argosy status --live --context prod
        # In a pipeline: fail where something is left to promote
        argosy status --exit-code -o json""",
    "history": """\
        argosy history shop
        argosy history shop prod --limit 5 -o json""",
    "render": """\
        argosy render shop prod
        argosy render shop prod --at main -o json""",
    "fetch": """\
        argosy fetch
        argosy fetch --lock""",
    "tree": """\
        argosy tree
        argosy tree shop --env prod --no-resources
        argosy tree -o mermaid""",
    "graph": """\
        argosy graph promotion > promotion.svg
        argosy graph clusters -o mermaid""",
    "diff": """\
        argosy diff
        argosy diff --against main -o markdown
        argosy diff --between dev prod shop""",
    "validate": """\
        argosy validate
        argosy validate --changed-since origin/main --strict
        argosy validate -o github --report sarif=argosy.sarif
        argosy validate --kubernetes-version 1.36,1.37 environments/prod""",
    "report": """\
        argosy report --html page.html
        argosy report --merge shard-1.json shard-2.json -o github""",
    "serve": """\
        argosy serve
        argosy serve --port 0 --live""",
    "mcp": """\
        argosy mcp
        argosy mcp --allow-changes
        # For a client that speaks HTTP
        argosy mcp --http=8098""",
    "upgrade argocd": """\
        argosy upgrade argocd 3.5.1 --dry-run
        argosy upgrade argocd 3.6.1 --pull-request""",
    "upgrade kubernetes": "argosy upgrade kubernetes 1.37 --commit",
    "doctor": """\
        argosy doctor
        argosy doctor shop --env prod --live""",
    "rules": """\
        argosy rules
        argosy rules image-tag""",
    "version": """\
        argosy version
        argosy version -o json""",
    "help": """\
        argosy help
        argosy help promote
        argosy help add env
        # What `argosy status -o json` prints
        argosy help --schema Status""",
    "completion": """\
        # bash, in ~/.bashrc, and zsh, in ~/.zshrc after compinit
        eval "$(argosy completion bash)"
        eval "$(argosy completion zsh)"
        # fish
        argosy completion fish > ~/.config/fish/completions/argosy.fish
        # PowerShell, in $PROFILE
        argosy completion powershell | Out-String | Invoke-Expression""",
}
"""By the words of the command."""


def of(path: str) -> str:
    """Return a command's examples as its help ends with them, in lines that are not wrapped."""
    lines = EXAMPLES.get(path, "").splitlines()
    return "\n".join(["\b", "Examples:", *(f"  {line.strip()}" for line in lines)]) if lines else ""
