/* SPDX-License-Identifier: MIT */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

/*
 * Why the loader would not put a library before this program, as the end of a sentence that begins
 * with its name; NULL: it would, or there is no telling.  The name is looked up as execvp() does.
 */
const char *program_refuses_preload(const char *name);

#endif /* RUN_PROGRAM_H */
