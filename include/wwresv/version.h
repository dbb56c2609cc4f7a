/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_VERSION_H
#define WWRESV_VERSION_H

/** Version of these headers, as in the project's release. */
#define WWR_VERSION_MAJOR 0
#define WWR_VERSION_MINOR 1
#define WWR_VERSION_PATCH 0
#define WWR_VERSION	  "0.1.0"

#endif /* WWRESV_VERSION_H */
