"""The shell steps of ci/, taken from their YAML files and run as a runner would."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.program import Program

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / "ci" / "github" / "action.yml"
GITLAB = ROOT / "ci" / "gitlab" / "natsobj.yml"

TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Done:
    """How a step ended."""

    code: int
    output: str
    answers: Mapping[str, str]
    """The outputs of the step, on GitHub."""

    def expect(self, code: int = 0) -> Done:
        """Return itself if that is the exit code."""
        assert self.code == code, f"exit {self.code} instead of {code}: {self.output}"
        return self


Step = Callable[..., Done]
"""Runs a mode with inputs: `step("upload", name="dist", path="dist")`."""


def documents(path: Path) -> list[dict[str, Any]]:
    """What a YAML file has."""
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def github(mode: str, inputs: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The shell of the composite action, all steps of it, and its environment."""
    (action,) = documents(GITHUB)
    given = {name: inputs.get(name, spec.get("default")) for name, spec in action["inputs"].items()}
    given["mode"] = mode
    assert not inputs.keys() - given.keys()
    environment = {}
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an input in the shell's own text would be run"
        for name, value in step.get("env", {}).items():
            environment[name] = str(given[re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", value)[1]])  # type: ignore[index]
    environment["GITHUB_ACTIONS"] = "true"
    return "\n".join(step["run"] for step in action["runs"]["steps"]), environment


def gitlab(mode: str, inputs: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The shell of a job that extends the component's, and its variables."""
    header, jobs = documents(GITLAB)
    given = {name: inputs.get(name, spec.get("default")) for name, spec in header["spec"]["inputs"].items()}
    assert not inputs.keys() - given.keys()
    job = jobs[f"$[[ inputs.as ]]-{mode}"]
    assert all("$[[" not in line for line in job["script"]), "an input in the shell's own text would be run"
    variables = jobs[job["extends"]]["variables"]
    environment = {
        name: str(given[re.fullmatch(r"\$\[\[ inputs\.(\S+) \]\]", value)[1]])  # type: ignore[index]
        for name, value in variables.items()
    }
    return "\n".join(job["script"]), environment


@pytest.fixture(params=[github, gitlab])
def runner(request: pytest.FixtureRequest) -> Callable[[str, Mapping[str, str]], tuple[str, dict[str, str]]]:
    """Where the steps come from."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder that the steps run in."""
    folder = tmp_path / "work space"
    folder.mkdir()
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder that is first on PATH, with `natsobj` in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    write_tool(folder, "natsobj", f'exec "{sys.executable}" -W error -m natsobj "$@"')
    return folder


def write_tool(folder: Path, name: str, text: str) -> None:
    """Make a program of a line of shell."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def step(runner: Any, cli: Program, bucket_name: str, work: Path, tools: Path) -> Step:
    """Run a mode under `bash -e`, in the folder `work`, with a bucket that is not there at first."""
    outside = work.parent

    def run(mode: str, *, cwd: Path = work, server: str = "", **inputs: str) -> Done:
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        shell, environment = runner(mode, {"bucket": bucket_name, "server": server} | given)
        answers = outside / "answers"
        answers.write_bytes(b"")
        if "GITHUB_ACTIONS" in environment:
            environment["GITHUB_OUTPUT"] = str(answers)
        done = subprocess.run(
            ["bash", "-e", "-c", shell],
            cwd=cwd,
            env=cli.env | environment | {"PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(outside)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        left = [path.name for path in outside.iterdir() if path.name.startswith("tmp.")]
        assert left == [], "temporary files stay"
        return Done(done.returncode, done.stdout + done.stderr, read_answers(answers.read_text()))

    return run


def read_answers(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner does: NAME<<MARK, lines, MARK."""
    answers, lines = {}, iter(text.split("\n"))
    for line in lines:
        name, found, mark = line.partition("<<")
        if found:
            value = []
            while (line := next(lines)) != mark:
                value.append(line)
            answers[name] = "\n".join(value)
    return answers
