"""Model files: the same records come back, and a file that is no model is refused."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import yaml

from contracts.errors import DefinitionError
from datagen.learn import LearnedModel, learn
from datagen.learn.store import load, save
from tests.datagen.learn_samples import calls


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LearnedModel:
    return learn([calls(tmp_path_factory.mktemp("stored") / "calls.csv")])


@pytest.mark.parametrize("ending", ["npz", "yml"])
@pytest.mark.parametrize("name", ["calls", "voip-busyhour", "voip-public"])
def test_learn_store_gives_the_same_records_back(ending: str, name: str, model: LearnedModel, tmp_path: Path) -> None:
    root = Path(__file__).parents[2] / "sample_data"
    learned = model if name == "calls" else learn([root / f"{name}.csv"])
    path, twin = tmp_path / f"m.{ending}", tmp_path / f"n.{ending}"
    save(learned, path)
    save(load(path), twin)
    assert path.read_bytes() == twin.read_bytes()
    assert load(path).lines(np.random.default_rng(5), 2000) == learned.lines(np.random.default_rng(5), 2000)


def test_learn_store_holds_no_identifier_of_the_sample(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "sample_data" / "voip-public-undated.csv"
    save(learn([sample]), tmp_path / "m.yml")
    text = (tmp_path / "m.yml").read_text("utf-8")
    numbers = [line.split(",")[1] for line in sample.read_text("utf-8").splitlines()[1:]]
    assert len(numbers) > 100 and not any(number in text or number[1:] in text for number in numbers)


def test_learn_store_refuses_another_ending(model: LearnedModel, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="pickle"):
        save(model, tmp_path / "m.pickle")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("/tmp/busyhour-bomb"),))  # noqa: S108  never run


def _parts(model: LearnedModel, tmp_path: Path) -> dict[str, Any]:
    save(model, tmp_path / "whole.npz")
    with np.load(tmp_path / "whole.npz") as found:
        return dict(found)


def _described(parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    described = orjson.loads(parts["model"].tobytes()) | changes
    return parts | {"model": np.frombuffer(orjson.dumps(described), np.uint8)}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda parts: parts | {"base": parts["base"] + 10**6},
        lambda parts: parts | {"base": parts["base"] - 10},
        lambda parts: parts | {"base": parts["base"][:, :-1]},
        lambda parts: parts | {"base": parts["base"].astype(float)},
        lambda parts: parts | {"slots": parts["slots"] + 10**6},
        lambda parts: parts | {"slots": parts["slots"][:10]},
        lambda parts: parts | {"hourly": np.zeros((5, 5), np.int32)},
        lambda parts: parts | {"copies": parts["copies"][::-1]},
        lambda parts: {name: part for name, part in parts.items() if name != "slots"},
        lambda parts: parts | {"slots": np.array([_Bomb()], dtype=object)},
        lambda parts: _described(parts, busyhour_model=99),
        lambda parts: _described(parts, blocks=[[0]]),
        lambda parts: _described(parts, moving=[77]),
        lambda parts: _described(parts, form={"columns": []}),
        lambda parts: _described(parts, variables=[{"kind": "os.system", "name": "x"}]),
        lambda parts: parts | {"model": np.frombuffer(b"[1", np.uint8)},
    ],
)
def test_learn_store_refuses_a_spoilt_model(spoil: Any, model: LearnedModel, tmp_path: Path) -> None:
    parts = spoil(_parts(model, tmp_path))
    np.savez(tmp_path / "bad.npz", **parts)
    with pytest.raises(DefinitionError, match=r"bad\.npz") as refused:
        load(tmp_path / "bad.npz")
    assert refused.value.remedy
    assert not Path("/tmp/busyhour-bomb").exists()  # noqa: S108


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"not a model", pickle.dumps({"busyhour_model": 1}), b"a: [1", b"busyhour_model: 1\narrays: {}\n",
     b"!!python/object/apply:os.system ['true']"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["npz", "yml"])
def test_learn_store_refuses_what_is_no_model(content: bytes, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bad.{ending}"
    path.write_bytes(content)
    with pytest.raises(DefinitionError, match="bad"):
        load(path)


def test_learn_store_refuses_what_unpacks_to_too_much(
    model: LearnedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(model, tmp_path / "m.yml")
    save(model, tmp_path / "m.npz")
    monkeypatch.setattr("datagen.learn.store.MOST_BYTES", (tmp_path / "m.yml").stat().st_size + 1)
    for ending in ("npz", "yml"):
        with pytest.raises(DefinitionError, match="too large"):
            load(tmp_path / f"m.{ending}")


def test_learn_store_text_is_plain_yaml(model: LearnedModel, tmp_path: Path) -> None:
    save(model, tmp_path / "m.yml")
    described = yaml.safe_load((tmp_path / "m.yml").read_text("utf-8"))
    assert [row["name"] for row in described["variables"]][:2] == ["Region", "Result"]


def test_learn_store_leaves_no_part_behind(model: LearnedModel, tmp_path: Path) -> None:
    save(model, tmp_path / "m.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]
    assert zipfile.is_zipfile(io.BytesIO((tmp_path / "m.npz").read_bytes()))
