#include "image/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "image/clock.h"
#include "image/text.h"

#define POLL_FIRST_MS 200
#define POLL_MAX_MS   2000
#define LOG_AT_ONCE   "500"

int upid_parse(const char *text, struct upid *upid, struct err *err)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	char quoted[80];
	const char *c = text;
	const char *fields[9];
	size_t lens[9];
	unsigned n = 0;

	*upid = (struct upid){0};
	for (; n < 9; n++) {
		fields[n] = c;
		lens[n] = strcspn(c, ":");
		for (size_t i = 0; i < lens[n]; i++)
			if ((unsigned char)c[i] <= 0x20 || c[i] == 0x7f || c[i] == '/')
				goto bad;
		c += lens[n];
		if (!*c)
			break;
		c++;
	}
	/* Eight fields, each with a colon behind it. */
	if (n != 8 || lens[8] != 0 || lens[0] != 4 || memcmp(text, "UPID", 4) != 0)
		goto bad;
	if (lens[1] == 0 || lens[1] >= sizeof(upid->node) || lens[5] == 0 ||
	    lens[5] >= sizeof(upid->type) || strlen(text) >= sizeof(upid->text))
		goto bad;
	for (unsigned i = 2; i < 5; i++)
		if (lens[i] < 8 || lens[i] > 9 || strspn(fields[i], hex) != lens[i])
			goto bad;
	memcpy(upid->node, fields[1], lens[1]);
	memcpy(upid->type, fields[5], lens[5]);
	text_set(upid->text, sizeof(upid->text), text);
	return 0;
bad:
	text_quote(quoted, sizeof(quoted), text, strlen(text));
	return err_set(err, -EPROTO, "Proxmox's answer names no task (\"%s\")", quoted);
}

enum task_end task_end_of(const char *exitstatus)
{
	if (strcmp(exitstatus, "OK") == 0)
		return TASK_OK;
	if (strncmp(exitstatus, "WARNINGS: ", 10) != 0)
		return TASK_FAILED;
	exitstatus += 10;
	return *exitstatus && exitstatus[strspn(exitstatus, "0123456789")] == '\0' ? TASK_WARNINGS
										   : TASK_FAILED;
}

/* Waits, and ends early when the run is cancelled. */
static bool wait_ms(const struct proxmox *proxmox, unsigned ms)
{
	for (unsigned done = 0; done < ms; done += 50) {
		struct timespec ts = {.tv_nsec = 50000000};

		if (proxmox->cancelled && proxmox->cancelled(proxmox->arg))
			return false;
		nanosleep(&ts, NULL);
	}
	return true;
}

struct follow {
	struct proxmox *proxmox;
	const struct upid *upid;
	char path[128];
	long long line; /* of the log, the next one */
	char last[200]; /* the last line that says an error, or the last one */
	bool serious;
};

static int get(struct follow *f, const char *what, const char *const *params, json_t **data,
	       struct err *err)
{
	char name[UPID_MAX + 16];
	struct proxmox_call call = {.verb = PROXMOX_GET, .path = f->path, .params = params};

	snprintf(name, sizeof(name), "%s%s", f->upid->text, what);
	call.name = name;
	return proxmox_call(f->proxmox, &call, data, err);
}

static void hear(struct follow *f, const char *text)
{
	bool serious = strstr(text, "ERROR") || strstr(text, "FATA") || strstr(text, "rror:");

	if (f->proxmox->line && !f->proxmox->told)
		f->proxmox->line(f->proxmox->arg, text);
	if (*text && strncmp(text, "TASK ", 5) != 0 && (serious || !f->serious)) {
		text_quote(f->last, sizeof(f->last), text, strlen(text));
		f->serious = serious;
	}
}

/* Reads what is new of the log; true when there is something. Its loss is no failure. */
static bool read_log(struct follow *f)
{
	bool more = true, heard = false;

	while (more) {
		_cleanup_(proxmox_drop) json_t *data = NULL;
		char start[24];
		const char *const params[] = {"start", start, "limit", LOG_AT_ONCE, NULL};
		size_t i;
		json_t *line;

		more = false;
		snprintf(start, sizeof(start), "%lld", f->line);
		if (get(f, "/log", params, &data, NULL) < 0 || !json_is_array(data))
			return heard;
		json_array_foreach(data, i, line)
		{
			json_int_t n = json_integer_value(json_object_get(line, "n"));
			const char *text = json_string_value(json_object_get(line, "t"));

			/* An empty log is one line that says "no content". */
			if (n <= f->line || !text || strcmp(text, "no content") == 0)
				continue;
			f->line = n;
			more = heard = true;
			hear(f, text);
		}
		more = more && json_array_size(data) >= 500;
	}
	return heard;
}

static int give_up(struct follow *f, int code, const char *why, struct err *err)
{
	_cleanup_(proxmox_drop) json_t *data = NULL;
	struct proxmox_call call = {.verb = PROXMOX_DELETE, .path = f->path, .name = f->upid->text};
	bool (*cancelled)(void *) = f->proxmox->cancelled;
	int r;

	/* Else the call itself would be cancelled. */
	f->proxmox->cancelled = NULL;
	r = proxmox_call(f->proxmox, &call, &data, NULL);
	f->proxmox->cancelled = cancelled;
	return err_set(err, code, "the task of Proxmox %s%s", why,
		       r < 0 ? ", and it could not be stopped: look at the node's tasks" : "");
}

static int judge(struct follow *f, const json_t *data, struct err *err)
{
	const char *end = json_string_value(json_object_get(data, "exitstatus"));
	char quoted[200];

	read_log(f);
	switch (task_end_of(end ? end : "")) {
	case TASK_OK:
		return 0;
	case TASK_WARNINGS:
		if (f->proxmox->line)
			f->proxmox->line(f->proxmox->arg, end);
		return 0;
	case TASK_FAILED:
		break;
	}
	text_quote(quoted, sizeof(quoted), end ? end : "", end ? strlen(end) : 0);
	return err_set(err, proxmox_is_there(quoted) ? -EEXIST : -EREMOTEIO,
		       "the task of Proxmox failed: %s%s%s%s",
		       end ? quoted : "it does not say how it ended",
		       *f->last && strcmp(f->last, quoted) != 0 ? " (" : "",
		       strcmp(f->last, quoted) != 0 ? f->last : "",
		       *f->last && strcmp(f->last, quoted) != 0 ? ")" : "");
}

int task_follow(struct proxmox *proxmox, const struct upid *upid, struct err *err)
{
	struct follow f = {.proxmox = proxmox, .upid = upid};
	unsigned wait = POLL_FIRST_MS, failures = 0;
	long long heard = clock_ms();
	char silent[80];

	snprintf(f.path, sizeof(f.path), "/nodes/%s/tasks", upid->node);
	for (;;) {
		_cleanup_(proxmox_drop) json_t *data = NULL;
		const char *status;
		int r = get(&f, "/status", NULL, &data, err);

		if (r == -ECANCELED || (proxmox->cancelled && proxmox->cancelled(proxmox->arg)))
			return give_up(&f, -ECANCELED, "was interrupted", err);
		status = r == 0 ? json_string_value(json_object_get(data, "status")) : NULL;
		if (r == 0 && !status)
			return err_set(err, -EPROTO, "Proxmox does not say how the task stands");
		if (r == 0 && strcmp(status, "stopped") == 0)
			return judge(&f, data, err);
		/* A task goes on while its host cannot be asked. */
		if (r < 0 && (r == -EACCES || ++failures > proxmox->options->retries))
			return err_prefix(err, "cannot follow the task");
		if (r == 0)
			failures = 0;
		if (r == 0 && read_log(&f))
			heard = clock_ms();
		if (clock_ms() - heard > (long long)proxmox->options->task_timeout * 1000) {
			snprintf(silent, sizeof(silent), "has said nothing for %u seconds",
				 proxmox->options->task_timeout);
			return give_up(&f, -ETIMEDOUT, silent, err);
		}
		if (!wait_ms(proxmox, wait))
			return give_up(&f, -ECANCELED, "was interrupted", err);
		wait = wait * 2 < POLL_MAX_MS ? wait * 2 : POLL_MAX_MS;
	}
}

int task_answer(struct proxmox *proxmox, const json_t *data, struct err *err)
{
	struct upid upid;
	int r = upid_parse(json_is_string(data) ? json_string_value(data) : "", &upid, err);

	return r < 0 ? r : task_follow(proxmox, &upid, err);
}
