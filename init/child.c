#include "init/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/init.h"

int signal_mask_set(const uint64_t *set, uint64_t *old)
{
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, set, old, sizeof(uint64_t));
}

/* The kernel's struct sigaction, only as far as its first member is read. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

uint64_t signal_ignored(void)
{
	uint64_t ignored = 0;

	for (int sig = 1; sig <= 64; sig++) {
		struct kernel_sigaction act = {0};

		if (syscall(SYS_rt_sigaction, sig, NULL, &act, sizeof(uint64_t)) == 0 &&
		    act.handler == (void *)SIG_IGN)
			ignored |= 1ull << (sig - 1);
	}
	return ignored;
}

pid_t child_fork(struct init *init)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	/* We reset SIGCHLD only; an ignored SIGCHLD that we were given is given on. */
	if (init->ignored & 1ull << (SIGCHLD - 1))
		signal(SIGCHLD, SIG_IGN);
	signal_mask_set(&init->kernel_mask, NULL);
	return 0;
}
