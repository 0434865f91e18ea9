#include "init/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/child.h"
#include "init/init.h"
#include "init/note.h"
#include "init/quirk.h"

#define SETUP_DEADLINE_MS 2000
#define PLACE_DEADLINE_MS 300 /* as an early row has */

/*
 * In the set-up child: the files that say where we are, in a child of its own, since one of them
 * may lie on a file system that does not answer. What it finds it writes on the board.
 */
static void find_place(struct init *init)
{
	struct pollfd p = {.events = POLLIN};
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		board_store(&init->board->place,
			    place_detect(init->env.container, init->env.kubernetes));
		_exit(0);
	}
	close(fds[1]);
	p.fd = fds[0];
	/* Its end of the pipe is closed when it ends. */
	if (pid > 0 && poll(&p, 1, PLACE_DEADLINE_MS) != 1)
		kill(pid, SIGKILL);
	else if (pid > 0)
		waitpid(pid, NULL, 0);
	close(fds[0]);
	init->place = board_load(&init->board->place);
}

static void setup_child(struct init *init, bool quirks)
{
	if (!place_is_sure(init->place))
		find_place(init);
	if (quirks)
		quirk_run(init);
}

static void run_child(struct init *init)
{
	/* Not root, or not the init of a container of ours: no quirks, nothing is mounted. */
	bool quirks = geteuid() == 0 && init->is_pid1;
	struct pollfd p;
	pid_t pid;

	if (!quirks && place_is_sure(init->place))
		return;
	pid = child_fork(init);
	if (pid == 0) {
		setup_child(init, quirks);
		_exit(0);
	}
	if (pid < 0) {
		note_add_errno(init, "the set-up could not be started", -pid);
		return;
	}
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	p.events = POLLIN;
	if (p.fd < 0) {
		/* Linux before 5.3 has no pidfd: the deadline is kept by looking now and then. */
		for (int waited = 0; waited < SETUP_DEADLINE_MS; waited++) {
			if (waitpid(pid, NULL, WNOHANG) != 0)
				return;
			poll(NULL, 0, 1);
		}
	} else {
		int r = poll(&p, 1, SETUP_DEADLINE_MS);

		close(p.fd);
		if (r == 1) {
			waitpid(pid, NULL, WNOHANG);
			return;
		}
	}
	/* It must not mount anything over what services have made by then. */
	kill(pid, SIGKILL);
	note_add(init, "the set-up hangs (a mount that does not answer?): booting on without it");
}

void setup_run(struct init *init)
{
	run_child(init);
	init->place = board_load(&init->board->place);
}
