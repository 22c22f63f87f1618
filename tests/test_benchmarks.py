"""The benchmarks themselves: what they make of samples, and that they notice a wrong result."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from nats.aio.client import Client

from benchmarks import raw, workloads
from benchmarks.figures import Goal, Sample, add_up, ratio, summarize
from benchmarks.measure import ROOT, Runner
from benchmarks.proxy import slow_link
from benchmarks.report import Result, notes, page, replace_block, table
from natsobj import Bucket
from tests.servers import NatsServer

FAILED = Sample(0.1, 0.1, 1, successes=0, note="exit 5: no server")


def samples(*walls: float) -> dict[int, Sample]:
    """Samples of a participant that took such times, round by round."""
    return {number: Sample(wall, wall / 2, 50 << 20) for number, wall in enumerate(walls)}


def test_summary_is_the_median_of_what_succeeded() -> None:
    """A run that failed has no time, however fast it was."""
    summary = summarize({**samples(3.0, 1.0, 2.0), 3: FAILED})
    assert summary is not None
    assert (summary.wall, summary.fastest, summary.slowest, summary.cpu) == (2.0, 1.0, 3.0, 1.0)
    assert summarize({0: FAILED}) is None


def test_ratio_is_the_median_of_the_ratios_of_rounds() -> None:
    """A round that was slow for both does not count for more, one that only one of them has not at all."""
    assert ratio(samples(1.0, 20.0, 1.0, 7.0), samples(2.0, 10.0, 1.0)) == 1.0
    assert ratio({0: FAILED}, samples(1.0)) is None


def test_samples_of_a_loop_add_up_and_can_stand_for_a_longer_one() -> None:
    """Times are multiplied, the peak is the highest, and a failure stays one."""
    whole = add_up([Sample(1.0, 0.5, 10), Sample(2.0, 0.5, 30)], scale=10)
    assert whole == Sample(30.0, 10.0, 30, attempts=2, successes=2)
    assert not add_up([Sample(1.0, 0.5, 10), FAILED]).whole


@pytest.mark.parametrize(("value", "verdict"), [(1.0, "reached"), (1.09, "noise"), (1.11, "missed")])
def test_goal_tells_noise_from_a_miss(value: float, verdict: str) -> None:
    """Only a goal that allows for noise has something between reached and missed."""
    assert Goal("Go CLI", 1.0, noise=1.1).verdict(value) == verdict
    assert Goal("Go CLI", 1.0).verdict(1.05) == "missed"


def test_table_has_a_line_for_each_participant() -> None:
    """Times, the ratio to ours, the goals, and how many runs succeeded where not all did."""
    result = Result(
        "put 1 GiB",
        {"natsobj": samples(1.0, 1.0), "Go CLI": samples(2.0, 2.0), "nats-py": {0: FAILED}},
        (Goal("Go CLI", 0.6),),
    )
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table([result]).splitlines()]
    assert lines[2:] == [
        ["put 1 GiB", "natsobj", "2", "1.00", "(1.00 – 1.00)", "", "≤ 80 MiB: reached", "0.500", "50"],
        ["", "Go CLI", "2", "2.00", "(2.00 – 2.00)", "0.500", "≤ 0.6: reached", "1.00", "50"],
        ["", "nats-py", "0 of 1", "–", "", "", "", "–", "–"],
    ]


def test_goal_is_missed_when_we_failed() -> None:
    """A program that does nothing wins no race."""
    result = Result("put 1 GiB", {"natsobj": {0: FAILED}, "Go CLI": samples(2.0)}, (Goal("Go CLI", 0.6),))
    assert "≤ 0.6: missed" in table([result])


def test_page_lists_what_was_noted_once() -> None:
    """The same failure in every round is one line."""
    result = Result("put 1 GiB", {"natsobj": samples(1.0), "Go CLI": {0: FAILED, 1: FAILED}})
    assert notes([result]) == ["put 1 GiB, Go CLI: exit 5: no server"]
    assert page(["2 cores"], [result]).startswith("- 2 cores\n\n| workload")


def test_block_of_the_readme_is_replaced_and_nothing_else() -> None:
    """What stands around the block stays, and a second refresh finds it again."""
    text = "before\n<!-- output: disk -->\nold\n<!-- end of output: disk -->\nafter\n"
    once = replace_block(text, "disk", r"new \1")
    assert once == text.replace("old", "\nnew \\1\n")
    assert replace_block(once, "disk", r"new \1") == once
    with pytest.raises(ValueError, match="exactly one block"):
        replace_block(text, "memory", "new")


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_readme_of_the_benchmarks_has_a_block_for_each_place(kind: str) -> None:
    """`--write` finds where to write."""
    readme = Path(raw.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert "the table" in replace_block(readme, kind, "the table")


def test_workloads_are_chosen_by_name_or_by_a_part_of_it() -> None:
    """A whole name is that workload alone; a word that nothing has is an error."""
    every = workloads.every(quick=False)
    assert [each.name for each in workloads.select(every, ["far", "ls"])] == ["put-far", "get-far", "ls"]
    assert workloads.select(every, []) == every
    assert {each.name for each in workloads.every(quick=True)} < {each.name for each in every}
    with pytest.raises(ValueError, match="no such workload: pu"):
        workloads.select(every, ["pu"])


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Runs commands with an environment of their own."""
    return Runner(tmp_path)


def test_runner_measures_a_process_from_its_start_to_its_end(runner: Runner) -> None:
    """Memory that the process has is in its peak, that of the measuring program is not."""
    small, large = runner.run(
        (sys.executable, "-I", "-S", "-c", "print('done')"),
        (sys.executable, "-I", "-S", "-c", "bytearray(100 << 20).count(1)"),
    )
    assert small.whole
    assert small.wall > 0
    assert small.peak < 50 << 20 < 100 << 20 < large.peak
    assert runner.ask(sys.executable, "-c", "print('done')") == "done\n"


def test_runner_stops_at_a_failure_unless_told_to_go_on(runner: Runner) -> None:
    """The sample of what failed does not count and says why."""
    failing = (sys.executable, "-c", "raise SystemExit('no server')")
    done = runner.run(failing, failing)
    assert [(sample.whole, sample.note) for sample in done] == [
        (False, f"{Path(sys.executable).name}: exit 1: no server")
    ]
    assert len(runner.run(failing, failing, go_on=True)) == 2


def test_runner_ends_what_takes_too_long(runner: Runner) -> None:
    """A participant that waits for ever does not hold up the others."""
    (sample,) = runner.run((sys.executable, "-c", "import time; time.sleep(60)"), limit=0.2)
    assert not sample.whole
    assert "exit -9" in sample.note


async def test_check_accepts_what_natsobj_stored(
    server: NatsServer, bucket: Bucket, bucket_name: str
) -> None:
    """The bytes are read back by code of the benchmarks' own, here through the slow link."""
    contents = {"large": os.urandom(300_000), "empty": b"", "small": b"x"}
    for key, content in contents.items():
        await bucket.put(key, io.BytesIO(content))
    with slow_link(server.url, 0.001) as url, raw.connect(url) as connection:
        connection.check(bucket_name, digests(contents))


async def test_check_notices_other_bytes_lost_chunks_and_orphans(
    server: NatsServer, bucket: Bucket, bucket_name: str, client: Client
) -> None:
    """A fast run whose result is wrong is no run."""
    info = await bucket.put("a", io.BytesIO(b"content"))
    with raw.connect(server.url) as connection:
        for wrong in ({}, {"a": b"other"}, {"a": b"content", "b": b""}):
            with pytest.raises(raw.WrongResult, match="objects instead of"):
                connection.check(bucket_name, digests(wrong))
        await client.jetstream().publish(f"$O.{bucket_name}.C.orphan", b"x")
        with pytest.raises(raw.WrongResult, match="2 chunks are stored"):
            connection.check(bucket_name, digests({"a": b"content"}))
        await client.jetstream().purge_stream(f"OBJ_{bucket_name}", subject=f"$O.{bucket_name}.C.>")
        await client.jetstream().publish(f"$O.{bucket_name}.C.{info.nuid}", b"CONTENT")
        with pytest.raises(raw.WrongResult, match="not what its digest says"):
            connection.check(bucket_name, digests({"a": b"content"}))


async def test_natsobj_reads_what_the_benchmarks_stored(
    server: NatsServer, bucket: Bucket, bucket_name: str
) -> None:
    """Workloads that fetch begin with objects that are right."""
    chunks = [os.urandom(raw.CHUNK_SIZE), b"the rest"]
    with raw.connect(server.url) as connection:
        connection.store(bucket_name, [("a", chunks)])
    async with bucket.open("a") as reader:
        assert b"".join([bytes(chunk) async for chunk in reader]) == b"".join(chunks)


def digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    """What the checks compare with."""
    return {key: sha256(content).hexdigest() for key, content in contents.items()}


def test_a_signal_ends_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    """No server, no files, and the exit code of the signal."""
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--quick",
        "--disk",
        "--only",
        "put-64m",
        "--rounds",
        "1000",
    ]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "put-64m 1/1000" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, said
    assert list(tmp_path.iterdir()) == []


async def test_the_floor_does_the_whole_work(
    server: NatsServer, bucket: Bucket, bucket_name: str, tmp_path: Path
) -> None:
    """A row that is fast because something is left out would be no floor."""
    contents = {"large": os.urandom(1_000_000), "small": b"x"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    def floor(*arguments: object) -> None:
        command = [sys.executable, "-m", "benchmarks.floor", server.url, bucket_name, *map(str, arguments)]
        subprocess.run(command, cwd=ROOT, check=True)

    floor("put", "large", tmp_path / "large")
    floor("put-all", "p", tmp_path, "small")
    with raw.connect(server.url) as connection:
        expected = {"large": contents["large"], "p/small": contents["small"]}
        connection.check(bucket_name, digests(expected))
        floor("get", "large", tmp_path / "fetched")
        assert connection.consumers(bucket_name) == 0
    (tmp_path / "out").mkdir()
    floor("get-all", "p", tmp_path / "out", "small")
    assert (tmp_path / "fetched").read_bytes() == contents["large"]
    assert (tmp_path / "out" / "small").read_bytes() == b"x"
