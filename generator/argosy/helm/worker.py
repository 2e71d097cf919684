"""Helm in a process of its own: answers each line of standard input with a line, both of them JSON.

With the arguments of a helm program, it is one, as far as Kustomize needs it: it renders the charts that it is told of,
and fetches none.
argosy.helm.workers starts it by its path, with the folder that holds helm_python. It needs nothing else of what is
installed, so that it starts quickly.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from queue import SimpleQueue
from typing import Any


def main() -> None:
    """Answer until standard input ends: then argosy is gone, whatever Helm is doing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.append(sys.argv[1])
    if len(sys.argv) > 2:
        sys.exit(_as_program(*sys.argv[2:]))
    # What Helm prints is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    import helm_python  # noqa: F401, PLC0415 - only this process has it

    while True:
        answers.write(json.dumps(_answer(**json.loads(requests.get()))) + "\n")
        answers.flush()


def _read(requests: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _answer(task: str, **arguments: Any) -> Mapping[str, Any]:
    from helm_python import HelmError  # noqa: PLC0415

    try:
        return _TASKS[task](**arguments)
    except _ValuesError as error:
        return {"error": str(error.__cause__), "file": error.file}
    except HelmError as error:
        return {"error": str(error)}
    except (OSError, ValueError, RecursionError) as error:
        return {"odd": str(error)}


def _render(
    *,
    chart: str,
    values: Mapping[str, Any],
    name: str,
    namespace: str,
    leave: bool,
    lacking: Sequence[Mapping[str, Any]],
    api_versions: Sequence[str] = (),
) -> Mapping[str, Any]:
    """Render a chart, but not a library, nor with `leave` one that asks for the cluster's version or APIs.

    With API versions, the cluster has them, and the answer says whether the chart asks for anything `else`.

    Of the dependencies that it lacks, say by place which are not switched off.
    """
    from helm_python import Chart  # noqa: PLC0415

    with Chart.load(chart) as loaded:
        metadata = loaded.metadata
        asks = _asks_for_cluster(Path(chart), metadata, loaded.templates)
        answer = {"metadata": metadata, "asks": asks, "lacking": [*range(len(lacking))]}
        if metadata.get("type") == "library":
            return answer
        merged = _merged(**values)
        if lacking:
            all_values = _laid_over(loaded.values, merged)
            answer["lacking"] = [place for place, each in enumerate(lacking) if not _is_off(each, all_values)]
        if asks and leave:
            return answer
        if asks and api_versions:
            with tempfile.TemporaryDirectory() as scratch:
                copy = Path(scratch, Path(chart).name)
                shutil.copytree(chart, copy)
                _know(copy, api_versions)
                with Chart.load(str(copy)) as knowing:
                    texts = knowing.render(merged, name=name, namespace=namespace)
                    answer["else"] = _asks_for_cluster(copy, metadata, knowing.templates)
        else:
            texts = loaded.render(merged, name=name, namespace=namespace)
        off = tuple(_switched_off(metadata, lambda: _laid_over(loaded.values, merged)))
        crds = [each for each in loaded.crds if not each["filename"].startswith(off)]
        return {**answer, "texts": texts, "crds": crds}


_HAS = re.compile(rb"((?:\([^()\n]*\)|(?<![\w)$.])\$?\w*)(?:\.\w+)*\.APIVersions)\.Has\b")
"""What asks for an API version, whatever holds the capabilities there."""
_KNOWING = b'hasKey (include "argosy.apiVersions" %b | fromJson)'
_ANSWERED = re.compile(re.escape(_KNOWING).replace(b"%b", rb"(?:\([^()\n]*\))?\S*"))
_LARGEST = 100 * 1024 * 1024
"""How many bytes an archive may hold, as for Helm."""


def _know(chart: Path, api_versions: Sequence[str]) -> None:
    """Have the templates of a chart, and of its subcharts, find API versions beside those that Helm has."""
    for file in chart.rglob("*"):
        if file.is_file() and ("templates" in file.parts or file.suffix == ".tgz"):
            held = file.read_bytes()
            if (knowing := _knowing(file.name, held)) != held:
                file.write_bytes(knowing)
    own = "".join(f"{json.dumps(each)}: true, " for each in api_versions)
    listed = '{{ range . }}{{ . | quote }}: true, {{ end }}"": true'
    partial = chart / "templates/_argosy.tpl"
    partial.parent.mkdir(exist_ok=True)
    partial.write_text('{{ define "argosy.apiVersions" }}{ ' + own + listed + " }{{ end }}", encoding="utf-8")


def _knowing(name: str, held: bytes) -> bytes:
    """Return a template that finds API versions, or an archive whose templates do, as far as Helm would read it."""
    import tarfile  # noqa: PLC0415

    if not name.endswith(".tgz"):
        return _HAS.sub(lambda found: _KNOWING % found[1], held)
    made, left, is_other = io.BytesIO(), _LARGEST, False
    try:
        with tarfile.open(fileobj=io.BytesIO(held)) as old, tarfile.open(fileobj=made, mode="w:gz") as new:
            for member in old:
                left -= member.size
                if left < 0:
                    return held
                if file := old.extractfile(member) if member.isfile() else None:
                    content = file.read()
                    if "/templates/" in member.name or member.name.endswith(".tgz"):
                        knowing = _knowing(member.name, content)
                        is_other |= knowing != content
                        content = knowing
                    member.size = len(content)
                    new.addfile(member, io.BytesIO(content))
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return held  # Helm says what is wrong with it.
    return made.getvalue() if is_other else held


def _at(values: Any, path: Sequence[str]) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _switched_off(metadata: Mapping[str, Any], all_values: Callable[[], Mapping[str, Any]]) -> Iterator[str]:
    """Yield the folders of the subcharts that a condition switches off, or where none decides, their tags."""
    dependencies = metadata.get("dependencies") or ()
    values = all_values() if dependencies else {}
    for each in dependencies:
        if _is_off(each, values):
            yield f"{metadata.get('name')}/charts/{each.get('alias') or each.get('name')}/"


def _is_off(dependency: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    conditions = [_at(values, path.strip().split(".")) for path in str(dependency.get("condition") or "").split(",")]
    tags = [_at(values, ("tags", tag)) for tag in dependency.get("tags") or ()]
    deciding = [found for found in conditions if isinstance(found, bool)][:1]
    deciding = deciding or [found for found in tags if isinstance(found, bool)]
    return bool(deciding) and not any(deciding)


def _asks_for_cluster(chart: Path, metadata: Mapping[str, Any], templates: list[dict[str, str]]) -> bool:
    """Return whether a render depends on the cluster's version or APIs, subcharts included.

    What asks for the API versions that are known is answered.
    """
    if metadata.get("kubeVersion") or any(_asks(each["name"], each["data"].encode()) for each in templates):
        return True
    return any(
        _asks(file.name, file.read_bytes())
        for file in (chart / "charts").rglob("*")
        if (file.suffix == ".tgz" or "templates" in file.parts) and file.is_file()
    )


def _asks(name: str, held: bytes) -> bool:
    import tarfile  # noqa: PLC0415

    if not name.endswith(".tgz"):
        return b".Capabilities" in _ANSWERED.sub(b"", held)
    try:
        with tarfile.open(fileobj=io.BytesIO(held)) as archive:
            return any(
                _asks(member.name, file.read())
                for member in archive
                if "/templates/" in member.name or member.name.endswith(".tgz")
                if (file := archive.extractfile(member) if member.isfile() else None)
            )
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return False


RELEASE = re.compile(r"(?=.{1,53}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""The name of a release, as Helm takes it."""
FORMS = {
    "--namespace": re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII),
    "--name-template": RELEASE,
    "--kube-version": re.compile(r"v?\d+(\.\d+){0,2}([-+][\w.+-]*)?", re.ASCII),
    "--api-versions": re.compile(r"\w[\w.-]*(/\w[\w.-]*){0,2}", re.ASCII),
    "-f": re.compile(r"/.+", re.DOTALL),
}
"""The options with a value that Kustomize gives Helm, and what they may say. No template is a name: it could ask the
machine and the network."""
_SWITCHES = ("--include-crds", "--skip-tests", "--no-hooks", "--debug", "--devel")


def _as_program(given: str, command: str, *arguments: str) -> int:
    """Do what `helm template` and `helm version` do, with the helm binary where a chart asks for the cluster.

    A stranger's kustomization wrote the arguments: what they name is one of the charts given, or below `within`.
    """
    settings = json.loads(given)
    binary = settings["binary"]
    # Kustomize gives Helm the home that a kustomization names, and that could have plugins.
    os.environ.update(at_home(settings["home"]))
    if command == "version":
        return _tell_version(binary)
    if command != "template":
        print("argosy fetches no chart for Kustomize", file=sys.stderr)
        return 1
    try:
        name, chart, options, switches = _parsed(arguments, settings["charts"], settings["within"])
    except ValueError as error:
        print(f"Error: argosy does not pass {error} to Helm", file=sys.stderr)
        return 1
    answer: Mapping[str, Any] = {"asks": True}
    if settings["package"]:
        files = [value for option, value in options if option == "-f"]
        answer = _answer(
            "render",
            chart=chart,
            values={"files": files, "inline": {}, "assignments": []},
            name=name,
            namespace=next((value for option, value in options if option == "--namespace"), "default"),
            leave=bool(binary),
            lacking=[],
            api_versions=[value for option, value in options if option == "--api-versions"],
        )
    if binary and answer.get("asks"):
        told = [f"{key}={quoted(value) if key == '-f' else value}" for key, value in options]
        os.execv(binary, [binary, command, *told, *switches, "--", name, chart])
    return _print(answer, switches)


def at_home(folder: str) -> dict[str, str]:
    """Return the variables that give a helm binary a home of its own, without plugins and repositories."""
    homes = {f"HELM_{each}": folder for each in ("CONFIG_HOME", "CACHE_HOME", "DATA_HOME")}
    return {**homes, "HELM_PLUGINS": os.path.join(folder, "plugins")}  # noqa: PTH118


def quoted(file: str) -> str:
    """Return how a helm binary is to be told a values file: it splits what it is told at commas, as CSV."""
    return '"' + file.replace('"', '""') + '"'


def _tell_version(binary: str) -> int:
    try:
        import helm_python  # noqa: PLC0415
    except ImportError:
        os.execv(binary, [binary, "version", "--short"])
    print(f"v{helm_python.helm_sdk_version().removeprefix('v')}")
    return 0


def _parsed(
    arguments: Sequence[str], charts: Sequence[str], within: str
) -> tuple[str, str, list[tuple[str, str]], list[str]]:
    """Return the release, the chart, the options and the switches; raise ValueError for what is none of Kustomize's."""
    left = list(reversed(arguments))
    name, chart = (left.pop(), left.pop()) if len(left) > 1 else ("", "")
    options: list[tuple[str, str]] = []
    switches: list[str] = []
    while left:
        option = left.pop()
        if option in _SWITCHES:
            switches.append(option)
        elif option not in FORMS or not left or not FORMS[option].fullmatch(left[-1]):
            raise ValueError(" ".join([option, *left[-1:]]))
        elif option == "-f" and not os.path.realpath(left[-1]).startswith(os.path.join(within, "")):  # noqa: PTH118
            raise ValueError(left[-1])
        else:
            options.append((option, left.pop()))
    templates = [value for option, value in options if option == "--name-template"]
    if name != "--generate-name" and templates:
        raise ValueError("a name and a template of one")
    if name == "--generate-name":
        name = [*templates, "release-name"][0]
    if not RELEASE.fullmatch(name) or chart not in charts:
        raise ValueError(f"{name} {chart}")
    return name, chart, [each for each in options if each[0] != "--name-template"], switches


def _print(answer: Mapping[str, Any], switches: Sequence[str]) -> int:
    if why := answer.get("error") or answer.get("odd"):
        print(f"Error: {why}", file=sys.stderr)
        return 1
    texts = [each["data"] for each in answer.get("crds", ()) if "--include-crds" in switches]
    texts += [text for path, text in answer.get("texts", {}).items() if not path.endswith("NOTES.txt")]
    for text in texts:
        for each in re.split(r"^---(?=\s|$)", re.sub(r"^---(?=[^\s-])", "---\n", text, flags=re.M), flags=re.M):
            hook = re.search(r"helm\.sh/hook[\"']?\s*:([^\n}]*)", each)
            is_left_out = hook and ("--no-hooks" in switches or ("--skip-tests" in switches and "test" in hook[1]))
            if each.strip() and not is_left_out:
                print(f"---\n{each.strip()}")
    return 0


def _render_archive(archive: str, values: dict[str, Any]) -> Mapping[str, Any]:
    from helm_python import Chart  # noqa: PLC0415

    with Chart.load_archive(base64.b64decode(archive)) as loaded:
        return {"texts": loaded.render(values, name="templates")}


def _lint(chart: str, values: Mapping[str, Any], skip_schemas: bool) -> Mapping[str, Any]:
    from helm_python import lint  # noqa: PLC0415

    # What is in archives has schemas too.
    found = lint(chart, _merged(**values), strict=True, skip_schema_validation=skip_schemas)
    return {"messages": found["messages"]}


def _pull(chart: str, **options: Any) -> Mapping[str, Any]:
    from helm_python import pull  # noqa: PLC0415

    return pull(chart, untar=True, **options)


class _ValuesError(Exception):
    """Report a values file that is not valid YAML."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


def _merged(
    files: Sequence[str], inline: str | Mapping[str, Any], assignments: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Return everything that overrides the chart's own values, as Helm merges it."""
    import helm_python  # noqa: PLC0415

    merged: Any = {}
    for file in files:
        try:
            merged = _laid_over(merged, _values(Path(file).read_text(encoding="utf-8")))
        except (helm_python.HelmValuesError, ValueError) as error:
            raise _ValuesError(file) from error
    merged = _laid_over(merged, _values(inline) if isinstance(inline, str) else inline)
    parsers = {
        "--set": helm_python.parse_set_string,
        "--set-string": helm_python.parse_set_string_values,
        "--set-file": helm_python.parse_set_file,
    }
    # As Helm does, whatever their order: --set, then --set-string, then --set-file.
    for flag, parse in parsers.items():
        for given, text in assignments:
            if given == flag:
                merged = _laid_over(merged, parse(text), by_index="[" in text.partition("=")[0])
    return dict(merged)


_SEPARATOR = re.compile(r"^---(.*)$", re.MULTILINE)


def _values(text: str) -> Any:
    """Return what a values file says: Helm 4 reads each of its documents by itself, and lays it over the ones before.

    helm_python reads the first one alone, and a chart's own values as Helm does.
    """
    import helm_python  # noqa: PLC0415

    first, *rest = _SEPARATOR.split(text)
    merged: Any = helm_python.values_from_yaml(first)
    for behind, document in zip(rest[::2], rest[1::2], strict=True):
        if behind.strip() and not behind.strip().startswith("#"):
            raise ValueError(f"invalid Yaml document separator: {behind.strip()}")
        merged = _laid_over(merged, helm_python.values_from_yaml(document))
    return merged


def _laid_over(below: Any, above: Any, *, by_index: bool = False) -> Any:
    """Return `below` with `above` laid over it; a null stays, so that Helm deletes the chart's own value.

    With `by_index`, lists are merged by position: helm_python pads `a[1]=x` with nulls up to the position meant.
    """
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _laid_over(below.get(key), value, by_index=by_index) for key, value in above.items()}}
    if by_index and isinstance(below, list) and isinstance(above, list):
        pairs = zip_longest(below, above)
        return [old if new is None else _laid_over(old, new, by_index=True) for old, new in pairs]
    return above


def _version() -> Mapping[str, Any]:
    from helm_python import helm_sdk_version  # noqa: PLC0415

    return {"version": helm_sdk_version().removeprefix("v")}


_TASKS: Mapping[str, Callable[..., Mapping[str, Any]]] = {
    "render": _render,
    "render_archive": _render_archive,
    "lint": _lint,
    "pull": _pull,
    "version": _version,
}

if __name__ == "__main__":
    main()
