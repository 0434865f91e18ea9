/*
 * cleanup.h - what goes out of scope cleans up after itself (lxc's memory_utils.h and bubblewrap
 *showed how).
 *
 *	_cleanup_free_ char *text = strdup(…);
 *	_cleanup_close_ int fd = open(…);        starts at -EBADF when it is opened later
 *	return steal_fd(&fd);                    hands it to the caller
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_(fn)      __attribute__((cleanup(fn)))
#define _cleanup_free_     _cleanup_(cleanup_free)
#define _cleanup_close_    _cleanup_(cleanup_close)
#define _cleanup_fclose_   _cleanup_(cleanup_fclose)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -EBADF;
	return taken;
}

#define steal_ptr(p)                            \
	__extension__({                         \
		__typeof__(*(p)) taken_ = *(p); \
		*(p) = NULL;                    \
		taken_;                         \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
