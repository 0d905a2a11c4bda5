"""A learned model as a file: `.npz` (arrays and a description) or `.yml` (the same as text). Never pickle.

What is read is held against what a model is before it is used: a file from elsewhere can be refused, not run.
"""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import yaml

from contracts.errors import DefinitionError, OperatorError
from datagen.definitions import mapping
from datagen.files import write_whole
from datagen.learn.columns import Kind, Names, Number, Words
from datagen.learn.model import GRID, HOUR_SLOTS, SLOTS, Form, LearnedModel, Written
from datagen.learn.moments import Moment

FORMAT = 1
SUFFIXES = (".npz", ".yml", ".yaml")
MOST_BYTES = 1 << 29  # of a model, unpacked
_ARRAYS = ("base", "reach", "slots", "hourly", "copies")
_KINDS: Mapping[str, type[Words] | type[Number] | type[Names]] = {"words": Words, "number": Number, "names": Names}
_REMEDY = "learn the model again: busyhour learn SAMPLE --out MODEL.npz"


def is_model(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def save(model: LearnedModel, path: Path) -> None:
    """Writes the whole file or none; the same model gives the same bytes. Raises DefinitionError (its ending), OperatorError."""
    if not is_model(path):
        raise DefinitionError(
            f"ends in {path.suffix or 'nothing'}", where=str(path), remedy=f"one of {', '.join(SUFFIXES)}"
        )
    content = packed(model) if path.suffix.lower() == ".npz" else _yml(*_parts(model))
    try:
        write_whole(path, content)
    except OSError as problem:
        raise OperatorError(f"cannot be written: {problem}", where=str(path)) from problem


def packed(model: LearnedModel) -> bytes:
    """The model as the bytes of an `.npz`."""
    return _npz(*_parts(model))


def load(path: Path) -> LearnedModel:
    """Raises DefinitionError when the file is no model, is of another format, or contradicts itself."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DefinitionError("is too large for a model", where=str(path), remedy=_REMEDY)
        content = path.read_bytes()
        described, arrays = _from_npz(content) if path.suffix.lower() == ".npz" else _from_yml(content)
        return _model(described, arrays)
    except OSError as problem:
        raise DefinitionError(f"cannot be read: {problem}", where=str(path)) from problem
    except DefinitionError as problem:
        raise DefinitionError(problem.what, where=str(path), remedy=problem.remedy or _REMEDY) from problem
    except (
        ValueError,
        KeyError,
        TypeError,
        zipfile.BadZipFile,
        zlib.error,
        yaml.YAMLError,
        RecursionError,
        EOFError,
    ) as problem:
        what = f"is no model of ours: {type(problem).__name__} {str(problem)[:120]}"
        raise DefinitionError(what, where=str(path), remedy=_REMEDY) from problem


Parts = tuple[dict[str, Any], dict[str, np.ndarray]]


def _parts(model: LearnedModel) -> Parts:
    described = {
        "busyhour_model": FORMAT,
        "form": asdict(model.form),
        "variables": [
            {"name": name, "kind": next(key for key, made in _KINDS.items() if isinstance(kind, made)), **asdict(kind)}
            for name, kind in zip(model.names, model.kinds, strict=True)
        ],
        "blocks": [list(block) for block in model.blocks],
        "moments": [asdict(moment) for moment in model.moments],
        "moving": [place for place, reach in enumerate(model.reach) if reach is not None],
        "rows": model.rows,
        "start": model.start,
        "per_day": model.per_day,
        "seed": model.seed,
        "fields": dict(model.fields),
        "week": list(model.week),
    }
    moving = [reach for reach in model.reach if reach is not None]
    arrays: dict[str, np.ndarray] = {
        "base": model.base,
        "reach": np.stack(moving) if moving else np.zeros((0, model.base.shape[1]), model.base.dtype),
        "slots": model.slots,
        "hourly": model.hourly,
        "copies": model.copies,
    }
    return orjson.loads(orjson.dumps(described)), arrays


def _npz(described: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    text = np.frombuffer(orjson.dumps(described), np.uint8)
    np.savez_compressed(out, allow_pickle=False, model=text, **arrays)
    return out.getvalue()


def _from_npz(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise DefinitionError("is too large for a model")
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        arrays = {name: found[name] for name in _ARRAYS}
        described = orjson.loads(found["model"].astype(np.uint8).tobytes())
    return described, arrays


def _yml(described: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    packed = {
        name: {
            "type": array.dtype.name,
            "shape": list(array.shape),
            "zlib": base64.b64encode(zlib.compress(array.astype(array.dtype.newbyteorder("<")).tobytes(), 9)).decode(),
        }
        for name, array in arrays.items()
    }
    return yaml.dump(
        {**described, "arrays": packed}, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=False, width=120
    ).encode()


def _from_yml(content: bytes) -> Parts:
    found = mapping(yaml.load(content, yaml.CSafeLoader), "")
    packed = mapping(found.pop("arrays", None), "arrays")
    return found, {name: _unpacked(mapping(packed.get(name), name)) for name in _ARRAYS}


def _unpacked(packed: Mapping[str, Any]) -> np.ndarray:
    if packed["type"] not in ("int32", "int64", "uint64"):
        raise DefinitionError(f"an array is of type {packed['type']!r}")
    reader = zlib.decompressobj()
    octets = reader.decompress(base64.b64decode(packed["zlib"], validate=True), MOST_BYTES)
    if reader.unconsumed_tail:
        raise DefinitionError("is too large for a model")
    return (
        np.frombuffer(octets, np.dtype(packed["type"]).newbyteorder("<"))
        .astype(packed["type"])
        .reshape(packed["shape"])
    )


# From parts to a model, every part held against the others


def _model(described: Any, arrays: Mapping[str, np.ndarray]) -> LearnedModel:
    if not isinstance(described, dict) or described.get("busyhour_model") != FORMAT:
        raise DefinitionError(f"is no model of format {FORMAT}")
    variables = described["variables"]
    kinds = tuple(_kind(dict(each)) for each in variables)
    moving = described["moving"]
    moved = dict(zip(moving, arrays["reach"], strict=True))
    model = LearnedModel(
        form=_form(described["form"]),
        names=tuple(str(each["name"]) for each in variables),
        kinds=kinds,
        blocks=tuple(tuple(int(place) for place in block) for block in described["blocks"]),
        base=arrays["base"],
        reach=tuple(moved.get(place) for place in range(len(kinds))),
        slots=arrays["slots"],
        hourly=arrays["hourly"],
        moments=tuple(
            Moment(**{**each, "columns": tuple(each["columns"]), "patterns": tuple(each["patterns"])})
            for each in described["moments"]
        ),
        copies=arrays["copies"],
        rows=int(described["rows"]),
        start=int(described["start"]),
        per_day=float(described["per_day"]),
        seed=int(described["seed"]),
        fields={str(name): str(field) for name, field in described["fields"].items()},
        week=tuple(map(float, described["week"])),
    )
    for what, holds in _laws(model, moving):
        if not holds:
            raise DefinitionError(f"contradicts itself: {what}")
    return model


def _kind(row: dict[str, Any]) -> Kind:
    made = _KINDS[row.pop("kind")]
    del row["name"]
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return made(**given)


def _form(row: dict[str, Any]) -> Form:
    columns = tuple(
        Written(
            **{
                **each,
                "number": None if each["number"] is None else _kind({"kind": "number", "name": "", **each["number"]}),
            }
        )
        for each in row["columns"]
    )
    return Form(**{**row, "columns": columns, "preamble": tuple(row["preamble"])})


def _laws(model: LearnedModel, moving: list[int]) -> list[tuple[str, bool]]:
    many = len(model.kinds)
    base = model.base
    leaves = base.shape[1] // GRID if base.ndim == 2 else 0
    whole = all(array.dtype in (np.int32, np.int64) for array in (base, model.slots, model.hourly))
    laws = [
        ("types of arrays", whole and model.copies.dtype == np.uint64),
        ("atoms", base.ndim == 2 and base.shape == (many, leaves * GRID) and leaves > 0),
        ("blocks", sorted(place for block in model.blocks for place in block) == list(range(many))),
        ("slots", model.slots.shape == (SLOTS,) and model.hourly.shape in ((0, HOUR_SLOTS), (168, HOUR_SLOTS))),
        (
            "leaves",
            all(not each.size or (each.min() >= 0 and each.max() < leaves) for each in (model.slots, model.hourly)),
        ),
        ("copies", model.copies.ndim == 1 and bool(np.all(model.copies[1:] > model.copies[:-1]))),
        ("columns", all(_placed(column, model) for column in model.form.columns)),
        ("separator", isinstance(model.form.separator, str) and len(model.form.separator) == 1),
        ("week", len(model.week) in (0, 168) and all(0 <= rate < 1e6 for rate in model.week)),
        ("moving", all(0 <= place < many and isinstance(model.kinds[place], Number) for place in moving)),
    ]
    if all(holds for _, holds in laws):
        laws += [(f"values of {model.names[place]}", _within(model, place)) for place in range(many)]
    return laws


def _placed(column: Written, model: LearnedModel) -> bool:
    size = {"value": len(model.kinds), "clock": len(model.moments), "span": len(model.moments), "counter": 1}[
        column.role
    ]
    named = all(moment.field in model.names for moment in model.moments[1:])
    return (
        0 <= column.place < size
        and 0 <= column.other < size
        and named
        and (column.role != "span" or column.number is not None)
    )


def _within(model: LearnedModel, place: int) -> bool:
    kind, codes, reach = model.kinds[place], model.base[place], model.reach[place]
    ends = (codes, codes if reach is None else codes + reach)
    low, high = min(int(each.min()) for each in ends), max(int(each.max()) for each in ends)
    if isinstance(kind, Words):
        return (
            len(kind.words) > 0
            and all(isinstance(word, str) for word in kind.words)
            and low >= 0
            and high < len(kind.words)
        )
    if isinstance(kind, Number):
        sound = (
            kind.step > 0 and 0 <= kind.least <= kind.places <= 9 and abs(kind.origin) + kind.top * kind.step < 2**62
        )
        return sound and low >= -1 and high <= kind.top
    shares = len(kind.masks) == len(kind.shares) and all(
        isinstance(mask, str) and len(mask) < 4096 for mask in kind.masks
    )
    return shares and low >= -1 and high <= kind.known <= 1 << 24
