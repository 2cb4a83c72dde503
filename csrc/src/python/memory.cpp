// Memory: a block of device memory as Python holds it; back to the pool when the object dies.
#include "memory.hpp"

#include <structmember.h>

#include <cstddef>

#include "gil.hpp"

namespace accelerx::python {
namespace {

PyTypeObject* the_type = nullptr;

// A type of its own instead of pybind11's, since every result of every op makes one of these.
struct MemoryObject {
  PyObject_HEAD Device* device;
  Block* block;  // null: no bytes
  unsigned long long ptr;
  Py_ssize_t bytes;
};

void memory_dealloc(PyObject* object) {
  auto* self = reinterpret_cast<MemoryObject*>(object);
  PyTypeObject* type = Py_TYPE(object);
  if (self->block != nullptr && !shutting_down()) self->device->allocator().release(self->block);
  type->tp_free(object);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"ptr", T_ULONGLONG, offsetof(MemoryObject, ptr), READONLY, "device address, 0 if empty"},
    {"nbytes", T_PYSSIZET, offsetof(MemoryObject, bytes), READONLY, "size as asked for"},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A block of device memory.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(memory_dealloc)},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {
    "accelerx._core.Memory",
    sizeof(MemoryObject),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    slots,
};

Block* allocate_block(Device& device, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const Stream& stream = device.current_stream();
  Block* block = device.allocator().allocate_cached(bytes, stream);
  if (block != nullptr) return block;
  GilRelease unlocked;
  return device.allocator().allocate(bytes, stream);
}

}  // namespace

PyObject* make_memory_type() {
  PyObject* type = PyType_FromSpec(&spec);
  if (type != nullptr) the_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

PyObject* allocate_memory(Device& device, std::size_t bytes) {
  Block* block = allocate_block(device, bytes);
  auto* self = PyObject_New(MemoryObject, the_type);
  if (self == nullptr) {
    if (block != nullptr) device.allocator().release(block);
    return nullptr;
  }
  self->device = &device;
  self->block = block;
  self->ptr = block != nullptr ? block->address : 0;
  self->bytes = static_cast<Py_ssize_t>(bytes);
  return reinterpret_cast<PyObject*>(self);
}

}  // namespace accelerx::python
