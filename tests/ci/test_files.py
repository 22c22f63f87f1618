"""The files of ci/ as files: their schemas, and that both do the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.ci.conftest import GITHUB, GITLAB, documents


def check(schema: str, text: str) -> subprocess.CompletedProcess[str]:
    """Hold YAML against a published schema."""
    command = ["check_jsonschema", "--builtin-schema", f"vendor.{schema}", "--default-filetype", "yaml"]
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    return subprocess.run(
        [sys.executable, "-m", *command, *transform, "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_action_is_what_github_takes() -> None:
    """Its published schema says so."""
    done = check("github-actions", GITHUB.read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stdout
    assert check("github-actions", "name: x\nruns: {using: composite}\n").returncode == 1


@pytest.mark.parametrize("number", [0, 1])
def test_the_component_is_what_gitlab_takes(number: int) -> None:
    """Both documents: the inputs, and the jobs."""
    text = GITLAB.read_text(encoding="utf-8").split("\n---\n")[number]
    done = check("gitlab-ci", text)
    assert done.returncode == 0, done.stdout


def test_both_have_the_same_steps_and_inputs() -> None:
    """Who moves from one to the other learns nothing new."""
    (action,) = documents(GITHUB)
    header, jobs = documents(GITLAB)
    modes = ("upload", "download", "restore", "save")
    scripts = {mode: jobs[f"$[[ inputs.as ]]-{mode}"]["script"] for mode in modes}
    steps = {script[1] for script in scripts.values()}
    assert [script[2] for script in scripts.values()] == [f"natsobj_ci {mode}" for mode in modes]
    assert steps == {action["runs"]["steps"][1]["run"].removesuffix('natsobj_ci "$NATSOBJ_CI_MODE"\n')}
    inputs = set(header["spec"]["inputs"]) - {"as", "image", "requirement"}
    assert inputs | {"mode"} == set(action["inputs"])
