/* SPDX-License-Identifier: MIT */
/*
 * A small driver on the scheduler and the memory manager of libwwresv-drm: a card with room for
 * three buffers, and two clients that use ten.  Each job adds one to all bytes of two buffers,
 * which must be on the card meanwhile; moves are jobs of another ring.
 */
#include <wwresv/lock_set.h>
#include <wwresv/mm_txn.h>
#include <wwresv/sched.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM_CLIENTS  2
#define NUM_JOBS     200
#define NUM_BUFFERS  10
#define BUFFER_BYTES 4096

/* A buffer is what the library knows of it, and its bytes while it is not on the card. */
struct buffer {
	struct wwr_mm_bo bo;
	uint8_t system[BUFFER_BYTES];
	unsigned int num_uses; /* under its lock */
};

/* A job works on two buffers on the card, or copies one from here to there. */
struct job {
	struct wwr_sched_job base;
	bool is_move;
	unsigned int num_buffers;
	struct buffer *buffers[2]; /* referenced */
	uint8_t *bytes[2];	   /* of a move: to and from; NULL = there is nothing to copy */
};

struct client {
	struct wwr_sched_entity *entity;
	unsigned int first;
	int error;
};

static struct wwr_class buffer_class = WWR_CLASS_INIT("buffer", WWR_WAIT_DIE);
static uint8_t card[3 * BUFFER_BYTES];
static struct wwr_sched *rings[2]; /* work, moves */
static struct wwr_mm *mm;
static struct buffer *buffers[NUM_BUFFERS];

/* A buffer is in one piece on the card. */
static uint8_t *bytes_of(struct buffer *buffer, const struct wwr_mm_place *place)
{
	if (place->domain == WWR_MM_NOWHERE)
		return NULL;
	return place->domain == WWR_MM_VRAM ? card + place->extents[0].offset_bytes
					    : buffer->system;
}

/* The rings have no hardware behind them: a job is done when this returns. */
static int run_job(struct wwr_sched_job *base, struct wwr_fence **ret_fence)
{
	struct job *job = WWR_CONTAINER_OF(base, struct job, base);

	(void)ret_fence;
	if (job->is_move && job->bytes[1] != NULL)
		memcpy(job->bytes[0], job->bytes[1], BUFFER_BYTES);
	else if (job->is_move)
		memset(job->bytes[0], 0, BUFFER_BYTES);
	for (unsigned int i = 0; i < job->num_buffers && !job->is_move; i++) {
		for (unsigned int j = 0; j < BUFFER_BYTES; j++)
			job->bytes[i][j]++;
	}
	return 0;
}

static void free_job(struct wwr_sched_job *base)
{
	struct job *job = WWR_CONTAINER_OF(base, struct job, base);

	for (unsigned int i = 0; i < job->num_buffers; i++)
		wwr_bo_put(&job->buffers[i]->bo.base);
	free(job);
}

static const struct wwr_sched_ops sched_ops = {.run_job = run_job, .free_job = free_job};

static struct job *make_job(struct wwr_sched_entity *entity)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job != NULL && wwr_sched_job_init(&job->base, entity, 1) != 0) {
		free(job);
		return NULL;
	}
	return job;
}

static void use_buffer(struct job *job, struct buffer *buffer, uint8_t *bytes)
{
	wwr_bo_get(&buffer->bo.base);
	job->bytes[job->num_buffers] = bytes;
	job->buffers[job->num_buffers++] = buffer;
}

static int create_move(struct wwr_mm_bo *bo, const struct wwr_mm_place *from,
		       const struct wwr_mm_place *to, struct wwr_sched_entity *entity,
		       struct wwr_sched_job **ret_job)
{
	struct buffer *buffer = WWR_CONTAINER_OF(bo, struct buffer, bo);
	struct job *job = make_job(entity);

	if (job == NULL)
		return -ENOMEM;
	job->is_move = true;
	use_buffer(job, buffer, bytes_of(buffer, to));
	job->bytes[1] = bytes_of(buffer, from);
	*ret_job = &job->base;
	return 0;
}

static void drop_move(struct wwr_sched_job *base)
{
	wwr_sched_job_fini(base);
	free_job(base);
}

static const struct wwr_mm_ops mm_ops = {.create_move = create_move, .drop_move = drop_move};

static void release_buffer(struct wwr_bo *base)
{
	struct buffer *buffer = WWR_CONTAINER_OF(base, struct buffer, bo.base);

	wwr_mm_bo_fini(&buffer->bo);
	free(buffer);
}

static const struct wwr_bo_ops bo_ops = {.release = release_buffer};

/* What one submit works with. */
struct submit {
	struct buffer *buffers[2];
	struct wwr_sched_entity *entity;
	struct job *job;
};

/* May run many times: everything is locked, and then moved where it has to be. */
static int acquire(struct wwr_mm_txn *txn, void *arg)
{
	struct submit *submit = arg;
	struct wwr_mm_want wants[2];
	int ret = 0;

	for (int i = 0; i < 2 && ret == 0; i++) {
		wants[i] = (struct wwr_mm_want){
		    .bo = &submit->buffers[i]->bo, .num_domains = 1, .domains = {WWR_MM_VRAM}};
		ret = wwr_lock_set_lock(txn->set, wwr_bo_mutex(&wants[i].bo->base));
	}
	return ret != 0 ? ret : wwr_mm_validate(txn, 2, wants);
}

/* With every lock held: first all that can fail, then the point of no return. */
static int locked(struct wwr_mm_txn *txn, void *arg)
{
	struct submit *submit = arg;
	struct job *job = submit->job;
	int ret = 0;

	(void)txn;
	for (int i = 0; i < 2 && ret == 0; i++) {
		struct wwr_resv *resv = submit->buffers[i]->bo.base.resv;

		wwr_mutex_assert_held(&resv->mutex);
		ret = wwr_resv_reserve_fences(resv, 1);
		if (ret == 0)
			ret = wwr_sched_job_add_resv_dependencies(&job->base, resv,
								  wwr_resv_usage_rw(true));
	}
	if (ret != 0)
		return ret;

	wwr_sched_job_arm(&job->base);
	for (int i = 0; i < 2; i++) {
		struct buffer *buffer = submit->buffers[i];

		wwr_mutex_assert_held(&buffer->bo.base.resv->mutex);
		use_buffer(job, buffer, bytes_of(buffer, wwr_mm_bo_place(&buffer->bo)));
		buffer->num_uses++;
		if (wwr_resv_add_fence(buffer->bo.base.resv, wwr_sched_job_finished(&job->base),
				       WWR_RESV_USAGE_WRITE) != 0)
			abort();
	}
	return 0;
}

static int submit_job(struct wwr_lock_set *set, struct submit *submit)
{
	int ret;

	submit->job = make_job(submit->entity);
	if (submit->job == NULL)
		return -ENOMEM;
	ret = wwr_mm_lock_all(mm, set, acquire, locked, submit);
	if (ret == 0)
		wwr_sched_job_push(&submit->job->base);
	else
		drop_move(&submit->job->base);
	return ret;
}

static void *run_client(void *arg)
{
	struct client *client = arg;
	struct wwr_lock_set set;

	client->error = wwr_lock_set_init(&set, &buffer_class, NULL);
	if (client->error != 0)
		return NULL;
	for (unsigned int i = 0; i < NUM_JOBS && client->error == 0; i++) {
		struct submit submit = {
		    .entity = client->entity,
		    .buffers = {buffers[(client->first + i) % NUM_BUFFERS],
				buffers[(client->first + i * 3 + 1) % NUM_BUFFERS]}};

		if (submit.buffers[0] == submit.buffers[1])
			submit.buffers[1] = buffers[(client->first + i + 1) % NUM_BUFFERS];
		client->error = submit_job(&set, &submit);
	}
	wwr_lock_set_fini(&set);
	return NULL;
}

static int start(struct client *clients)
{
	const struct wwr_sched_options options = {.ops = &sched_ops, .credit_limit = 4};
	const struct wwr_mm_options mm_options = {.ops = &mm_ops,
						  .size_bytes = {sizeof(card), 0, UINT64_MAX},
						  .scheds = &rings[1],
						  .num_scheds = 1};
	const struct wwr_sched_entity_options entity_options = {
	    .priority = WWR_SCHED_PRIORITY_NORMAL, .scheds = &rings[0], .num_scheds = 1};
	struct wwr_sched_group *group;
	int ret = wwr_sched_group_create(NULL, &group);

	for (int i = 0; i < 2 && ret == 0; i++)
		ret = wwr_sched_create(group, &options, &rings[i]);
	if (ret == 0)
		ret = wwr_mm_create(&mm_options, &mm);
	for (unsigned int i = 0; i < NUM_CLIENTS && ret == 0; i++) {
		clients[i] = (struct client){.first = i * 5};
		ret = wwr_sched_entity_create(&entity_options, &clients[i].entity);
	}
	for (unsigned int i = 0; i < NUM_BUFFERS && ret == 0; i++) {
		buffers[i] = calloc(1, sizeof(*buffers[i]));
		if (buffers[i] == NULL)
			return -ENOMEM;
		wwr_mm_bo_init(&buffers[i]->bo, mm, &bo_ops, BUFFER_BYTES, WWR_MM_CONTIGUOUS,
			       &buffer_class, NULL);
	}
	wwr_sched_group_put(group);
	return ret;
}

/* Nobody else is there any more: the last fences are waited for, and then the bytes are right. */
static bool check_buffer(struct buffer *buffer)
{
	const uint8_t *bytes;

	if (wwr_resv_wait_until(buffer->bo.base.resv, WWR_RESV_USAGE_BOOKKEEP, NULL, INT64_MAX) !=
	    0)
		return false;
	bytes = bytes_of(buffer, wwr_mm_bo_place(&buffer->bo));
	for (unsigned int i = 0; i < BUFFER_BYTES; i++) {
		if (bytes[i] != (uint8_t)buffer->num_uses)
			return false;
	}
	return true;
}

int main(void)
{
	struct client clients[NUM_CLIENTS];
	pthread_t other;
	struct wwr_mm_stats stats;
	bool good = true;

	if (start(clients) != 0 || pthread_create(&other, NULL, run_client, &clients[1]) != 0)
		return EXIT_FAILURE;
	run_client(&clients[0]);
	pthread_join(other, NULL);

	for (unsigned int i = 0; i < NUM_BUFFERS; i++)
		good &= check_buffer(buffers[i]);
	wwr_mm_get_stats(mm, &stats);
	printf("%d jobs, %llu evictions, bytes are %s\n", NUM_CLIENTS * NUM_JOBS,
	       (unsigned long long)stats.num_evictions, good ? "as expected" : "wrong");
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		good &= clients[i].error == 0;
		wwr_sched_entity_put(clients[i].entity);
	}
	for (unsigned int i = 0; i < 2; i++)
		wwr_sched_destroy(rings[i]);
	for (unsigned int i = 0; i < NUM_BUFFERS; i++)
		wwr_bo_put(&buffers[i]->bo.base);
	wwr_mm_destroy(mm);
	return good && stats.num_evictions > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
