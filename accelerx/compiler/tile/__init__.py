"""SIMT kernels on vector machines: the lowering that Ascend 910B and Cambricon share."""
