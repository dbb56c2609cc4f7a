/* SPDX-License-Identifier: MIT */
/*
 * Workload descriptors in the .wsim format: parser and model.
 *
 * A workload is immutable once parsed; any number of threads may read it.
 * Nothing here knows locks, buffers or engines of the mock GPU: the runner
 * turns the model into jobs.
 */
#ifndef WSIM_H
#define WSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Longest descriptor that is accepted, in bytes. */
#define WSIM_MAX_TEXT ((size_t)1 << 20)

/* Every size, and the sum of all sizes of a descriptor, stays under this. */
#define WSIM_MAX_BYTES ((uint64_t)1 << 40)

/* A batch that locks more buffers than this is more than wsim_batch_locks() lists. */
#define WSIM_MAX_LOCKS ((size_t)1 << 20)

/* "No such step" in fields that hold a step number. */
#define WSIM_NO_STEP SIZE_MAX

enum wsim_class {
	WSIM_RCS,
	WSIM_BCS,
	WSIM_VCS,
	WSIM_VECS,
	WSIM_CCS,
	WSIM_NUM_CLASSES,
	WSIM_DEFAULT = WSIM_NUM_CLASSES, /* only as the engine of a batch */
};

/* How many instances the mock has of each class. */
struct wsim_engine_counts {
	uint32_t count[WSIM_NUM_CLASSES];
};

struct wsim_engine {
	enum wsim_class class;
	uint32_t instance; /* from 1; 0 = any instance of the class */
	uint32_t gt;	   /* parsed, without effect; UINT32_MAX = not named */
};

enum wsim_step_kind {
	WSIM_STEP_BATCH,
	WSIM_STEP_DELAY,	/* d */
	WSIM_STEP_PERIOD,	/* p */
	WSIM_STEP_SYNC,		/* s */
	WSIM_STEP_THROTTLE,	/* t */
	WSIM_STEP_QUEUE_DEPTH,	/* q */
	WSIM_STEP_SW_FENCE,	/* f */
	WSIM_STEP_SIGNAL,	/* a */
	WSIM_STEP_TERMINATE,	/* T */
	WSIM_STEP_PRIORITY,	/* P */
	WSIM_STEP_SLICE_MASK,	/* S */
	WSIM_STEP_PREEMPTION,	/* X */
	WSIM_STEP_ENGINE_MAP,	/* M */
	WSIM_STEP_LOAD_BALANCE, /* B */
	WSIM_STEP_BOND,		/* b */
	WSIM_STEP_WORKING_SET,	/* w and W */
	WSIM_NUM_STEP_KINDS,
};

enum wsim_dep_kind {
	WSIM_DEP_OUTPUT,  /* -N: reads the output buffer of batch `step` */
	WSIM_DEP_OBJECTS, /* rW-I, wW-A-B: objects first..last of set `set` */
	WSIM_DEP_FENCE,	  /* f-N: out-fence of `step`, a batch or a software fence */
	WSIM_DEP_SUBMIT,  /* s-N: may run once batch `step` has started */
};

struct wsim_dep {
	enum wsim_dep_kind kind;
	bool write;	 /* OBJECTS: w, else r */
	size_t step;	 /* OUTPUT, FENCE, SUBMIT: absolute number, always earlier */
	size_t set;	 /* OBJECTS: index into wsim_workload.sets */
	uint32_t set_id; /* OBJECTS: the id as written */
	uint32_t first;	 /* OBJECTS: inclusive range, within the set */
	uint32_t last;
	uint32_t column; /* where the item stands, from 1 */
};

struct wsim_batch {
	struct wsim_engine engine;
	bool endless;	 /* `*`: runs until a `T` step; min_us and max_us are 0 */
	uint32_t min_us; /* min_us == max_us unless the duration is a range */
	uint32_t max_us;
	bool wait;
	size_t num_deps;
	struct wsim_dep *deps; /* in the order of the descriptor */
	size_t num_outputs;    /* how many of deps are of which kind */
	size_t num_object_deps;
	size_t num_fences;
	size_t num_submits;
	/* State of the context here, from the steps that stand before this one. */
	size_t map_step;     /* the M step in force, or WSIM_NO_STEP */
	bool balanced;	     /* a B step stands after that M step */
	bool preemptible;    /* false under X.CTX.0 */
	uint32_t preempt_us; /* of the last X step; 0 when there is none, too */
};

struct wsim_bond {
	size_t num_engines;
	struct wsim_engine *engines;
	struct wsim_engine master;
	size_t map_step; /* the M step that it refers to */
};

struct wsim_engine_map {
	size_t num_engines;
	struct wsim_engine *engines; /* as written: a class is one entry */
};

struct wsim_step {
	enum wsim_step_kind kind;
	const char *text; /* the source of the step, owned by the workload */
	uint32_t line;	  /* where it begins, both from 1; columns are bytes */
	uint32_t column;
	uint32_t ctx;	   /* batch and P S X M B b */
	size_t ctx_index;  /* of ctx in wsim_workload.contexts */
	size_t prev_batch; /* nearest batch at or before this step, or WSIM_NO_STEP */
	union {
		struct wsim_batch batch;
		uint32_t us;	 /* DELAY, PERIOD, PREEMPTION */
		uint32_t count;	 /* THROTTLE, QUEUE_DEPTH: 0 = off */
		size_t target;	 /* SYNC, SIGNAL, TERMINATE: absolute step number */
		int64_t value;	 /* PRIORITY, SLICE_MASK */
		size_t map_step; /* LOAD_BALANCE: the M step that it refers to */
		size_t set;	 /* WORKING_SET: index into wsim_workload.sets */
		struct wsim_engine_map map;
		struct wsim_bond bond;
	};
};

/* `count` objects in a row with the same declaration. */
struct wsim_group {
	uint64_t first; /* number of its first object in the set */
	uint32_t count;
	uint64_t min_bytes; /* min_bytes == max_bytes unless the size is random */
	uint64_t max_bytes;
};

struct wsim_set {
	uint32_t id;
	bool shared; /* W: one copy for all clients of the workload */
	size_t step; /* the step that declares it */
	size_t num_groups;
	struct wsim_group *groups;
	uint64_t num_objects;
	uint64_t min_bytes; /* sums over the objects; the same without random sizes */
	uint64_t max_bytes;
};

struct wsim_workload {
	char *name;   /* for people: base name of a file without .wsim, or the built-in's */
	char *source; /* for messages: path, <stdin>, <text> or the built-in's name */
	char *text;   /* what the steps' text points into */
	size_t num_steps;
	struct wsim_step *steps;
	size_t num_sets;
	struct wsim_set *sets; /* in the order of the descriptor */
	size_t num_contexts;
	uint32_t *contexts; /* context numbers in the order of first use */
	size_t num_batches;
	uint64_t num_objects; /* declared by all sets, private ones counted once */
	uint64_t min_bytes;
	uint64_t max_bytes; /* under WSIM_MAX_BYTES */
};

/* Why a descriptor was refused. Owns nothing; filled in whenever a call below fails. */
struct wsim_error {
	char file[256];
	uint32_t line;	    /* from 1; 0 = the trouble is with the file itself */
	uint32_t column;    /* from 1, in bytes */
	size_t step;	    /* number of the step, or WSIM_NO_STEP */
	char text[160];	    /* the offending step, printable, shortened around the column */
	uint32_t caret;	    /* offset in text of the offending column */
	char expected[320]; /* "expected ..., found ..." */
};

/*
 * Parse a descriptor.
 *
 * name is the file name for messages; from_file says that the text is a file, where a comma in
 * a comment line does not split. engines may be NULL: then every instance is taken to exist.
 * Returns 0; -EINVAL with *err filled in; -ENOMEM. *ret_workload is the caller's, to be given
 * to wsim_free().
 */
int wsim_parse(const char *name, const char *text, size_t len, bool from_file,
	       const struct wsim_engine_counts *engines, struct wsim_workload **ret_workload,
	       struct wsim_error *err);

void wsim_free(struct wsim_workload *workload);

/*
 * Load what an argument of the command line names: `-`, a file or pipe, a built-in workload or
 * a text. Returns 0; -EINVAL for a refused text; -ENOMEM; another -errno when a file cannot be
 * read. *err is filled in on every failure.
 */
int wsim_load_argument(const char *arg, const struct wsim_engine_counts *engines,
		       struct wsim_workload **ret_workload, struct wsim_error *err);

/* Print an error over three lines: place and message, the step, a caret below it. */
void wsim_error_print(const struct wsim_error *err, FILE *out);

/* Built-in workloads. */
struct wsim_builtin {
	const char *name;
	const char *description; /* one line, the comment at its top */
	const char *text;
	size_t len;
};

/* All of them, by name; static. */
const struct wsim_builtin *wsim_builtin_list(size_t *ret_count);
/* NULL when there is none of that name. */
const struct wsim_builtin *wsim_builtin_find(const char *name);

/* "RCS" ... "CCS", "DEFAULT". */
const char *wsim_class_name(enum wsim_class class);
/* "VCS2", "VCS", "VCS2-0"; like snprintf(). */
int wsim_engine_format(const struct wsim_engine *engine, char *buf, size_t size);
/* "batch", "delay", "working-set" ... as in the output of --list. */
const char *wsim_step_kind_name(enum wsim_step_kind kind);

/*
 * The engines of the mock on which a batch may run, each with its instance, in the order of the
 * map: one, or several of which any will do. Writes at most max entries and returns how many
 * there are; never 0 for a workload that was parsed with the same counts.
 */
size_t wsim_batch_engines(const struct wsim_workload *workload, const struct wsim_step *step,
			  const struct wsim_engine_counts *engines, struct wsim_engine *ret_engines,
			  size_t max);

/*
 * Target of the throttle `t.count` for a submit of `step`: the step count back, or the nearest
 * batch before it. Returns its number and in *ret_loops how many loops ago it was submitted;
 * WSIM_NO_STEP when count is 0.
 */
size_t wsim_throttle_target(const struct wsim_workload *workload, size_t step, uint32_t count,
			    uint64_t *ret_loops);

/* One buffer of a batch's lock set. */
struct wsim_lock {
	size_t set;	 /* index into wsim_workload.sets; SIZE_MAX = output buffer of `object` */
	uint64_t object; /* object of the set; or the number of the batch whose output it is */
	bool read;
	bool write;
};

/*
 * The buffers that a batch locks, each once, in the order of the descriptor; its own output
 * comes last. The caller frees *ret_locks with free(). Returns 0, -ENOMEM, or
 * -E2BIG above WSIM_MAX_LOCKS.
 */
int wsim_batch_locks(const struct wsim_workload *workload, const struct wsim_step *step,
		     struct wsim_lock **ret_locks, size_t *ret_count);

/* How many distinct buffers a batch locks, its own output not counted. 0 or -ENOMEM. */
int wsim_batch_num_objects(const struct wsim_workload *workload, const struct wsim_step *step,
			   uint64_t *ret_count);

/* A splitmix64 generator: any seed will do. */
struct wsim_rng {
	uint64_t state;
};

uint64_t wsim_rng_next(struct wsim_rng *rng);
/* Uniform in min..max, both included; min <= max. */
uint64_t wsim_rng_range(struct wsim_rng *rng, uint64_t min, uint64_t max);
/* Duration of one run of the batch in us; 0 when it is endless. */
uint32_t wsim_draw_duration(const struct wsim_batch *batch, struct wsim_rng *rng);

/*
 * Size of an object of a set in bytes, random sizes drawn from seed: the same seed gives the
 * same size whatever the order of the calls, so a shared set is "drawn once" by using one seed
 * for all its clients.
 */
uint64_t wsim_object_bytes(const struct wsim_set *set, uint64_t object, uint64_t seed);

#endif
