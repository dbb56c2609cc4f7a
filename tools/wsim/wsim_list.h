/* SPDX-License-Identifier: MIT */
/* A parsed workload for people and for programs, as --list shows it. */
#ifndef WSIM_LIST_H
#define WSIM_LIST_H

#include "wsim.h"

struct json_t; /* of jansson */

/* One line a step: number, line, kind, what it does, its text. Both print the same content. */
void wsim_list_print(const struct wsim_workload *workload, FILE *out);

/*
 * {name, source, batches, objects, min_bytes, max_bytes, sets: [...], steps: [...]}; a new
 * reference, or NULL when out of memory.
 */
struct json_t *wsim_list_json(const struct wsim_workload *workload);

/*
 * The name of a file as JSON: escaped if it is no valid UTF-8, which JSON needs.  A new reference,
 * or NULL when out of memory.
 */
struct json_t *wsim_name_json(const char *name);

#endif
