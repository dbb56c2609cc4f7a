/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_HOSTILE_H
#define TESTS_DRIVERS_HOSTILE_H

/*
 * Every ioctl there is as a table: its block, what each member of it is, and a value that is right
 * for it.  So tests can do to each member whatever a hostile client may.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core_device;
struct core_file;
struct core_sw_sync;

enum hostile_target {
	ON_VGEM,
	ON_MOCK,
	ON_DMA_BUF,
	ON_SYNC_FILE,
	ON_SW_SYNC
};

/* What a member is. */
enum hostile_kind {
	IS_PAD,	  /* not 0 is -EINVAL */
	IS_FLAGS, /* other bits than these are -EINVAL */
	IS_NUMBER,
	IS_POINTER, /* of an array or text that is read or written */
	IS_OUT,	    /* only returned */
	IS_OUT_FD,  /* the same, a descriptor */
};

/* What is right for a member: a number, or the world's. */
enum hostile_value {
	GIVE_0,
	GIVE_1,
	GIVE_2,
	GIVE_8,
	GIVE_16,
	GIVE_56, /* sizeof(struct wwr_drm_submit_stats) */
	GIVE_BUFFER,
	GIVE_NAME,
	GIVE_MAGIC,
	GIVE_SYNCOBJ,
	GIVE_TIMELINE,
	GIVE_QUEUE,
	GIVE_JOB,
	GIVE_JOB_SYNCOBJ,
	GIVE_FENCE,
	GIVE_DMA_FD,
	GIVE_SYNC_FD,
	GIVE_SYNCOBJ_FD,
	GIVE_EVENT_FD,
	GIVE_TEXT,
	GIVE_HANDLES,
	GIVE_POINTS,
	GIVE_BOS,
	GIVE_SYNCS,
	GIVE_FENCES,
};

struct hostile_member {
	const char *name; /* NULL ends a list */
	uint16_t offset;
	uint16_t size_bytes;
	enum hostile_kind kind;
	uint64_t allowed; /* of flags; of pointers: 1 = what is there is written */
	enum hostile_value value;
};

#define HOSTILE_MAX_MEMBERS 22

struct hostile_ioctl {
	const char *name;
	enum hostile_target target;
	unsigned long request;
	int expected; /* what it returns with all that is right */
	struct hostile_member members[HOSTILE_MAX_MEMBERS];
};

extern const struct hostile_ioctl hostile_ioctls[];
extern const size_t hostile_num_ioctls;

/* One client, and what it has. */
struct hostile_world {
	struct core_file *file, *other;
	uint32_t buffer, name, magic, syncobj, timeline, queue, fence;
	uint32_t job_syncobj; /* with the fence of the job, which has no end */
	uint64_t job;
	int dma_fd, syncobj_fd;
	uint32_t handles[2];
	uint64_t points[2];
	struct {
		uint32_t handle, flags;
	} bos[2];
	struct {
		uint32_t handle, flags;
		uint64_t point;
	} syncs[2];
	char text[64];
	unsigned char fences[256];
};

/* What all worlds share; ends after checking that nothing is left of any of them. */
void hostile_begin(void);
bool hostile_end(void);

void hostile_world_init(struct hostile_world *world, enum hostile_target target);
void hostile_world_fini(struct hostile_world *world);

/* Write what is right into a zeroed block. */
void hostile_fill(const struct hostile_world *world, const struct hostile_ioctl *ioctl,
		  void *block);

/* The ioctl, with this request: 0 or -errno.  Sleeps are interrupted. */
int hostile_do(struct hostile_world *world, const struct hostile_ioctl *ioctl,
	       unsigned long request, uint64_t arg);

/* Close what a call that went well gave. */
void hostile_close(const struct hostile_ioctl *ioctl, const void *block);

/* A result that some rule allows. */
bool hostile_is_known(int ret);

#endif /* TESTS_DRIVERS_HOSTILE_H */
