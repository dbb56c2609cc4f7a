/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_MM_H
#define WWRESV_MM_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/bo.h>
#include <wwresv/macros.h>
#include <wwresv/resv.h>

WWR_BEGIN_DECLS

/*
 * A memory manager for drivers: which domain each buffer is in, and who has to make room.
 *
 *	mm      the domains of a device, with a budget each
 *	bo      a buffer, embedded in the driver's
 *	group   buffers that share a reservation: evicted together or not at all
 *	txn     <wwresv/mm_txn.h>: one job's buffers are locked and moved where they have to be
 *
 * The content is the driver's: for each move the manager asks it for a scheduler job.  Moves are
 * jobs of one entity, so they happen in the order in which the manager decided upon them, and space
 * is given away before the move out of it has happened.
 */
struct wwr_class;
struct wwr_mm;
struct wwr_mm_bo;
struct wwr_mm_range;
struct wwr_mm_txn;
struct wwr_sched;
struct wwr_sched_entity;
struct wwr_sched_job;

/** Where a buffer may be; what is evicted goes further down, as far as there is room. */
enum wwr_mm_domain {
	WWR_MM_VRAM,
	WWR_MM_GTT,
	WWR_MM_SYSTEM, /**< has no addresses, only a budget */
	WWR_MM_NUM_DOMAINS,
	WWR_MM_NOWHERE = WWR_MM_NUM_DOMAINS, /**< no content yet */
};

/** Some bytes of a domain. */
struct wwr_mm_extent {
	uint64_t offset_bytes, size_bytes;
};

/** Where a buffer is. */
struct wwr_mm_place {
	enum wwr_mm_domain domain;
	uint32_t num_extents;	       /**< none in SYSTEM */
	struct wwr_mm_extent *extents; /**< in the order of the buffer's bytes */
	struct wwr_mm_range *ranges;   /* behind them */
};

/** What a driver does for a memory manager. */
struct wwr_mm_ops {
	/**
	 * Make the job that moves a buffer's content, or that clears it if it was NOWHERE.
	 *
	 * The job is initialised for @p entity, and is given back by drop_move, or armed and
	 * pushed.  It keeps a reference of the buffer until the op free_job, and copies what it
	 * needs of the places: they are good only during the call.  It waits for nobody: others
	 * may want the room that it has taken.
	 *
	 * @param bo      locked
	 * @param from    where it is
	 * @param to      where it will be
	 * @param entity  whose job it must be
	 * @param ret_job left NULL = there is nothing to do; only if it was NOWHERE
	 * @return 0 or an error, usually -ENOMEM
	 */
	int (*create_move)(struct wwr_mm_bo *bo, const struct wwr_mm_place *from,
			   const struct wwr_mm_place *to, struct wwr_sched_entity *entity,
			   struct wwr_sched_job **ret_job);

	/** A job made by create_move is not needed: end it, give it back. */
	void (*drop_move)(struct wwr_sched_job *job);
};

/** How a memory manager is. */
struct wwr_mm_options {
	const struct wwr_mm_ops *ops; /**< outlives it */
	/** The budgets; 0 = there is no such domain, UINT64_MAX = no limit. */
	uint64_t size_bytes[WWR_MM_NUM_DOMAINS];
	uint64_t page_bytes;		 /**< buffers are rounded up to it; 0 = 4096 */
	struct wwr_sched *const *scheds; /**< that moves may use */
	unsigned int num_scheds;	 /**< at least 1 */
	void *data;			 /**< for wwr_mm_data() */
};

/**
 * Make a memory manager.
 *
 * @param options copied
 * @param ret_mm  the caller's, for wwr_mm_destroy()
 * @retval 0       made
 * @retval -EINVAL an op is missing, a page size that is no power of two, no scheduler
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * ttm_device_init(), ttm_range_man_init()
 */
WWR_API WWR_MUST_CHECK int wwr_mm_create(const struct wwr_mm_options *options,
					 struct wwr_mm **ret_mm);

/**
 * End a memory manager.  Usage error: there are buffers left.
 *
 * @param mm NULL is a no-op
 * @par Thread safety
 * Not while another thread uses it; not from a fence callback.
 * @par Kernel counterpart
 * ttm_device_fini()
 */
WWR_API void wwr_mm_destroy(struct wwr_mm *mm);

/**
 * The data given at creation.
 *
 * @param mm borrowed
 * @return as given
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; a driver has container_of()
 */
WWR_API void *wwr_mm_data(const struct wwr_mm *mm);

/** What a memory manager has done. */
struct wwr_mm_stats {
	uint64_t num_evictions; /**< buffers moved out of the way of others */
	uint64_t num_moves;	/**< all moves of buffers that had a content */
	uint64_t moved_bytes;	/**< by these */
	uint64_t num_waits;	/**< for busy buffers, with nothing held */
	uint64_t num_yields;	/**< for buffers on their way into room that was looked for */
	uint64_t num_claims;	/**< transactions that waited so often that others had to stop */
	uint64_t num_enomem;	/**< validations that found that it cannot fit */
};

/**
 * How much it has done.
 *
 * @param mm        borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_mm_get_stats(struct wwr_mm *mm, struct wwr_mm_stats *ret_stats);

/** What is in a domain. */
struct wwr_mm_usage {
	uint64_t size_bytes;   /**< its budget, whole pages */
	uint64_t used_bytes;   /**< of it */
	uint64_t pinned_bytes; /**< of these */
	uint32_t num_bos;
};

/**
 * How full a domain is.
 *
 * @param mm        borrowed
 * @param domain    which
 * @param ret_usage written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * ttm_resource_manager_usage()
 */
WWR_API void wwr_mm_get_usage(struct wwr_mm *mm, enum wwr_mm_domain domain,
			      struct wwr_mm_usage *ret_usage);

/** Place in the list of what was used longest ago.  Fields: (m) the manager's lock. */
struct wwr_mm_lru {
	struct wwr_mm_lru *prev, *next; /* (m) */
	uint64_t serial;		/* (m) of the use */
	uint32_t num_bos;		/* (m) of the group in this domain; 0 = not in the list */
};

/**
 * Buffers that share a reservation.
 *
 * Fields: (a) atomic, (i) immutable after init, (m) the manager's lock.
 */
struct wwr_mm_group {
	uint32_t refcount;	 /* (a) of a shared one */
	struct wwr_mm *mm;	 /* (i) */
	struct wwr_resv *resv;	 /* (i) */
	struct wwr_mm_bo *owner; /* (i) the buffer that has it for itself; NULL = shared */
	struct wwr_mm_bo *bos;	 /* (m) */
	uint32_t num_pins;	 /* (m) of all buffers */
	struct wwr_mm_lru lru[WWR_MM_NUM_DOMAINS];
};

/**
 * Make a group that buffers can share, for instance of all buffers of an address space.
 *
 * @param mm         outlives it
 * @param lock_class of the reservation; NULL = wwr_default_class()
 * @param ret_group  the caller's reference
 * @retval 0       made
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * ttm_lru_bulk_move_init(), a drm_gpuvm
 */
WWR_API WWR_MUST_CHECK int wwr_mm_group_create(struct wwr_mm *mm, struct wwr_class *lock_class,
					       struct wwr_mm_group **ret_group);

/**
 * Give a reference back.  Its buffers have references of their own.
 *
 * @param group shared; NULL is a no-op
 * @par Thread safety
 * Any thread; not with the last reference while the reservation is locked.
 * @par Kernel counterpart
 * drm_gpuvm_put()
 */
WWR_API void wwr_mm_group_put(struct wwr_mm_group *group);

/** The buffer must be in one piece. */
#define WWR_MM_CONTIGUOUS (1u << 0)
#define WWR_MM_BO_MASK	  WWR_MM_CONTIGUOUS

/**
 * A buffer, embedded in the driver's.
 *
 * Fields: (i) immutable after init, (r) written under the reservation's and the manager's lock and
 * read under either, (l) the reservation's lock, (m) the manager's lock.
 */
struct wwr_mm_bo {
	struct wwr_bo base;
	struct wwr_mm *mm;		/* (i) */
	struct wwr_mm_group *group;	/* (i) */
	struct wwr_mm_group own_group;	/* unused where a group is shared */
	uint64_t size_bytes;		/* (i) whole pages */
	uint32_t flags;			/* (i) */
	struct wwr_mm_place place;	/* (r) */
	uint32_t num_pins;		/* (r) */
	struct wwr_mm_place next_place; /* (l) of a move that is being prepared */
	struct wwr_sched_job *move;	/* (l) of that move */
	uint32_t wanted;		/* (l) by the transaction that holds the lock: a mask */
	uint64_t attempt;		/* (l) the one that asked for it last */
	struct wwr_mm_bo *txn_next;	/* (l) of the same attempt */
	struct wwr_mm_bo *move_next;	/* (l) moved together */
	struct wwr_mm_bo *group_prev, *group_next; /* (m) */
};

/**
 * Make a buffer ready: one reference, the caller's.  It is NOWHERE.  Allocates nothing.
 *
 * Whoever uses its memory, a job above all, keeps a reference as long.
 *
 * @param bo         caller's memory, until the release op is called, which calls wwr_mm_bo_fini()
 * @param mm         outlives it
 * @param ops        borrowed
 * @param size_bytes at least 1
 * @param flags      WWR_MM_CONTIGUOUS or 0
 * @param lock_class as for wwr_bo_init(); the same for all buffers and groups of a manager
 * @param group      referenced; the buffer shares its reservation.  NULL = it has its own
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * ttm_bo_init_reserved()
 */
WWR_API void wwr_mm_bo_init(struct wwr_mm_bo *bo, struct wwr_mm *mm, const struct wwr_bo_ops *ops,
			    uint64_t size_bytes, uint32_t flags, struct wwr_class *lock_class,
			    struct wwr_mm_group *group);

/**
 * Give the buffer's space back.  Usage error: it is pinned.
 *
 * @param bo in its release op
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * ttm_bo_put()
 */
WWR_API void wwr_mm_bo_fini(struct wwr_mm_bo *bo);

/**
 * Where the buffer will be once the fences of usage KERNEL have signalled.
 *
 * @param bo locked
 * @return borrowed, until the buffer is moved or unlocked
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * ttm_buffer_object.resource
 */
WWR_API const struct wwr_mm_place *wwr_mm_bo_place(const struct wwr_mm_bo *bo);

WWR_END_DECLS

#endif /* WWRESV_MM_H */
