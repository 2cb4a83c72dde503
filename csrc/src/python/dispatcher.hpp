// Dispatcher: the hot path of a launch, from Python arguments to the plugin's launch slot.
#pragma once

#include <Python.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "host.hpp"

namespace accelerx::python {

enum class Source : std::uint8_t { kAddress = 0, kScalar = 1, kExtent = 2, kStride = 3 };

// Where one packed value comes from and goes to.
struct PlanRow {
  Source source;
  Scalar type;
  std::uint16_t argument;
  std::uint16_t axis;
  std::uint32_t offset;
};

// One remembered combination of argument types, ready to launch.
struct Specialisation {
  std::vector<PyObject*> keys;  // owned; a type, or an array's key
  std::vector<PlanRow> plan;
  std::shared_ptr<FunctionState> function;
  ax_launch launch;
  std::shared_ptr<Stream> stream;  // null: the thread's current one
};

// Makes the type; a new reference, or null with a Python error set.
PyObject* make_dispatcher_type();

// From bindings.cpp, where Python's Function and Stream are known. Null/false with an error set.
std::shared_ptr<FunctionState> function_from(PyObject* object);
bool stream_from(PyObject* object, std::shared_ptr<Stream>* stream);

}  // namespace accelerx::python
