/* SPDX-License-Identifier: MIT */
/* Must fail in every lane: misuse aborts in release builds too. */
#include <wwresv/class.h>
#include <wwresv/mutex.h>

int main(void)
{
	struct wwr_class class;
	struct wwr_mutex mutex;

	wwr_class_init(&class, "canary", WWR_WOUND_WAIT);
	wwr_mutex_init(&mutex, &class);
	wwr_mutex_unlock(&mutex);
	return 0;
}
