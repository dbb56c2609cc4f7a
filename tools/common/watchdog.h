/* SPDX-License-Identifier: MIT */
/* Ends the program when something that has to end does not. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

/* Print the message and exit with CLI_CHECK_FAILED unless disarmed in time.  Uses SIGALRM. */
void watchdog_arm(unsigned int seconds, const char *message);
void watchdog_disarm(void);

#endif
