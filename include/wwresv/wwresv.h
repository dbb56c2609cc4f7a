/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_WWRESV_H
#define WWRESV_WWRESV_H

#include <wwresv/alloc.h>
#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>
#include <wwresv/fence_pool.h>
#include <wwresv/fence_signaling.h>
#include <wwresv/lockset.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/syncobj.h>
#include <wwresv/version.h>

#endif /* WWRESV_WWRESV_H */
