"""The corpus as printed CUDA C++, run on the host: what the printer wrote computes what it should."""

from __future__ import annotations

import copy

import pytest

from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.cuda import CudaDialect
from tests.corpus.python.case import Case, Typing
from tests.corpus.python.lifting import IDS, PAIRS, lifted
from tests.support.cuda_on_host import COMPILER, HostPrograms

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")


def _program(case: Case, typing: Typing) -> Program:
    dialect = CudaDialect(lines=False)
    return dialect.emit(dialect.lower(lifted(case, typing)), EmitOptions())


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> HostPrograms:
    programs = {i: _program(*pair) for i, pair in zip(IDS, PAIRS, strict=True)}
    return HostPrograms(programs, tmp_path_factory.mktemp("cuda"))


@pytest.mark.parametrize(("case", "typing"), PAIRS, ids=IDS)
def test_printed_programs_agree_with_numpy(host: HostPrograms, case: Case, typing: Typing) -> None:
    name = f"{case.name}-{typing}"
    for launch in case.launches:
        arguments = case.arguments(launch)
        working = copy.deepcopy(arguments)
        host.run(name, launch.grid, launch.block, working)
        case.check(launch, arguments, [working[i] for i in case.outputs])
