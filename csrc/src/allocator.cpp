// The caching, stream-ordered allocator over a plugin's raw memory: one per device.
#include "allocator.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "error.hpp"
#include "plugin.hpp"
#include "stream.hpp"

namespace accelerx {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kSlab = std::size_t{2} << 20;
constexpr std::size_t kLargestInSlab = std::size_t{256} << 10;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr auto kPatience = std::chrono::seconds(1);
constexpr std::size_t kCacheFloor = std::size_t{256} << 20;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// The class a request falls into: eight steps to each doubling, so that at most an eighth is
// wasted. Large blocks are whole 2 MB pages.
std::size_t size_class(std::size_t bytes) {
  const std::size_t least = std::max(bytes, std::size_t{1});
  if (least > SIZE_MAX / 2) return least;
  std::size_t power = kAlignment;
  while (power < least / 2) power *= 2;
  const std::size_t step = std::max(power / 8, kAlignment);
  const std::size_t size = round_up(least, step);
  return size >= 2 * kHugePage ? round_up(size, kHugePage) : size;
}

std::string megabytes(std::uint64_t bytes) {
  const std::uint64_t tenths = bytes * 10 / (1u << 20);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MB";
}

}  // namespace

Block* Allocator::allocate_cached(std::size_t bytes, const Stream& stream) {
  const std::size_t size = size_class(bytes);
  Lock lock(mutex_);
  collect_waiting();
  Block* block = take_free(size, stream.id());
  if (block == nullptr && size <= kLargestInSlab) block = cut_from_slab(size, stream.id());
  if (block == nullptr) return nullptr;
  ++stats_.hits;
  hand_out(block, bytes);
  return block;
}

Block* Allocator::allocate(std::size_t bytes, const Stream& stream) {
  if (Block* block = allocate_cached(bytes, stream)) return block;
  const std::size_t size = size_class(bytes);
  Lock lock(mutex_);
  ++stats_.misses;
  Block* block = nullptr;
  // The lock is open while the plugin works; another thread may take what was fetched here.
  while (block == nullptr) {
    refill(lock, size, stream.id());
    block = take_free(size, stream.id());
    if (block == nullptr && size <= kLargestInSlab) block = cut_from_slab(size, stream.id());
  }
  hand_out(block, bytes);
  return block;
}

void Allocator::refill(Lock& lock, std::size_t size, std::uint64_t home) {
  const bool in_slab = size <= kLargestInSlab;
  const std::size_t raw = in_slab ? kSlab : size;
  auto* memory = static_cast<char*>(raw_allocate(lock, raw));
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  stats_.reserved += raw;
  stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
  stats_.cached += raw;
  if (in_slab) {
    auto slab = std::make_unique<Slab>();
    slab->address = address;
    slab->size = raw;
    open_slab_ = slab.get();
    slabs_.emplace(address, std::move(slab));
  } else {
    free_[{home, size}].push_back(make_block(address, size, home, nullptr));
  }
}

void* Allocator::raw_allocate(Lock& lock, std::size_t bytes) {
  if (cache_too_large(bytes)) trim_locked();
  if (!within_limit(bytes)) make_room(lock);
  if (!within_limit(bytes)) exhausted(bytes);
  const ax_backend& table = plugin_.table();
  for (int attempt = 0;; ++attempt) {
    void* memory = nullptr;
    lock.unlock();
    const ax_status status = table.alloc(device_, bytes, &memory);
    if (status != AX_OK && status != AX_ERROR_OUT_OF_MEMORY) plugin_.fail(status, "alloc");
    lock.lock();
    if (status == AX_OK) return memory;
    if (attempt > 0) exhausted(bytes);
    make_room(lock);
  }
}

// Blocks that wait for other streams are given a moment to become free. Events are only queried:
// synchronising would swallow a failure that the user has to see.
void Allocator::make_room(Lock& lock) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  trim_locked();
  while (!waiting_.empty() && std::chrono::steady_clock::now() < give_up) {
    lock.unlock();
    std::this_thread::sleep_for(kPatience / 1000);
    lock.lock();
    trim_locked();
  }
}

Block* Allocator::make_block(std::uintptr_t address, std::size_t size, std::uint64_t home,
                             Slab* slab) {
  auto block = std::make_unique<Block>();
  block->address = address;
  block->size = size;
  block->home = home;
  block->slab = slab;
  return blocks_.insert_or_assign(address, std::move(block)).first->second.get();
}

Block* Allocator::take_free(std::size_t size, std::uint64_t home) {
  const auto found = free_.find({home, size});
  if (found == free_.end() || found->second.empty()) return nullptr;
  Block* block = found->second.back();
  found->second.pop_back();
  return block;
}

Block* Allocator::cut_from_slab(std::size_t size, std::uint64_t home) {
  Slab* slab = open_slab_;
  if (slab == nullptr || slab->size - slab->cut < size) return nullptr;
  Block* block = make_block(slab->address + slab->cut, size, home, slab);
  slab->cut += size;
  return block;
}

void Allocator::hand_out(Block* block, std::size_t bytes) {
  block->requested = bytes;
  if (block->slab != nullptr) ++block->slab->inside;
  stats_.cached -= block->size;
  stats_.allocated += bytes;
  stats_.peak = std::max(stats_.peak, stats_.allocated);
  ++stats_.blocks;
}

void Allocator::release(Block* block) noexcept {
  const ax_backend& table = plugin_.table();
  Lock lock(mutex_);
  stats_.allocated -= block->requested;
  --stats_.blocks;
  for (const auto& stream : block->users) {
    ax_event event = take_event();
    if (event == nullptr || table.event_record(device_, event, stream->handle()) != AX_OK) {
      // Without an event, waiting is the only safe order.
      if (event != nullptr) spare_events_.push_back(event);
      static_cast<void>(table.stream_synchronize(device_, stream->handle(), -1));
      continue;
    }
    block->waits.push_back(event);
  }
  // Streams die with their last reference; their destructor needs the lock this thread holds.
  const auto users = std::move(block->users);
  block->users.clear();
  if (block->waits.empty()) {
    put_free(block);
  } else {
    waiting_.push_back(block);
  }
  lock.unlock();
}

void Allocator::put_free(Block* block) {
  if (block->slab != nullptr) --block->slab->inside;
  stats_.cached += block->size;
  free_[{block->home, block->size}].push_back(block);
}

bool Allocator::events_done(Block* block) {
  auto& waits = block->waits;
  while (!waits.empty()) {
    if (plugin_.table().event_query(device_, waits.back()) == AX_ERROR_NOT_READY) return false;
    spare_events_.push_back(waits.back());
    waits.pop_back();
  }
  return true;
}

void Allocator::collect_waiting() {
  while (!waiting_.empty() && events_done(waiting_.front())) {
    put_free(waiting_.front());
    waiting_.pop_front();
  }
}

ax_event Allocator::take_event() {
  if (!spare_events_.empty()) {
    ax_event event = spare_events_.back();
    spare_events_.pop_back();
    return event;
  }
  ax_event event = nullptr;
  return plugin_.table().event_create(device_, 0, &event) == AX_OK ? event : nullptr;
}

bool Allocator::note_use(std::uintptr_t address, Stream& stream) {
  Lock lock(mutex_);
  auto next = blocks_.upper_bound(address);
  if (next == blocks_.begin()) return false;
  Block& block = *std::prev(next)->second;
  if (address >= block.address + block.size) return false;
  if (block.home == stream.id()) return true;
  for (const auto& user : block.users) {
    if (user.get() == &stream) return true;
  }
  block.users.push_back(stream.shared_from_this());
  return true;
}

void Allocator::forget_stream(std::uint64_t stream) {
  Lock lock(mutex_);
  for (auto& entry : blocks_) {
    if (entry.second->home == stream) entry.second->home = 0;
  }
  for (auto at = free_.begin(); at != free_.end();) {
    if (at->first.first != stream) {
      ++at;
      continue;
    }
    auto& kept = free_[{0, at->first.second}];
    kept.insert(kept.end(), at->second.begin(), at->second.end());
    at = free_.erase(at);
  }
}

void Allocator::trim() {
  Lock lock(mutex_);
  trim_locked();
}

void Allocator::trim_locked() {
  const ax_backend& table = plugin_.table();
  collect_waiting();
  const auto give_back = [&](std::uintptr_t address, std::size_t size) {
    table.free(device_, reinterpret_cast<void*>(address));
    stats_.reserved -= size;
    stats_.cached -= size;
  };
  for (auto& entry : free_) {
    auto& list = entry.second;
    const auto keep = std::partition(list.begin(), list.end(), [](const Block* block) {
      return block->slab != nullptr && block->slab->inside != 0;
    });
    for (auto at = keep; at != list.end(); ++at) {
      if ((*at)->slab == nullptr) give_back((*at)->address, (*at)->size);
      blocks_.erase((*at)->address);
    }
    list.erase(keep, list.end());
  }
  for (auto at = slabs_.begin(); at != slabs_.end();) {
    if (at->second->inside != 0) {
      ++at;
      continue;
    }
    if (at->second.get() == open_slab_) open_slab_ = nullptr;
    give_back(at->second->address, at->second->size);
    at = slabs_.erase(at);
  }
}

bool Allocator::within_limit(std::size_t more) const {
  return stats_.limit == 0 || stats_.reserved + more <= stats_.limit;
}

// A program whose sizes always change must not pile up blocks: the cache stays under what the
// program itself has once used, or a quarter of a gigabyte.
bool Allocator::cache_too_large(std::size_t more) const {
  return stats_.cached + more > std::max<std::uint64_t>(stats_.peak, kCacheFloor) &&
         stats_.cached > more;
}

void Allocator::set_limit(std::size_t bytes) {
  Lock lock(mutex_);
  stats_.limit = bytes;
  if (!within_limit(0)) trim_locked();
}

MemoryStats Allocator::stats() {
  Lock lock(mutex_);
  collect_waiting();
  return stats_;
}

void Allocator::reset_peak() {
  Lock lock(mutex_);
  stats_.peak = stats_.allocated;
  stats_.peak_reserved = stats_.reserved;
}

std::string Allocator::state() {
  std::string text = megabytes(stats_.allocated) + " in " + std::to_string(stats_.blocks) +
                     " live blocks, " + megabytes(stats_.cached) + " cached, " +
                     megabytes(stats_.reserved) + " reserved";
  if (stats_.limit != 0) text += ", limit " + megabytes(stats_.limit);
  std::size_t free_bytes = 0;
  std::size_t total = 0;
  if (plugin_.table().memory_info != nullptr &&
      plugin_.table().memory_info(device_, &free_bytes, &total) == AX_OK) {
    text += "; the device has " + megabytes(free_bytes) + " of " + megabytes(total) + " free";
  }
  return text;
}

void Allocator::exhausted(std::size_t bytes) {
  throw BackendError(AX_ERROR_OUT_OF_MEMORY,
                     std::string(plugin_.table().name) + ":" + std::to_string(device_) +
                         ": out of memory for " + megabytes(bytes) + " (" + std::to_string(bytes) +
                         " bytes): " + state(),
                     stats_.limit != 0 && !within_limit(bytes)
                         ? "raise the memory limit, or free arrays that are no longer needed"
                         : "free arrays that are no longer needed, or work in smaller pieces");
}

}  // namespace accelerx
