"""THE table of CUDA's functions that have no body in the headers, by name.

A function of the headers is either C++ that is inlined, or a row here: a handler that writes KIR for
a call. All overloads and template instances of a name share a row.
"""

from __future__ import annotations

from accelerx.compiler.frontends.cuda_cpp.build import Handler
from accelerx.compiler.frontends.cuda_cpp.builtins_atomics import ATOMICS
from accelerx.compiler.frontends.cuda_cpp.builtins_bits import BITS
from accelerx.compiler.frontends.cuda_cpp.builtins_groups import GROUPS
from accelerx.compiler.frontends.cuda_cpp.builtins_half import HALF
from accelerx.compiler.frontends.cuda_cpp.builtins_library import LIBRARY
from accelerx.compiler.frontends.cuda_cpp.builtins_math import MATH
from accelerx.compiler.frontends.cuda_cpp.builtins_memory import MEMORY
from accelerx.compiler.frontends.cuda_cpp.builtins_output import OUTPUT
from accelerx.compiler.frontends.cuda_cpp.builtins_packed import PACKED
from accelerx.compiler.frontends.cuda_cpp.builtins_random import RANDOM
from accelerx.compiler.frontends.cuda_cpp.builtins_refused import REFUSED
from accelerx.compiler.frontends.cuda_cpp.builtins_roots import ROOTS
from accelerx.compiler.frontends.cuda_cpp.builtins_rounding import ROUNDING
from accelerx.compiler.frontends.cuda_cpp.builtins_special import SPECIAL
from accelerx.compiler.frontends.cuda_cpp.builtins_threads import THREADS

_TABLES = (
    MATH, ROOTS, SPECIAL, ROUNDING, BITS, PACKED, HALF, THREADS, GROUPS, ATOMICS, MEMORY, OUTPUT,
    RANDOM, LIBRARY, REFUSED,
)  # fmt: skip
BUILTINS: dict[str, Handler] = {name: row for table in _TABLES for name, row in table.items()}
