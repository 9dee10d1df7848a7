"""Mutants of a package: each is one module with one small thing in it changed, as a slip of the hand would."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from alternatives import alternatives

# What says something about the code and does nothing in it.
_SAYS_NOTHING = {"annotation", "returns", "decorator_list", "type_params", "format_spec"}
_NAMES_TYPES = {"cast", "TypeVar", "NewType", "ParamSpec"}


@dataclass(frozen=True)
class Mutant:
    """One change.

    :param id: the same on every machine, and as long as the statement around the change is the same.
    :param path: of the module, from the root.
    :param scope: function or class that holds the change.
    :param before: what stands there, as the compiler reads it.
    :param lines: of the statement around the change; which tests run them is which tests may notice.
    :param at_import: the statement runs when the module is imported.
    :param number: which of its module's mutants it is.
    """

    id: str
    path: str
    line: int
    scope: str
    before: str
    after: str
    lines: range
    at_import: bool
    number: int

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line} in {self.scope or 'the module'}: {self.before}  ->  {self.after}"


@dataclass(frozen=True)
class _Place:
    """A node, what holds it, and the statement and scope around both."""

    node: ast.AST
    holder: ast.AST
    field: str
    index: int | None
    statement: ast.stmt
    scope: tuple[str, ...]
    at_import: bool

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.holder, self.field, node)
        else:
            getattr(self.holder, self.field)[self.index] = node


def mutants_of(root: Path, path: Path) -> Iterator[Mutant]:
    """Every mutant of one module, in the order of its lines."""
    name, seen = path.relative_to(root).as_posix(), Counter[str]()
    for number, (place, changed) in enumerate(_changes(ast.parse(path.read_text()))):
        before, after, scope = ast.unparse(place.node), ast.unparse(changed), ".".join(place.scope)
        key = "\n".join((name, scope, ast.unparse(place.statement).splitlines()[0], before, after))
        seen[key] += 1
        yield Mutant(
            id=sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:10],
            path=name,
            line=getattr(place.node, "lineno", place.statement.lineno),
            scope=scope,
            before=_short(before),
            after=_short(after),
            lines=_lines(place.statement),
            at_import=place.at_import,
            number=number,
        )


def source_of(mutant: Mutant, root: Path) -> str:
    """The mutant's whole module, changed."""
    tree = ast.parse((root / mutant.path).read_text())
    place, changed = next(islice(_changes(tree), mutant.number, None))
    place.put(changed)
    return ast.unparse(tree)


def _changes(tree: ast.Module) -> Iterator[tuple[_Place, ast.AST]]:
    for index, statement in enumerate(tree.body):
        for place in _inside(statement, tree, "body", index, statement, (), True):
            for changed in alternatives(place.node, place.scope):
                yield place, changed


def _inside(
    node: ast.AST,
    holder: ast.AST,
    field: str,
    index: int | None,
    statement: ast.stmt,
    scope: tuple[str, ...],
    at_import: bool,
) -> Iterator[_Place]:
    if isinstance(node, ast.stmt):
        statement = node
    if _is_text(node) or _says_nothing(node, holder, field, index):
        return
    yield _Place(node, holder, field, index, statement, scope, at_import)
    for name, value in ast.iter_fields(node):
        if name in _SAYS_NOTHING:
            continue
        within, runs_later = scope, False
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and name == "body":
            within, runs_later = (*scope, node.name), not isinstance(node, ast.ClassDef)
        for number, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield from _inside(child, node, name, number, statement, within, at_import and not runs_later)


def _is_text(node: ast.AST) -> bool:
    """A docstring, or a string beside an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _says_nothing(node: ast.AST, holder: ast.AST, field: str, index: int | None) -> bool:
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name("__all__")]) | ast.Assert():
            return True
    match holder:
        case ast.Call(func=ast.Name(name)) if name in _NAMES_TYPES:
            return field == "args" and index == 0
    return False


def _lines(statement: ast.stmt) -> range:
    """A simple statement's lines; of a compound one those before its body."""
    body = getattr(statement, "body", None)
    last = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or statement.lineno
    return range(statement.lineno, last + 1)


def _short(text: str, length: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
