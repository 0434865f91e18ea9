"""Terraform's expressions: text to a tree, and a tree to a value.

What it covers is what Hakim's templates use: strings with ${}, lists, objects, for, conditions, operators, indices and
calls of the functions in hcl_functions.py. Whatever else stands there (heredocs, %{ }, splats, unknown functions) is an
error, never a guess. Unknown values, types of objects and marks of what is sensitive are not modelled.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from hcl_functions import FUNCTIONS, Refused, as_bool, as_number, as_text

Node = tuple[Any, ...]
TOKEN = re.compile(r"""\s*(?:
    (?P<number>[0-9]+(?:\.[0-9]+)?) | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<op>\.\.\.|=>|==|!=|<=|>=|&&|\|\||[-+*/%!<>?:=,.()\[\]{}"])
    )""", re.X)
LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class Parser:
    """One expression, from a text at an offset."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text, self.at = text, at

    def peek(self) -> tuple[str, str]:
        """The kind and the text of what comes."""
        while comment := re.compile(r"\s*(#|//)[^\n]*").match(self.text, self.at):
            self.at = comment.end()
        found = TOKEN.match(self.text, self.at)
        if not found:
            rest = self.text[self.at:].strip()
            if rest:
                raise Refused(f"this is not covered: {rest[:60]}")
            return "end", ""
        kind = str(found.lastgroup)
        return kind, found[kind]

    def take(self, wanted: str = "") -> str:
        """What comes, which may have to be something."""
        kind, text = self.peek()
        if kind == "end" or wanted and text != wanted:
            raise Refused(f"{wanted or 'something'} is missing before: {self.text[self.at:][:60]}")
        self.at = TOKEN.match(self.text, self.at).end()  # type: ignore[union-attr]
        return text

    def comes(self, text: str) -> bool:
        """Takes it when it comes."""
        if self.peek() not in (("op", text), ("name", text)):
            return False
        self.take()
        return True

    def touches(self, text: str) -> bool:
        """Without a blank before it: in an object a line may begin with ( or [."""
        return self.text.startswith(text, self.at)

    def expression(self) -> Node:
        """A condition, or what is above it."""
        head = self.binary(0)
        if not self.comes("?"):
            return head
        yes = self.expression()
        self.take(":")
        return "if", head, yes, self.expression()

    def binary(self, level: int) -> Node:
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek()[0] == "op" and self.peek()[1] in LEVELS[level]:
            left = ("op", self.take(), left, self.binary(level + 1))
        return left

    def unary(self) -> Node:
        if self.peek() in (("op", "!"), ("op", "-")):
            return "not" if self.take() == "!" else "minus", self.unary()
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while True:
            if self.touches("."):
                self.take(".")
                name = self.take()
                node = ("index", node, ("value", int(name) if name.isdigit() else name), "dot")
            elif self.touches("["):
                self.take("[")
                node = ("index", node, self.expression(), "bracket")
                self.take("]")
            else:
                return node

    def primary(self) -> Node:
        kind, text = self.peek()
        if kind == "number":
            self.take()
            return "value", float(text) if "." in text else int(text)
        if kind == "name":
            self.take()
            if text in ("true", "false", "null"):
                return "value", {"true": True, "false": False, "null": None}[text]
            return self.call(text) if self.touches("(") else ("root", text)
        if text == '"':
            self.take()
            return self.quoted()
        if text == "(":
            self.take()
            inside = self.expression()
            self.take(")")
            return inside
        if text == "[":
            self.take()
            return self.comprehension("]") if self.comes("for") else self.several("]")
        if text == "{":
            self.take()
            return self.comprehension("}") if self.comes("for") else self.object()
        raise Refused(f"this is not covered: {self.text[self.at:][:60]}")

    def call(self, name: str) -> Node:
        self.take("(")
        if name not in FUNCTIONS and name not in ("try", "can"):
            raise Refused(f"the function {name} is not covered")
        return "call", name, self.several(")")[1]

    def several(self, end: str) -> Node:
        items = []
        while not self.comes(end):
            items.append(self.expression())
            if not self.comes(","):
                self.take(end)
                break
        return "list", items

    def object(self) -> Node:
        items = []
        while not self.comes("}"):
            kind, text = self.peek()
            key = ("value", self.take()) if kind == "name" else self.unary()
            if not self.comes("="):
                self.take(":")
            items.append((key, self.expression()))
            self.comes(",")
        return "object", items

    def comprehension(self, end: str) -> Node:
        names = [self.take()]
        if self.comes(","):
            names.append(self.take())
        self.take("in")
        source = self.expression()
        self.take(":")
        key = None
        value = self.expression()
        if self.comes("=>"):
            key, value = value, self.expression()
        condition = self.expression() if self.comes("if") else None
        self.take(end)
        return "for", names, source, key, value, condition

    def quoted(self) -> Node:
        """A string after its first quotation mark."""
        parts, text = [], ""
        while True:
            if self.at >= len(self.text):
                raise Refused("a string does not end")
            char = self.text[self.at]
            two = self.text[self.at:self.at + 2]
            if char == '"':
                self.at += 1
                return "template", [*parts, ("value", text)]
            if char == "\\":
                if two[1:] not in ESCAPES:
                    raise Refused(f"the escape {two} is not covered")
                text, self.at = text + ESCAPES[two[1]], self.at + 2
            elif two == "%{" or self.text[self.at:self.at + 3] == "$${":
                raise Refused(f"{two} in a string is not covered")
            elif two == "${":
                self.at += 2
                parts += [("value", text), self.expression()]
                text = ""
                self.take("}")
            else:
                text, self.at = text + char, self.at + 1


def parse(text: str) -> Node:
    """A string of hcl2json's answer: the whole of "${…}" is an expression, else it is a text with some in it."""
    parts, last, at = [], 0, 0
    while (at := text.find("${", last)) >= 0:
        parser = Parser(text, at + 2)
        inside = parser.expression()
        parser.take("}")
        if at == 0 and parser.at == len(text):
            return inside
        parts += [("value", text[last:at]), inside]
        last = parser.at
    return ("template", [*parts, ("value", text[last:])]) if parts else ("value", text)


def children(node: Node) -> Iterator[Node]:
    """The trees in a tree."""
    for part in node[1:]:
        stack = [part]
        while stack:
            one = stack.pop()
            if isinstance(one, tuple) and one and isinstance(one[0], str) and not isinstance(one[0], list):
                yield one
            elif isinstance(one, (list, tuple)):
                stack += one


def references(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[list[Any]]:
    """["data", "coder_parameter", "x", "[]", "value"] of each reference: "[]" is an index."""
    if node[0] == "for":
        yield from references(node[2], bound)
        for part in node[3:]:
            if part is not None:
                yield from references(part, bound | set(node[1]))
        return
    path: list[Any] = []
    while node[0] == "index":
        path.insert(0, node[2][1] if node[3] == "dot" else "[]")
        if node[3] == "bracket":
            yield from references(node[2], bound)
        node = node[1]
    if node[0] == "root":
        if node[1] not in bound:
            yield [node[1], *path]
        return
    for child in children(node):
        yield from references(child, bound)


def operate(op: str, left: Any, right: Callable[[], Any]) -> Any:
    """An operator with two sides. Those of || and && are both asked, as Terraform does before 1.12."""
    other = right()
    if op in ("||", "&&"):
        return as_bool(left) or as_bool(other) if op == "||" else as_bool(left) and as_bool(other)
    if op in ("==", "!="):
        # Nothing is converted: "1" is not 1, and true is not 1.
        same = isinstance(left, bool) == isinstance(other, bool) and left == other
        return same == (op == "==")
    a, b = as_number(left), as_number(other)
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b, "+": a + b, "-": a - b, "*": a * b}[op]


def look_up(value: Any, key: Any) -> Any:
    """value[key], or value.key."""
    try:
        return value[int(as_number(key)) if isinstance(value, list) else key]
    except (KeyError, IndexError, TypeError) as error:
        raise Refused(f"there is no {key!r} in {json.dumps(value, default=str)[:80]}") from error


def loop(node: Node, scope: dict[str, Any]) -> Any:
    """A for."""
    _, names, source, key, value, condition = node
    items = evaluate(source, scope)
    if not isinstance(items, (list, dict)):
        raise Refused(f"for: this is neither a list nor an object: {items!r}")
    pairs = [(name, items[name]) for name in sorted(items)] if isinstance(items, dict) else list(enumerate(items))
    found: list[Any] = []
    for index, item in pairs:
        inner = {**scope, **(dict(zip(names, (index, item))) if len(names) == 2 else {names[0]: item})}
        if condition is None or as_bool(evaluate(condition, inner)):
            one = evaluate(value, inner)
            found.append(one if key is None else (as_text(evaluate(key, inner)), one))
    return found if key is None else dict(found)


def evaluate(node: Node, scope: dict[str, Any]) -> Any:
    """The value of a tree."""
    match node:
        case "value", value:
            return value
        case "root", name:
            if name not in scope:
                raise Refused(f"there is no {name}")
            return scope[name]
        case "index", inner, key, _:
            return look_up(evaluate(inner, scope), evaluate(key, scope))
        case "template", [("value", ""), inner, ("value", "")]:
            return as_text(evaluate(inner, scope))
        case "template", parts:
            return "".join(as_text(evaluate(part, scope)) for part in parts)
        case "list", items:
            return [evaluate(item, scope) for item in items]
        case "object", items:
            return {as_text(evaluate(key, scope)): evaluate(value, scope) for key, value in items}
        case "if", condition, yes, no:
            return evaluate(yes if as_bool(evaluate(condition, scope)) else no, scope)
        case "not", inner:
            return not as_bool(evaluate(inner, scope))
        case "minus", inner:
            return -as_number(evaluate(inner, scope))
        case "op", op, left, right:
            return operate(op, evaluate(left, scope), lambda: evaluate(right, scope))
        case "for", *_:
            return loop(node, scope)
        case "call", "can", [inner]:
            try:
                evaluate(inner, scope)
            except Refused:
                return False
            return True
        case "call", "try", tries:
            for one in tries[:-1]:
                try:
                    return evaluate(one, scope)
                except Refused:
                    pass
            return evaluate(tries[-1], scope)
        case "call", name, arguments:
            return FUNCTIONS[name](*(evaluate(one, scope) for one in arguments))
    raise Refused(f"{node[0]} is not covered")
