"""What may stand in a node's place: the slips that people make, each of which a test should notice."""

import ast
import copy
from collections.abc import Iterator
from typing import Any, TypeVar

Node = TypeVar("Node", bound=ast.AST)

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_TWINS = [
    ("min", "max"),
    ("any", "all"),
    ("startswith", "endswith"),
    ("lower", "upper"),
    ("find", "rfind"),
    ("split", "rsplit"),
    ("partition", "rpartition"),
    ("lstrip", "rstrip"),
    ("removeprefix", "removesuffix"),
    ("match", "fullmatch"),
    ("append", "extend"),
]
_NAMES = {one: other for pair in _TWINS for one, other in (pair, pair[::-1])} | {"strip": "rstrip", "search": "match"}
# Calls that hand back what they are given, in other words.
_PASSED = {"strip", "lower", "upper", "casefold", "copy", "title"}

# Arguments the wrong way round fail at the first call.
_TYPED = {"isinstance", "issubclass", "getattr", "hasattr", "setattr"}


def alternatives(node: ast.AST, scope: tuple[str, ...]) -> Iterator[ast.AST]:
    """Every node that may replace this one; the node itself stays as it is."""
    match node:
        case ast.expr():
            yield from _of_expression(node)
        case ast.stmt():
            yield from _of_statement(node, scope)
        case ast.comprehension(ifs=[_, *_]):
            yield _with(node, ifs=[])
        case ast.ExceptHandler(type=ast.Tuple(elts=elts)):
            yield from (_with(node, type=ast.Tuple(_without(elts, i), ast.Load())) for i in range(len(elts)))


def _of_expression(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield from (_with(node, ops=[*ops[:i], new(), *ops[i + 1 :]]) for new in _COMPARISONS[type(op)])
        case ast.BoolOp():
            yield from _of_conditions(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield _with(node, op=_ARITHMETIC[type(op)]())
        case ast.IfExp(test=test):
            yield from (_with(node, test=opposite) for opposite in _opposite(test))
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _of_constant(value))
        case ast.Subscript(slice=ast.Slice() as part):
            ends = [name for name in ("lower", "upper", "step") if getattr(part, name)]
            yield from (_with(node, slice=_with(part, **{end: None})) for end in ends)
        case ast.Call():
            yield from _of_call(node)


def _of_conditions(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for i in range(len(node.values)):
        rest = _without(node.values, i)
        yield _with(node, values=rest) if len(rest) > 1 else rest[0]


def _of_constant(value: object) -> Iterator[str | bytes | bool | int | float]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
            yield value - 1
        case str():
            yield "mutant" if value else "mutant of nothing"
            if len(value) > 1 and " " not in value.strip() and not value.isidentifier():
                yield value[:-1]
        case bytes():
            yield b"mutant"


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=ast.Name(name)) if name in _NAMES:
            yield _with(node, func=ast.Name(_NAMES[name], ast.Load()))
        case ast.Call(func=ast.Name("sorted"), args=[first, *_]):
            yield ast.Call(ast.Name("list", ast.Load()), [first], [])
        case ast.Call(func=ast.Attribute(value=value, attr=name) as method):
            if name in _NAMES:
                yield _with(node, func=_with(method, attr=_NAMES[name]))
            if name in _PASSED and not node.args:
                yield value
    for i in range(len(node.keywords)):
        yield _with(node, keywords=_without(node.keywords, i))
    # Of the larger of two it is the same which is named first.
    if isinstance(node.func, ast.Name) and node.func.id in {*_TYPED, "max", "min"}:
        return
    match node.args:
        case [first, second, *rest] if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
            if ast.dump(first) != ast.dump(second):
                yield _with(node, args=[second, first, *rest])


def _of_statement(node: ast.stmt, scope: tuple[str, ...]) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test) | ast.While(test=test):
            yield from (_with(node, test=opposite) for opposite in _opposite(test))
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield ast.Return(ast.Constant(None))
        case ast.AugAssign(op=op):
            yield ast.Pass()
            if type(op) in _ARITHMETIC:
                yield _with(node, op=_ARITHMETIC[type(op)]())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) if scope[-1:] != ("__init__",):
            yield ast.Pass()
        case ast.Expr(value=ast.Call() | ast.YieldFrom() | ast.Yield()) | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _opposite(test: ast.expr) -> Iterator[ast.expr]:
    """A comparison or ``not`` has its opposite already."""
    if not isinstance(test, ast.Compare) and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        yield ast.UnaryOp(ast.Not(), test)


def _with(node: Node, **fields: Any) -> Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _without(items: list[Any], index: int) -> list[Any]:
    return [*items[:index], *items[index + 1 :]]
