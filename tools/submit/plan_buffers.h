/* SPDX-License-Identifier: MIT */
/* The buffers of a run; a part of plan_build(). */
#ifndef PLAN_BUFFERS_H
#define PLAN_BUFFERS_H

#include "tools/submit/plan.h"

/* Give every client its numbers and every slot its buffer.  0, or -E2BIG after a message. */
int plan_buffers_number(struct plan *plan, uint32_t clients_each);

/*
 * Is there room for the buffers and for the check of the result?  0, or after a message -E2BIG: not
 * on any machine, -ENOMEM: not on this one.
 */
int plan_buffers_fit(const struct plan *plan, uint32_t clients_each, bool touch_full);

/* Make them.  0, or -ENOMEM after a message. */
int plan_buffers_create(struct plan *plan, uint32_t clients_each);

#endif
