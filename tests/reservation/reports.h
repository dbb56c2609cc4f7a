/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RESERVATION_REPORTS_H
#define TESTS_RESERVATION_REPORTS_H

/* Keeps the library's reports, of any thread, one after the other. */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <wwresv/sys/debug.h>

static struct {
	pthread_mutex_t mutex;
	char text[16384];
	size_t length;
} reports = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static inline void reports_keep(const char *text, void *data)
{
	(void)data;
	pthread_mutex_lock(&reports.mutex);
	if (reports.length + strlen(text) + 2 < sizeof(reports.text))
		reports.length += (size_t)sprintf(reports.text + reports.length, "%s\n", text);
	pthread_mutex_unlock(&reports.mutex);
}

static inline void reports_clear(void)
{
	pthread_mutex_lock(&reports.mutex);
	reports.length = 0;
	reports.text[0] = '\0';
	pthread_mutex_unlock(&reports.mutex);
}

/* How often it stands there. */
static inline unsigned int reports_count(const char *part)
{
	unsigned int num = 0;

	pthread_mutex_lock(&reports.mutex);
	for (const char *at = strstr(reports.text, part); at != NULL; at = strstr(at + 1, part))
		num++;
	pthread_mutex_unlock(&reports.mutex);
	return num;
}

static inline void reports_await(const char *part)
{
	while (reports_count(part) == 0)
		sched_yield();
}

#endif /* TESTS_RESERVATION_REPORTS_H */
