/* SPDX-License-Identifier: MIT */
/*
 * Invariants: a buffer's touched bytes are in one domain, or on their way to it by a move whose
 * fence is in the reservation; what a move has left is given back to the system before anybody who
 * gets the space there has his move run, since moves are jobs of one entity.
 */
#include "drivers/mock/memory.h"

#include <wwresv/alloc.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COPY_ENGINE_DEPTH 16

/* Some bytes that follow each other, in the order of the buffer's. */
struct memory_spot {
	enum wwr_mm_domain domain;
	uint32_t num_pieces;
	struct effect_piece *pieces; /* all touched bytes */
};

struct memory_move {
	struct wwr_sched_job base;
	struct wwr_device_bo *bo; /* referenced */
	struct memory_spot from, to;
};

/* How many of a place's extents have touched bytes. */
static uint32_t place_num_touched(const struct wwr_mm_place *place, size_t touched_bytes)
{
	size_t num_bytes = 0;
	uint32_t num = 0;

	while (num_bytes < touched_bytes && num < place->num_extents)
		num_bytes += place->extents[num++].size_bytes;
	return num;
}

static void place_list(const struct mock_memory *memory, const struct wwr_mm_place *place,
		       size_t touched_bytes, uint32_t num, struct effect_piece *pieces)
{
	for (uint32_t i = 0; i < num; i++) {
		const struct wwr_mm_extent *extent = &place->extents[i];

		pieces[i].bytes = memory->bytes[place->domain] + extent->offset_bytes;
		pieces[i].num_bytes =
		    extent->size_bytes < touched_bytes ? extent->size_bytes : touched_bytes;
		touched_bytes -= pieces[i].num_bytes;
	}
}

static bool place_is_mapped(const struct wwr_mm_place *place)
{
	return place->domain == WWR_MM_VRAM || place->domain == WWR_MM_GTT;
}

/* Without a content yet it is that of the map, as the buffer was made. */
static int spot_init(struct memory_spot *spot, const struct mock_memory *memory,
		     const struct wwr_device_bo *bo, const struct wwr_mm_place *place)
{
	const bool mapped = place_is_mapped(place);
	const uint32_t num = mapped ? place_num_touched(place, bo->touched_bytes) : 1;

	spot->domain = place->domain;
	spot->pieces = wwr_alloc_array(num, sizeof(*spot->pieces));
	if (spot->pieces == NULL)
		return -ENOMEM;
	spot->num_pieces = num;
	if (mapped)
		place_list(memory, place, bo->touched_bytes, num, spot->pieces);
	else
		spot->pieces[0] =
		    (struct effect_piece){.bytes = bo->map, .num_bytes = bo->touched_bytes};
	return 0;
}

static void spot_copy(const struct memory_spot *to, const struct memory_spot *from)
{
	uint32_t i = 0, k = 0;
	size_t at = 0, from_at = 0;

	while (i < to->num_pieces && k < from->num_pieces) {
		const size_t room = to->pieces[i].num_bytes - at;
		const size_t left = from->pieces[k].num_bytes - from_at;
		const size_t num = room < left ? room : left;

		memcpy(to->pieces[i].bytes + at, from->pieces[k].bytes + from_at, num);
		at += num;
		from_at += num;
		if (at == to->pieces[i].num_bytes) {
			at = 0;
			i++;
		}
		if (from_at == from->pieces[k].num_bytes) {
			from_at = 0;
			k++;
		}
	}
}

/* A hint: the pages are read as zeroes until they are written again, by the next move there. */
static void spot_give_back(const struct memory_spot *spot)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	for (uint32_t i = 0; i < spot->num_pieces; i++) {
		const size_t num_bytes = spot->pieces[i].num_bytes;

		(void)madvise(spot->pieces[i].bytes,
			      (num_bytes + page_bytes - 1) / page_bytes * page_bytes,
			      MADV_DONTNEED);
	}
}

static int copy_engine_run(struct wwr_sched_job *base, struct wwr_fence **ret_fence)
{
	const struct memory_move *move = WWR_CONTAINER_OF(base, struct memory_move, base);

	(void)ret_fence;
	spot_copy(&move->to, &move->from);
	spot_give_back(&move->from);
	return 0;
}

static void move_free(struct wwr_sched_job *base)
{
	struct memory_move *move = WWR_CONTAINER_OF(base, struct memory_move, base);

	wwr_device_bo_put(move->bo);
	wwr_free(move->from.pieces);
	wwr_free(move->to.pieces);
	wwr_free(move);
}

static const struct wwr_sched_ops copy_engine_ops = {
    .run_job = copy_engine_run,
    .free_job = move_free,
};

static int memory_create_move(struct wwr_mm_bo *mm_bo, const struct wwr_mm_place *from,
			      const struct wwr_mm_place *to, struct wwr_sched_entity *entity,
			      struct wwr_sched_job **ret_job)
{
	struct wwr_device_bo *bo = WWR_CONTAINER_OF(mm_bo, struct wwr_device_bo, mm);
	const struct mock_memory *memory = wwr_mm_data(mm_bo->mm);
	struct memory_move *move = wwr_alloc(sizeof(*move));
	int ret;

	if (move == NULL)
		return -ENOMEM;
	ret = spot_init(&move->from, memory, bo, from);
	if (ret == 0)
		ret = spot_init(&move->to, memory, bo, to);
	if (ret == 0)
		ret = wwr_sched_job_init(&move->base, entity, 1);
	if (ret != 0) {
		wwr_free(move->from.pieces);
		wwr_free(move->to.pieces);
		wwr_free(move);
		return ret;
	}
	move->bo = wwr_device_bo_get(bo);
	*ret_job = &move->base;
	return 0;
}

static void memory_drop_move(struct wwr_sched_job *base)
{
	wwr_sched_job_fini(base);
	move_free(base);
}

static const struct wwr_mm_ops memory_ops = {
    .create_move = memory_create_move,
    .drop_move = memory_drop_move,
};

/* Address space without a promise of memory: 0 or -ENOMEM. */
static int memory_map(struct mock_memory *memory)
{
	for (int i = 0; i < WWR_MM_SYSTEM; i++) {
		void *map;

		if (memory->size_bytes[i] == 0)
			continue;
		map = mmap(NULL, memory->size_bytes[i], PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (map == MAP_FAILED)
			return -ENOMEM;
		(void)madvise(map, memory->size_bytes[i], MADV_NOHUGEPAGE);
		memory->bytes[i] = map;
	}
	return 0;
}

static int memory_start(struct mock_memory *memory)
{
	const struct wwr_sched_options options = {
	    .ops = &copy_engine_ops, .name = "copy", .credit_limit = COPY_ENGINE_DEPTH};
	const struct wwr_mm_options mm_options = {
	    .ops = &memory_ops,
	    .size_bytes = {memory->size_bytes[0], memory->size_bytes[1], UINT64_MAX},
	    .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
	    .scheds = &memory->copy_engine,
	    .num_scheds = 1,
	    .data = memory,
	};
	struct wwr_sched_group *group;
	int ret;

	ret = wwr_sched_group_create(NULL, &group);
	if (ret != 0)
		return ret;
	ret = wwr_sched_create(group, &options, &memory->copy_engine);
	wwr_sched_group_put(group);
	return ret != 0 ? ret : wwr_mm_create(&mm_options, &memory->mm);
}

int mock_memory_create(uint64_t vram_bytes, uint64_t gtt_bytes, struct mock_memory **ret_memory)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	struct mock_memory *memory = wwr_alloc(sizeof(*memory));
	int ret;

	if (memory == NULL)
		return -ENOMEM;
	memory->size_bytes[WWR_MM_VRAM] = vram_bytes / page_bytes * page_bytes;
	memory->size_bytes[WWR_MM_GTT] = gtt_bytes / page_bytes * page_bytes;
	ret = memory_map(memory);
	if (ret == 0)
		ret = memory_start(memory);
	if (ret != 0) {
		mock_memory_destroy(memory);
		return ret;
	}
	*ret_memory = memory;
	return 0;
}

void mock_memory_destroy(struct mock_memory *memory)
{
	if (memory == NULL)
		return;
	if (memory->copy_engine != NULL)
		wwr_sched_destroy(memory->copy_engine);
	wwr_mm_destroy(memory->mm);
	for (int i = 0; i < WWR_MM_SYSTEM; i++) {
		if (memory->bytes[i] != NULL)
			munmap(memory->bytes[i], memory->size_bytes[i]);
	}
	wwr_free(memory);
}

int mock_memory_locate(const struct mock_memory *memory, const struct wwr_device_bo *bo,
		       struct wwr_effect_access *access)
{
	const struct wwr_mm_place *place = &bo->mm.place;
	struct memory_spot spot;
	int ret;

	/* The usual case: no list is needed. */
	if (place_is_mapped(place) && place->extents[0].size_bytes >= bo->touched_bytes) {
		access->bytes = memory->bytes[place->domain] + place->extents[0].offset_bytes;
		return 0;
	}
	ret = spot_init(&spot, memory, bo, place);
	if (ret != 0)
		return ret;
	access->bytes = spot.pieces[0].bytes;
	access->pieces = spot.pieces;
	return 0;
}

int wwr_device_bo_fetch(struct wwr_device_bo *bo)
{
	struct mock_memory *memory;
	struct memory_spot from;
	int ret;

	if (!bo->is_managed)
		return 0;
	memory = wwr_mm_data(bo->mm.mm);
	ret = wwr_resv_wait_until(bo->base.resv, WWR_RESV_USAGE_BOOKKEEP, NULL, INT64_MAX);
	if (ret != 0)
		return ret;
	/* Nobody uses it, so nobody moves it. */
	if (!place_is_mapped(&bo->mm.place))
		return 0;
	ret = spot_init(&from, memory, bo, &bo->mm.place);
	if (ret != 0)
		return ret;
	spot_copy(
	    &(struct memory_spot){.num_pieces = 1,
				  .pieces = &(struct effect_piece){bo->map, bo->touched_bytes}},
	    &from);
	wwr_free(from.pieces);
	return 0;
}
