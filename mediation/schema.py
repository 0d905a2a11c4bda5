"""The form of a layout file, as a JSON Schema (draft 2020-12). What the keys mean stands in `mediation.layout`."""

from __future__ import annotations

from typing import Any

from contracts.entities import SERVICES

Schema = dict[str, Any]


def _object(required: list[str], properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
FIELD: Schema = {"type": "string", "pattern": r"^[@a-z][a-z0-9_.]*$"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
SERVICE: Schema = {"enum": list(SERVICES)}
ONLY: Schema = {"type": "array", "items": SERVICE, "minItems": 1, "uniqueItems": True}


def _fields(count: int) -> Schema:
    return {"type": "array", "items": FIELD, "minItems": count, "maxItems": count}


WORDS: Schema = {
    "oneOf": [
        {"type": "array", "items": NAME, "minItems": 1, "uniqueItems": True},
        {"type": "object", "additionalProperties": NAME, "minProperties": 1},
    ]
}
TEST: Schema = {
    "oneOf": [
        {"type": "array", "items": SCALAR, "minItems": 1, "uniqueItems": True},
        _object(["from", "to"], {"from": NUMBER, "to": NUMBER}),
        _object(["absent"], {"absent": {"const": True}}),
        _object(["present"], {"present": {"const": True}}),
        _object(["before"], {"before": FIELD}),
        _object(["below"], {"below": FIELD}),
    ]
}
WHEN: Schema = {"type": "object", "minProperties": 1, "additionalProperties": TEST}
CHARACTER: Schema = {"type": "string", "minLength": 1, "maxLength": 1, "pattern": '^[^"\\r\\n]$'}
# Keys of each kind of format.
FORMATS: dict[str, Schema] = {
    "csv": {
        "separator": CHARACTER,
        "strip": FLAG,
        "header": {"enum": ["names", "none", "names-and-types"]},
        "others": {"enum": ["refuse", "ignore"]},
        "counts": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "uniqueItems": True},
    },
    "json": {"whole_file": FLAG},
    "pairs": {"separator": CHARACTER, "equals": CHARACTER, "after": NAME},
    "ber": {},
}
FORMAT: Schema = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"enum": list(FORMATS)}},
    "allOf": [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": _object(["kind"], {"kind": {"const": kind}, **keys}),
        }
        for kind, keys in FORMATS.items()
    ],
}
COLUMN = _object(
    ["name"],
    {
        "name": TEXT,
        "as": {"type": "string", "pattern": r"^[A-Za-z0-9_.@-]+$"},
        "part": NAME,
        "optional": FLAG,
        "absent": {"type": "array", "items": NAME, "minItems": 1, "uniqueItems": True},
        "field": FIELD,
        "type": {"enum": ["keyword", "integer", "decimal"]},
        "required": FLAG,
        "divide_by": {"type": "integer", "minimum": 2},
        "min": NUMBER,
        "max": NUMBER,
        "values": WORDS,
        "otherwise": NAME,
        "pii": {"enum": ["keep", "hash", "truncate", "drop"]},
        "keep_characters": {"type": "integer", "minimum": 1},
        "only": ONLY,
    },
)
TIME = _object(
    ["field"],
    {
        "field": FIELD,
        "columns": {"type": "array", "items": NAME, "minItems": 1, "uniqueItems": True},
        "formats": {"type": "array", "items": NAME, "minItems": 1, "uniqueItems": True},
        "required": FLAG,
        "paced_by": NAME,
        "only": ONLY,
    },
)
MAP = _object(
    ["field", "values"],
    {"field": FIELD, "values": {"type": "object", "additionalProperties": SCALAR}, "otherwise": SCALAR},
)
RELEASE: Schema = {**_object([], {"q850": FIELD, "sip": FIELD}), "minProperties": 1}
COUNTRY: Schema = {"type": "string", "pattern": "^[A-Z]{2}$"}
NUMBER_FIELD = _object(
    ["column"],
    {
        "column": NAME,
        "plain": {"enum": ["national", "international"]},
        "home": COUNTRY,
        "country": FIELD,
        "type": FIELD,
        "zone": FIELD,
    },
)
DERIVED = {
    **_object(
        ["field"],
        {
            "field": FIELD,
            "copy": FIELD,
            "seconds_between": _fields(2),
            "time_plus": _fields(2),
            "time_minus": _fields(2),
            "sum": {"type": "array", "items": FIELD, "minItems": 2},
            "difference": _fields(2),
            "join": {"type": "array", "items": FIELD, "minItems": 2},
            "map": MAP,
            "value": SCALAR,
            "release_name": RELEASE,
            "release_fault": RELEASE,
            "mos_of_r_factor": FIELD,
            "ratio": _fields(2),
            "when": WHEN,
            "only": ONLY,
        },
    ),
}
LAYOUT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "CDR layout",
    **_object(
        [
            "layout",
            "title",
            "family",
            "runners",
            "format",
            "timezone",
            "columns",
            "target",
            "times",
            "identity",
        ],
        {
            "layout": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$"},
            "title": NAME,
            "family": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$"},
            "runners": {
                "type": "array",
                "items": {"enum": ["python", "logstash"]},
                "minItems": 1,
                "uniqueItems": True,
            },
            "format": FORMAT,
            "encoding": {"enum": ["utf-8", "latin-1", "utf-16"]},
            "files": {"type": "array", "items": NAME, "minItems": 1, "uniqueItems": True},
            "timezone": NAME,
            "columns": {"type": "array", "items": COLUMN, "minItems": 1},
            "times": {"type": "array", "items": TIME, "minItems": 1},
            "target": {
                "type": "array",
                "minItems": 1,
                "items": _object(["service"], {"service": SERVICE, "when": WHEN}),
            },
            "constants": {"type": "object", "propertyNames": FIELD, "additionalProperties": SCALAR},
            "numbers": {"type": "array", "items": NUMBER_FIELD, "minItems": 1},
            "derive": {"type": "array", "items": DERIVED},
            "locals": {
                "type": "object",
                "propertyNames": FIELD,
                "additionalProperties": {"enum": ["keyword", "integer", "decimal"]},
            },
            "flags": {
                "type": "array",
                "items": _object(
                    ["flag", "when"], {"flag": {"type": "string", "pattern": "^[a-z0-9_]+$"}, "when": WHEN}
                ),
            },
            "identity": {"type": "array", "items": NAME, "minItems": 1, "uniqueItems": True},
        },
    ),
}
