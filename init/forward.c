#include "init/forward.h"

#include <errno.h>
#include <signal.h>

#include "init/exit_code.h"

#define DUMB_INIT_CANNOT_RUN 2
#define TINI_CANNOT_RUN      1

static bool stops(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

int forward_as(const struct plain_options *how, int sig)
{
	if (how->like == LIKE_DUMB_INIT) {
		int other = sig < (int)sizeof(how->rewrite) ? how->rewrite[sig] : 0;

		return other < 0 ? 0 : other ? other : sig;
	}
	/* They tell whoever reads or writes a terminal in the background: that is us, not it. */
	return sig == SIGTTIN || sig == SIGTTOU ? 0 : sig;
}

bool forward_suspends(const struct plain_options *how, int sig)
{
	return how->like == LIKE_DUMB_INIT && stops(sig);
}

int forward_exit_code(const struct plain_options *how, int status)
{
	int code = exit_code_of(status) & 255;

	return how->zero[code / 32] & 1u << (code % 32) ? 0 : code;
}

int forward_exec_code(const struct plain_options *how, int error)
{
	if (how->like == LIKE_DUMB_INIT)
		return DUMB_INIT_CANNOT_RUN;
	if (error == ENOENT || (error == ENOTDIR && how->like == LIKE_HAKIM))
		return EXIT_NOT_FOUND;
	return error == EACCES || how->like == LIKE_HAKIM ? EXIT_CANNOT_RUN : TINI_CANNOT_RUN;
}
