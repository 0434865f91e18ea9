/*
 * notify.h - sd_notify(3)'s protocol, the sender's side, for the helper programs of modules.
 *
 * It never blocks on the supervisor and never fails: nobody listening is fine.
 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
};

/* Takes NOTIFY_SOCKET (a path or "@abstract"). Only messages of the process that the supervisor has
 * started are heard (NotifyAccess=exec). */
void notify_open(struct notify *notify);
/* Sends "STATUS=text", of which line breaks and control characters become blanks. */
void notify_status(const struct notify *notify, const char *text);
/*
 * Waits until all that was sent is taken, at most so long (BARRIER=1 of sd_notify_barrier(3)): who
 * is no process of the service's own may be gone before it is seen whose it was.
 */
void notify_barrier(const struct notify *notify, int timeout_ms);
void notify_close(struct notify *notify);
