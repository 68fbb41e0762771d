"""Small changes of a module's source, each of which its tests should notice.

Operators, constants, swapped arguments, dropped statements, negated conditions. Each is one place of the source, of
which the rest stays as it is. Texts, and what makes one for the user, are left alone: nothing is computed from them.
"""

import ast
import itertools
import re
import typing

OPERATORS = {
    ast.Add: ('+', '-'), ast.Sub: ('-', '+'), ast.Mult: ('*', '/'), ast.Div: ('/', '*'), ast.FloorDiv: ('//', '/'),
    ast.Mod: ('%', '//'), ast.Pow: ('**', '*'), ast.BitAnd: ('&', '|'), ast.BitOr: ('|', '&'),
    ast.Lt: ('<', '<='), ast.LtE: ('<=', '<'), ast.Gt: ('>', '>='), ast.GtE: ('>=', '>'), ast.Eq: ('==', '!='),
    ast.NotEq: ('!=', '=='), ast.In: ('in', 'not in'), ast.NotIn: ('not in', 'in'), ast.Is: ('is', 'is not'),
    ast.IsNot: ('is not', 'is'), ast.And: ('and', 'or'), ast.Or: ('or', 'and')}
PREFIXES = {ast.Not: 'not', ast.USub: '-', ast.Invert: '~'}
MESSAGES = ('InputError', 'ValueError', 'print')  # functions whose arguments are for the user
RETURNED = 'read_value'  # an argument that decides what an update returns, which none here reads
# Functions of which the arguments can change places, or cannot at all.
FIXED = ('maximum', 'minimum', 'equal', 'max', 'isinstance', 'map', 'enumerate')
CONDITIONS = (ast.If, ast.IfExp, ast.While, ast.comprehension)


class Change(typing.NamedTuple):
    """Bytes `start` to `end` of a source become `new`."""

    start: int
    end: int
    new: bytes


class Source:
    """The bytes of a module's source."""

    def __init__(self, content):
        self.content = content
        self.starts = [0, *itertools.accumulate(map(len, content.splitlines(keepends=True)))]

    def changes(self):
        """list of all changes that can be made, in the order of their places."""
        tree = ast.parse(self.content)
        found = {change for parent, node in _pairs(tree) for change in self._of(parent, node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found.update(self._dropped(statement) for statement in _rebound(node))
        return sorted(found)

    def changed(self, change):
        """The bytes of the source with a change."""
        return self.content[:change.start] + change.new + self.content[change.end:]

    def shown(self, change):
        """(number of a line, what is there, what it becomes), both in one line."""
        first = self.content.rfind(b'\n', 0, change.start) + 1
        last = self.content.find(b'\n', change.end) % (len(self.content) + 1)
        new = self.content[first:change.start] + change.new + self.content[change.end:last]
        old, new = (' '.join(text.decode().split()) for text in (self.content[first:last], new))
        return self.content.count(b'\n', 0, change.start) + 1, old, new

    def _span(self, node):
        return (self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset)

    def _text(self, node):
        return self.content[slice(*self._span(node))]

    def _of(self, parent, node):
        """Yields the changes of one node."""
        if isinstance(node, ast.BinOp) and ast.List not in (type(node.left), type(node.right)):
            yield self._operator(node.left, node.op, node.right)
        elif isinstance(node, ast.AugAssign):
            yield self._operator(node.target, node.op, node.value)
        elif isinstance(node, ast.Compare):
            yield from map(self._operator, [node.left, *node.comparators], node.ops, node.comparators)
        elif isinstance(node, ast.BoolOp):
            yield from (self._operator(left, node.op, right) for left, right in itertools.pairwise(node.values))
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
            start = self._span(node)[0]
            yield Change(start, start + len(PREFIXES[type(node.op)]), b'')
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            yield Change(*self._span(node), _other(node.value).encode())
        elif isinstance(node, ast.Call):
            yield from self._swapped(node)
        if isinstance(parent, CONDITIONS) and _negatable(parent, node):
            yield Change(*self._span(node), b'not (' + self._text(node) + b')')
        if _droppable(parent, node):
            yield self._dropped(node)

    def _operator(self, left, op, right):
        """The change of an operator between two nodes."""
        old, new = OPERATORS[type(op)]
        start = self._span(left)[1]
        words = r'\s+'.join(map(re.escape, old.split()))
        found = re.search((rf'\b{words}\b' if old.isalpha() or ' ' in old else words).encode(),
                          self.content[start:self._span(right)[0]])
        return Change(start + found.start(), start + found.end(), new.encode())

    def _swapped(self, call):
        """Yields the changes that exchange two neighbours of positional arguments, where either could be the other."""
        if getattr(call.func, 'attr', getattr(call.func, 'id', None)) in FIXED:
            return
        for one, two in itertools.pairwise(call.args):
            if _moves(one) and _moves(two) and self._text(one) != self._text(two):
                (start, end), (other, last) = self._span(one), self._span(two)
                yield Change(start, last, self._text(two) + self.content[end:other] + self._text(one))

    def _dropped(self, statement):
        return Change(*self._span(statement), b'pass')


def _pairs(node):
    """Yields (parent, node) of all nodes below one but those in texts and messages."""
    for child in ast.iter_child_nodes(node):
        message = isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in MESSAGES
        returned = isinstance(child, ast.keyword) and child.arg == RETURNED
        if not (message or returned or isinstance(child, ast.JoinedStr)):
            yield node, child
            yield from _pairs(child)


def _moves(argument):
    """Whether an argument could stand in another place: no constant, type, list or function is of use there."""
    of_module = (isinstance(argument, ast.Attribute) and isinstance(argument.value, ast.Name)
                 and argument.value.id in ('tf', 'np'))
    return not of_module and not isinstance(argument, (ast.Constant, ast.Starred, ast.List, ast.UnaryOp))


def _other(value):
    """The text of another constant in place of this one."""
    if isinstance(value, bool):
        return str(not value)
    return repr(value + 1 if isinstance(value, int) else round(value + 0.1, 10))


def _negatable(parent, node):
    """Whether a node is a condition in which there is no operator to change in place of it."""
    tests = parent.ifs if isinstance(parent, ast.comprehension) else [parent.test]
    operator = isinstance(node, (ast.Compare, ast.BoolOp, ast.Constant))
    return node in tests and not operator and not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _droppable(parent, node):
    """Whether a statement can be missing: a call, an update, the end of a branch."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    in_branch = isinstance(node, (ast.Return, ast.Break, ast.Continue)) and not isinstance(parent, ast.FunctionDef)
    return in_branch or isinstance(node, (ast.AugAssign, ast.Raise))


def _rebound(function):
    """Yields the assignments in a function to what has a value already."""
    known = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    assignments = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    for node in sorted(assignments, key=lambda node: node.lineno):
        parts = [part for target in node.targets for part in ast.walk(target)]
        names = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        if names and names <= known or any(isinstance(part, ast.Subscript) for part in parts):
            yield node
        known |= names
