"""The tools that people open `natsobj://` URLs with, as they come."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from natsobj.fsspec import NatsobjFileSystem
from tests.servers import NatsServer

pytestmark = [pytest.mark.data, pytest.mark.filterwarnings("default")]


def tool(name: str) -> Any:
    """A package that only these tests need, and whose types nobody checks here."""
    return importlib.import_module(name)


@pytest.fixture
def url(server: NatsServer, root: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket by its URL; the server comes from the environment."""
    monkeypatch.delenv("NATSOBJ_LOCAL", raising=False)
    monkeypatch.setenv("NATS_URL", server.url)
    return f"natsobj://{root}"


def test_pandas_writes_and_reads_parquet_and_csv(url: str) -> None:
    """By URL, whole and by column."""
    pandas = tool("pandas")
    frame = pandas.DataFrame({"number": range(200_000), "text": [f"row {n}" for n in range(200_000)]})
    frame.to_parquet(f"{url}/a/table.parquet")
    frame[:100].to_csv(f"{url}/a/table.csv.gz", index=False)
    assert pandas.read_parquet(f"{url}/a/table.parquet").equals(frame)
    assert pandas.read_parquet(f"{url}/a/table.parquet", columns=["number"])["number"].sum() == sum(
        range(200_000)
    )
    assert pandas.read_csv(f"{url}/a/table.csv.gz").equals(frame[:100])


def test_pyarrow_writes_and_reads_a_dataset_of_many_files(fs: NatsobjFileSystem, root: str) -> None:
    """Parts by directory, and a filter that leaves most of them alone."""
    pyarrow, dataset = tool("pyarrow"), tool("pyarrow.dataset")
    tool("pyarrow.parquet")
    table = pyarrow.table({"part": [n % 5 for n in range(10_000)], "number": list(range(10_000))})
    dataset.write_dataset(
        table,
        f"{root}/set",
        filesystem=fs,
        format="parquet",
        partitioning=["part"],
        partitioning_flavor="hive",
    )
    assert len(fs.find(f"{root}/set")) == 5
    read = dataset.dataset(f"{root}/set", filesystem=fs, format="parquet", partitioning="hive")
    assert read.count_rows() == 10_000
    found = read.to_table(filter=dataset.field("part") == 3)
    assert sorted(found["number"].to_pylist()) == list(range(3, 10_000, 5))


def test_zarr_and_xarray_keep_groups(url: str) -> None:
    """Chunks are objects; what is missing is the fill value."""
    numpy, xarray, zarr = tool("numpy"), tool("xarray"), tool("zarr")
    group = zarr.open_group(f"{url}/grid.zarr", mode="w")
    array = group.create_array("values", shape=(300, 300), chunks=(100, 100), dtype="f8", fill_value=7)
    array[:100, :250] = numpy.arange(25_000).reshape(100, 250)
    again = zarr.open_group(f"{url}/grid.zarr", mode="r")["values"]
    assert numpy.array_equal(again[:100, :250], numpy.arange(25_000).reshape(100, 250))
    assert again[200, 200] == 7
    data = xarray.Dataset({"t": (("x", "y"), numpy.random.rand(50, 60))})
    data.to_zarr(f"{url}/set.zarr", consolidated=False)
    assert xarray.open_zarr(f"{url}/set.zarr", consolidated=False).load().equals(data)


def test_dask_reads_what_it_wrote_in_parts(url: str) -> None:
    """Many parts at once, by several threads."""
    dataframe, pandas = tool("dask.dataframe"), tool("pandas")
    frame = pandas.DataFrame({"number": range(50_000)})
    dataframe.from_pandas(frame, npartitions=4).to_parquet(f"{url}/parts")
    assert dataframe.read_parquet(f"{url}/parts")["number"].sum().compute() == sum(range(50_000))
