"""The reader of Terraform's expressions that the templates' tests go by.

What it says is what Terraform says of the same text (looked up with terraform 1.11's console), and what it does not
cover is an error.
"""
from __future__ import annotations

import pytest
from hcl_expression import evaluate, parse, references
from hcl_functions import Refused

SCOPE = {"var": {"no": False, "text": "a b", "list": ["x", "y"], "map": {"b": "2", "a": "1"}, "nothing": None}}


@pytest.mark.parametrize(("text", "value"), [
    ("plain", "plain"),
    ("${var.text}", "a b"),
    ("<${var.text}>${1 + 2}", "<a b>3"),
    ("${var.list}", ["x", "y"]),
    ('${"${var.text}-${true}"}', "a b-true"),
    ("${1 + 2 * 3 == 7 && !var.no}", True),
    ('${"1" == 1}', False),
    ('${"10" > 9}', True),
    ('${"true" ? "yes" : "no"}', "yes"),
    ("${var.list[1]}", "y"),
    ('${var.map["a"]}', "1"),
    ("${[for one in var.list : \"${one}!\" if one != \"x\"]}", ["y!"]),
    ("${{ for key, one in var.map : one => key }}", {"1": "a", "2": "b"}),
    ("${{ a = 1\n  b = var.no ? 1 : 2 }}", {"a": 1, "b": 2}),
    ('${try(var.map["c"], var.list[7], "last")}', "last"),
    ('${can(regex("^\\\\w+$", var.text))}', False),
    ('${regex("(?:vm|subvol)-([0-9]+)-", "local:subvol-300-disk-1")[0]}', "300"),
    ('${replace("a/b c", "/[^a-z]/", "-")}', "a-b-c"),
    ('${merge({}, var.nothing, { a = "1" })}', {"a": "1"}),
    ('${join(",", sort(keys(var.map)))}', "a,b"),
    ('${jsonencode({ b = "<&>", a = [1, true] })}', '{"a":[1,true],"b":"\\u003c\\u0026\\u003e"}'),
    ('${substr("abcdef", 0, 3)}', "abc"),
    ("${max}", Refused),
    ("${max(1, 2)}", Refused),
    ("${var.other}", Refused),
    ("${var.list[*]}", Refused),
    ('${"%{ if true }"}', Refused),
    ("${1 +}", Refused),
    ("${[1, 2}", Refused),
    ('${tobool("perhaps")}', Refused),
    ("${var.nothing ? 1 : 2}", Refused),
])
def test_an_expression_is_what_terraform_makes_of_it(text, value):
    if value is Refused:
        with pytest.raises(Refused):
            evaluate(parse(text), SCOPE)
    else:
        found = evaluate(parse(text), SCOPE)
        assert found == value and isinstance(found, bool) == isinstance(value, bool)


def test_references_know_indices_and_what_a_for_binds():
    text = '${[for one in local.all : one.name if one.on && var.x[0].y == data.a.b["k"].c]}'
    assert sorted(references(parse(text))) == [["data", "a", "b", "[]", "c"], ["local", "all"], ["var", "x", "[]", "y"]]
