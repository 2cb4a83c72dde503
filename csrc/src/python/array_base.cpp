// ArrayBase: what a launch needs of an array, as C fields a dispatcher reads without Python.
#include "array_base.hpp"

#include <structmember.h>

#include <cstddef>

namespace accelerx::python {
namespace {

PyTypeObject* the_type = nullptr;

void free_extents(ArrayObject* self) {
  if (self->extents != self->inline_extents) PyMem_Free(self->extents);
  self->extents = nullptr;
  self->ndim = 0;
}

// Reads the tuples' numbers into extents; false with a Python error set.
bool read_extents(ArrayObject* self, PyObject* shape, PyObject* strides) {
  const Py_ssize_t ndim = PyTuple_GET_SIZE(shape);
  if (PyTuple_GET_SIZE(strides) != ndim) {
    PyErr_Format(PyExc_ValueError, "shape %R and strides %R differ in length", shape, strides);
    return false;
  }
  free_extents(self);
  self->extents = self->inline_extents;
  if (ndim > kInlineAxes) {
    void* memory = PyMem_Malloc(sizeof(std::int64_t) * 2 * static_cast<std::size_t>(ndim));
    if (memory == nullptr) {
      PyErr_NoMemory();
      return false;
    }
    self->extents = static_cast<std::int64_t*>(memory);
  }
  for (Py_ssize_t i = 0; i < ndim; ++i) {
    self->extents[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(shape, i));
    self->extents[ndim + i] = PyLong_AsLongLong(PyTuple_GET_ITEM(strides, i));
  }
  if (PyErr_Occurred() != nullptr) return false;
  self->ndim = static_cast<std::int32_t>(ndim);
  return true;
}

void replace(PyObject** slot, PyObject* value) {
  PyObject* before = *slot;
  Py_XINCREF(value);
  *slot = value;
  Py_XDECREF(before);
}

bool assign(ArrayObject* self, PyObject* key, PyObject* ptr, PyObject* shape, PyObject* strides,
            PyObject* owner) {
  if (!PyTuple_Check(shape) || !PyTuple_Check(strides)) {
    PyErr_Format(PyExc_TypeError, "shape and strides are tuples, not %R and %R", shape, strides);
    return false;
  }
  const std::uint64_t address = PyLong_AsUnsignedLongLong(ptr);
  if (PyErr_Occurred() != nullptr) return false;
  if (!read_extents(self, shape, strides)) return false;
  self->ptr = address;
  replace(&self->key, key);
  replace(&self->shape, shape);
  replace(&self->strides, strides);
  replace(&self->owner, owner);
  return true;
}

int array_init(PyObject* object, PyObject* args, PyObject* kwargs) {
  auto* self = reinterpret_cast<ArrayObject*>(object);
  if (kwargs == nullptr && PyTuple_GET_SIZE(args) == 5) {
    return assign(self, PyTuple_GET_ITEM(args, 0), PyTuple_GET_ITEM(args, 1),
                  PyTuple_GET_ITEM(args, 2), PyTuple_GET_ITEM(args, 3), PyTuple_GET_ITEM(args, 4))
               ? 0
               : -1;
  }
  static const char* names[] = {"key", "ptr", "shape", "strides", "owner", nullptr};
  PyObject* key = nullptr;
  PyObject* ptr = nullptr;
  PyObject* shape = nullptr;
  PyObject* strides = nullptr;
  PyObject* owner = nullptr;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOO:ArrayBase", const_cast<char**>(names), &key,
                                  &ptr, &shape, &strides, &owner) == 0) {
    return -1;
  }
  return assign(self, key, ptr, shape, strides, owner) ? 0 : -1;
}

PyObject* array_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* object = type->tp_alloc(type, 0);  // zeroed
  if (object != nullptr) {
    auto* self = reinterpret_cast<ArrayObject*>(object);
    self->extents = self->inline_extents;
  }
  return object;
}

int array_traverse(PyObject* object, visitproc visit, void* arg) {
  auto* self = reinterpret_cast<ArrayObject*>(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->key);
  Py_VISIT(self->shape);
  Py_VISIT(self->strides);
  Py_VISIT(self->owner);
  return 0;
}

int array_clear(PyObject* object) {
  auto* self = reinterpret_cast<ArrayObject*>(object);
  Py_CLEAR(self->key);
  Py_CLEAR(self->shape);
  Py_CLEAR(self->strides);
  Py_CLEAR(self->owner);
  return 0;
}

void array_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  array_clear(object);
  free_extents(reinterpret_cast<ArrayObject*>(object));
  type->tp_free(object);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"key", T_OBJECT_EX, offsetof(ArrayObject, key), READONLY,
     "interned object compared by launches"},
    {"ptr", T_ULONGLONG, offsetof(ArrayObject, ptr), READONLY, "address of element 0"},
    {"shape", T_OBJECT_EX, offsetof(ArrayObject, shape), READONLY, "extents"},
    {"strides", T_OBJECT_EX, offsetof(ArrayObject, strides), READONLY, "strides in elements"},
    {"owner", T_OBJECT_EX, offsetof(ArrayObject, owner), READONLY, "keeps the memory alive"},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What a launch needs of an array; base of accelerx.ndarray.")},
    {Py_tp_new, reinterpret_cast<void*>(array_new)},
    {Py_tp_init, reinterpret_cast<void*>(array_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(array_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(array_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(array_clear)},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {
    "accelerx._core.ArrayBase",
    sizeof(ArrayObject),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    slots,
};

}  // namespace

PyObject* make_array_type() {
  PyObject* type = PyType_FromSpec(&spec);
  if (type != nullptr) the_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

PyTypeObject* array_type() noexcept { return the_type; }

}  // namespace accelerx::python
