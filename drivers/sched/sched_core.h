/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SCHED_SCHED_CORE_H
#define DRIVERS_SCHED_SCHED_CORE_H

#include "drivers/sched/sched_heap.h"

#include <wwresv/sched.h>

#include <pthread.h>

#define SCHED_NAME_BYTES 32

/*
 * The state of a job.
 *
 *	NEW	   being filled
 *	ARMED	   has its place in the entity and live fences, is not yet pushed
 *	QUEUED	   pushed
 *	RUNNING	   on a ring, or to be given to it again after a reset
 *	DONE	   has ended; waits until the jobs before it have signalled
 *	SIGNALLED  both fences are; it is freed once it was pushed
 *
 * An ARMED or QUEUED job goes to DONE when its entity, context, scheduler or device ends.
 */
enum job_state {
	JOB_NEW,
	JOB_ARMED,
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_DONE,
	JOB_SIGNALLED,
};

/*
 * One lock for a group: entities move among its schedulers.  It is taken inside fence callbacks,
 * so no function that may run callbacks, or release a fence, is called with it held.
 *
 * Fields here and below: (a) atomic, (i) immutable once created, (g) the group's lock.
 */
struct wwr_sched_group {
	uint32_t refcount;			/* (a) */
	struct wwr_sched_group_options options; /* (i) */
	pthread_mutex_t lock;
	uint64_t num_pushed; /* (g) the last job's place */
};

struct wwr_sched_ctx {
	uint32_t refcount;		   /* (a) */
	struct wwr_sched_group *group;	   /* (i) referenced */
	struct wwr_sched_entity *entities; /* (g) by ctx_next */
	uint32_t num_hangs;		   /* (g) */
	bool guilty;			   /* (g) */
};

struct wwr_sched {
	uint32_t refcount;		  /* (a) the creator's, entities', armed jobs' */
	uint64_t id;			  /* (i) never used again, unlike the address */
	struct wwr_sched_group *group;	  /* (i) referenced */
	struct wwr_sched_options options; /* (i) */
	char name[SCHED_NAME_BYTES];	  /* (i) */
	pthread_t thread;		  /* (i) unless WWR_SCHED_NO_THREAD */
	pthread_cond_t cond;		  /* with the group's lock: kicked, or a job was freed */

	bool stopping; /* (g) the worker is to leave */
	bool lost;     /* (g) runs nothing any more: device lost, or destroyed */
	bool gone;     /* (g) destroyed: nobody frees its jobs but who pushes them */
	bool in_run;   /* (g) somebody is in sched_run_locked() */
	bool kicked;   /* (g) look again */
	bool faulted;  /* (g) the oldest job is late, whatever the time is */

	struct sched_heap ready;		      /* (g) entities whose next job may run */
	struct wwr_sched_entity *entities;	      /* (g) that use it now, by sched_next */
	struct wwr_sched_job *running, *last_running; /* (g) on the ring, the oldest first */
	struct wwr_sched_job *to_free;		      /* (g) signalled and pushed */
	uint32_t num_unfreed;	      /* (g) jobs pushed but not freed, or not signalled */
	int64_t oldest_since_ns;      /* (g) when the oldest one became it, or was found slow */
	int64_t last_end_ns;	      /* (g) when a job left the ring last */
	int64_t average_ns;	      /* (g) of a job, about */
	int64_t vtime;		      /* (g) virtual time: of the entity that was chosen last */
	uint64_t turn;		      /* (g) of the round robin */
	struct wwr_sched_stats stats; /* (g) */
};

struct wwr_sched_entity {
	uint32_t refcount;	       /* (a) goes to 0 under the group's lock only */
	struct wwr_sched_group *group; /* (i) */
	struct wwr_sched_ctx *ctx;     /* (i) referenced */
	uint64_t context;	       /* (i) of scheduled fences; finished ones: the next */
	char name[SCHED_NAME_BYTES];   /* (i) */

	struct wwr_sched_entity *ctx_prev, *ctx_next;	  /* (g) */
	struct wwr_sched_entity *sched_prev, *sched_next; /* (g) */
	struct wwr_sched *sched;			  /* (g) one of scheds */
	enum wwr_sched_priority priority;		  /* (g) */
	bool killed;					  /* (g) */
	bool draining;	/* (g) a thread signals what is in done; others leave it to that one */
	uint64_t seqno; /* (g) */
	struct wwr_sched_job *first, *last;	/* (g) unfinished, in the order of seqno */
	struct wwr_sched_job *pending;		/* (g) the first of them that is not on a ring */
	struct wwr_sched_job *done, **done_end; /* (g) to be signalled, in the order of seqno */

	struct sched_heap_node node; /* (g) in sched->ready */
	int64_t vruntime;	     /* (g) time on the ring by weight, see sched_policy.c */
	int64_t average_ns;	     /* (g) of a job, about */
	struct wwr_sched_entity_stats stats; /* (g) */

	uint32_t max_credits;	    /* (i) that every scheduler allows */
	unsigned int num_scheds;    /* (i) */
	struct wwr_sched *scheds[]; /* (i) referenced */
};

static inline void group_lock(struct wwr_sched_group *group)
{
	pthread_mutex_lock(&group->lock);
}

static inline void group_unlock(struct wwr_sched_group *group)
{
	pthread_mutex_unlock(&group->lock);
}

struct wwr_sched_group *group_get(struct wwr_sched_group *group);

/* The group's clock, which may be virtual. */
int64_t group_now_ns(const struct wwr_sched_group *group);

struct wwr_sched_ctx *ctx_get(struct wwr_sched_ctx *ctx);

/* Copy a name, shortened. */
void sched_copy_name(char dest[SCHED_NAME_BYTES], const char *name, const char *fallback);

struct wwr_sched *sched_get(struct wwr_sched *sched);
void sched_put(struct wwr_sched *sched);

/* There is something to do.  The group's lock. */
void sched_kick_locked(struct wwr_sched *sched);

/* All that wwr_sched_run() does.  The group's lock, which it gives back for a while. */
void sched_run_locked(struct wwr_sched *sched);

/* When the oldest job is late, or INT64_MAX.  The group's lock. */
int64_t sched_deadline_locked(const struct wwr_sched *sched);

/* Act if the oldest job is late.  The runner, with the group's lock, which it gives back. */
void sched_check_timeout(struct wwr_sched *sched);

/*
 * Take the jobs that run away from their hardware fences: each one either has completed or never
 * will by itself.  cancel = they are still on the ring, and the driver is told.  The runner, with
 * the group's lock, which it gives back for a while.
 */
void sched_detach_running(struct wwr_sched *sched, bool cancel);

/*
 * End all jobs of a scheduler that takes no more, those on the ring too (detached before).  The
 * runner, with the group's lock, which it gives back for a while.
 */
void sched_end_jobs(struct wwr_sched *sched, int error);

/* Free what is to be freed.  The runner, with the group's lock, which it gives back for a while. */
void sched_free_jobs(struct wwr_sched *sched);

#endif /* DRIVERS_SCHED_SCHED_CORE_H */
