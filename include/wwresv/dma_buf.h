/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_DMA_BUF_H
#define WWRESV_DMA_BUF_H

#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_bo;
struct wwr_class;
struct wwr_interrupt_token;

/*
 * A dma-buf: a buffer as a file descriptor, with its memory and its reservation.
 *
 * It is a memfd: mmap(), lseek(fd, 0, SEEK_END) for the size, dup(), fork() and sockets work as
 * they do there.  This process finds the buffer again whatever number the descriptor has.  poll()
 * does not work, a memfd is always ready: see wwr_dma_buf_poll().
 *
 * The library holds a descriptor of its own until all others are closed and no mapping is left.
 */

/* What a call is about; the values are those of the kernel's DMA_BUF_SYNC_x. */
#define WWR_DMA_BUF_READ  (1u << 0)
#define WWR_DMA_BUF_WRITE (1u << 1)
#define WWR_DMA_BUF_RW	  (WWR_DMA_BUF_READ | WWR_DMA_BUF_WRITE)
#define WWR_DMA_BUF_END	  (1u << 2)

/** Bytes of a dma-buf's name, with the terminator. */
#define WWR_DMA_BUF_NAME_BYTES 32

/**
 * Make a dma-buf with memory of its own, filled with zeros.
 *
 * @param size_bytes rounded up to pages; it never changes
 * @param lock_class of its reservation; NULL = wwr_default_class()
 * @param ret_fd     the caller's, for close(); it is closed at exec
 * @retval 0           made
 * @retval -EINVAL     @p size_bytes is 0, or too large for a file
 * @retval -ENOMEM     no memory
 * @retval -EMFILE     no descriptor is free; three are needed for a moment
 * @retval -ENFILE     the system has no more files
 * @retval -EOPNOTSUPP /proc is missing
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DMA_HEAP_IOCTL_ALLOC
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_create(uint64_t size_bytes, struct wwr_class *lock_class,
					      int *ret_fd);

/**
 * Make a dma-buf of a buffer; of one that was exported before, another descriptor of the same.
 *
 * The driver's own use of the memory, mappings too, must go through the descriptor that
 * memfd_create() gave it; otherwise the library cannot see when the last other one is closed, and
 * keeps its reference.
 *
 * @param bo        the dma-buf takes a reference
 * @param memory_fd the memfd with the buffer's memory, borrowed; nobody may change its size
 * @param ret_fd    the caller's, for close(); it is closed at exec
 * @retval 0       made
 * @retval -EBADF  @p memory_fd is not open
 * @retval -EINVAL it is not a memfd, smaller than the buffer, or the memory of another buffer
 * @retval other   as wwr_dma_buf_create()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * dma_buf_export(), dma_buf_fd()
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_export(struct wwr_bo *bo, int memory_fd, int *ret_fd);

/**
 * The buffer of a dma-buf.
 *
 * @param fd     borrowed
 * @param ret_bo a reference
 * @retval 0       found
 * @retval -EBADF  @p fd is not open
 * @retval -EINVAL @p fd is not a dma-buf of this process
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * dma_buf_get()
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_get_bo(int fd, struct wwr_bo **ret_bo);

/**
 * Give a dma-buf a name, for people who look at it; it replaces the one before.
 *
 * @param fd   borrowed
 * @param name copied; shorter than WWR_DMA_BUF_NAME_BYTES
 * @retval 0       named
 * @retval -EINVAL @p name is too long
 * @retval other   as wwr_dma_buf_get_bo()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DMA_BUF_SET_NAME
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_set_name(int fd, const char *name);

/**
 * The name of a dma-buf; "" = it has none.
 *
 * @param fd       borrowed
 * @param ret_name written with its terminator, and zeros behind it
 * @retval 0     written
 * @retval other as wwr_dma_buf_get_bo()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * the name in /proc/PID/fdinfo/FD
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_get_name(int fd, char ret_name[WWR_DMA_BUF_NAME_BYTES]);

/**
 * Begin or end the processor's access to the memory.  The beginning waits for the fences that an
 * access of this kind waits for; the end does nothing.
 *
 * @param fd          borrowed
 * @param flags       WWR_DMA_BUF_READ, WWR_DMA_BUF_WRITE or both; with WWR_DMA_BUF_END: the end
 * @param token       ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits for
 *                    ever
 * @retval 0       done
 * @retval -EINVAL other flags, or none of the first two
 * @retval -ETIME  @p deadline_ns passed first
 * @retval -EINTR  the token was interrupted, or a signal handler ran during a sleep with a token
 * @retval other   as wwr_dma_buf_get_bo(), wwr_resv_wait_until()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DMA_BUF_IOCTL_SYNC
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_sync(int fd, uint64_t flags,
					    struct wwr_interrupt_token *token, int64_t deadline_ns);

/**
 * Make a sync_file of the fences that an access has to wait for now.  Later ones do not change it.
 *
 * @param fd     borrowed
 * @param flags  WWR_DMA_BUF_READ: the fences of writers; WWR_DMA_BUF_WRITE or both: those of
 *               readers, too; never those of bookkeeping.  There is none: one that has signalled
 * @param ret_fd the caller's, for close()
 * @retval 0       made
 * @retval -EINVAL other flags, or none
 * @retval other   as wwr_dma_buf_get_bo(), wwr_sync_file_create()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DMA_BUF_IOCTL_EXPORT_SYNC_FILE
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_export_sync_file(int fd, uint32_t flags, int *ret_fd);

/**
 * Add the fences of a sync_file to the reservation: as those of a writer with WWR_DMA_BUF_WRITE,
 * else of a reader.
 *
 * Locks the reservation.  Usage error: the calling thread holds it, or another lock of its class.
 *
 * @param fd      borrowed
 * @param flags   WWR_DMA_BUF_READ, WWR_DMA_BUF_WRITE or both
 * @param sync_fd borrowed
 * @retval 0       added
 * @retval -EINVAL other flags, or none; @p sync_fd is not a sync_file
 * @retval other   as wwr_dma_buf_get_bo(), wwr_sync_file_get_fence(), wwr_resv_reserve_fences()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DMA_BUF_IOCTL_IMPORT_SYNC_FILE
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_import_sync_file(int fd, uint32_t flags, int sync_fd);

/**
 * Make a sync_file that polls readable as soon as poll() of a dma-buf would return.
 *
 * @param fd     borrowed
 * @param events POLLIN: no writer is pending; POLLOUT: no reader or writer is.  Both: the first of
 *               them, which is POLLIN
 * @param ret_fd the caller's, for close().  It shows the fences that are there now
 * @retval 0       made
 * @retval -EINVAL other events, or none
 * @retval other   as wwr_dma_buf_export_sync_file()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * poll() of a dma-buf
 */
WWR_API WWR_MUST_CHECK int wwr_dma_buf_poll(int fd, short events, int *ret_fd);

/**
 * Give back what belongs to dma-bufs that are closed and unmapped everywhere.
 *
 * The library does so by itself now and then, when dma-bufs are made; nobody needs to call this.
 *
 * @return how many there were
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * none; close()
 */
WWR_API unsigned int wwr_dma_buf_collect(void);

WWR_END_DECLS

#endif /* WWRESV_DMA_BUF_H */
