/*
 * systemctl_job.c - what changes something: start, stop, restart …, kill, reset-failed; and what
 * lasts: enable, disable, mask, unmask. The supervisor does it; here it is said in systemctl's
 * words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"

/* The word for the supervisor. */
static const char *request_of(const struct systemctl *s)
{
	return s->verb->ask ? s->verb->ask : s->verb->name;
}

/* systemctl tells units that are not there from jobs that failed, and scripts read it. */
static int job_failed(const struct systemctl *s, const char *name, int r, const struct err *err)
{
	if (r == CLIENT_NO_UNIT && strcmp(s->verb->name, "reset-failed") == 0)
		return sc_complain(SC_FAILED,
				   "Failed to reset failed state of unit %s: Unit %s not loaded.",
				   name, name);
	if (r == CLIENT_NO_UNIT)
		return sc_complain(SC_NOT_INSTALLED, "Failed to %s %s: Unit %s not %s.",
				   s->verb->name, name, name,
				   strcmp(s->verb->name, "stop") == 0 ? "loaded" : "found");
	if (r == -EREMOTEIO)
		return sc_complain(SC_FAILED, "Job for %s failed: %s", name, err->text);
	return sc_complain(r == -EACCES ? SC_NO_SUCH_UNIT : SC_FAILED, "Failed to %s %s: %s",
			   s->verb->name, name, err->text);
}

/* One request for all, so that they start side by side. Where it is refused, one by one: a unit
 * that is not there does not keep the others from what was asked. */
static int ask_jobs(const struct systemctl *s, const struct strv *names)
{
	_cleanup_free_ const char **words = calloc(names->n + 2, sizeof(*words));
	_cleanup_(reply_free) struct reply reply = {0};
	int timeout_ms = s->options->no_block ? CLIENT_TIMEOUT_MS : CLIENT_FOR_EVER;
	int status = SC_OK;
	size_t n = 0;
	struct err err = {0};
	int r;

	if (!words)
		return sc_complain(SC_FAILED, "there is not enough memory");
	words[n++] = request_of(s);
	if (s->options->no_block)
		words[n++] = "--no-block";
	for (size_t i = 0; i < names->n; i++)
		words[n + i] = names->v[i];
	r = sc_ask(words, n + names->n, timeout_ms, &reply, &err);
	if (r == 0)
		return SC_OK;
	if (r != CLIENT_NO_UNIT || names->n == 1)
		return job_failed(s, names->v[0], r, &err);
	for (size_t i = 0; i < names->n; i++) {
		words[n] = names->v[i];
		reply_free(&reply);
		r = sc_ask(words, n + 1, timeout_ms, &reply, &err);
		if (r < 0)
			status = job_failed(s, names->v[i], r, &err);
	}
	return status;
}

int sc_job(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};
	int r = sc_expand(s, &names, &err);

	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to %s: %s", s->verb->name, err.text);
	/* A pattern that nothing matches: nothing to do. */
	if (!names.n && s->n_names)
		return SC_OK;
	return ask_jobs(s, &names);
}

int sc_kill(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	char sig[64], whom[64];
	const char *words[4] = {"kill", sig, whom};
	int status = SC_OK;
	struct err err = {0};
	int r = sc_expand(s, &names, &err);

	snprintf(sig, sizeof(sig), "--signal=%s",
		 s->options->signal ? s->options->signal : "SIGTERM");
	snprintf(whom, sizeof(whom), "--whom=%s", s->options->whom ? s->options->whom : "all");
	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to kill: %s", err.text);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(reply_free) struct reply reply = {0};

		words[3] = names.v[i];
		r = sc_ask(words, ARRAY_LEN(words), CLIENT_TIMEOUT_MS, &reply, &err);
		if (r < 0)
			status = sc_complain(SC_FAILED, "Failed to kill unit %s: %s", names.v[i],
					     r == CLIENT_NO_UNIT ? "it is not loaded." : err.text);
	}
	return status;
}

/* ---- enable, disable, mask ---- */

/* `systemctl enable /path/to/x.service` makes it known first, as a link. */
static int link_file(const char *path, struct err *err)
{
	const char *base = strrchr(path, '/') + 1;
	_cleanup_free_ char *to = NULL;

	if (access(path, R_OK) < 0)
		return err_sys(err, -errno, "%s", path);
	if (asprintf(&to, "/etc/systemd/system/%s", base) < 0) {
		to = NULL;
		return err_sys(err, -ENOMEM, "%s", path);
	}
	mkdir("/etc/systemd", 0755);
	mkdir("/etc/systemd/system", 0755);
	if (symlink(path, to) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "%s", to);
	return 0;
}

static enum enable_verb verb_of(const char *request)
{
	static const char *const names[] = {
		[VERB_ENABLE] = "enable", [VERB_DISABLE] = "disable", [VERB_PRESET] = "preset",
		[VERB_MASK] = "mask",     [VERB_UNMASK] = "unmask",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], request) == 0)
			return (enum enable_verb)i;
	return VERB_ENABLE;
}

static int is_reenable(const struct systemctl *s)
{
	return strcmp(s->verb->name, "reenable") == 0;
}

/* What was done, in systemctl's words. */
static void tell_changes(const struct systemctl *s, const struct reply *reply)
{
	const json_t *packet;

	for (size_t i = 0; !s->options->quiet && (packet = json_array_get(reply->packets, i));
	     i++) {
		const char *path = json_string_value(json_object_get(packet, "path"));
		const char *target = json_string_value(json_object_get(packet, "target"));
		const char *text = json_string_value(json_object_get(packet, "text"));

		if (path && target)
			sc_complain(SC_OK, "Created symlink '%s' %s '%s'.", path,
				    s->look.utf8 ? "→" : "->", target);
		else if (path)
			sc_complain(SC_OK, "Removed '%s'.", path);
		else if (text)
			sc_complain(SC_OK, "%s.", text);
	}
}

static int install_one(const struct systemctl *s, const char *name, struct err *err)
{
	const char *words[3] = {request_of(s)};
	_cleanup_(reply_free) struct reply reply = {0};
	size_t n = 1;
	int r;

	if (s->options->now && !is_reenable(s))
		words[n++] = "--now";
	words[n++] = name;
	r = sc_ask(words, n, CLIENT_FOR_EVER, &reply, err);
	if (client_exit_status(r) == CTL_NO_SUPERVISOR)
		r = sc_file_change(verb_of(words[0]), name, err); /* an image that is being built */
	tell_changes(s, &reply);
	return r;
}

int sc_install(struct systemctl *s)
{
	int status = SC_OK;

	for (size_t i = 0; i < s->n_names; i++) {
		const char *word = s->names[i];
		struct err err = {0};
		char name[SC_NAME];
		int r = 0;

		if (*word == '/' && strcmp(request_of(s), "enable") == 0) {
			r = link_file(word, &err);
			word = strrchr(word, '/') + 1;
		}
		sc_name(s, word, name);
		if (r == 0)
			r = install_one(s, name, &err);
		if (r == CLIENT_NO_UNIT || r == -ENOENT)
			status = sc_complain(SC_FAILED, "Failed to %s unit: Unit %s does not exist",
					     s->verb->name, name);
		else if (r < 0)
			status = sc_complain(SC_FAILED, "Failed to %s unit: %s", s->verb->name,
					     err.text);
	}
	return status;
}

/*
 * As deb-systemd-helper calls it for a package that is installed for the first time
 * ("--preset-mode=enable-only"): Debian's presets enable everything. Only the files are changed,
 * and what cannot be enabled is no reason for a package to fail. Else presets are nothing here.
 */
int sc_preset(struct systemctl *s)
{
	for (size_t i = 0; i < s->n_names && s->options->enable_only && !s->options->global; i++) {
		struct err err = {0};
		char name[SC_NAME];
		int r;

		sc_name(s, s->names[i], name);
		r = sc_file_change(VERB_ENABLE, name, &err);
		if (r < 0 && r != -ENOENT && !s->options->quiet)
			sc_complain(SC_OK, "%s is not enabled: %s", name, err.text);
	}
	return SC_OK;
}
