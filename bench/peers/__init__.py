"""Who takes part: one module a peer, each with ``prepare(workload, inputs) -> Contender``.

``prepare`` raises ``Unavailable`` with the reason where the peer is not installed.
"""
