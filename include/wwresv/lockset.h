/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_LOCKSET_H
#define WWRESV_LOCKSET_H

/* Deadlock-free locking of many buffers: everything of the lockset layer. */
#include <wwresv/acquire_ctx.h>
#include <wwresv/class.h>
#include <wwresv/interrupt.h>
#include <wwresv/lock_set.h>
#include <wwresv/mutex.h>

#endif /* WWRESV_LOCKSET_H */
