#ifndef SLUICE_CLINUX_SHIM_H
#define SLUICE_CLINUX_SHIM_H

#include <sys/eventfd.h>
#include <sys/prctl.h>

/* A non-blocking eventfd that is closed on exec. Swift's Glibc module lacks eventfd. */
static inline int sluice_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/* Names the calling thread (15 bytes at most); prctl is variadic. */
static inline void sluice_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

#endif
