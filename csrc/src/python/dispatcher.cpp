// Dispatcher: the hot path of a launch, from Python arguments to the plugin's launch slot.
#include "dispatcher.hpp"

#include <structmember.h>

#include <cstddef>
#include <cstring>
#include <new>

#include "../device.hpp"
#include "../error.hpp"
#include "array_base.hpp"

namespace accelerx::python {
namespace {

PyTypeObject* the_type = nullptr;

constexpr std::size_t kStackBytes = 512;
constexpr std::size_t kStackArguments = 32;

struct DispatcherObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* miss;
  PyObject* failed;  // null: what a launch raises is raised as it is
  std::vector<std::shared_ptr<Specialisation>>* specialisations;
};

// ---- matching ------------------------------------------------------------------------------

inline PyObject* key_of(PyObject* argument) noexcept {
  // Most calls pass arrays of one subclass: remembering it saves walking its base classes. A type
  // that dies and is born again at the same address is still checked by PyObject_TypeCheck below
  // unless it was an array type then; the interpreter's lock guards the variable.
  static PyTypeObject* last_array_type = nullptr;
  PyTypeObject* type = Py_TYPE(argument);
  if (type == last_array_type) return reinterpret_cast<ArrayObject*>(argument)->key;
  if (is_array(argument)) {
    if (last_array_type == nullptr) {
      Py_INCREF(type);  // keeps the address from being used again
      last_array_type = type;
    }
    return reinterpret_cast<ArrayObject*>(argument)->key;
  }
  return reinterpret_cast<PyObject*>(type);
}

inline bool matches(const Specialisation& s, PyObject* const* keys, std::size_t count) noexcept {
  return s.keys.size() == count &&
         (count == 0 || std::memcmp(s.keys.data(), keys, count * sizeof *keys) == 0);
}

// ---- packing: each returns false with a Python error set -------------------------------------

bool out_of_range(std::size_t argument, PyObject* value, Scalar type) {
  PyErr_Format(PyExc_OverflowError, "argument %zu: %R does not fit %s", argument + 1, value,
               scalar_name(type));
  return false;
}

// A NumPy scalar, or anything like it, as a plain Python number.
PyObject* plain_number(PyObject* value) { return PyObject_CallMethod(value, "item", nullptr); }

bool pack_integer(std::size_t argument, PyObject* value, Scalar type, void* out) {
  int overflow = 0;
  const long long small = PyLong_AsLongLongAndOverflow(value, &overflow);
  std::uint64_t bits = static_cast<std::uint64_t>(small);
  if (overflow > 0) bits = PyLong_AsUnsignedLongLong(value);
  if (overflow != 0 || (small == -1 && PyErr_Occurred() != nullptr)) {
    if (PyErr_Occurred() != nullptr) {
      if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return false;
      PyErr_Clear();
      return out_of_range(argument, value, type);
    }
    if (overflow < 0) return out_of_range(argument, value, type);
  }
  if (!integer_fits(type, bits, overflow > 0)) return out_of_range(argument, value, type);
  store_integer(type, bits, out);
  return true;
}

bool pack_plain(std::size_t argument, PyObject* value, Scalar type, void* out);

bool pack_converted(std::size_t argument, PyObject* value, Scalar type, void* out) {
  PyObject* plain = plain_number(value);
  if (plain == nullptr || Py_TYPE(plain) == Py_TYPE(value)) {
    Py_XDECREF(plain);
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "argument %zu: cannot pass %R (%s) as %s", argument + 1, value,
                 Py_TYPE(value)->tp_name, scalar_name(type));
    return false;
  }
  const bool packed = pack_plain(argument, plain, type, out);
  Py_DECREF(plain);
  return packed;
}

bool pack_float(std::size_t argument, PyObject* value, Scalar type, void* out) {
  const double number = PyLong_AsDouble(value);
  if (number == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    return out_of_range(argument, value, type);
  }
  store_float(type, number, out);
  return true;
}

// float, int and bool, and their subclasses (NumPy's float64 is a float).
bool pack_plain(std::size_t argument, PyObject* value, Scalar type, void* out) {
  if (is_float(type)) {
    if (PyFloat_Check(value)) {
      store_float(type, PyFloat_AS_DOUBLE(value), out);
      return true;
    }
    if (PyLong_Check(value)) return pack_float(argument, value, type, out);
  } else if (type == Scalar::kBool) {
    if (PyLong_Check(value)) {
      const int truth = PyObject_IsTrue(value);
      if (truth < 0) return false;
      store_integer(type, static_cast<std::uint64_t>(truth), out);
      return true;
    }
  } else if (PyLong_Check(value)) {
    return pack_integer(argument, value, type, out);
  }
  return pack_converted(argument, value, type, out);
}

bool axis_missing(const PlanRow& row, const ArrayObject& array) {
  PyErr_Format(PyExc_ValueError, "argument %u: the array has %d axes, the kernel reads axis %u",
               row.argument + 1u, array.ndim, static_cast<unsigned>(row.axis));
  return false;
}

bool pack(const Specialisation& s, PyObject* const* args, char* out) {
  for (const PlanRow& row : s.plan) {
    char* to = out + row.offset;
    PyObject* argument = args[row.argument];
    if (row.source == Source::kScalar) {
      if (!pack_plain(row.argument, argument, row.type, to)) return false;
      continue;
    }
    const auto& array = *reinterpret_cast<const ArrayObject*>(argument);
    if (row.source == Source::kAddress) {
      std::memcpy(to, &array.ptr, sizeof array.ptr);
      continue;
    }
    if (row.axis >= array.ndim) return axis_missing(row, array);
    const int at = row.source == Source::kExtent ? row.axis : array.ndim + row.axis;
    std::memcpy(to, &array.extents[at], sizeof(std::int64_t));
  }
  return true;
}

// ---- the call --------------------------------------------------------------------------------

bool launch_packed(const std::shared_ptr<Specialisation>& s, PyObject* const* args,
                   std::size_t count, char* packed) {
  if (!pack(*s, args, packed)) return false;
  Stream& stream = s->stream ? *s->stream : s->function->function->device().current_stream();
  ax_launch request = s->launch;
  if (stream.synchronous()) return launch(request, s->function, packed, stream, nullptr, 0);
  std::vector<PyObject*> owners;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_array(args[i])) owners.push_back(reinterpret_cast<ArrayObject*>(args[i])->owner);
  }
  return launch(request, s->function, packed, stream, owners.data(), owners.size());
}

bool launch_specialisation(const std::shared_ptr<Specialisation>& s, PyObject* const* args,
                           std::size_t count) {
  if (s->launch.args_bytes <= kStackBytes) {
    alignas(64) char packed[kStackBytes];
    return launch_packed(s, args, count, packed);
  }
  std::vector<char> packed(s->launch.args_bytes);
  return launch_packed(s, args, count, packed.data());
}

// Hands what a remembered launch raised to `failed`, which raises or launches in another way.
PyObject* recover(DispatcherObject* self, PyObject* const* args, std::size_t count) {
  if (self->failed == nullptr) return nullptr;
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  std::vector<PyObject*> given{value};
  given.insert(given.end(), args, args + count);
  PyObject* result = PyObject_Vectorcall(self->failed, given.data(), given.size(), nullptr);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return result;
}

PyObject* find_and_launch(DispatcherObject* self, PyObject* const* args, std::size_t count,
                          PyObject** keys) {
  for (std::size_t i = 0; i < count; ++i) keys[i] = key_of(args[i]);
  for (const auto& entry : *self->specialisations) {
    if (!matches(*entry, keys, count)) continue;
    // A copy: a callback during the launch may add a specialisation and move the list.
    const std::shared_ptr<Specialisation> found = entry;
    bool launched = false;
    try {
      launched = launch_specialisation(found, args, count);
    } catch (...) {
      set_core_error();
    }
    if (!launched) return recover(self, args, count);
    Py_RETURN_NONE;
  }
  return PyObject_Vectorcall(self->miss, args, count, nullptr);
}

PyObject* dispatcher_call(PyObject* object, PyObject* const* args, std::size_t flags,
                          PyObject* keyword_names) {
  if (keyword_names != nullptr && PyTuple_GET_SIZE(keyword_names) != 0) {
    PyErr_SetString(PyExc_TypeError, "a kernel launch takes no keyword arguments");
    return nullptr;
  }
  auto* self = reinterpret_cast<DispatcherObject*>(object);
  const auto count = static_cast<std::size_t>(PyVectorcall_NARGS(flags));
  try {
    if (count <= kStackArguments) {
      PyObject* keys[kStackArguments];
      return find_and_launch(self, args, count, keys);
    }
    std::vector<PyObject*> keys(count);
    return find_and_launch(self, args, count, keys.data());
  } catch (...) {
    set_core_error();
    return nullptr;
  }
}

// ---- the type --------------------------------------------------------------------------------

PyObject* dispatcher_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"miss", "failed", nullptr};
  PyObject *miss = nullptr, *failed = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:Dispatcher", const_cast<char**>(names), &miss,
                                  &failed) == 0) {
    return nullptr;
  }
  if (failed == Py_None) failed = nullptr;
  for (PyObject* callable : {miss, failed}) {
    if (callable == nullptr || PyCallable_Check(callable) != 0) continue;
    PyErr_Format(PyExc_TypeError, "%s is not callable: %R", callable == miss ? "miss" : "failed",
                 callable);
    return nullptr;
  }
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  auto* self = reinterpret_cast<DispatcherObject*>(object);
  self->call = dispatcher_call;
  Py_INCREF(miss);
  self->miss = miss;
  Py_XINCREF(failed);
  self->failed = failed;
  self->specialisations = new (std::nothrow) std::vector<std::shared_ptr<Specialisation>>;
  if (self->specialisations == nullptr) {
    Py_DECREF(object);
    return PyErr_NoMemory();
  }
  return object;
}

int dispatcher_traverse(PyObject* object, visitproc visit, void* arg) {
  auto* self = reinterpret_cast<DispatcherObject*>(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->miss);
  Py_VISIT(self->failed);
  if (self->specialisations == nullptr) return 0;
  for (const auto& entry : *self->specialisations) {
    if (entry.use_count() != 1) continue;  // a launch holds it, too: not garbage
    for (PyObject* key : entry->keys) Py_VISIT(key);
  }
  return 0;
}

int dispatcher_clear(PyObject* object) {
  auto* self = reinterpret_cast<DispatcherObject*>(object);
  Py_CLEAR(self->miss);
  Py_CLEAR(self->failed);
  if (self->specialisations != nullptr) {
    const auto gone = std::move(*self->specialisations);
    self->specialisations->clear();
  }
  return 0;
}

void dispatcher_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  dispatcher_clear(object);
  delete reinterpret_cast<DispatcherObject*>(object)->specialisations;
  type->tp_free(object);
  Py_DECREF(type);
}

bool read_numbers(PyObject* object, const char* what, std::uint32_t* out, Py_ssize_t count) {
  PyObject* sequence = PySequence_Fast(object, what);
  if (sequence == nullptr) return false;
  bool fine = PySequence_Fast_GET_SIZE(sequence) == count;
  if (!fine)
    PyErr_Format(PyExc_ValueError, "%s: %zd numbers are needed, not %R", what, count, object);
  for (Py_ssize_t i = 0; fine && i < count; ++i) {
    const unsigned long long number =
        PyLong_AsUnsignedLongLong(PySequence_Fast_GET_ITEM(sequence, i));
    fine = PyErr_Occurred() == nullptr;
    if (fine && number > 0xffffffffu) {
      PyErr_Format(PyExc_OverflowError, "%s: %R exceeds 32 bits", what, object);
      fine = false;
    }
    out[i] = static_cast<std::uint32_t>(number);
  }
  Py_DECREF(sequence);
  return fine;
}

bool read_keys(PyObject* keys, Specialisation* s) {
  PyObject* sequence = PySequence_Fast(keys, "keys are a tuple");
  if (sequence == nullptr) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
    PyObject* key = PySequence_Fast_GET_ITEM(sequence, i);
    Py_INCREF(key);
    s->keys.push_back(key);
  }
  Py_DECREF(sequence);
  return true;
}

bool read_plan(PyObject* plan, Specialisation* s) {
  PyObject* rows = PySequence_Fast(plan, "plan is a sequence of rows");
  if (rows == nullptr) return false;
  bool fine = true;
  for (Py_ssize_t i = 0; fine && i < PySequence_Fast_GET_SIZE(rows); ++i) {
    std::uint32_t n[5] = {};
    fine = read_numbers(PySequence_Fast_GET_ITEM(rows, i), "plan row", n, 5);
    if (!fine) break;
    if (n[0] > 3 || n[1] > 0xffff || n[2] > 0xffff) {
      PyErr_Format(PyExc_ValueError, "plan row %zd has an unknown kind, argument or axis", i);
      fine = false;
      break;
    }
    const auto source = static_cast<Source>(n[0]);
    const Scalar type =
        source == Source::kScalar ? scalar_of(static_cast<std::int32_t>(n[3])) : Scalar::kI64;
    s->plan.push_back(
        {source, type, static_cast<std::uint16_t>(n[1]), static_cast<std::uint16_t>(n[2]), n[4]});
  }
  Py_DECREF(rows);
  return fine;
}

void check_rows(const Specialisation& s) {
  for (std::size_t i = 0; i < s.plan.size(); ++i) {
    const PlanRow& row = s.plan[i];
    const std::string where = "plan row " + std::to_string(i) + ": ";
    if (row.argument >= s.keys.size()) {
      throw BackendError(AX_ERROR_INVALID_ARGUMENT, where + "argument " +
                                                        std::to_string(row.argument) + " of " +
                                                        std::to_string(s.keys.size()));
    }
    if (row.source != Source::kScalar && PyType_Check(s.keys[row.argument])) {
      throw BackendError(AX_ERROR_INVALID_ARGUMENT, where + "its argument is no array");
    }
    if (row.offset + scalar_size(row.type) > s.launch.args_bytes) {
      throw BackendError(AX_ERROR_INVALID_ARGUMENT, where + "offset " + std::to_string(row.offset) +
                                                        " lies outside the packed arguments of " +
                                                        std::to_string(s.launch.args_bytes) +
                                                        " bytes");
    }
  }
}

void delete_specialisation(Specialisation* s) {
  for (PyObject* key : s->keys) Py_DECREF(key);
  delete s;
}

bool fill_specialisation(PyObject* args, PyObject* kwargs, Specialisation* s) {
  static const char* names[] = {"keys",         "function", "plan", "grid",
                                "shared_bytes", "stream",   nullptr};
  PyObject *keys = nullptr, *function = nullptr, *plan = nullptr, *grid = nullptr,
           *stream = Py_None;
  unsigned int shared_bytes = 0;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOIO:add", const_cast<char**>(names), &keys,
                                  &function, &plan, &grid, &shared_bytes, &stream) == 0) {
    return false;
  }
  std::uint32_t blocks[3] = {};
  if (!read_keys(keys, s) || !read_numbers(grid, "grid", blocks, 3)) return false;
  s->function = function_from(function);
  if (!s->function || !stream_from(stream, &s->stream)) return false;
  if (!read_plan(plan, s)) return false;
  s->launch = s->function->function->prepare(blocks, shared_bytes);
  check_rows(*s);
  return true;
}

// Newest first; takes the place of one with the same keys.
void remember(std::vector<std::shared_ptr<Specialisation>>& list,
              std::shared_ptr<Specialisation> s) {
  for (auto& known : list) {
    if (known->keys == s->keys) {
      known.swap(s);  // what was known goes when all is in order again
      return;
    }
  }
  list.insert(list.begin(), std::move(s));
}

PyObject* dispatcher_add(PyObject* object, PyObject* args, PyObject* kwargs) {
  auto* self = reinterpret_cast<DispatcherObject*>(object);
  try {
    std::shared_ptr<Specialisation> s(new Specialisation{}, delete_specialisation);
    if (!fill_specialisation(args, kwargs, s.get())) return nullptr;
    remember(*self->specialisations, std::move(s));
  } catch (...) {
    set_core_error();
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"add", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(dispatcher_add)),
     METH_VARARGS | METH_KEYWORDS,
     "add(keys, function, plan, grid, shared_bytes, stream): remembers a specialisation."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(DispatcherObject, call), READONLY, nullptr},
    {"miss", T_OBJECT_EX, offsetof(DispatcherObject, miss), READONLY,
     "called when no specialisation matches"},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The hot path of a launch; see _core.pyi.")},
    {Py_tp_new, reinterpret_cast<void*>(dispatcher_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dispatcher_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(dispatcher_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(dispatcher_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {
    "accelerx._core.Dispatcher",
    sizeof(DispatcherObject),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    slots,
};

}  // namespace

PyObject* make_dispatcher_type() {
  PyObject* type = PyType_FromSpec(&spec);
  if (type != nullptr) the_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

}  // namespace accelerx::python
