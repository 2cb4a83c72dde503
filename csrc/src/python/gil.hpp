// Python's lock: taken and given back by scope.
#pragma once

#include <Python.h>
#include <cxxabi.h>
#include <unistd.h>

#include <memory>

namespace accelerx::python {

// Runs what takes Python's lock. While the interpreter ends, Python (before 3.14) lets any other
// thread that asks for the lock exit on the spot, unwinding C++ frames whose destructors would
// touch Python's objects: such a thread sleeps here instead, until the process is gone.
template <class Take>
auto take_lock(Take take) {
  try {
    return take();
  } catch (abi::__forced_unwind&) {
    for (;;) ::pause();
  }
}

// Holds Python's lock; for threads that may or may not have it, or may be unknown to Python.
class GilAcquire {
 public:
  GilAcquire() : state_(take_lock([] { return PyGILState_Ensure(); })) {}
  ~GilAcquire() { PyGILState_Release(state_); }
  GilAcquire(const GilAcquire&) = delete;
  GilAcquire& operator=(const GilAcquire&) = delete;

 private:
  PyGILState_STATE state_;
};

// Lets others have Python's lock; for a thread that holds it.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() {
    take_lock([this] { PyEval_RestoreThread(state_); });
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

// True from shutdown on: threads that are not Python's must not touch it any more.
bool shutting_down() noexcept;

// A new reference, given up under Python's lock from whatever thread drops the pointer last.
std::shared_ptr<void> hold(PyObject* object);

// Deletes what may block or wait for callbacks while doing so.
struct BlockingDelete {
  template <class T>
  void operator()(T* object) const {
    if (!shutting_down() && PyGILState_Check() != 0) {
      GilRelease unlocked;
      delete object;
    } else {
      delete object;
    }
  }
};

}  // namespace accelerx::python
