// Memory: a block of device memory as Python holds it; back to the pool when the object dies.
#pragma once

#include <Python.h>

#include "../device.hpp"

namespace accelerx::python {

// Makes the type; a new reference, or null with a Python error set.
PyObject* make_memory_type();

// Memory of the device's pool for the current stream; a new reference, or null with a Python error
// set. May throw BackendError.
PyObject* allocate_memory(Device& device, std::size_t bytes);

}  // namespace accelerx::python
