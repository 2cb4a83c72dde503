// Python's lock: taken and given back by scope.
#pragma once

#include <Python.h>

#include <memory>

namespace accelerx::python {

// Holds Python's lock; for threads that may or may not have it, or may be unknown to Python.
class GilAcquire {
 public:
  GilAcquire() : state_(PyGILState_Ensure()) {}
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
  ~GilRelease() { PyEval_RestoreThread(state_); }
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
