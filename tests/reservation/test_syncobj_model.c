/* SPDX-License-Identifier: MIT */
/*
 * Random calls for a few syncobjs, compared after each one with a plain model: a list of points,
 * each with the set of fences that it waits for, one bit a fence.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include <wwresv/syncobj.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUM_SYNCOBJS 3
#define NUM_CALLS    60 /* of a sequence: fewer than there are bits */
#define MAX_POINT    12
#define NUM_ROUNDS   300

TestSuite(reservation_syncobj_model, .timeout = 60);

struct model_point {
	uint64_t seqno;	  /* 0 = a fence that is no point */
	uint64_t waits;	  /* for these fences, with those of all points before */
	unsigned int run; /* points of one run are in order */
};

struct model {
	unsigned int num; /* points; a binary one has one, with the seqno 0 and run 0 */
	struct model_point points[NUM_CALLS];
};

static struct wwr_syncobj *syncobjs[NUM_SYNCOBJS];
static struct model models[NUM_SYNCOBJS];
static struct wwr_fence *fences[NUM_CALLS];
static unsigned int num_fences;
static uint64_t signaled; /* a bit each */
static uint64_t random_state;

static unsigned int pick(unsigned int num)
{
	return (unsigned int)(test_random(&random_state) % num);
}

static const struct model_point *model_last(const struct model *model)
{
	return model->num > 0 ? &model->points[model->num - 1] : NULL;
}

static bool is_timeline(const struct model *model)
{
	return model->num > 0 && model_last(model)->run > 0;
}

static void model_replace(struct model *model, uint64_t waits)
{
	model->num = 1;
	model->points[0] = (struct model_point){.waits = waits};
}

static void model_add(struct model *model, uint64_t seqno, uint64_t waits)
{
	struct model_point point = {.seqno = seqno, .waits = waits, .run = 1};

	if (model->num > 0) {
		const struct model_point *last = model_last(model);

		point.waits |= last->waits;
		point.run = last->run > 0 && seqno > last->seqno ? last->run : last->run + 1;
		if (last->run > 0 && seqno <= last->seqno)
			point.seqno = last->seqno;
	}
	model->points[model->num++] = point;
}

/* NULL = no such point. */
static const struct model_point *model_find(const struct model *model, uint64_t seqno)
{
	const struct model_point *last = model_last(model);
	const struct model_point *found = last;

	if (last == NULL || (seqno > 0 && (last->run == 0 || last->seqno < seqno)))
		return NULL;
	if (seqno == 0)
		return last;
	/* The first one of the latest run that is not below. */
	while (found > model->points && found[-1].run == last->run && found[-1].seqno >= seqno)
		found--;
	return found;
}

static bool model_is_done(const struct model_point *point)
{
	return (point->waits & ~signaled) == 0;
}

static uint64_t model_query(const struct model *model)
{
	uint64_t seqno = 0;

	if (!is_timeline(model))
		return 0;
	for (unsigned int i = 0; i < model->num; i++) {
		if (model->points[i].run == model_last(model)->run &&
		    model_is_done(&model->points[i]))
			seqno = model->points[i].seqno;
	}
	return seqno;
}

static void compare_point(unsigned int index, uint64_t seqno)
{
	const struct model_point *point = model_find(&models[index], seqno);
	int expected = point == NULL ? -EINVAL : model_is_done(point) ? 0 : -ETIME;
	int ret = wwr_syncobj_wait(1, &syncobjs[index], &seqno, 0, NULL, 0, 0, NULL);

	cr_assert_eq(ret, expected, "syncobj %u, point %u: %d instead of %d", index,
		     (unsigned int)seqno, ret, expected);
	if (point != NULL)
		expected = 0;
	else
		expected = -ETIME;
	ret = wwr_syncobj_wait(1, &syncobjs[index], &seqno, WWR_SYNCOBJ_WAIT_AVAILABLE, NULL, 0, 0,
			       NULL);
	cr_assert_eq(ret, expected, "syncobj %u, point %u: available", index, (unsigned int)seqno);
}

static void compare(void)
{
	uint64_t done[NUM_SYNCOBJS];
	uint64_t submitted[NUM_SYNCOBJS];

	cr_assert_eq(wwr_syncobj_query(NUM_SYNCOBJS, syncobjs, 0, done), 0);
	cr_assert_eq(
	    wwr_syncobj_query(NUM_SYNCOBJS, syncobjs, WWR_SYNCOBJ_QUERY_LAST_SUBMITTED, submitted),
	    0);
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++) {
		uint64_t last = is_timeline(&models[i]) ? model_last(&models[i])->seqno : 0;

		cr_assert_eq(submitted[i], last, "syncobj %u: submitted", i);
		cr_assert_eq(done[i], model_query(&models[i]), "syncobj %u: done up to %u not %u",
			     i, (unsigned int)done[i], (unsigned int)model_query(&models[i]));
		for (uint64_t seqno = 0; seqno <= MAX_POINT + 1; seqno++)
			compare_point(i, seqno);
	}
}

static void put_in(unsigned int index, uint64_t seqno, uint64_t waits)
{
	if (seqno == 0)
		model_replace(&models[index], waits);
	else
		model_add(&models[index], seqno, waits);
}

static void call_add(unsigned int index, uint64_t seqno)
{
	struct wwr_fence *fence = test_fence_create(wwr_fence_context_alloc(1), 1);

	cr_assert_eq(wwr_syncobj_add_point(syncobjs[index], seqno, fence), 0);
	put_in(index, seqno, UINT64_C(1) << num_fences);
	fences[num_fences++] = fence;
}

static void call_transfer(unsigned int dst, unsigned int src)
{
	uint64_t dst_seqno = pick(2) * pick(MAX_POINT + 1);
	uint64_t src_seqno = pick(MAX_POINT + 1);
	const struct model_point *point = model_find(&models[src], src_seqno);
	uint64_t waits = point != NULL ? point->waits : 0;
	int ret =
	    wwr_syncobj_transfer(syncobjs[dst], dst_seqno, syncobjs[src], src_seqno, 0, NULL, 0);

	cr_assert_eq(ret, point != NULL ? 0 : -EINVAL);
	if (ret == 0)
		put_in(dst, dst_seqno, waits);
}

static void call_signal(void)
{
	unsigned int index;

	if (num_fences == 0)
		return;
	index = pick(num_fences);
	if ((signaled >> index & 1) == 0)
		cr_assert_eq(wwr_fence_signal(fences[index]), 0);
	signaled |= UINT64_C(1) << index;
}

static void call_something(void)
{
	unsigned int index = pick(NUM_SYNCOBJS);
	uint64_t seqno = 1 + pick(MAX_POINT);

	switch (pick(12)) {
	case 0:
		cr_assert_eq(wwr_syncobj_signal(1, &syncobjs[index]), 0);
		model_replace(&models[index], 0);
		break;
	case 1:
		cr_assert_eq(wwr_syncobj_reset(1, &syncobjs[index]), 0);
		models[index].num = 0;
		break;
	case 2:
		cr_assert_eq(wwr_syncobj_timeline_signal(1, &syncobjs[index], &seqno), 0);
		model_add(&models[index], seqno, 0);
		break;
	case 3:
	case 4:
		call_transfer(index, pick(NUM_SYNCOBJS));
		break;
	case 5:
		call_add(index, 0);
		break;
	case 6:
	case 7:
	case 8:
		call_signal();
		break;
	default:
		/* Mostly in order, or there would hardly be a timeline. */
		if (is_timeline(&models[index]) && pick(4) > 0 &&
		    model_last(&models[index])->seqno < MAX_POINT)
			seqno = model_last(&models[index])->seqno + 1;
		call_add(index, seqno);
		break;
	}
}

static void play_round(void)
{
	memset(models, 0, sizeof(models));
	num_fences = 0;
	signaled = 0;
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		cr_assert_eq(wwr_syncobj_create(0, &syncobjs[i]), 0);
	for (unsigned int i = 0; i < NUM_CALLS; i++) {
		call_something();
		compare();
	}
	for (unsigned int i = 0; i < num_fences; i++) {
		(void)wwr_fence_signal(fences[i]);
		wwr_fence_put(fences[i]);
	}
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		wwr_syncobj_put(syncobjs[i]);
}

Test(reservation_syncobj_model, random_calls_agree_with_the_model)
{
	test_alloc_install();
	random_state = test_seed();
	for (unsigned int i = 0; i < test_rounds(NUM_ROUNDS); i++) {
		play_round();
		cr_assert_eq(test_alloc_alive(), 0, "everything was given back in round %u", i);
		cr_assert_eq(test_fences_alive(), 0);
	}
}
