#include "init/quirk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/format.h"
#include "init/init.h"
#include "init/note.h"
#include "init/quirk_file.h"
#include "init/quirk_json.h"

#define FILE_PATH  "/run/hakim/quirks.json"
#define WORKERS    2          /* at work at a time; those that hang do not count */
#define PATIENCE   2000000ull /* ns; who takes longer gets another beside it */
#define NS_PER_MS  1000000ull
#define LATE_ALARM 30 /* s; the late child itself writes a file, and /run may hang, too */

static uint64_t bit(unsigned i)
{
	return 1ull << i;
}

/* What is switched off, and what this place does not need, is over before it begins. */
static void sort_out(struct quirk_sheet *sheet, const char *off)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		const struct quirk *q = &quirk_table[i];
		struct quirk_entry *e = &sheet->entries[i];

		if (quirk_row_is_off(q, off))
			e->outcome = quirk_say(&e->result, QUIRK_OFF,
					       "switched off by HAKIM_QUIRKS=-%s", q->name);
		else if (!(q->places & bit(sheet->world.place)))
			e->outcome = quirk_say(&e->result, QUIRK_NOT_APPLICABLE,
					       "not asked in this place (%s)",
					       place_name(sheet->world.place));
		else
			continue;
		e->state = ENTRY_DONE;
	}
}

/* ---- in a worker ---- */

static bool is_ready(struct quirk_sheet *sheet, unsigned i, enum quirk_when when)
{
	if (quirk_table[i].when != when ||
	    __atomic_load_n(&sheet->entries[i].state, __ATOMIC_ACQUIRE) != ENTRY_WAITING)
		return false;
	for (unsigned k = 0; k < QUIRK_IDS; k++)
		if (quirk_table[i].needs & bit(k) &&
		    __atomic_load_n(&sheet->entries[k].state, __ATOMIC_ACQUIRE) < ENTRY_DONE)
			return false;
	return true;
}

static bool turn(struct quirk_entry *e, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&e->state, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* One that would hang for the same reason is over at once: the boot waits for one deadline. */
static bool pass_over(struct quirk_sheet *sheet, unsigned i)
{
	struct quirk_entry *e = &sheet->entries[i];

	for (unsigned k = 0; k < QUIRK_IDS; k++) {
		const struct quirk_entry *other = &sheet->entries[k];

		/* It is over: is_ready() has seen it. */
		if (!(quirk_table[i].hangs_with & bit(k)) || other->outcome != QUIRK_FAILED ||
		    other->result.error != ETIMEDOUT)
			continue;
		if (!turn(e, ENTRY_CLAIMED, ENTRY_STORING))
			return true;
		e->result.error = ETIMEDOUT;
		e->outcome = quirk_say(&e->result, QUIRK_FAILED,
				       "not asked, since `%s` did not answer: booted on without it",
				       quirk_table[k].name);
		__atomic_store_n(&e->state, ENTRY_DONE, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

static int claim(struct quirk_sheet *sheet, enum quirk_when when, int tell_fd)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		struct quirk_entry *e = &sheet->entries[i];

		if (!is_ready(sheet, i, when) || !turn(e, ENTRY_WAITING, ENTRY_CLAIMED))
			continue;
		e->worker = getpid();
		if (pass_over(sheet, i)) {
			if (write(tell_fd, "", 1) < 0)
				return -1;
			/* What needs this one is ready now, and may stand above. */
			i = UINT_MAX;
			continue;
		}
		e->began_ns = now_ns();
		__atomic_store_n(&e->state, ENTRY_RUNNING, __ATOMIC_RELEASE);
		return (int)i;
	}
	return -1;
}

static void work(struct quirk_sheet *sheet, enum quirk_when when, int tell_fd)
{
	int i;

	while ((i = claim(sheet, when, tell_fd)) >= 0) {
		struct quirk_entry *e = &sheet->entries[i];
		struct quirk_result result = {.error = 0};
		enum quirk_outcome outcome = quirk_table[i].apply(&sheet->world, &result);

		/* It took too long, and was given up meanwhile. */
		if (!turn(e, ENTRY_RUNNING, ENTRY_STORING))
			break;
		e->result = result;
		e->outcome = outcome;
		e->took_us = (uint32_t)((now_ns() - e->began_ns) / 1000);
		__atomic_store_n(&e->state, ENTRY_DONE, __ATOMIC_RELEASE);
		if (tell_fd >= 0 && write(tell_fd, "", 1) < 0)
			break;
		if (quirk_table[i].taints)
			break;
	}
}

/* ---- in the set-up child, which never waits for a worker ---- */

static void hire(struct quirk_sheet *sheet, enum quirk_when when, int tell_fd)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid > 0)
		return;
	if (pid == 0) {
		/* Nobody is left behind when we go, and at the latest then. */
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() == parent)
			work(sheet, when, tell_fd);
		_exit(0);
	}
	/* No more processes: then one after another, at the risk of a hang; PID 1 has a deadline.
	 */
	work(sheet, when, tell_fd);
}

static void give_up(struct quirk_sheet *sheet, unsigned i, int error, uint64_t now)
{
	struct quirk_entry *e = &sheet->entries[i];

	if (!turn(e, ENTRY_RUNNING, ENTRY_STORING))
		return;
	kill(e->worker, SIGKILL);
	e->result.error = error;
	e->result.advice[0] = '\0';
	e->outcome = quirk_say(&e->result, QUIRK_FAILED,
			       error == ETIMEDOUT
				       ? "it did not answer within %u ms (a mount that hangs?): "
					 "booted on without it"
				       : "its process ended within %u ms without an answer",
			       quirk_table[i].deadline_ms);
	e->took_us = (uint32_t)((now - e->began_ns) / 1000);
	__atomic_store_n(&e->state, ENTRY_DONE, __ATOMIC_RELEASE);
}

/* A worker that was killed or crashed leaves a row that nobody works on. */
static void bury(struct quirk_sheet *sheet)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (unsigned i = 0; i < QUIRK_IDS; i++) {
			struct quirk_entry *e = &sheet->entries[i];

			if (e->worker != pid)
				continue;
			if (!turn(e, ENTRY_CLAIMED, ENTRY_RUNNING))
				turn(e, ENTRY_STORING, ENTRY_RUNNING);
			give_up(sheet, i, ECHILD, now_ns());
		}
}

struct survey {
	unsigned left, ready, busy;
	uint64_t look_again_ns;
};

static void look(struct quirk_sheet *sheet, enum quirk_when when, struct survey *s)
{
	uint64_t now = now_ns();

	*s = (struct survey){.look_again_ns = now + 1000 * NS_PER_MS};
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		struct quirk_entry *e = &sheet->entries[i];
		uint32_t state = __atomic_load_n(&e->state, __ATOMIC_ACQUIRE);
		uint64_t by = e->began_ns + quirk_table[i].deadline_ms * NS_PER_MS;

		if (quirk_table[i].when != when)
			continue;
		if (state == ENTRY_RUNNING && now >= by) {
			give_up(sheet, i, ETIMEDOUT, now);
			continue;
		}
		if (state >= ENTRY_DONE)
			continue;
		s->left++;
		s->ready += is_ready(sheet, i, when);
		if (state != ENTRY_RUNNING) {
			s->busy += state == ENTRY_CLAIMED || state == ENTRY_STORING;
			continue;
		}
		if (now < e->began_ns + PATIENCE) {
			s->busy++;
			by = e->began_ns + PATIENCE;
		}
		if (by < s->look_again_ns)
			s->look_again_ns = by;
	}
}

/* Runs all rows of one kind; those that hang have failed when it returns. */
static uint32_t run_rows(struct quirk_sheet *sheet, enum quirk_when when)
{
	uint64_t began = now_ns();
	int fds[2];

	/* Without one it is looked each millisecond. */
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		fds[0] = fds[1] = -1;
	for (;;) {
		struct pollfd p = {.fd = fds[0], .events = POLLIN};
		char told[QUIRK_IDS];
		struct survey s;
		uint64_t now;

		bury(sheet);
		look(sheet, when, &s);
		if (!s.left)
			break;
		while (s.ready && s.busy < WORKERS) {
			hire(sheet, when, fds[1]);
			s.ready--;
			s.busy++;
		}
		now = now_ns();
		poll(&p, 1,
		     fds[0] >= 0 && s.look_again_ns > now
			     ? (int)((s.look_again_ns - now) / NS_PER_MS) + 1
			     : 1);
		while (read(fds[0], told, sizeof(told)) > 0)
			;
	}
	if (fds[0] >= 0) {
		close(fds[0]);
		close(fds[1]);
	}
	return (uint32_t)((now_ns() - began) / 1000);
}

static void write_sheet(struct quirk_sheet *sheet)
{
	size_t len = quirk_json(sheet);

	mkdir("/run/hakim", 0755);
	file_replace("", FILE_PATH, sheet->json, len, 0644);
}

static void run_slow(struct quirk_sheet *sheet)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		struct quirk_entry *e = &sheet->entries[i];

		if (!quirk_table[i].slow || e->outcome != QUIRK_REMEDIED)
			continue;
		e->outcome = quirk_table[i].slow(&sheet->world, &e->result);
		write_sheet(sheet);
	}
}

/* The admin sees at once what went wrong; what the host must do is in the file. */
static void tell(struct init *init, const struct quirk_sheet *sheet)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		const struct quirk_entry *e = &sheet->entries[i];
		char text[192];

		if (quirk_table[i].when != QUIRK_EARLY || e->outcome != QUIRK_FAILED)
			continue;
		if (i == QUIRK_ID_HOME && e->result.error == ETIMEDOUT && init->board)
			board_or(&init->board->request, REQUEST_NO_HOME);
		format_text(text, sizeof(text), "set-up, %s: %s", quirk_table[i].name,
			    e->result.text);
		note_add(init, text);
	}
}

/* The container's own, which PID 1 has and a shell may not. */
static const char *of_pid_1(const char *environment, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = environment; at < environment + len; at += strlen(at) + 1)
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			return at + n + 1;
	return NULL;
}

/* What is not asked now is as if it were over, and is not shown. */
static void leave_out(struct quirk_sheet *sheet, bool fix)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		enum quirk_again again = quirk_table[i].again;

		if (again == QUIRK_ASK || (fix && again == QUIRK_FIX))
			continue;
		sheet->entries[i].outcome = QUIRK_NONE;
		sheet->entries[i].state = ENTRY_DONE;
	}
}

int quirk_main(bool fix)
{
	struct quirk_sheet *sheet = mmap(NULL, sizeof(*sheet), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static char environment[65536];
	const char *user;
	ssize_t len;

	len = file_read("", "/proc/1/environ", environment, sizeof(environment));
	if (sheet == MAP_FAILED || geteuid() != 0 || len < 0) {
		console_text(2, "hakim-init: --quirks needs root, and /proc\n");
		return 1;
	}
	user = of_pid_1(environment, (size_t)len, "CODER_USER");
	sheet->world = (struct quirk_world){
		.root = "",
		.place = place_detect(
			of_pid_1(environment, (size_t)len, "container"),
			of_pid_1(environment, (size_t)len, "KUBERNETES_SERVICE_HOST") != NULL),
		.facts = {.memory_max = -1},
		.user = user && *user ? user : "coder",
	};
	sheet->world.facts.kind = place_name(sheet->world.place);
	umask(0);
	sort_out(sheet, of_pid_1(environment, (size_t)len, "HAKIM_QUIRKS"));
	leave_out(sheet, fix);
	sheet->early_us = run_rows(sheet, QUIRK_EARLY);
	sheet->late_us = run_rows(sheet, QUIRK_LATE);
	for (unsigned i = 0; fix && i < QUIRK_IDS; i++)
		if (quirk_table[i].slow && sheet->entries[i].outcome == QUIRK_REMEDIED)
			sheet->entries[i].outcome =
				quirk_table[i].slow(&sheet->world, &sheet->entries[i].result);
	sheet->complete = true;
	quirk_json(sheet);
	console_text(1, sheet->json);
	return 0;
}

void quirk_run(struct init *init)
{
	struct quirk_sheet *sheet = mmap(NULL, sizeof(*sheet), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (sheet == MAP_FAILED) {
		note_add_errno(init, "the set-up was left out, there is no memory", errno);
		return;
	}
	umask(0);
	sheet->world = (struct quirk_world){
		.root = "",
		.place = init->place,
		.facts = {.kind = place_name(init->place), .memory_max = -1},
		.user = init->env.user && *init->env.user ? init->env.user : "coder",
		.defaults = init->env.defaults,
		.nofile_soft = init->nofile_found,
		.nofile_hard = init->nofile.rlim_max,
	};
	sort_out(sheet, init->env.quirks);
	sheet->early_us = run_rows(sheet, QUIRK_EARLY);
	tell(init, sheet);
	/* PID 1 waits for us, and reaps the one that goes on. */
	if (fork() != 0)
		return;
	prctl(PR_SET_NAME, "hakim-quirks", 0, 0, 0);
	alarm(LATE_ALARM);
	write_sheet(sheet);
	sheet->late_us = run_rows(sheet, QUIRK_LATE);
	sheet->complete = true;
	write_sheet(sheet);
	alarm(0);
	run_slow(sheet);
}
