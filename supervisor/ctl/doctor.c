/*
 * doctor.c - `hakimctl doctor`: why does my workspace not work? What this place lacks, the line
 * that mends it on the host, and what is wrong with units; also where no supervisor answers.
 */
#include "supervisor/ctl/doctor.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"

#define WAIT_MS 3000 /* the late rows have one second each */

struct found {
	json_t *file;    /* NULL: there is none */
	json_t *changes; /* of --fix */
	char path[DOCTOR_PATH];
	struct reply reply;
	struct doctor doctor;
	struct err no_file, no_units;
};

static void found_free(struct found *f)
{
	doctor_free(&f->doctor);
	reply_free(&f->reply);
	json_decref(f->file);
	json_decref(f->changes);
}

static int ask_units(struct found *f)
{
	static const char *const words[] = {"status"};

	if (client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &f->reply, &f->no_units) < 0)
		return 0;
	f->no_units.text[0] = '\0';
	return doctor_read_units(&f->doctor, f->reply.packets);
}

static int read_rows(struct found *f)
{
	char ctid[DOCTOR_CTID];
	int r;

	doctor_find_ctid(f->file, ctid);
	r = doctor_read(&f->doctor, f->file, ctid);
	if (r != -EBADMSG)
		return r;
	err_set(&f->no_file, r, "%s is no file of hakim-init", f->path);
	json_decref(f->file);
	f->file = NULL;
	return 0;
}

/* Everything, also with rows that did not work: the table says so. */
static int fix(struct found *f, struct err *err)
{
	int r;

	if (!json_is_true(json_object_get(f->file, "complete")))
		return err_set(err, -EAGAIN,
			       "hakim-init itself is still at it: ask again in a moment");
	r = doctor_fix(&f->file, &f->changes, err);
	return r < 0 ? r : doctor_file_write(f->path, f->file, err);
}

static int print_json(const struct ctl *ctl, const struct found *f, const char *why)
{
	size_t flags = JSON_INDENT(2) | (ctl->look.terminal ? JSON_ENSURE_ASCII : 0);
	json_t *all = doctor_json(&f->doctor, f->file, why, f->changes);

	if (!all)
		return -ENOMEM;
	json_dumpf(all, stdout, flags);
	putchar('\n');
	json_decref(all);
	return 0;
}

static int print(const struct ctl *ctl, const struct found *f)
{
	const char *why = f->no_units.text[0] ? f->no_units.text : NULL;
	int r = 0;

	if (ctl->args.given & ARGS_JSON)
		return print_json(ctl, f, why);
	if (f->changes)
		doctor_print_changes(f->changes, &ctl->look, stdout);
	if (f->file)
		r = doctor_print(&f->doctor, &ctl->look, stdout);
	return r < 0 ? r : doctor_print_units(&f->doctor, why, &ctl->look, stdout);
}

int ctl_doctor(struct ctl *ctl)
{
	_cleanup_(found_free) struct found found = {0};
	bool want_fix = ctl->args.given & ARGS_FIX;
	struct err err = {0};
	int r;

	if (want_fix && geteuid() != 0)
		return ctl_complain(CTL_FAILED,
				    "doctor --fix is for root: 'sudo hakimctl doctor --fix'");
	r = doctor_file_read(found.path, WAIT_MS, &found.file, &found.no_file);
	if (r == 0 && want_fix && fix(&found, &err) < 0)
		return ctl_complain(CTL_FAILED, "%s", err.text);
	r = r == 0 ? read_rows(&found) : 0;
	if (r == 0)
		r = ask_units(&found);
	if (r == 0)
		r = print(ctl, &found);
	if (r < 0)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	if (!found.file)
		return ctl_complain(CTL_NO_SUPERVISOR, "%s", found.no_file.text);
	return found.doctor.counts[DOCTOR_NEEDS_HOST] ? CTL_FAILED : CTL_OK;
}
