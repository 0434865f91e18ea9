#include "init/setup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/child.h"
#include "init/init.h"
#include "init/note.h"
#include "init/quirk.h"

#define SETUP_DEADLINE_MS 2000

void setup_run(struct init *init)
{
	struct pollfd p;
	pid_t pid;

	/* Not root, or not the init of a container of ours: no quirks, nothing is mounted. */
	if (geteuid() != 0 || !init->is_pid1)
		return;
	pid = child_fork(init);
	if (pid == 0) {
		quirk_run(init);
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
