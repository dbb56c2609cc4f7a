/* SPDX-License-Identifier: MIT */
#ifndef CORE_TRANSPORT_SELF_H
#define CORE_TRANSPORT_SELF_H

#include "drivers/core/core.h"

/*
 * The client is in this process: its addresses and descriptors are ours.  A bad address is -EFAULT,
 * as from a system call, where the system lets a process ask (process_vm_readv); elsewhere it
 * crashes, as any bad address does.
 */
extern const struct core_transport core_transport_self;

#endif /* CORE_TRANSPORT_SELF_H */
