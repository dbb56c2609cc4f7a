/* SPDX-License-Identifier: MIT */
/* A table on standard output: libsmartcols, cut down to what the reports need. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

struct table;

struct table_column {
	const char *name;
	bool right; /* numbers */
};

/* columns ends with a NULL name.  NULL when out of memory; the other calls take that too. */
struct table *table_create(const struct table_column *columns);

/* A row, empty so far. */
void table_add_row(struct table *table);
/* A cell of the last row. */
void table_set(struct table *table, unsigned int column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Print to standard output and free. */
void table_finish(struct table *table);

#endif
