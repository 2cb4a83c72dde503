// Where launches meet Python: callbacks from kernels, Ctrl-C, waiting, and pending exceptions.
#pragma once

#include <Python.h>
#include <accelerx/backend.h>

#include <memory>
#include <mutex>

#include "../event.hpp"
#include "../launch.hpp"
#include "../stream.hpp"

namespace accelerx::python {

// A loaded kernel as Python holds it.
struct FunctionState {
  std::shared_ptr<void> keep_alive;  // the code's owner; goes last
  std::shared_ptr<void> on_site;     // a callable, or null
  std::shared_ptr<Function> function;
};

// The hook_ctx of one launch.
struct LaunchContext {
  FunctionState* function = nullptr;
  Lane* lane = nullptr;
  Stream* stream = nullptr;      // of an asynchronous launch, else null
  const void* thread = nullptr;  // marks the launching thread of a synchronous launch
  PyObject* error = nullptr;     // what a callback or signal raised; guarded by Python's lock
  std::mutex callbacks;          // callbacks of one launch run one after another
};

// Launches and raises; all but args, stream and hook are set in `launch`. `owners` are the objects
// whose memory the launch uses if it is not the pool's; they are kept until the launch is done.
// False with a Python error set.
bool launch(ax_launch& launch, std::shared_ptr<FunctionState> function, const void* args,
            Stream& stream, PyObject* const* owners, std::size_t owner_count);

// Waits for a stream's work, minding signals; false with a Python error set.
bool synchronize(Stream& stream);
bool synchronize(Event& event);

// Before work that is done inside its call: waits, minding signals, until the other streams whose
// work comes first are done. False with a Python error set.
bool await_turn(Stream& stream);

// After every asynchronous launch, wait for it.
void set_launch_blocking(bool enabled) noexcept;

// Sets CoreError from the exception in flight; for use in catch blocks of raw CPython code.
void set_core_error();
void register_core_error(PyObject* type) noexcept;

// Stops running kernels, finishes plugins and ends all callbacks into Python.
void shutdown();

}  // namespace accelerx::python
