/* SPDX-License-Identifier: MIT */
#include "tools/submit/list.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "tools/common/cli.h"
#include "tools/wsim/wsim_list.h"

static json_t *build(struct wsim_workload *const *workloads, size_t num)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < num; i++) {
		if (json_array_append_new(list, wsim_list_json(workloads[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:s, s:o}", "schema", "wwresv.submit/1", "workloads", list);
}

static int list_json(struct wsim_workload *const *workloads, size_t num)
{
	json_t *json = build(workloads, num);

	if (json == NULL) {
		cli_error("not enough memory to list the workloads");
		return -ENOMEM;
	}
	(void)json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return 0;
}

int list_workloads(struct wsim_workload *const *workloads, const struct submit_options *options)
{
	size_t i;

	if (options->json)
		return list_json(workloads, options->num_workloads);
	for (i = 0; i < options->num_workloads; i++) {
		if (i > 0)
			putchar('\n');
		wsim_list_print(workloads[i], stdout);
	}
	return 0;
}
