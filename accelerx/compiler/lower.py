"""The pipeline on one page: from a front end's KIR to what the vector code generator takes.

``normalise``  fewer forms: flat arrays, canonical loops, early returns as ifs
``webs``       one local for each independent use of a name, so that constants and kinds stay apart
``inline``     coordinates written out where they are used
``unroll``     constants propagated, short loops around barriers and shuffles unrolled
``scalars``    own arrays that only constants index as locals, which live in registers
``webs``       again, because unrolling makes more independent uses

Then, when code is emitted and the vector width is known: ``lanes`` (what is uniform, affine, varying,
and which constructs need masks), ``regions`` (cutting at barriers), ``strided`` (accesses that are one
wide access), and ``compiler.llvm``.
"""

from __future__ import annotations

from accelerx.compiler.ir import Kernel
from accelerx.compiler.passes.inline import inline_coordinates
from accelerx.compiler.passes.normalise import normalise
from accelerx.compiler.passes.scalars import scalarise
from accelerx.compiler.passes.unroll import propagate
from accelerx.compiler.passes.webs import split_webs
from accelerx.errors import UnsupportedError


def for_vectors(kernel: Kernel) -> Kernel:
    """The passes that do not depend on the vector width.

    Raises:
        UnsupportedError: if the kernel has no block shape.
    """
    if kernel.block is None:
        raise UnsupportedError(
            f"kernel {kernel.name} has no block shape; CPU code is made for one (Kernel.block)"
        )
    kernel = split_webs(normalise(kernel, kernel.block))
    kernel = split_webs(scalarise(propagate(inline_coordinates(kernel))))
    return inline_coordinates(kernel)
