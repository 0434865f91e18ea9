#include "init/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "init/child.h"
#include "init/program.h"

/* The program gets a process group of its own and the terminal, if there is one. */
static void plain_child(const struct options *options, const uint64_t *mask, uint64_t ignored)
{
	uint64_t ttou = 1ull << (SIGTTOU - 1);
	const char *name = options->command[0];
	int error;

	if (options->setsid) {
		setsid();
	} else {
		setpgid(0, 0);
		signal_mask_set(&ttou, NULL);
		if (isatty(0))
			tcsetpgrp(0, getpid());
	}
	if (ignored & 1ull << (SIGCHLD - 1))
		signal(SIGCHLD, SIG_IGN);
	signal_mask_set(mask, NULL);
	execvp(name, options->command);
	error = errno;
	if (write(2, "hakim-init: ", 12) < 0 || write(2, name, strlen(name)) < 0 ||
	    write(2, error == ENOENT ? ": command not found\n" : ": cannot be executed\n",
		  error == ENOENT ? 20 : 21) < 0)
		_exit(126);
	_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

int plain_main(const struct options *options)
{
	uint64_t all = ~0ull;
	uint64_t mask = 0;
	uint64_t ignored = signal_ignored();
	int status = 0;
	pid_t child;

	if (getpid() != 1 || options->subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	signal_mask_set(&all, &mask);
	signal(SIGCHLD, SIG_DFL);
	child = fork();
	if (child == 0)
		plain_child(options, &mask, ignored);
	if (child < 0)
		return 126;
	for (;;) {
		siginfo_t info = {0};
		int sig = (int)syscall(SYS_rt_sigtimedwait, &all, &info, NULL, sizeof(all));

		if (sig < 0)
			continue;
		if (sig != SIGCHLD) {
			/* SIGTSTP of a terminal would stop us, who could not be continued. */
			if (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU) {
				/* Before the child has its group there is only itself. */
				if (kill(options->group ? -child : child, sig) < 0 &&
				    errno == ESRCH)
					kill(child, sig);
			}
			continue;
		}
		for (;;) {
			int one = 0;
			pid_t pid = waitpid(-1, &one, WNOHANG | __WALL);

			if (pid <= 0)
				break;
			if (pid == child) {
				status = one;
				child = 0;
			}
		}
		if (child == 0)
			return program_exit_code(status);
	}
}
