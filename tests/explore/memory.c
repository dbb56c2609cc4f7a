/* SPDX-License-Identifier: MIT */
/*
 * Memory of the objects of one schedule: a piece of address space that is filled from one end and
 * never used twice.  With gcc the libraries are compiled so that each access to memory calls one of
 * the __asan_ functions below: a touch of freed memory, or of what is left of a function of another
 * fiber that has returned, is found at once; and in some schedules each is a step.  Elsewhere the
 * atomic operations are checked, and the poison shows plain writes.
 */
#include "tests/explore/run.h"

#include <wwresv/alloc.h>

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include <wwresv/lock_set.h>
#include <wwresv/mutex.h>
#include <wwresv/resv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define HIDE(ptr, size_bytes) __asan_poison_memory_region(ptr, size_bytes)
#define SHOW(ptr, size_bytes) __asan_unpoison_memory_region(ptr, size_bytes)
#else
#define HIDE(ptr, size_bytes) ((void)0)
#define SHOW(ptr, size_bytes) ((void)0)
#endif

#define ARENA_BYTES  ((size_t)256 * 1024)
#define GRAIN_BYTES  ((size_t)64)
#define NUM_GRAINS   (ARENA_BYTES / GRAIN_BYTES)
#define MAX_OBJECTS  255
#define MAKER_NONE   0xff
#define GARBAGE_BYTE 0xa5
#define POISON_BYTE  0xdb

struct object {
	char *start;
	size_t size_bytes;
	enum ex_kind kind;
	unsigned int number;
	uint8_t maker;	/* number of a fiber, or MAKER_NONE */
	bool has_mutex; /* at its start */
	bool freed;
};

static char arena[ARENA_BYTES] __attribute__((aligned(4096)));
static uint8_t grain_object[NUM_GRAINS]; /* 1 + index in objects, 0 = never used */
static uint8_t grain_alive[NUM_GRAINS];	 /* how many of its bytes belong to a living object */
static struct object objects[MAX_OBJECTS];
static unsigned int num_objects;
static size_t used_bytes;

struct field {
	const char *name;
	size_t offset;
	unsigned int size_bytes;
};

#define FIELD(type, member)                                                                        \
	{                                                                                          \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member)         \
	}

static const struct field mutex_fields[] = {
    FIELD(wwr_mutex, owner), FIELD(wwr_mutex, wait_lock), FIELD(wwr_mutex, lock_class),
    FIELD(wwr_mutex, first), FIELD(wwr_mutex, hold_seq),  {NULL, 0, 0},
};
static const struct field ctx_fields[] = {
    FIELD(wwr_acquire_ctx, wounded),	FIELD(wwr_acquire_ctx, park_word),
    FIELD(wwr_acquire_ctx, sleep_word), FIELD(wwr_acquire_ctx, stamp),
    FIELD(wwr_acquire_ctx, classic),	{NULL, 0, 0},
};
static const struct field token_fields[] = {
    FIELD(wwr_interrupt_token, word),
    {NULL, 0, 0},
};
static const struct field fence_fields[] = {
    FIELD(wwr_fence, callbacks),    FIELD(wwr_fence, refcount),
    FIELD(wwr_fence, park_word),    FIELD(wwr_fence, flags),
    FIELD(wwr_fence, timestamp_ns), FIELD(wwr_fence, ops),
    FIELD(wwr_fence, error),	    FIELD(wwr_fence, runner),
    FIELD(wwr_fence, deadline_ns),  {NULL, 0, 0},
};
static const struct field resv_fields[] = {
    FIELD(wwr_resv, mutex.owner),
    FIELD(wwr_resv, mutex.wait_lock),
    FIELD(wwr_resv, table),
    FIELD(wwr_resv, table_lock),
    {NULL, 0, 0},
};
static const struct field no_fields[] = {{NULL, 0, 0}};

static const struct {
	const char *name;
	char first; /* how number 0 is shown */
	const struct field *fields;
	size_t fields_at;
} kinds[EX_NUM_KINDS] = {
    [EX_BLOCK] = {"block", '1', no_fields, 0},
    [EX_MUTEX] = {"mutex", 'A', mutex_fields, 0},
    [EX_CTX] = {"ctx of T", '1', ctx_fields, 0},
    [EX_SET] = {"set of T", '1', ctx_fields, offsetof(struct wwr_lock_set, own_ctx)},
    [EX_TOKEN] = {"token of T", '1', token_fields, 0},
    [EX_FENCE] = {"fence", 'A', fence_fields, 0},
    [EX_CALLBACK] = {"callback of T", '1', no_fields, 0},
    [EX_RESV] = {"resv", 'A', resv_fields, 0},
};

void *ex_new(enum ex_kind kind, unsigned int number, size_t size_bytes)
{
	/* A grain between two objects stays unused: an access past the end is found. */
	size_t num_grains = (size_bytes + GRAIN_BYTES - 1) / GRAIN_BYTES;
	struct object *object = &objects[num_objects];

	if (num_objects == MAX_OBJECTS ||
	    used_bytes + (num_grains + 1) * GRAIN_BYTES > ARENA_BYTES) {
		fputs("explore: a schedule needs more memory than there is\n", stderr);
		abort();
	}
	*object = (struct object){
	    .start = arena + used_bytes,
	    .size_bytes = size_bytes,
	    .kind = kind,
	    .number = number,
	    .maker = ex.current != NULL ? (uint8_t)ex_self() : MAKER_NONE,
	    .has_mutex = kind == EX_MUTEX || kind == EX_RESV,
	};
	num_objects++;
	memset(&grain_object[used_bytes / GRAIN_BYTES], (int)num_objects, num_grains);
	memset(&grain_alive[used_bytes / GRAIN_BYTES], GRAIN_BYTES, num_grains);
	if (size_bytes % GRAIN_BYTES != 0)
		grain_alive[used_bytes / GRAIN_BYTES + num_grains - 1] = size_bytes % GRAIN_BYTES;
	used_bytes += (num_grains + 1) * GRAIN_BYTES;
	SHOW(object->start, size_bytes);
	memset(object->start, GARBAGE_BYTE, size_bytes);
	return object->start;
}

static void object_name(const struct object *object, char *ret_text, size_t size_bytes)
{
	const char *name = kinds[object->kind].name;
	const char *space = name[strlen(name) - 1] == 'T' ? "" : " ";

	if (kinds[object->kind].first == 'A')
		snprintf(ret_text, size_bytes, "%s%s%c", name, space, 'A' + (char)object->number);
	else
		snprintf(ret_text, size_bytes, "%s%s%u", name, space, object->number + 1);
}

static bool is_in_arena(const volatile void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)arena < ARENA_BYTES;
}

static struct object *find_object(const volatile void *ptr)
{
	size_t grain = ((uintptr_t)ptr - (uintptr_t)arena) / GRAIN_BYTES;

	if (!is_in_arena(ptr) || grain_object[grain] == 0)
		return NULL;
	return &objects[grain_object[grain] - 1];
}

void ex_delete(void *ptr)
{
	struct object *object = find_object(ptr);

	if (object == NULL || object->start != ptr || object->freed) {
		ex_fail("free of what is no object, or not any more");
		return;
	}
	ex_note("frees", ptr);
	if (ex.touched == ptr)
		ex.touched = NULL;
	object->freed = true;
	memset(&grain_alive[((uintptr_t)ptr - (uintptr_t)arena) / GRAIN_BYTES], 0,
	       (object->size_bytes + GRAIN_BYTES - 1) / GRAIN_BYTES);
	memset(object->start, POISON_BYTE, object->size_bytes);
	HIDE(object->start, object->size_bytes);
}

static void *arena_alloc(size_t size_bytes, void *data)
{
	void *block;

	(void)data;
	if (ex.fail_alloc) {
		ex.fail_alloc = false;
		return NULL;
	}
	block = ex_new(EX_BLOCK, num_objects, size_bytes);
	memset(block, 0, size_bytes);
	return block;
}

static void arena_free(void *ptr, void *data)
{
	(void)data;
	ex_delete(ptr);
}

void ex_fail_next_alloc(void)
{
	ex.fail_alloc = true;
}

void ex_memory_init(void)
{
	static const struct wwr_allocator allocator = {arena_alloc, arena_free, NULL};

	wwr_set_allocator(&allocator);
	HIDE(arena, sizeof(arena));
}

void ex_memory_reset(void)
{
	memset(grain_object, 0, used_bytes / GRAIN_BYTES);
	memset(grain_alive, 0, used_bytes / GRAIN_BYTES);
	HIDE(arena, used_bytes);
	num_objects = 0;
	used_bytes = 0;
}

static void check_poison(const struct object *object)
{
	char name[64];

	SHOW(object->start, object->size_bytes);
	/* Each byte is the poison if the first one is and each is as the one before. */
	if ((uint8_t)object->start[0] == POISON_BYTE &&
	    memcmp(object->start, object->start + 1, object->size_bytes - 1) == 0)
		return;
	object_name(object, name, sizeof(name));
	ex_fail("%s was written after it was freed", name);
}

void ex_memory_check(void)
{
	char name[64];

	for (unsigned int i = 0; i < num_objects; i++) {
		if (objects[i].freed) {
			check_poison(&objects[i]);
			continue;
		}
		object_name(&objects[i], name, sizeof(name));
		ex_fail("leak: %s, %zu bytes", name, objects[i].size_bytes);
	}
}

void ex_memory_for_each(enum ex_kind kind, void (*fn)(void *object, unsigned int number))
{
	for (unsigned int i = 0; i < num_objects; i++) {
		if (objects[i].kind == kind && !objects[i].freed)
			fn(objects[i].start, objects[i].number);
	}
}

/* Another fiber's stack below what it uses: it has returned from there. */
static bool is_bad_stack(size_t offset)
{
	const struct ex_fiber *fiber = &ex.fibers[offset / FIBER_STACK_BYTES];

	if (fiber == ex.current)
		return false;
	return fiber->state == EX_DONE ||
	       offset + (uintptr_t)ex_stacks < (uintptr_t)fiber->fiber.sp;
}

__attribute__((cold)) static void bad_access(const volatile void *ptr, const char *what)
{
	char name[64];

	(void)ex_memory_describe(ptr, name, sizeof(name));
	ex_fail("%s %s, which is gone", what, name);
}

static inline bool is_alive(const volatile void *ptr)
{
	size_t in_arena = (uintptr_t)ptr - (uintptr_t)arena;

	return in_arena < ARENA_BYTES &&
	       in_arena % GRAIN_BYTES < grain_alive[in_arena / GRAIN_BYTES];
}

/* No living object: static memory, a stack, or wrong. */
static void check_other(const volatile void *ptr, const char *what)
{
	size_t in_stacks = (uintptr_t)ptr - (uintptr_t)ex_stacks;

	if (in_stacks < EX_MAX_FIBERS * FIBER_STACK_BYTES ? is_bad_stack(in_stacks)
							  : is_in_arena(ptr))
		bad_access(ptr, what);
}

void ex_memory_touch(const volatile void *ptr)
{
	const struct object *object;

	if (!is_alive(ptr)) {
		check_other(ptr, "an access to");
		return;
	}
	object = find_object(ptr);
	if (object->has_mutex)
		ex.touched = object->start;
}

/* In a fine schedule others may run before a plain access to what this fiber did not make. */
static void plain_step(const volatile void *ptr, bool writes)
{
	const struct ex_op op = {NULL, writes ? "writes" : "reads", ptr, 0};

	/* The access of an atomic operation, which was a step before. */
	if (ex.current->atomic == ptr)
		ex.current->atomic = NULL;
	else if (find_object(ptr)->maker != ex_self())
		ex_step(&op);
}

static inline void plain_access(uintptr_t address, bool writes)
{
	const volatile void *ptr = (const volatile void *)address;

	/* Who checks, and so runs as no fiber, may look at everything. */
	if (is_alive(ptr)) {
		if (__builtin_expect(ex.fine, 0) && ex.current != NULL)
			plain_step(ptr, writes);
	} else if (ex.current != NULL) {
		check_other(ptr, writes ? "a write of" : "a read of");
	}
}

#define HOOKS(suffix)                                                                              \
	void __asan_load##suffix##_noabort(uintptr_t address);                                     \
	void __asan_load##suffix##_noabort(uintptr_t address)                                      \
	{                                                                                          \
		plain_access(address, false);                                                      \
	}                                                                                          \
	void __asan_store##suffix##_noabort(uintptr_t address);                                    \
	void __asan_store##suffix##_noabort(uintptr_t address)                                     \
	{                                                                                          \
		plain_access(address, true);                                                       \
	}

#ifndef __SANITIZE_ADDRESS__
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __asan_loadN_noabort(uintptr_t address, size_t size_bytes);
void __asan_loadN_noabort(uintptr_t address, size_t size_bytes)
{
	plain_access(address, false);
	plain_access(address + size_bytes - 1, false);
}

void __asan_storeN_noabort(uintptr_t address, size_t size_bytes);
void __asan_storeN_noabort(uintptr_t address, size_t size_bytes)
{
	plain_access(address, true);
	plain_access(address + size_bytes - 1, true);
}

void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}
#endif

static unsigned int describe_object(const struct object *object, size_t offset, char *ret_text,
				    size_t size_bytes)
{
	const struct field *field = kinds[object->kind].fields;
	size_t base = kinds[object->kind].fields_at;
	size_t length;

	object_name(object, ret_text, size_bytes);
	length = strlen(ret_text);
	while (field->name != NULL && offset - base != field->offset)
		field++;
	if (field->name != NULL)
		snprintf(ret_text + length, size_bytes - length, ".%s", field->name);
	else if (offset != base && offset != 0)
		snprintf(ret_text + length, size_bytes - length, "+%zu", offset);
	return field->size_bytes;
}

void ex_memory_name(const volatile void *ptr, char *ret_text, size_t size_bytes)
{
	const struct object *object = find_object(ptr);

	if (object != NULL)
		object_name(object, ret_text, size_bytes);
	else
		(void)ex_memory_describe(ptr, ret_text, size_bytes);
}

unsigned int ex_memory_describe(const volatile void *ptr, char *ret_text, size_t size_bytes)
{
	const struct object *object = find_object(ptr);
	size_t in_stacks = (uintptr_t)ptr - (uintptr_t)ex_stacks;
	size_t in_threads = (uintptr_t)ptr - (uintptr_t)ex_threads;

	if (object != NULL)
		return describe_object(object, (size_t)((const volatile char *)ptr - object->start),
				       ret_text, size_bytes);
	if (ptr == &ex_class.stamp) {
		snprintf(ret_text, size_bytes, "class.stamp");
		return sizeof(ex_class.stamp);
	}
	if (in_stacks < EX_MAX_FIBERS * FIBER_STACK_BYTES)
		snprintf(ret_text, size_bytes, "stack of T%zu", in_stacks / FIBER_STACK_BYTES + 1);
	else if (in_threads / sizeof(ex_threads[0]) == EX_MAX_FIBERS)
		snprintf(ret_text, size_bytes, "the main thread");
	else if (in_threads < sizeof(ex_threads))
		snprintf(ret_text, size_bytes, "thread T%zu",
			 in_threads / sizeof(ex_threads[0]) + 1);
	else
		snprintf(ret_text, size_bytes, "static");
	return 0;
}
