// ArrayBase: what a launch needs of an array, as C fields a dispatcher reads without Python.
#pragma once

#include <Python.h>

#include <cstdint>

namespace accelerx::python {

constexpr int kInlineAxes = 4;

struct ArrayObject {
  PyObject_HEAD PyObject* key;  // compared by identity
  PyObject* shape;              // the tuples as given
  PyObject* strides;
  PyObject* owner;
  std::uint64_t ptr;
  std::int64_t* extents;  // ndim extents, then ndim strides, in elements
  std::int64_t inline_extents[2 * kInlineAxes];
  std::int32_t ndim;
};

// Makes the type; a new reference, or null with a Python error set.
PyObject* make_array_type();

// The type, once made.
PyTypeObject* array_type() noexcept;

inline bool is_array(PyObject* object) noexcept {
  return PyObject_TypeCheck(object, array_type()) != 0;
}

}  // namespace accelerx::python
