/* SPDX-License-Identifier: MIT */
/*
 * The domains of a memory manager.  Invariant: what is used of a domain is the sum of the buffers
 * that are in it, or are being moved into it by a thread that has their lock.
 */
#include "drivers/mm/mm_core.h"

#include "drivers/sched/sched_core.h"
#include "lockset/usage.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/sched.h>

#include <errno.h>

#define PAGE_BYTES 4096

static bool mm_options_are_good(const struct wwr_mm_options *options)
{
	return options->ops != NULL && options->ops->create_move != NULL &&
	       options->ops->drop_move != NULL && options->num_scheds != 0 &&
	       (options->page_bytes & (options->page_bytes - 1)) == 0;
}

static int mm_init_domains(struct wwr_mm *mm)
{
	for (int i = 0; i < WWR_MM_NUM_DOMAINS; i++) {
		struct mm_domain *domain = &mm->domains[i];
		int ret;

		domain->lru.prev = domain->lru.next = &domain->lru;
		domain->usage.size_bytes =
		    mm->options.size_bytes[i] & ~(mm->options.page_bytes - 1);
		ret = i == WWR_MM_SYSTEM
			  ? 0
			  : mm_ranges_init(&domain->ranges, domain->usage.size_bytes);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static void mm_free(struct wwr_mm *mm)
{
	for (int i = 0; i < WWR_MM_NUM_DOMAINS; i++) {
		wwr_fence_put(mm->domains[i].last_out);
		if (mm->domains[i].ranges.first != NULL)
			mm_ranges_fini(&mm->domains[i].ranges);
	}
	wwr_sched_entity_put(mm->entity);
	pthread_mutex_destroy(&mm->lock);
	wwr_free(mm);
}

int wwr_mm_create(const struct wwr_mm_options *options, struct wwr_mm **ret_mm)
{
	const struct wwr_sched_entity_options entity_options = {.name = "moves",
								.priority =
								    WWR_SCHED_PRIORITY_KERNEL,
								.scheds = options->scheds,
								.num_scheds = options->num_scheds};
	struct wwr_mm *mm;
	int ret;

	if (!mm_options_are_good(options))
		return -EINVAL;
	mm = wwr_alloc(sizeof(*mm));
	if (mm == NULL)
		return -ENOMEM;
	mm->options = *options;
	mm->options.scheds = NULL;
	if (mm->options.page_bytes == 0)
		mm->options.page_bytes = PAGE_BYTES;
	mm->last_claim = &mm->claims;
	pthread_mutex_init(&mm->lock, NULL);
	ret = mm_init_domains(mm);
	if (ret == 0)
		ret = wwr_sched_entity_create(&entity_options, &mm->entity);
	if (ret != 0) {
		mm_free(mm);
		return ret;
	}
	mm->move_context = mm->entity->context + 1;
	*ret_mm = mm;
	return 0;
}

void wwr_mm_destroy(struct wwr_mm *mm)
{
	if (mm == NULL)
		return;
	WWR_USAGE(mm->num_bos == 0, "wwr_mm_destroy: manager %p has %u buffers", (void *)mm,
		  mm->num_bos);
	mm_free(mm);
}

void *wwr_mm_data(const struct wwr_mm *mm)
{
	return mm->options.data;
}

void wwr_mm_get_stats(struct wwr_mm *mm, struct wwr_mm_stats *ret_stats)
{
	mm_lock(mm);
	*ret_stats = mm->stats;
	mm_unlock(mm);
}

void wwr_mm_get_usage(struct wwr_mm *mm, enum wwr_mm_domain domain, struct wwr_mm_usage *ret_usage)
{
	mm_lock(mm);
	*ret_usage = mm->domains[domain].usage;
	mm_unlock(mm);
}

/* A copy of where the ranges are: the driver may look at it without the manager's lock. */
static int place_list_extents(struct wwr_mm_place *place)
{
	uint32_t num = 0;

	for (const struct wwr_mm_range *range = place->ranges; range != NULL; range = range->piece)
		num++;
	place->extents = wwr_alloc_array(num, sizeof(*place->extents));
	if (place->extents == NULL)
		return -ENOMEM;
	for (const struct wwr_mm_range *range = place->ranges; range != NULL; range = range->piece)
		place->extents[place->num_extents++] =
		    (struct wwr_mm_extent){.offset_bytes = range->start, .size_bytes = range->size};
	return 0;
}

static int place_take_ranges(struct mm_domain *domain, const struct wwr_mm_bo *bo,
			     struct wwr_mm_place *place)
{
	int ret;

	if ((bo->flags & WWR_MM_CONTIGUOUS) != 0)
		ret = mm_ranges_alloc(&domain->ranges, bo->size_bytes, 1, &place->ranges);
	else
		ret = mm_ranges_alloc_pieces(&domain->ranges, bo->size_bytes, &place->ranges);
	if (ret != 0)
		return ret;
	ret = place_list_extents(place);
	if (ret != 0)
		mm_ranges_free(&domain->ranges, place->ranges);
	return ret;
}

int mm_place_take_locked(struct wwr_mm_bo *bo, enum wwr_mm_domain where)
{
	struct mm_domain *domain = &bo->mm->domains[where];
	struct wwr_mm_place place = {.domain = where};
	int ret;

	if (bo->size_bytes > domain->usage.size_bytes - domain->usage.used_bytes)
		return -ENOSPC;
	ret = where == WWR_MM_SYSTEM ? 0 : place_take_ranges(domain, bo, &place);
	if (ret != 0)
		return ret;
	domain->usage.used_bytes += bo->size_bytes;
	domain->num_arriving++;
	bo->next_place = place;
	return 0;
}

void mm_place_drop_locked(struct wwr_mm *mm, struct wwr_mm_place *place, uint64_t size_bytes)
{
	struct mm_domain *domain;

	if (place->domain == WWR_MM_NOWHERE)
		return;
	domain = &mm->domains[place->domain];
	domain->usage.used_bytes -= size_bytes;
	mm_ranges_free(&domain->ranges, place->ranges);
	wwr_free(place->extents);
	*place = (struct wwr_mm_place){.domain = WWR_MM_NOWHERE};
}
