/* SPDX-License-Identifier: MIT */
/*
 * Signalling sections.  Invariant: a thread's count of sections in the lock layer's record is that
 * of its checked sections, so that the lock layer and the allocator have one number to look at.
 */
#include <wwresv/fence_signaling.h>

#include "lockset/usage.h"
#include "reservation/fence_core.h"
#include "reservation/fence_thread.h"
#include "reservation/report.h"

#include <stdio.h>

#define WHERE_BYTES (FENCE_TEXT_BYTES + 80)

static void describe(const char *what, const struct wwr_fence *fence, char *ret_text,
		     size_t size_bytes)
{
	char text[FENCE_TEXT_BYTES];

	if (fence == NULL) {
		snprintf(ret_text, size_bytes, "%s", what);
		return;
	}
	(void)wwr_fence_describe(fence, text, sizeof(text));
	snprintf(ret_text, size_bytes, "%s of fence %p (%s)", what, (const void *)fence, text);
}

/* Where the thread is; false = that was reported already. */
static bool describe_place(struct wwr_fence_signaling *section, char *ret_text, size_t size_bytes)
{
	char what[64] = "a callback";

	while (!section->checked)
		section = section->outer;
	if (section->name != NULL)
		snprintf(what, sizeof(what), "signalling section \"%s\"", section->name);
	describe(what, section->fence, ret_text, size_bytes);
	if (section->reported)
		return false;
	section->reported = true;
	return true;
}

static void report_violation(const char *what)
{
	struct wwr_thread *thread = thread_self();
	uint32_t num_sections = thread->num_sections;
	char where[WHERE_BYTES];

	/* What the report does is no violation. */
	thread->num_sections = 0;
	if (describe_place(fence_thread_self()->section, where, sizeof(where)))
		reservation_report("%s %s", where, what);
	thread->num_sections = num_sections;
}

static void report_section(const char *what, const void *object)
{
	char text[80];

	if (object != NULL)
		snprintf(text, sizeof(text), "%s %p", what, object);
	else
		snprintf(text, sizeof(text), "%s", what);
	report_violation(text);
}

void fence_signaling_check_wait(const struct wwr_fence *fence)
{
	char text[WHERE_BYTES];

	if (thread_self()->num_sections == 0)
		return;
	describe("waits for the signal", fence, text, sizeof(text));
	report_violation(text);
}

void wwr_fence_begin_signaling(struct wwr_fence_signaling *section, const struct wwr_fence *fence,
			       const char *name)
{
	struct fence_thread *self = fence_thread_self();

	section->outer = self->section;
	section->fence = fence;
	section->name = name;
	section->checked = reservation_check_is_on(WWR_DEBUG_SECTIONS);
	section->reported = false;
	self->section = section;
	if (section->checked) {
		thread_set_section_func(report_section);
		thread_self()->num_sections++;
	}
}

void wwr_fence_end_signaling(struct wwr_fence_signaling *section)
{
	struct fence_thread *self = fence_thread_self();

	WWR_USAGE(self->section == section,
		  "wwr_fence_end_signaling: section %p is not the innermost one of this thread",
		  (void *)section);
	self->section = section->outer;
	if (section->checked)
		thread_self()->num_sections--;
}
