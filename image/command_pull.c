/*
 * command_pull.c - `hakim pull`: one run, or one process for each node.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "image/hakim.h"
#include "image/pull.h"
#include "image/pull_fetch.h"

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

static bool is_interrupted(void *arg)
{
	return interrupted != 0;
}

static void listen_to_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = interrupt};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaction(numbers[i], &action, NULL);
	/* A write to a reader that is gone is an error of that write. */
	signal(SIGPIPE, SIG_IGN);
}

/* The run of one node; its failure to begin is a failure of all targets. */
static void run_node(const struct options *options, const struct targets *targets, const char *node,
		     bool several, struct pull_counts *counts)
{
	struct report report;
	struct err err = {0};

	report_start(&report, options->json, options->quiet);
	report.node = several ? node : NULL;
	if (pull_run(options, targets, node, &report, is_interrupted, counts, &err) < 0) {
		report_failed(&report, options->output ? options->output : node, &err);
		counts->failed += (unsigned)targets->n;
	}
}

struct worker {
	pid_t pid;
	int fd;
};

static int start_worker(const struct options *options, const struct targets *targets,
			const char *node, struct worker *worker)
{
	int fds[2];

	if (pipe(fds) < 0)
		return -errno;
	fflush(NULL);
	worker->pid = fork();
	if (worker->pid == 0) {
		struct pull_counts counts = {0};

		run_node(options, targets, node, true, &counts);
		fflush(NULL);
		_exit(write(fds[1], &counts, sizeof(counts)) == sizeof(counts) ? 0 : 1);
	}
	close(fds[1]);
	worker->fd = fds[0];
	return worker->pid < 0 ? -errno : 0;
}

static void end_worker(struct worker *worker, const struct targets *targets,
		       struct pull_counts *counts)
{
	struct pull_counts its = {0};
	ssize_t n;

	/* A signal of the terminal reaches the workers, too: they end by themselves. */
	do {
		if (interrupted)
			kill(worker->pid, SIGTERM);
		n = read(worker->fd, &its, sizeof(its));
	} while (n < 0 && errno == EINTR);
	close(worker->fd);
	while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(its))
		its = (struct pull_counts){.failed = (unsigned)targets->n};
	counts->pulled += its.pulled;
	counts->skipped += its.skipped;
	counts->failed += its.failed;
}

static int run_nodes(const struct options *options, const struct targets *targets,
		     struct pull_counts *counts, struct err *err)
{
	_cleanup_free_ struct worker *workers = calloc(options->nodes.n, sizeof(*workers));
	size_t n = 0;
	int r = workers ? 0 : -ENOMEM;

	for (; r == 0 && n < options->nodes.n; n += r == 0)
		r = start_worker(options, targets, options->nodes.v[n], &workers[n]);
	for (size_t i = 0; i < n; i++)
		end_worker(&workers[i], targets, counts);
	return r < 0 ? err_sys(err, r, "cannot start a process for each node") : 0;
}

static int complain(const struct err *err, int status)
{
	return hakim_complain(status, "%s", err->text);
}

int hakim_pull(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	_cleanup_(targets_free) struct targets targets = {0};
	struct pull_counts counts = {0};
	struct report report;
	struct err err = {0};

	if (options_parse(&options, OPTION_PULL, argc, argv, &err) < 0)
		return complain(&err, HAKIM_USAGE);
	if (options.help) {
		puts("Usage: hakim pull [OPTIONS]\n\n"
		     "Pulls OCI images into the templates of Proxmox.\n");
		options_help(stdout, OPTION_PULL);
		return HAKIM_OK;
	}
	if (options.words.n)
		return hakim_complain(HAKIM_USAGE,
				      "pull takes options only: an image is named by --image");
	if (targets_make(&options, &targets, &err) < 0)
		return complain(&err, HAKIM_USAGE);
	if (pull_fetch_token(&options, &err) < 0)
		return complain(&err, HAKIM_FAILED);
	listen_to_signals();
	report_start(&report, options.json, options.quiet);
	for (size_t i = 0; i < options.warnings.n; i++)
		report_warn(&report, "%s", options.warnings.v[i]);
	if (options.nodes.n == 1 || options.output)
		run_node(&options, &targets, options.nodes.v[0], false, &counts);
	else if (run_nodes(&options, &targets, &counts, &err) < 0)
		return complain(&err, HAKIM_FAILED);
	report_done(&report, counts.pulled, counts.skipped, counts.failed);
	return counts.failed ? HAKIM_FAILED : HAKIM_OK;
}
