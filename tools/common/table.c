/* SPDX-License-Identifier: MIT */
#include "tools/common/table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
	struct libscols_table *scols;
	struct libscols_line *row; /* borrowed */
};

struct table *table_create(const struct table_column *columns)
{
	struct table *table = calloc(1, sizeof(*table));
	unsigned int i;

	if (table == NULL)
		return NULL;
	scols_init_debug(0);
	table->scols = scols_new_table();
	if (table->scols == NULL) {
		free(table);
		return NULL;
	}
	(void)scols_table_set_stream(table->scols, stdout);
	(void)scols_table_set_column_separator(table->scols, "  ");
	for (i = 0; columns[i].name != NULL; i++)
		(void)scols_table_new_column(table->scols, columns[i].name, 0,
					     columns[i].right ? SCOLS_FL_RIGHT : 0);
	return table;
}

void table_add_row(struct table *table)
{
	if (table != NULL)
		table->row = scols_table_new_line(table->scols, NULL);
}

void table_set(struct table *table, unsigned int column, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	if (table == NULL || table->row == NULL)
		return;
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	if (scols_line_refer_data(table->row, column, text) != 0)
		free(text);
}

void table_finish(struct table *table)
{
	if (table == NULL)
		return;
	(void)scols_print_table(table->scols);
	scols_unref_table(table->scols);
	free(table);
}
