/* SPDX-License-Identifier: MIT */
#include "tools/bench/rows.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/cli.h"
#include "tools/common/table.h"

#define FIRST_ROOM 64

int bench_rows_add(struct bench_rows *rows, const struct bench_row *row)
{
	if (rows->num == rows->room) {
		const size_t room = rows->room == 0 ? FIRST_ROOM : rows->room * 2;
		struct bench_row *grown = realloc(rows->rows, room * sizeof(*grown));

		if (grown == NULL) {
			cli_error("not enough memory");
			return -ENOMEM;
		}
		rows->rows = grown;
		rows->room = room;
	}
	rows->rows[rows->num++] = *row;
	return 0;
}

void bench_rows_fini(struct bench_rows *rows)
{
	free(rows->rows);
	rows->rows = NULL;
	rows->num = rows->room = 0;
}

int bench_rows_print_text(const struct bench_rows *rows)
{
	static const struct table_column columns[] = {
	    {"SUITE", false}, {"CASE", false},	  {"PEER", false},   {"OURS", true},
	    {"PEER'S", true}, {"UNIT", false},	  {"RATIO", true},   {"BETTER", false},
	    {"CPU", true},    {"REPEATED", true}, {"DROPPED", true}, {NULL, false},
	};
	struct table *table = table_create(columns);

	for (size_t i = 0; i < rows->num; i++) {
		const struct bench_row *row = &rows->rows[i];

		table_add_row(table);
		table_set(table, 0, "%s", row->suite);
		table_set(table, 1, "%s", row->name);
		table_set(table, 2, "%s", row->peer);
		table_set(table, 3, "%.4g", row->ours);
		table_set(table, 4, "%.4g", row->peer_value);
		table_set(table, 5, "%s", row->unit);
		table_set(table, 6, "%.3f", row->ratio);
		table_set(table, 7, "%s", row->higher_is_better ? "higher" : "lower");
		table_set(table, 8, "%.2f", row->cpu);
		table_set(table, 9, "%u", row->repetitions);
		table_set(table, 10, "%u", row->dropped);
	}
	if (table == NULL)
		return -ENOMEM;
	table_finish(table);
	return 0;
}

static json_t *row_to_json(const struct bench_row *row)
{
	return json_pack("{s:s, s:s, s:s, s:f, s:f, s:s, s:f, s:s, s:f, s:i, s:i}", "suite",
			 row->suite, "case", row->name, "peer", row->peer, "ours", row->ours,
			 "peer_value", row->peer_value, "unit", row->unit, "ratio", row->ratio,
			 "better", row->higher_is_better ? "higher" : "lower", "cpu", row->cpu,
			 "repetitions", (int)row->repetitions, "dropped", (int)row->dropped);
}

int bench_rows_print_json(const struct bench_rows *rows)
{
	json_t *list = json_array();
	json_t *root;
	int ret;

	for (size_t i = 0; i < rows->num; i++) {
		if (json_array_append_new(list, row_to_json(&rows->rows[i])) != 0) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	root = json_pack("{s:s, s:o}", "schema", "wwresv.bench/1", "rows", list);
	if (root == NULL)
		return -ENOMEM;
	ret = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	putchar('\n');
	return ret == 0 ? 0 : -ENOMEM;
}
