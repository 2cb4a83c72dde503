"""The tile interpreter: tile programs run in NumPy, the definition of what vector code means.

It is the oracle between KIR and the text of a vector machine: a program that it runs as the KIR
interpreter runs the kernel was lowered, legalised and allocated well. So it checks what the machine
does not: slices that leave their tensor, look-ups outside of a table, targets that overlap a source,
global accesses out of bounds, scalars that have no value yet; and what a machine leaves undefined
it fills with garbage (``tile_interpreter_memory``).

Tiles run one after the other, in order; between two grid-wide waits, each in its turn.

Its parts: ``tile_interpreter_scalar`` (expressions), ``tile_interpreter_vector`` (vector statements),
``tile_interpreter_memory`` (tensors, global arrays by element).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, render
from accelerx.compiler.tile import ir as tile
from accelerx.errors import KernelAssertionError
from accelerx.runtime.interpreter import Launch, dim3
from accelerx.runtime.interpreter_atomic import atomic
from accelerx.runtime.interpreter_lanes import Dim3, Lanes
from accelerx.runtime.interpreter_math import Value
from accelerx.runtime.interpreter_memory import Array, BadAccess, View
from accelerx.runtime.interpreter_output import message_text, print_text
from accelerx.runtime.tile_interpreter_memory import ONE_LANE, Chip, Flat, Wrong
from accelerx.runtime.tile_interpreter_scalar import Scalars
from accelerx.runtime.tile_interpreter_vector import Vectors

TURNS = 1 << 22  # of one While; more would take minutes, so something is wrong with it

# Why a list of statements ended early: a jump, or the label of the scope that was left.
_BREAK, _CONTINUE = ir.Break(), ir.Continue()
_Jump = ir.Break | ir.Continue | str | None
_Run = Generator[None, None, _Jump]


def run(
    program: tile.Program,
    grid: Sequence[int],
    arguments: Mapping[str, Any],
    *,
    seed: int = 0,
) -> None:
    """Runs a program over a grid of blocks.

    Args:
        program: Lowered; legalised and allocated or not.
        grid: Blocks along x, y and z; missing ones count as 1.
        arguments: For each parameter of the kernel its value; for a buffer (flat array, index of
            element 0), as ``Interpreter.run`` takes them.
        seed: Of the garbage in uninitialised memory.

    Raises:
        KernelAssertionError: a statement does what it may not, or a user's assert failed.
        LaunchError: an argument is missing or has a wrong type, or the grid is not positive.
    """
    machine = _Machine(program, dim3("grid", grid), arguments, seed)
    cores = [machine.core(block) for block in _tiles(machine.grid, program.blocks)]
    with np.errstate(all="ignore"):
        if not program.cooperative:
            for core in cores:
                for _ in core():
                    raise AssertionError("a program that is not cooperative waits for the grid")
            return
        running = [core() for core in cores]
        while running:
            waiting = [core for core in running if next(core, _ENDED) is not _ENDED]
            if waiting and len(waiting) < len(running):
                raise KernelAssertionError(
                    f"kernel {program.kernel.name}: {len(waiting)} tiles wait for the whole grid, "
                    f"{len(running) - len(waiting)} have ended"
                )
            running = waiting


_ENDED = object()


def _tiles(grid: Dim3, blocks: int) -> list[Dim3]:
    """The first block of each tile, in order."""
    x, y, z = grid
    return [(i, j, k) for k in range(z) for j in range(y) for i in range(0, x, blocks)]


class _Machine:
    """One launch: arguments bound to arrays, and the on-chip memory that cores take turns with."""

    def __init__(
        self, program: tile.Program, grid: Dim3, arguments: Mapping[str, Any], seed: int
    ) -> None:
        kernel = program.kernel
        block = kernel.block or (program.threads, 1, 1)
        self.program, self.grid, self.seed = program, grid, seed
        self.shapes = {"grid_dim": grid, "block_dim": block}
        self.launch = Launch(kernel, 0, arguments)
        self.params: dict[str, Value] = self.launch.params
        self.outside = self._bind(Lanes(grid, block, 0, 1))
        self.globals = {name: Flat(array) for name, array in self.outside.items()}

    def core(self, block: Dim3) -> Callable[[], Generator[None, None, None]]:
        """What runs the tile that begins at ``block``; memory is taken when it starts."""

        def start() -> Generator[None, None, None]:
            yield from _Core(self, block).run()

        return start

    def _bind(self, lanes: Lanes) -> dict[str, Array]:
        """Arrays outside of the chip; those in it are tensors of the program."""
        constants = Scalars(self.params, {}, (0, 0, 0), self.shapes)
        arrays: dict[str, Array] = {}
        # Roots first (False sorts before True): views are made of their memory.
        for m in sorted(self.program.kernel.mems.values(), key=lambda m: m.of is not None):
            if m.space in ("global", "const") and m.name not in self.program.tensors:
                root = None if m.of is None else arrays[m.of]
                arrays[m.name] = self.launch.bind(m, lanes, lambda e: int(constants.eval(e)), root)
        return arrays


class _Core:
    """Runs one tile."""

    def __init__(self, machine: _Machine, block: Dim3) -> None:
        program = machine.program
        self.program, self.block = program, block
        self.kernel = program.kernel
        chip = Chip(program.tensors, machine.seed + sum(block))
        chip.spoil()
        arrays = machine.outside | chip.arrays
        for m in self.kernel.mems.values():
            if m.of in chip.arrays and m.name not in arrays:
                arrays[m.name] = View(m, chip.arrays[m.of], (None,))
        active = min(program.blocks, machine.grid[0] - block[0]) * program.threads
        self.scalars = Scalars(machine.params, arrays, block, machine.shapes)
        self.scalars.locals[tile.ACTIVE_LANES] = np.int32(active)
        self.chip = chip
        self.vectors = Vectors(chip, machine.globals, self.scalars.eval, self._set)
        self.at: Loc | None = self.kernel.loc

    def run(self) -> Generator[None, None, None]:
        """Executes the program's body; stops at each wait for the grid."""
        try:
            yield from self._list(self.program.body)
        except Wrong as error:
            self._fail(str(error))
        except BadAccess as error:
            index = ", ".join(map(str, error.index))
            self._fail(f"an access at [{index}] is out of bounds (element {error.flat})")

    def _fail(self, message: str) -> None:
        text = f"{message} (kernel {self.kernel.name}, tile of block {self.block})"
        raise KernelAssertionError(render(self.at, text))

    def _set(self, name: str, value: Value) -> None:
        if name not in self.program.scalars:
            raise Wrong(f"scalar {name} is not declared")
        self.scalars.locals[name] = value

    # ---- statements

    def _list(self, body: Sequence[tile.Stmt]) -> _Run:
        for s in body:
            self.at = s.loc or self.at
            nested = _NESTED.get(type(s))
            jump = self._simple(s) if nested is None else (yield from nested(self, s))
            if jump is not None:
                return jump
        return None

    def _simple(self, s: Any) -> _Jump:
        """Runs a statement that holds no others."""
        eval_ = self.scalars.eval
        match s:
            case ir.Assign():
                self._set(s.target, eval_(s.value))
            case ir.Store():
                array = self.scalars.array(s.mem)
                array.store([eval_(i) for i in s.indices], eval_(s.value), ONE_LANE)
            case ir.Break():
                return _BREAK
            case ir.Continue():
                return _CONTINUE
            case ir.Exit():
                return s.label
            case ir.Atomic():
                self._atomic(s)
            case ir.Print():
                values = [eval_(p).item() for p in s.parts if not isinstance(p, str)]
                sys.stdout.write(print_text(s, tuple(values)))
            case ir.Assert():
                if not eval_(s.condition):
                    self._fail(message_text(s.message, tuple(eval_(v).item() for v in s.values)))
            case ir.Fence():
                pass
            case _ if isinstance(s, tile.VectorStmt):
                self.vectors.run(s)
            case _:
                raise Wrong(f"{type(s).__name__} is no statement of tile programs")
        return None

    def _atomic(self, s: ir.Atomic) -> None:
        eval_ = self.scalars.eval
        compare = None if s.compare is None else eval_(s.compare)
        indices = [eval_(i) for i in s.indices]
        old = atomic(s.op, self.scalars.array(s.mem), indices, eval_(s.value), compare, ONE_LANE)
        if s.result is not None:
            self._set(s.result, old[0])

    def _if(self, s: ir.If) -> _Run:
        return (yield from self._list(s.then if self.scalars.eval(s.condition) else s.orelse))

    def _for(self, s: ir.For) -> _Run:
        value, stop, step = (self.scalars.eval(e) for e in (s.start, s.stop, s.step))
        if step == 0:
            raise Wrong("the step of a loop is 0")
        while value < stop if step > 0 else value > stop:
            self._set(s.target, value)
            jump = yield from self._list(s.body)
            if jump is _BREAK:
                return None
            if isinstance(jump, str):
                return jump
            following = value + step
            if (following > value) != (step > 0):  # beyond the type's range, so beyond stop
                return None
            value = following
        return None

    def _while(self, s: ir.While) -> _Run:
        turn = 0
        while self.scalars.eval(s.condition):
            jump = yield from self._list(s.body)
            if jump is _BREAK:
                return None
            if isinstance(jump, str):
                return jump
            yield from self._list(s.post)
            turn += 1
            if turn == TURNS:
                self.at = s.loc or self.at
                raise Wrong(f"a while loop has made {turn} turns")
        return None

    def _scope(self, s: ir.Scope) -> _Run:
        jump = yield from self._list(s.body)
        return None if jump == s.label else jump

    def _lane_loop(self, s: tile.LaneLoop) -> _Run:
        count = int(self.scalars.eval(s.count))
        # The mask as it was: the body may compute the mask of what follows.
        on = None if s.mask is None or count <= 0 else self.chip.mask(s.mask, count).copy()
        for lane in range(count):
            if on is None or on[lane]:
                self._set(s.lane, np.int32(lane))
                if (yield from self._list(s.body)) is not None:
                    raise Wrong("a jump leaves the loop over lanes")
        return None

    def _grid_sync(self, s: tile.GridSync) -> _Run:
        yield
        return None


_NESTED: dict[type, Callable[[_Core, Any], _Run]] = {
    ir.If: _Core._if,
    ir.For: _Core._for,
    ir.While: _Core._while,
    ir.Scope: _Core._scope,
    tile.LaneLoop: _Core._lane_loop,
    tile.GridSync: _Core._grid_sync,
}
