/*
 * pvesh.c - calls by the program pvesh of a node, which passes them on to the other nodes.
 *
 * Where a call starts a task, pvesh runs it before our eyes: the lines of its log come first, and
 * the UPID is the last of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/strv.h"
#include "image/child.h"
#include "image/proxmox.h"

#define QUIET_SECONDS 120

int pvesh_answer(const char *text, json_t **data, struct err *err)
{
	const char *line = text, *last = NULL, *upid = NULL;
	json_error_t why;

	*data = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	if (*data || text[strspn(text, " \t\r\n")] == '\0')
		return 0;
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = strstr(line, "UPID:");

		if (line[strspn(line, " \t\r")] != '\n')
			last = line;
		if (at && at < line + strcspn(line, "\n"))
			upid = at;
	}
	if (upid) {
		*data = json_stringn(upid, strcspn(upid, "\"\r\n \t"));
		return *data ? 0 : err_set(err, -EPROTO, "pvesh says a UPID that is no text");
	}
	*data = last ? json_loadb(last, strcspn(last, "\n"), JSON_DECODE_ANY, &why) : NULL;
	return *data ? 0
		     : err_set(err, -EPROTO, "pvesh does not answer with JSON (%.100s)", why.text);
}

static void tell(void *arg, const char *line)
{
	struct proxmox *proxmox = arg;

	if (!proxmox->line || !*line || strncmp(line, "UPID:", 5) == 0 || strchr("\"{[", *line))
		return;
	proxmox->told = true;
	proxmox->line(proxmox->arg, line);
}

/* The word of argv that is an option's name: "--reference". */
static int add_params(struct strv *argv, const char *const *params)
{
	int r = 0;

	for (; r == 0 && params && params[0]; params += 2) {
		char *name = NULL;

		if (asprintf(&name, "--%s", params[0]) < 0)
			return -ENOMEM;
		r = strv_take(argv, name);
		if (r == 0)
			r = strv_add(argv, params[1]);
	}
	return r;
}

static int words(const struct proxmox_call *call, struct strv *argv)
{
	static const char *const verbs[] = {"get", "create", "delete"};
	char *path = NULL;
	int r = strv_add(argv, "pvesh");

	if (r == 0)
		r = strv_add(argv, verbs[call->verb]);
	if (r == 0 && asprintf(&path, "%s%s%s", call->path, call->name ? "/" : "",
			       call->name ? call->name : "") < 0)
		r = -ENOMEM;
	if (r == 0)
		r = strv_take(argv, path);
	if (r == 0)
		r = add_params(argv, call->params);
	if (r == 0)
		r = strv_add(argv, "--output-format");
	return r == 0 ? strv_add(argv, "json") : r;
}

/* Warnings may come before it: the last line that says a number or is not empty is the reason. */
static const char *reason(const char *errors)
{
	const char *last = "";

	for (const char *line = errors; *line;) {
		if (line[strspn(line, " \t\r")] != '\n')
			last = line;
		if (*line >= '4' && *line <= '5' && strtol(line, NULL, 10) >= 400)
			return line;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return last;
}

int pvesh_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
	       struct err *err)
{
	_cleanup_(strv_free) struct strv argv = {0};
	_cleanup_(child_result_free) struct child_result result = {0};
	struct child child = {.silence = QUIET_SECONDS, .max = PROXMOX_ANSWER_MAX};
	int r = words(call, &argv);

	if (r < 0)
		return err_set(err, -ENOMEM, "out of memory");
	child.argv = (const char *const *)argv.v;
	child.cancelled = proxmox->cancelled;
	child.cancelled_arg = proxmox->arg;
	if (call->verb != PROXMOX_GET) {
		proxmox->told = false;
		child.line = tell;
		child.arg = proxmox;
		child.silence = proxmox->options->task_timeout;
	}
	r = child_run(&child, &result, err);
	if (r == -ENOENT)
		return err_set(err, -ENOTSUP,
			       "there is no pvesh: this is no node of Proxmox; use --output DIR, "
			       "or --api HOST");
	if (r < 0)
		return r;
	if (result.status != 0)
		return proxmox_refused(call, 0, reason(result.errors), err);
	if (result.cut)
		return err_set(err, -EPROTO, "pvesh says too much");
	return pvesh_answer(result.out, data, err);
}
