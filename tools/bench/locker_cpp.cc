/* SPDX-License-Identifier: MIT */
/* The C++ peers: boost::lock() on a range, std::lock() on a number fixed at compile time. */
#include <boost/thread/lock_algorithms.hpp>
#include <boost/thread/mutex.hpp>

#include <array>
#include <cerrno>
#include <mutex>
#include <new>
#include <utility>

#include "tools/bench/arena.h"

static_assert(sizeof(boost::mutex) <= sizeof(arena_slot::lock), "a slot has no room");
static_assert(sizeof(std::mutex) <= sizeof(arena_slot::lock), "a slot has no room");

template <typename Mutex> static Mutex &mutex_of(const locker_thread *thread, uint32_t pick)
{
	return *reinterpret_cast<Mutex *>(&thread->arena->slots[thread->picks[pick]].lock);
}

template <typename Mutex> static void init(arena *arena)
{
	for (uint32_t i = 0; i < arena->num_slots; i++)
		new (&arena->slots[i].lock) Mutex;
}

template <typename Mutex> static void fini(arena *arena)
{
	for (uint32_t i = 0; i < arena->num_slots; i++)
		reinterpret_cast<Mutex *>(&arena->slots[i].lock)->~Mutex();
}

template <typename Mutex> static void unlock_all(const locker_thread *thread)
{
	for (uint32_t i = thread->arena->num_locks; i > 0; i--)
		mutex_of<Mutex>(thread, i - 1).unlock();
}

/* What boost::lock() iterates over: the picks, as lockable objects. */
class pick_iterator
{
      public:
	using iterator_category = std::forward_iterator_tag;
	using value_type = boost::mutex;
	using difference_type = std::ptrdiff_t;
	using pointer = boost::mutex *;
	using reference = boost::mutex &;

	pick_iterator() = default;
	pick_iterator(const locker_thread *thread, uint32_t pick) : thread(thread), pick(pick)
	{
	}
	boost::mutex &operator*() const
	{
		return mutex_of<boost::mutex>(thread, pick);
	}
	boost::mutex *operator->() const
	{
		return &**this;
	}
	pick_iterator &operator++()
	{
		pick++;
		return *this;
	}
	pick_iterator operator++(int)
	{
		pick_iterator old = *this;

		pick++;
		return old;
	}
	bool operator==(const pick_iterator &other) const
	{
		return pick == other.pick;
	}
	bool operator!=(const pick_iterator &other) const
	{
		return pick != other.pick;
	}

      private:
	const locker_thread *thread = nullptr;
	uint32_t pick = 0;
};

static int run_boost_job(locker_thread *thread)
{
	boost::lock(pick_iterator(thread, 0), pick_iterator(thread, thread->arena->num_locks));
	arena_use(thread);
	unlock_all<boost::mutex>(thread);
	return 0;
}

template <std::size_t... Picks>
static void std_lock(const locker_thread *thread, std::index_sequence<Picks...>)
{
	std::lock(mutex_of<std::mutex>(thread, Picks)...);
}

static int run_stdlock_job(locker_thread *thread)
{
	switch (thread->arena->num_locks) {
	case 2:
		std_lock(thread, std::make_index_sequence<2>());
		break;
	case 8:
		std_lock(thread, std::make_index_sequence<8>());
		break;
	case 32:
		std_lock(thread, std::make_index_sequence<32>());
		break;
	default:
		return -EINVAL;
	}
	arena_use(thread);
	unlock_all<std::mutex>(thread);
	return 0;
}

static bool stdlock_fits(uint32_t num_locks)
{
	return num_locks == 2 || num_locks == 8 || num_locks == 32;
}

extern "C" {
const locker locker_boost = {"boost", false,   init<boost::mutex>, fini<boost::mutex>,
			     nullptr, nullptr, run_boost_job,	   nullptr};
const locker locker_stdlock = {"stdlock", false,   init<std::mutex>, fini<std::mutex>,
			       nullptr,	  nullptr, run_stdlock_job,  stdlock_fits};
}
