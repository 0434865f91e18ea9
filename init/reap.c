#include "init/reap.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/init.h"
#include "init/program.h"
#include "init/supervise.h"

#define BATCH 4096 /* so that a storm of orphans cannot keep a stop signal waiting */

static uint64_t usec(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000u + (uint64_t)tv->tv_usec;
}

/* True when the pid is listed: its end is on the board now. */
static bool board_post(struct board *board, pid_t pid, int status, const struct rusage *ru)
{
	uint32_t high = board_load(&board->high_water);

	if (high > BOARD_SLOTS)
		high = BOARD_SLOTS;
	for (uint32_t i = 0; i < high; i++) {
		struct board_slot *slot = &board->slot[i];

		/* An ended slot that was not consumed yet may hold a pid that the kernel has given
		 * out anew. */
		if (board_load(&board->pid[i]) != pid || board_load(&slot->ended))
			continue;
		slot->status = status;
		slot->ended_ns = now_ns();
		slot->cpu_us = usec(&ru->ru_utime) + usec(&ru->ru_stime);
		slot->maxrss_kb = (uint64_t)ru->ru_maxrss;
		board_store(&slot->ended, 1);
		return true;
	}
	return false;
}

/* As wait4(2) would give it. */
static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return (info->si_status & 0x7f) | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/*
 * Looks first and reaps after: as long as the zombie is there its pid cannot be given out anew, so
 * a pid whose slot has no end on the board is still the process that it was; the supervisor relies
 * on it when it opens a pidfd.
 */
bool reap_all(struct init *init)
{
	bool wake = false;
	unsigned n;

	for (n = 0; n < BATCH; n++) {
		struct rusage ru;
		siginfo_t info = {.si_pid = 0};
		int status;
		pid_t pid;

		if (syscall(SYS_waitid, P_ALL, 0, &info,
			    WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL, &ru) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		pid = info.si_pid;
		if (pid == 0)
			break;
		if (info.si_code == CLD_STOPPED) {
			waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | __WALL);
			if (pid == init->supervisor)
				supervise_stopped(init);
			else if (pid == init->program_pid)
				program_stopped(init, info.si_status);
			continue;
		}
		status = status_of(&info);
		if (pid != init->supervisor && pid != init->program_pid) {
			if (board_post(init->board, pid, status, &ru))
				wake = true;
			else
				init->board->orphans++;
		}
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | __WALL);
		if (pid == init->program_pid)
			program_reaped(init, status);
		else if (pid == init->supervisor)
			supervise_reaped(init, status);
	}
	if (wake)
		supervise_wake(init);
	return n == BATCH;
}
