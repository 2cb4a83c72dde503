"""What is known about integers while lifting: linear forms, lower bounds, facts from guards.

numba's arrays take negative indices. An index that cannot be negative needs no code for that, and
nearly all indices are of this kind: sums of thread indices, loop variables, ``i - 1`` under
``if i > 0``. The proof is deliberately small: a form is non-negative if its terms' bounds say so, or
if it is after one or two known facts are taken away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Atom = int | str | tuple[object, ...]

_FACTS_TRIED = 24
_TERMS = 8


@dataclass(slots=True, eq=False)
class Form:
    """``constant + sum(coefficient * atom)``: the value of an integer expression."""

    constant: int
    terms: dict[Atom, int] = field(default_factory=dict)

    def __add__(self, other: Form) -> Form:
        return self._combine(other, 1)

    def __sub__(self, other: Form) -> Form:
        return self._combine(other, -1)

    def shift(self, amount: int) -> Form:
        """The form plus a constant."""
        return Form(self.constant + amount, self.terms)

    def scale(self, factor: int) -> Form:
        """The form times a constant."""
        if factor == 0:
            return Form(0)
        return Form(self.constant * factor, {a: c * factor for a, c in self.terms.items()})

    def _combine(self, other: Form, sign: int) -> Form:
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.get(atom, 0) + sign * coefficient
            if total:
                terms[atom] = total
            else:
                terms.pop(atom, None)
        return Form(self.constant + sign * other.constant, terms)


class Bounds:
    """Bounds of atoms, and the facts (forms known to be >= 0) in force at a point."""

    def __init__(self) -> None:
        self.lows: dict[Atom, int] = {}
        self.highs: dict[Atom, int] = {}
        self.facts: list[Form] = []
        self._next = 0

    def fresh(self, low: int | None = None, high: int | None = None) -> Form:
        """The form of a new unknown."""
        self._next += 1
        return self.atom(self._next, low, high)

    def atom(self, name: Atom, low: int | None = None, high: int | None = None) -> Form:
        """The form of the unknown called ``name``."""
        if low is not None:
            self.lows[name] = low
        if high is not None:
            self.highs[name] = high
        return Form(0, {name: 1})

    def product(self, a: Form, b: Form) -> Form:
        """The form of ``a * b``."""
        if not a.terms:
            return b.scale(a.constant)
        if not b.terms:
            return a.scale(b.constant)
        low_a, low_b = self.low(a), self.low(b)
        low = low_a * low_b if low_a is not None and low_b is not None else None
        if (low is not None and (low_a or 0) < 0) or (low_b or 0) < 0:
            low = None
        factors = sorted((_key(a), _key(b)), key=repr)
        return self.atom(("*", *factors), low)

    def assume(self, facts: Iterable[Form]) -> None:
        """Adds forms known to be >= 0 from here on."""
        self.facts.extend(f for f in facts if f.terms)

    def low(self, form: Form) -> int | None:
        """A lower bound from the bounds of the atoms alone."""
        total = form.constant
        for atom, coefficient in form.terms.items():
            bound = (self.lows if coefficient > 0 else self.highs).get(atom)
            if bound is None:
                return None
            total += coefficient * bound
        return total

    def high(self, form: Form) -> int | None:
        """An upper bound from the bounds of the atoms alone."""
        low = self.low(form.scale(-1))
        return None if low is None else -low

    def nonnegative(self, form: Form | None, depth: int = 2) -> bool:
        """Whether the form is proven to be >= 0."""
        if form is None or len(form.terms) > _TERMS:
            return False
        low = self.low(form)
        if low is not None and low >= 0:
            return True
        if depth == 0:
            return False
        return any(
            self.nonnegative(form - fact, depth - 1)
            for fact in self.facts[-_FACTS_TRIED:]
            if not fact.terms.keys().isdisjoint(form.terms)
        )

    def bounded_above(self, form: Form) -> bool:
        """Whether some fact limits the unknown of a one-term form from above."""
        atoms = list(form.terms)
        return any(fact.terms.get(atom, 0) < 0 for atom in atoms for fact in self.facts)


def _key(form: Form) -> tuple[object, ...]:
    return (form.constant, *sorted(form.terms.items(), key=repr))
