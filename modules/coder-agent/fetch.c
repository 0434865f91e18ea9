#include "modules/coder-agent/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "modules/coder-agent/backoff.h"
#include "modules/coder-agent/clock.h"
#include "modules/coder-agent/download.h"

/* So long there must be an answer, and it may fail, when there is something else to use. */
#define PATIENCE_MS 3000
#define ANSWER_MS   20000
/* What the last try is given, which begins when the patience ends. */
#define LAST_MS 1000
/* libcurl's timers may run out a little before their time: that is no reason to ask once more. */
#define SLACK_MS 50

/* What the loop remembers from try to try. */
struct tries {
	uint64_t begin_ms;
	struct backoff backoff;
	bool answered;           /* something answered at the last try */
	char rejected[SHA1_HEX]; /* it was downloaded whole, and it is no agent */
	bool baked_bad;          /* its --version was asked */
	bool only_server;        /* what is there could not be used */
};

static int check_file(const char *path, const struct machine *machine, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	unsigned char head[ELF_HEAD];
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (n < 0)
		return err_sys(err, -errno, "%s", path);
	if (access(path, X_OK) < 0)
		return err_sys(err, -errno, "%s", path);
	if (elf_check(head, (size_t)n, machine, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

static bool has_baked(const struct fetch *f, const struct tries *tries)
{
	return f->baked && !tries->baked_bad && check_file(f->baked, f->machine, NULL) == 0;
}

static int use_baked(struct fetch *f, struct tries *tries, char version[RUNNER_VERSION_MAX],
		     struct err *err)
{
	const char *slash = strrchr(f->baked, '/');
	char directory[PATH_MAX];
	int r = runner_version(&f->runner, f->baked, version, err);

	if (r < 0) {
		tries->baked_bad = true;
		return err_prefix(err, "%s", f->baked);
	}
	snprintf(directory, sizeof(directory), "%.*s",
		 slash == f->baked ? 1 : (int)(slash - f->baked), f->baked);
	return store_use_directory(&f->store, directory, err);
}

/* The server does not give it: what was checked before, else what the image has. -ENOENT when there
 * is neither. */
static int fall_back(struct fetch *f, struct tries *tries, const char *reason, struct err *err)
{
	const struct store_entry *entry = store_choose(&f->store);
	const char *who = tries->answered ? "the server answers, but gives no agent"
					  : "the server does not answer";
	char version[RUNNER_VERSION_MAX];
	int r;

	if (entry) {
		struct store_entry chosen = *entry;

		r = store_use(&f->store, chosen.sha1, err);
		if (r == 0)
			progress_say(&f->progress, "%s: using the cached agent %.12s (%s); %s", who,
				     chosen.sha1,
				     chosen.version[0] ? chosen.version : "version unknown",
				     reason);
		return r;
	}
	if (!has_baked(f, tries))
		return err_set(err, -ENOENT, "nothing is cached, and there is no %s", f->baked);
	r = use_baked(f, tries, version, err);
	if (r == 0)
		progress_say(&f->progress,
			     "%s and nothing is cached: using the image's %s (%s), which may not "
			     "fit the server; %s",
			     who, f->baked, version, reason);
	else
		progress_say(&f->progress, "the image's agent cannot be used: %s", err->text);
	return r;
}

/* All bytes are here: the checks that need the whole file, then its --version, then it gets its
 * name. */
static int take_in(struct fetch *f, struct tries *tries, struct partial *partial,
		   char version[RUNNER_VERSION_MAX], struct err *err)
{
	char path[PATH_MAX], sha1[SHA1_HEX];
	int r;

	memcpy(sha1, partial->sha1, sizeof(sha1));
	r = elf_check(partial->head, ELF_HEAD, f->machine, err);
	if (r == 0)
		r = partial_finish(partial, err);
	if (r == -EBADMSG || r == -ENOEXEC) {
		partial_drop(partial);
		return r;
	}
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/%s.partial", f->store.path, sha1);
	progress_show(&f->progress, "checking the agent");
	r = runner_version(&f->runner, path, version, err);
	if (r == -ENOEXEC) {
		memcpy(tries->rejected, sha1, sizeof(sha1));
		partial_drop(partial);
	}
	if (r == 0)
		r = store_publish(&f->store, sha1, version, err);
	if (r == 0)
		r = store_use(&f->store, sha1, err);
	if (r == 0)
		progress_say(&f->progress, "the agent is here: %s (%.12s)", version, sha1);
	return r;
}

/* How long an answer is waited for: where something is there, no longer than the patience lasts. */
static uint64_t answer_ms(const struct tries *tries, bool have)
{
	uint64_t passed = clock_ms() - tries->begin_ms;

	if (!have)
		return ANSWER_MS;
	if (tries->only_server)
		return PATIENCE_MS;
	return passed + LAST_MS < PATIENCE_MS ? PATIENCE_MS - passed : LAST_MS;
}

static int one_try(struct fetch *f, struct tries *tries, struct err *err)
{
	bool have = store_choose(&f->store) || has_baked(f, tries);
	struct partial partial = {.fd = -EBADF};
	char version[RUNNER_VERSION_MAX] = "";
	struct download d = {.http = &f->http,
			     .machine = f->machine,
			     .store = &f->store,
			     .progress = &f->progress,
			     .answer_ms = answer_ms(tries, have),
			     .rejected = tries->rejected,
			     .partial = &partial};
	int r = partial_find(&partial, &f->store, err);

	if (r < 0)
		return r;
	/* We were killed between its last byte and the checks. */
	if (partial_is_whole(&partial)) {
		r = take_in(f, tries, &partial, version, err);
		partial_leave(&partial);
		if (r < 0)
			return r;
		/* What the server has now is another question, and asked with an If-None-Match. */
		partial = (struct partial){.fd = -EBADF};
	}
	if (partial.fd >= 0)
		progress_say(&f->progress, "going on with the download at %.1f MB",
			     (double)partial.size / 1e6);
	r = download_try(&d, err);
	tries->answered = d.answered;
	if (r == 0 && d.unchanged[0]) {
		const struct store_entry *entry = store_find(&f->store, d.unchanged);

		snprintf(version, sizeof(version), "%s", entry ? entry->version : "");
		r = store_use(&f->store, d.unchanged, err);
		if (r == 0)
			progress_say(&f->progress, "the agent is unchanged: %s (%.12s)", version,
				     d.unchanged);
	} else if (r == 0) {
		r = take_in(f, tries, &partial, version, err);
	}
	partial_leave(&partial);
	return r;
}

static uint32_t dice(void)
{
	uint32_t value = 0;

	/* Without it there is no jitter; that is all. */
	(void)!getrandom(&value, sizeof(value), GRND_NONBLOCK);
	return value;
}

static void wait_ms(uint64_t ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000),
				.tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Is it time for what is there? */
static bool patience_is_over(const struct fetch *f, const struct tries *tries)
{
	return (store_choose(&f->store) || has_baked(f, tries)) &&
	       clock_ms() - tries->begin_ms + SLACK_MS >= PATIENCE_MS;
}

static void wait_for_next(struct fetch *f, struct tries *tries, const char *reason)
{
	bool have = store_choose(&f->store) || has_baked(f, tries);
	uint64_t passed = clock_ms() - tries->begin_ms;
	uint64_t delay = backoff_next(&tries->backoff, dice());

	/* The last try is at the end of the patience, not long before it. */
	if (have && passed < PATIENCE_MS && delay > PATIENCE_MS - passed)
		delay = PATIENCE_MS - passed;
	progress_say(&f->progress, "%s: %s; next try in %.1f s", f->shown, reason,
		     (double)delay / 1000);
	wait_ms(delay);
}

/* The cache cannot be written: what `current` names may do all the same. */
static int fetch_read_only(struct fetch *f, struct err *err)
{
	const struct store_entry *entry;

	if (store_scan(&f->store, f->machine, NULL) < 0)
		return err->code;
	entry = store_find(&f->store, f->store.current);
	if (!entry)
		return err->code;
	progress_say(&f->progress, "%s: using the cached agent %.12s (%s)", err->text, entry->sha1,
		     entry->version);
	return 0;
}

int fetch_run(struct fetch *f, struct err *err)
{
	struct tries tries = {.begin_ms = clock_ms()};
	int r = store_lock(&f->store, false, err);

	if (r == -EAGAIN) {
		progress_say(&f->progress, "%s: waiting for it", err->text);
		r = store_lock(&f->store, true, err);
		tries.begin_ms = clock_ms();
	}
	if (r < 0)
		return fetch_read_only(f, err);
	progress_say(&f->progress, "asking %s", f->shown);
	for (;;) {
		struct err why;

		r = store_scan(&f->store, f->machine, err);
		if (r == 0)
			r = one_try(f, &tries, err);
		if (r == 0)
			return 0;
		why = *err;
		if (f->once || patience_is_over(f, &tries)) {
			r = fall_back(f, &tries, why.text, err);
			if (r == 0)
				return 0;
			if (f->once)
				return err_set(err, why.code, "%s: %s", f->shown, why.text);
			tries.only_server = true;
		}
		wait_for_next(f, &tries, why.text);
	}
}
