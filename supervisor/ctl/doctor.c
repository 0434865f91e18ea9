/*
 * doctor.c - `hakimctl doctor`: why does my workspace not work? What this place lacks, the line
 * that mends it on the host, and what is wrong with units; also where no supervisor answers.
 */
#include "supervisor/ctl/doctor.h"

#include <errno.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"

#define WAIT_MS 3000 /* the late rows have one second each */

struct found {
	json_t *file; /* NULL: there is none */
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
}

static int ask_units(struct found *f)
{
	static const char *const words[] = {"status"};

	if (client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &f->reply, &f->no_units) < 0)
		return 0;
	f->no_units.text[0] = '\0';
	return doctor_read_units(&f->doctor, f->reply.packets);
}

static int find(struct found *f)
{
	char ctid[DOCTOR_CTID];
	int r = doctor_file_read(f->path, WAIT_MS, &f->file, &f->no_file);

	if (r == 0) {
		doctor_find_ctid(f->file, ctid);
		r = doctor_read(&f->doctor, f->file, ctid);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			err_set(&f->no_file, r, "%s is no file of hakim-init", f->path);
			json_decref(f->file);
			f->file = NULL;
		}
	}
	return ask_units(f);
}

static int print_json(const struct ctl *ctl, const struct found *f, const char *why)
{
	size_t flags = JSON_INDENT(2) | (ctl->look.terminal ? JSON_ENSURE_ASCII : 0);
	json_t *all = doctor_json(&f->doctor, f->file, why);

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
	if (f->file)
		r = doctor_print(&f->doctor, &ctl->look, stdout);
	return r < 0 ? r : doctor_print_units(&f->doctor, why, &ctl->look, stdout);
}

int ctl_doctor(struct ctl *ctl)
{
	_cleanup_(found_free) struct found found = {0};
	int r = find(&found);

	if (r == 0)
		r = print(ctl, &found);
	if (r < 0)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	if (!found.file)
		return ctl_complain(CTL_NO_SUPERVISOR, "%s", found.no_file.text);
	return found.doctor.counts[DOCTOR_NEEDS_HOST] ? CTL_FAILED : CTL_OK;
}
