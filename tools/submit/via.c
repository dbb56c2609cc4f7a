/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a buffer of the plan is made by the first client that has it; `maker` tells by whose
 * file and `handle` by which of its handles.  Other clients have it by PRIME.
 */
#include "tools/submit/via_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/uapi/wwr_drm.h>
#include <xf86drm.h>

#include "tools/common/cli.h"
#include "tools/common/stop.h"
#include "tools/submit/plan.h"

#define NODE "/dev/dri/renderD128"

/* Both ends of its device's pipe and of its software timeline's. */
#define FDS_A_CLIENT 4

/* More buffers are mapped again when their bytes are read: a process has 65530 mappings. */
#define MAX_MAPS 8192

struct via {
	const struct plan *plan;
	struct via_file *files; /* by client */
	uint32_t num_files;
};

static size_t touched_bytes(const struct via_file *file, uint32_t slot)
{
	return wwr_device_bo_touched_bytes(file->plan->buffers[plan_buffer(file->client, slot)]);
}

static size_t mapped_bytes(const struct via_file *file, uint32_t slot)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	return (touched_bytes(file, slot) + page_bytes - 1) / page_bytes * page_bytes;
}

/*
 * Room for all mappings, so that they end in one call: the end of each one would stop the engines'
 * threads for a moment.  The slots of a file are mapped in their order, from first on.
 */
static int reserve_range(struct via_file *file, uint32_t first)
{
	uint32_t slot;
	size_t sum = 0;
	void *range;

	for (slot = first; slot < file->client->workload->num_slots; slot++)
		sum += mapped_bytes(file, slot);
	if (sum == 0 || file->plan->num_buffers > MAX_MAPS)
		return 0;
	range = mmap(NULL, sum, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (range == MAP_FAILED)
		return -errno;
	file->range = range;
	file->range_bytes = sum;
	return 0;
}

static int map_buffer(struct via_file *file, uint32_t slot)
{
	struct wwr_drm_bo_map map = {.handle = file->handles[slot]};
	const int fixed = file->range != NULL ? MAP_FIXED : 0;
	void *at = file->range != NULL ? &file->range[file->used_bytes] : NULL;

	if (drmIoctl(file->fd, WWR_IOCTL_BO_MAP, &map) != 0)
		return -errno;
	at = mmap(at, mapped_bytes(file, slot), PROT_READ | PROT_WRITE, MAP_SHARED | fixed,
		  file->fd, (off_t)map.offset);
	if (at == MAP_FAILED)
		return -errno;
	file->maps[slot] = at;
	file->used_bytes += mapped_bytes(file, slot);
	return 0;
}

/* Copy the touched bytes of a buffer from the plan's memory, or to it. */
static int copy_bytes(struct via_file *file, uint32_t slot, bool from_plan)
{
	struct wwr_device_bo *bo = file->plan->buffers[plan_buffer(file->client, slot)];
	size_t num = touched_bytes(file, slot);
	int ret;

	if (file->maps[slot] == NULL) {
		ret = map_buffer(file, slot);
		if (ret != 0)
			return ret;
	}
	if (from_plan)
		memcpy(file->maps[slot], wwr_device_bo_map(bo), num);
	else
		memcpy(wwr_device_bo_map(bo), file->maps[slot], num);
	if (file->range == NULL) {
		(void)munmap(file->maps[slot], mapped_bytes(file, slot));
		file->maps[slot] = NULL;
	}
	return 0;
}

static int make_buffer(struct via_file *file, uint32_t slot)
{
	struct wwr_device_bo *bo = file->plan->buffers[plan_buffer(file->client, slot)];
	struct wwr_drm_bo_create create = {
	    .size = wwr_device_bo_base(bo)->size_bytes,
	    .domain = WWR_DRM_DOMAIN_GTT,
	};

	if (drmIoctl(file->fd, WWR_IOCTL_BO_CREATE, &create) != 0)
		return -errno;
	file->handles[slot] = create.handle;
	return copy_bytes(file, slot, true);
}

/* The file of the first client of this workload. */
static const struct via_file *maker_of(const struct via *via, const struct via_file *file)
{
	const struct via_file *maker = via->files;

	while (maker->client->workload != file->client->workload)
		maker++;
	return maker;
}

/* The slots whose buffers this file makes end with the last one. */
static uint32_t first_made(const struct via *via, const struct via_file *file)
{
	return maker_of(via, file) == file ? 0 : file->client->workload->num_shared;
}

static int make_buffers(const struct via *via, struct via_file *file)
{
	const uint32_t first = first_made(via, file);
	int ret = reserve_range(file, first);
	uint32_t slot;

	for (slot = first; slot < file->client->workload->num_slots && ret == 0; slot++)
		ret = stop_signal() != 0 ? -EINTR : make_buffer(file, slot);
	return ret;
}

/* All other clients of the workload get the buffer, too. */
static int share_buffer(struct via *via, const struct via_file *maker, uint32_t slot)
{
	uint32_t i;
	int fd, ret = 0;

	if (drmPrimeHandleToFD(maker->fd, maker->handles[slot], DRM_CLOEXEC | DRM_RDWR, &fd) != 0)
		return -errno;
	for (i = 0; i < via->num_files && ret == 0; i++) {
		struct via_file *file = &via->files[i];

		if (file == maker || file->client->workload != maker->client->workload)
			continue;
		if (drmPrimeFDToHandle(file->fd, fd, &file->handles[slot]) != 0)
			ret = -errno;
	}
	close(fd);
	return ret;
}

/* What the clients of this file's workload have in common, if it is the one that made it. */
static int share_buffers(struct via *via, const struct via_file *file)
{
	uint32_t slot;
	int ret = 0;

	if (maker_of(via, file) != file)
		return 0;
	for (slot = 0; slot < file->client->workload->num_shared && ret == 0; slot++)
		ret = share_buffer(via, file, slot);
	return ret;
}

static int make_queues(struct via_file *file)
{
	const struct plan_workload *workload = file->client->workload;
	uint32_t i;

	for (i = 0; i < workload->num_queues; i++) {
		struct wwr_drm_queue_create create = {.engines = workload->queues[i].engine_mask};

		if (drmIoctl(file->fd, WWR_IOCTL_QUEUE_CREATE, &create) != 0)
			return -errno;
		file->queues[i] = create.handle;
		file->gives_way[i] = true;
		file->bond_steps[i] = WSIM_NO_STEP;
	}
	return 0;
}

static int open_file(const struct via *via, struct via_file *file)
{
	const struct plan_workload *workload = file->client->workload;
	int ret;

	file->queues = calloc((size_t)workload->num_queues + 1, sizeof(*file->queues));
	file->gives_way = calloc((size_t)workload->num_queues + 1, sizeof(*file->gives_way));
	file->bond_steps = calloc((size_t)workload->num_queues + 1, sizeof(*file->bond_steps));
	file->num_done = calloc((size_t)workload->num_queues + 1, sizeof(*file->num_done));
	file->maps = calloc((size_t)workload->num_slots + 1, sizeof(*file->maps));
	file->handles = calloc((size_t)workload->num_slots + 1, sizeof(*file->handles));
	file->bos = calloc((size_t)file->plan->max_locks + 1, sizeof(*file->bos));
	if (file->queues == NULL || file->gives_way == NULL || file->bond_steps == NULL ||
	    file->num_done == NULL || file->handles == NULL || file->maps == NULL ||
	    file->bos == NULL)
		return -ENOMEM;
	file->fd = open(NODE, O_RDWR | O_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	ret = via_open_fences(file);
	if (ret == 0)
		ret = make_queues(file);
	return ret == 0 ? make_buffers(via, file) : ret;
}

/*
 * The library in this process has a descriptor for each buffer, and FDS_A_CLIENT.  What there may
 * be already is for all else, explicit fences too.
 */
static int raise_fd_limit(const struct plan *plan)
{
	uint64_t num = plan->num_buffers + FDS_A_CLIENT * (uint64_t)plan->num_clients;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return 0;
	if (num >= limit.rlim_max) {
		cli_error("--via libdrm: the buffers of %" PRIu32 " clients need %" PRIu64
			  " file descriptors, and the limit is %" PRIu64
			  " (ulimit -Hn): raise it, or use fewer clients",
			  plan->num_clients, num, (uint64_t)limit.rlim_max);
		return -EMFILE;
	}
	limit.rlim_cur =
	    num < limit.rlim_max - limit.rlim_cur ? limit.rlim_cur + num : limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : -errno;
}

static int ask_abi(uint64_t *ret_abi)
{
	struct wwr_drm_get_param get = {.param = WWR_DRM_PARAM_ABI};
	int fd = open(NODE, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = drmIoctl(fd, WWR_IOCTL_GET_PARAM, &get) == 0 ? 0 : -errno;
	close(fd);
	*ret_abi = get.value;
	return ret;
}

/*
 * A library from before this tool would not look at what is new in a block: the run would go on
 * without it, and say nothing.
 */
static int check_abi(void)
{
	uint64_t abi = 0;
	int ret = ask_abi(&abi);

	if (ret != 0) {
		cli_error("--via libdrm: " NODE " does not tell which interface it has: %s",
			  strerror(-ret));
		return ret == -EINVAL ? -EOPNOTSUPP : ret;
	}
	if (abi >= WWR_DRM_ABI)
		return 0;
	cli_error("--via libdrm: " NODE " has interface %" PRIu64 ", and this tool needs %d: "
		  "libwwresv-shim.so is older; WWRESV_SHIM_LIBRARY may say where a newer one is",
		  abi, WWR_DRM_ABI);
	return -EOPNOTSUPP;
}

int via_create(const struct plan *plan, struct via **ret_via)
{
	struct via *via = calloc(1, sizeof(*via));
	uint32_t i;
	int ret = raise_fd_limit(plan);

	if (ret == 0)
		ret = check_abi();
	if (ret != 0) {
		free(via);
		return ret;
	}
	if (via != NULL)
		via->files = calloc(plan->num_clients, sizeof(*via->files));
	if (via == NULL || via->files == NULL)
		ret = -ENOMEM;
	for (i = 0; ret == 0 && i < plan->num_clients; i++) {
		via->files[i] = (struct via_file){
		    .plan = plan, .client = &plan->clients[i], .fd = -1, .sw_sync = -1};
		via->num_files++;
		ret = open_file(via, &via->files[i]);
	}
	for (i = 0; ret == 0 && i < plan->num_clients; i++)
		ret = share_buffers(via, &via->files[i]);
	if (ret != 0 && ret != -EINTR) {
		/* The one whose turn it was; 0 before the first. */
		cli_error("--via libdrm: cannot make what client %" PRIu32 " needs of " NODE ": %s",
			  i > 0 ? i - 1 : 0, strerror(-ret));
	}
	if (ret != 0) {
		via_destroy(via);
		return ret;
	}
	via->plan = plan;
	*ret_via = via;
	return 0;
}

static void close_file(struct via_file *file)
{
	if (file->range != NULL)
		(void)munmap(file->range, file->range_bytes);
	via_close_fences(file);
	if (file->fd >= 0)
		close(file->fd);
	free(file->queues);
	free(file->num_done);
	free(file->gives_way);
	free(file->bond_steps);
	free(file->handles);
	free(file->maps);
	free(file->bos);
}

void via_destroy(struct via *via)
{
	uint32_t i;

	if (via == NULL)
		return;
	for (i = 0; i < via->num_files; i++)
		close_file(&via->files[i]);
	free(via->files);
	free(via);
}

static uint64_t get_param(const struct via *via, uint32_t param, uint32_t index)
{
	struct wwr_drm_get_param get = {.param = param, .index = index};

	return drmIoctl(via->files[0].fd, WWR_IOCTL_GET_PARAM, &get) == 0 ? get.value : 0;
}

void via_get_engine(const struct via *via, unsigned int index, struct wwr_engine_info *info)
{
	info->num_jobs = get_param(via, WWR_DRM_PARAM_ENGINE_JOBS, index);
	info->busy_ns = get_param(via, WWR_DRM_PARAM_ENGINE_BUSY_NS, index);
}

uint64_t via_num_finished(const struct via *via)
{
	uint32_t num = wwr_device_num_engines(via->plan->device);
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < num; i++)
		sum += get_param(via, WWR_DRM_PARAM_ENGINE_JOBS, i);
	return sum;
}

int via_get_buffers(const struct via *via, struct wwr_device_bo_stats *ret_stats)
{
	uint32_t i, slot;

	for (i = 0; i < via->num_files; i++) {
		const struct via_file *file = &via->files[i];

		/* Nobody but its client has ever locked one that is not shared. */
		for (slot = first_made(via, file); slot < file->client->workload->num_shared;
		     slot++) {
			struct wwr_drm_bo_info info = {.handle = file->handles[slot]};

			if (drmIoctl(file->fd, WWR_IOCTL_BO_INFO, &info) != 0)
				return -errno;
			ret_stats[plan_buffer(file->client, slot)] = (struct wwr_device_bo_stats){
			    .num_backoffs = info.num_backoffs,
			    .wait_ns = info.wait_ns,
			};
		}
	}
	return 0;
}

int via_fetch(struct via *via)
{
	uint32_t i, slot;
	int ret = 0;

	for (i = 0; i < via->num_files; i++) {
		struct via_file *file = &via->files[i];
		const struct plan_workload *workload = file->client->workload;

		for (slot = first_made(via, file); slot < workload->num_slots && ret == 0; slot++)
			ret = copy_bytes(file, slot, false);
	}
	return ret;
}

struct via_file *via_file(struct via *via, uint32_t client)
{
	return &via->files[client];
}
