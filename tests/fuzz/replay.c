/*
 * replay.c - runs each target over its corpus, without libFuzzer: what was found once stays
 * mended. `PROGRAM TARGET FILE…` runs one over these files.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/fuzz/fuzz.h"

#define CORPUS   "tests/fuzz/corpus"
#define FILE_MAX (1 << 20)
#define SECONDS  10 /* of one file; libFuzzer's -timeout, too */

static char current[PATH_MAX];

/* Which file it was. abort() comes here, too; the sanitizers have their own report before. */
static void died(int sig)
{
	static const char by[] = ": the target died\n";

	if (write(STDERR_FILENO, current, strlen(current)) > 0 &&
	    write(STDERR_FILENO, by, sizeof(by) - 1) > 0)
		_exit(1);
	_exit(2);
}

static bool run_file(const struct fuzz_target *target, const char *path)
{
	static uint8_t bytes[FILE_MAX];
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	snprintf(current, sizeof(current), "%s", path);
	alarm(SECONDS);
	fuzz_run(target, bytes, len);
	alarm(0);
	return true;
}

/* How many files; a target without any is a mistake. */
static unsigned run_corpus(const struct fuzz_target *target)
{
	char path[PATH_MAX];
	struct dirent **names = NULL;
	unsigned done = 0;
	int n;

	snprintf(path, sizeof(path), CORPUS "/%s", target->name);
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), CORPUS "/%s/%s", target->name,
				 names[i]->d_name);
			done += run_file(target, path);
		}
		free(names[i]);
	}
	free(names);
	if (!done)
		fprintf(stderr, CORPUS "/%s: there is no input\n", target->name);
	return done;
}

int main(int argc, char **argv)
{
	static const int signals[] = {SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	unsigned targets = 0, files = 0;
	bool ok = true;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], died);
	for (const struct fuzz_target *t = fuzz_targets; t; t = t->next) {
		unsigned n = 0;

		if (argc > 1 && strcmp(argv[1], t->name) != 0)
			continue;
		for (int i = 2; i < argc; i++)
			n += run_file(t, argv[i]);
		if (argc <= 2)
			n = run_corpus(t);
		ok = ok && n > 0;
		targets++;
		files += n;
	}
	printf("%u targets over %u inputs of " CORPUS "\n", targets, files);
	return ok && targets ? 0 : 1;
}
