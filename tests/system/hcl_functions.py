"""Those of Terraform's functions that Hakim's templates call, and its conversions.

Its regular expressions are Go's; what the templates use of them means the same in Python with re.ASCII.
"""
from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any


class Refused(Exception):
    """Terraform would refuse it, or it is not covered here."""


def as_text(value: Any) -> str:
    """What stands in a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, str):
        return value
    raise Refused(f"this is no text: {value!r}")


def as_bool(value: Any) -> bool:
    """A condition."""
    if value in ("true", "false") and isinstance(value, str):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise Refused(f"this is neither true nor false: {value!r}")


def as_number(value: Any) -> int | float:
    """A number, or a string that is one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return int(value) if re.fullmatch(r"-?[0-9]+", value) else float(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"this is no number: {value!r}") from error


def as_list(value: Any) -> list[Any]:
    """Nothing else will do."""
    if not isinstance(value, list):
        raise Refused(f"this is no list: {value!r}")
    return value


def length(value: Any) -> int:
    if not isinstance(value, (str, list, dict)):
        raise Refused(f"this has no length: {value!r}")
    return len(value)


def keys(value: Any) -> list[str]:
    if not isinstance(value, dict):
        raise Refused(f"this has no keys: {value!r}")
    return sorted(value)


def merge(*values: Any) -> dict[str, Any]:
    """null is as nothing."""
    merged: dict[str, Any] = {}
    for value in values:
        if value is not None and not isinstance(value, dict):
            raise Refused(f"this is no object: {value!r}")
        merged.update(value or {})
    return merged


def replace(text: Any, what: Any, new: Any) -> str:
    """Between slashes it is a regular expression."""
    if len(what) > 1 and what.startswith("/") and what.endswith("/"):
        return re.sub(what[1:-1], lambda _: new, as_text(text), flags=re.ASCII)
    return as_text(text).replace(what, new)


def regex(pattern: Any, text: Any) -> Any:
    """The match, or the list of its groups; none is an error."""
    found = re.search(pattern, as_text(text), re.ASCII)
    if not found:
        raise Refused(f"{pattern} does not match {text!r}")
    return list(found.groups()) if found.groups() else found[0]


def jsondecode(text: Any) -> Any:
    try:
        return json.loads(as_text(text))
    except ValueError as error:
        raise Refused(f"this is no JSON: {text!r}") from error


def nullable(convert: Any) -> Any:
    """null stays null."""
    return lambda value: None if value is None else convert(value)


def json_text(value: Any) -> str:
    """As Terraform writes it: sorted, without blanks, and < > & escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


FUNCTIONS: dict[str, Any] = {
    "anytrue": lambda values: any(as_bool(value) for value in as_list(values)),
    "base64encode": lambda text: base64.b64encode(as_text(text).encode()).decode(),
    "compact": lambda values: [value for value in as_list(values) if value not in (None, "")],
    "concat": lambda *lists: [item for one in lists for item in as_list(one)],
    "contains": lambda values, value: any(operand == value and isinstance(operand, bool) == isinstance(value, bool)
                                          for operand in as_list(values)),
    "distinct": lambda values: list(dict.fromkeys(as_list(values))),
    "file": lambda path: Path(path).read_text("utf-8"),
    "join": lambda between, values: as_text(between).join(as_text(value) for value in as_list(values)),
    "jsondecode": jsondecode,
    "jsonencode": json_text,
    "keys": keys,
    "length": length,
    "lower": lambda text: as_text(text).lower(),
    "merge": merge,
    "nonsensitive": lambda value: value,
    "regex": regex,
    "replace": replace,
    "sha256": lambda text: hashlib.sha256(as_text(text).encode()).hexdigest(),
    "sort": lambda values: sorted(as_text(value) for value in as_list(values)),
    "startswith": lambda text, start: as_text(text).startswith(as_text(start)),
    "strcontains": lambda text, part: as_text(part) in as_text(text),
    "substr": lambda text, at, count: as_text(text)[int(at):int(at) + int(count)],
    "tobool": nullable(as_bool),
    "tonumber": nullable(as_number),
    "tostring": nullable(as_text),
    "trimprefix": lambda text, start: as_text(text).removeprefix(as_text(start)),
    "trimspace": lambda text: as_text(text).strip(),
    "trimsuffix": lambda text, end: as_text(text).removesuffix(as_text(end)),
    "values": lambda value: [value[key] for key in keys(value)],
}
