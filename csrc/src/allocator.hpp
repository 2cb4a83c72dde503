// The caching, stream-ordered allocator over a plugin's raw memory: one per device.
//
// Small blocks are cut from 2 MB slabs, large ones are allocations of their own; both are kept by
// size class when freed. A block belongs to a home stream. Freed, it is at once available to work
// on that stream, since the stream's own order keeps uses apart; if other streams have used it, it
// waits until events recorded on those streams have completed.
#pragma once

#include <accelerx/backend.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace accelerx {

class Plugin;
class Stream;

struct Slab {
  std::uintptr_t address = 0;
  std::size_t size = 0;
  std::size_t cut = 0;     // bytes handed out as blocks so far
  std::size_t inside = 0;  // blocks cut, minus those free
};

struct Block {
  std::uintptr_t address = 0;
  std::size_t size = 0;                        // of its class
  std::size_t requested = 0;                   // what the user asked for
  std::uint64_t home = 0;                      // id of its stream
  Slab* slab = nullptr;                        // null: an allocation of its own
  std::vector<std::shared_ptr<Stream>> users;  // other streams that have used it
  std::vector<ax_event> waits;                 // freed, but these have not completed yet
};

struct MemoryStats {
  std::uint64_t allocated = 0;  // bytes in live blocks, as asked for
  std::uint64_t reserved = 0;   // bytes held from the plugin
  std::uint64_t cached = 0;     // bytes of free blocks and unused slab space
  std::uint64_t peak = 0;       // highest `allocated`
  std::uint64_t peak_reserved = 0;
  std::uint64_t blocks = 0;  // live blocks
  std::uint64_t hits = 0;    // requests met from the cache
  std::uint64_t misses = 0;  // requests that needed the plugin
  std::uint64_t limit = 0;   // 0: none
};

class Allocator {
 public:
  Allocator(const Plugin& plugin, std::int32_t device) : plugin_(plugin), device_(device) {}
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // A block from the cache, or null: never blocks.
  Block* allocate_cached(std::size_t bytes, const Stream& stream);
  // A block, from the plugin if need be. Throws BackendError when memory is exhausted, with the
  // pool's state.
  Block* allocate(std::size_t bytes, const Stream& stream);
  void release(Block* block) noexcept;

  // Notes that work on the stream uses the memory at address; false if it is none of this pool's.
  bool note_use(std::uintptr_t address, Stream& stream);

  // The stream is idle and about to go: its free blocks become the default stream's.
  void forget_stream(std::uint64_t stream);

  // Gives cached memory back to the plugin. The caller has synchronised the device, or accepts that
  // blocks still waiting for events stay.
  void trim();
  void set_limit(std::size_t bytes);
  MemoryStats stats();
  void reset_peak();

  std::mutex& mutex() noexcept { return mutex_; }  // for the fork handler

 private:
  using ClassKey = std::pair<std::uint64_t, std::size_t>;  // home stream, size
  using Lock = std::unique_lock<std::mutex>;

  Block* take_free(std::size_t size, std::uint64_t home);
  Block* cut_from_slab(std::size_t size, std::uint64_t home);
  Block* make_block(std::uintptr_t address, std::size_t size, std::uint64_t home, Slab* slab);
  void hand_out(Block* block, std::size_t bytes);
  void put_free(Block* block);
  void collect_waiting();
  bool events_done(Block* block);
  ax_event take_event();
  void refill(Lock& lock, std::size_t size, std::uint64_t home);
  void* raw_allocate(Lock& lock, std::size_t bytes);
  void make_room(Lock& lock);
  bool within_limit(std::size_t more) const;
  bool cache_too_large(std::size_t more) const;
  void trim_locked();
  [[noreturn]] void exhausted(std::size_t bytes);
  std::string state();

  const Plugin& plugin_;
  const std::int32_t device_;
  std::mutex mutex_;  // guards all below
  std::map<ClassKey, std::vector<Block*>> free_;
  std::map<std::uintptr_t, std::unique_ptr<Block>> blocks_;  // by address
  std::map<std::uintptr_t, std::unique_ptr<Slab>> slabs_;
  Slab* open_slab_ = nullptr;
  std::deque<Block*> waiting_;
  std::vector<ax_event> spare_events_;
  MemoryStats stats_;
};

}  // namespace accelerx
