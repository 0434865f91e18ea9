/*
 * systemctl.h - hakimctl called as `systemctl`: the commands of systemctl(1) that installers and
 * people use in a container, answered from hakim's supervisor with systemctl's words, formats and
 * exit statuses. docs/systemctl.md says what is answered and what differs.
 *
 *	systemctl.c         the table of commands, and those that are about no unit
 *	systemctl_options.c the command line
 *	systemctl_unit.c    what is known of a unit: the supervisor's word, and its file
 *	systemctl_job.c     start, stop, kill … and enable, disable, mask
 *	systemctl_state.c   is-active, is-failed, is-enabled
 *	systemctl_show.c    show, cat
 *	systemctl_status.c  status
 *	systemctl_list.c    list-units, list-unit-files, list-sockets …
 *	systemctl_deps.c    list-dependencies
 *	systemctl_refuse.c  what there is not here, and what to do instead
 *
 * It must never stand in the way of a real systemd: systemctl_main() hands over to the real program
 * where systemd has booted the machine.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/show.h"
#include "supervisor/ctl/systemctl_options.h"
#include "supervisor/ctl/view.h"

/* Exit statuses: of the LSB (iniscrptact) and of systemctl(1), "EXIT STATUS". */
enum systemctl_exit {
	SC_OK = 0,
	SC_FAILED = 1,
	SC_NOT_ACTIVE = 3,    /* is-active, status */
	SC_NO_SUCH_UNIT = 4,  /* is-active, is-enabled, status */
	SC_NOT_INSTALLED = 5, /* start, stop …: there is no such unit */
};

#define SC_NAME 320 /* a name as given, with its suffix */

struct systemctl {
	const struct systemctl_options *options;
	const struct systemctl_verb *verb;
	char *const *names; /* of argv */
	size_t n_names;
	struct look look;
};

struct systemctl_verb {
	const char *name;
	int (*run)(struct systemctl *s); /* returns an exit status */
	size_t min_names, max_names;
	const char *ask; /* the word for the supervisor, where it is another or needed */
};

int systemctl_main(int argc, char **argv);
/* One sentence on stderr, without control characters; returns `status`. */
int sc_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* ---- systemctl_unit.c ---- */

enum sc_load {
	SC_LOADED = 0,
	SC_NOT_FOUND,
	SC_MASKED,
	SC_BAD, /* there is a file, and it is refused */
};

/* One unit; free with sc_unit_free(). */
struct sc_unit {
	char name[SC_NAME];
	enum sc_load load;
	json_t *packet;        /* the supervisor's, or NULL: it has not loaded it */
	struct unit_view view; /* of the packet; all -1 and NULL without */
	char *file;            /* its unit file, or NULL */
	struct strv dropins;
	const char *enabled; /* systemctl's word for is-enabled, "" where there is none */
	bool has_manager;
	struct manager_view manager;
	json_t *manager_packet;
};

/* The name as systemctl(1) completes it: "nginx" is "nginx.service"; --user names the user's unit.
 */
void sc_name(const struct systemctl *s, const char *word, char name[static SC_NAME]);
/* Asks for one unit. 0, also when there is no such unit (see load); -errno: there is no supervisor
 * or it failed, and the unit is what its files say. */
int sc_unit_get(const struct systemctl *s, const char *name, struct sc_unit *unit, struct err *err);
void sc_unit_free(struct sc_unit *unit);
/*
 * All names that the words mean: patterns ("nginx*") become the units that the supervisor knows
 * and that match; other words stay, completed. 0 or -errno.
 */
int sc_expand(const struct systemctl *s, struct strv *names, struct err *err);
/* "active", "inactive" …; a unit that is not loaded is inactive. */
const char *sc_active(const struct sc_unit *unit);
const char *sc_sub(const struct sc_unit *unit);
const char *sc_load_name(enum sc_load load);
/* Asks the supervisor, one request. */
int sc_ask(const char *const *words, size_t n, int timeout_ms, struct reply *reply,
	   struct err *err);
/* "Tue 2026-11-24 03:07:08 UTC" of a time of the supervisor's; "" where there is none. */
const char *sc_time(char buf[static SHOW_TIME], const struct sc_unit *unit, int64_t us);

/* ---- the commands ---- */

int sc_job(struct systemctl *s);
int sc_kill(struct systemctl *s);
int sc_install(struct systemctl *s); /* enable, disable, reenable, mask, unmask */
int sc_preset(struct systemctl *s);
int sc_is_active(struct systemctl *s);
int sc_is_failed(struct systemctl *s);
int sc_is_enabled(struct systemctl *s);
int sc_show(struct systemctl *s);
/* Prints the properties of one unit, or puts them into `object`. 0 or a negative errno; -ENOENT,
 * where it must be there: nothing was printed. */
int sc_show_one(const struct systemctl *s, const char *name, bool must_exist, json_t *object,
		struct err *err);
int sc_cat(struct systemctl *s);
int sc_status(struct systemctl *s);
int sc_list_units(struct systemctl *s);
int sc_list_unit_files(struct systemctl *s);
int sc_list_sockets(struct systemctl *s);
int sc_list_nothing(struct systemctl *s); /* list-timers, list-paths, list-jobs … */
int sc_list_dependencies(struct systemctl *s);

/* Why there is no such command of systemctl(1) here, or NULL: it is none of them. */
const char *sc_refused(const char *verb);
