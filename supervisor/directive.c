#include "supervisor/directive.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/socket.h"
#include "supervisor/unit_name.h"

/* Takes `text` over, also when it fails. */
static int remark_add(struct unit_load *load, const char *name, unsigned class, char *text)
{
	struct remark *grown;

	if (!text)
		return -ENOMEM;
	grown = reallocarray(load->remarks, load->n + 1, sizeof(*grown));
	if (!grown) {
		free(text);
		return -ENOMEM;
	}
	grown[load->n].name = name;
	grown[load->n].class = class;
	grown[load->n++].text = text;
	load->remarks = grown;
	return 0;
}

/* Says "file:line: Name: text"; the remark keeps `name`, which must live as long as the load does.
 */
static int remark(struct unit_load *load, const char *name, unsigned class, unsigned line,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static int remark(struct unit_load *load, const char *name, unsigned class, unsigned line,
		  const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list args;
	char *text;
	int r;

	va_start(args, fmt);
	r = vasprintf(&what, fmt, args);
	va_end(args);
	if (r < 0) {
		what = NULL;
		return -ENOMEM;
	}
	if (line)
		r = asprintf(&text, "%s:%u: %s%s%s", load->file, line, name, *name ? ": " : "",
			     what);
	else
		r = asprintf(&text, "%s: %s%s%s", load->file, name, *name ? ": " : "", what);
	return remark_add(load, name, class, r < 0 ? NULL : text);
}

/* Forgets what was said about a directive; with `prefix` about all whose names begin so. */
static void remarks_forget(struct unit_load *load, const char *name, bool prefix)
{
	size_t kept = 0;

	for (size_t i = 0; i < load->n; i++) {
		const char *of = load->remarks[i].name;

		if (prefix ? strncmp(of, name, strlen(name)) == 0 : strcmp(of, name) == 0)
			free(load->remarks[i].text);
		else
			load->remarks[kept++] = load->remarks[i];
	}
	load->n = kept;
}

static int assign_supported(struct unit_load *load, const struct directive *d, const char *value,
			    unsigned line)
{
	struct err err = {0};
	int r;

	if (d->reset && !*value) {
		r = d->reset(d, &load->ctx, &err);
		if (r > 0)
			return remark(load, d->name, REMARK_NOTE, line, "%s", err.text);
		remarks_forget(load, d->name, false);
		/* So are addresses. */
		if (strncmp(d->name, "Listen", 6) == 0)
			remarks_forget(load, "Listen", true);
		/* Conditions are one list, whatever they ask. */
		if (strncmp(d->name, "Condition", 9) == 0)
			remarks_forget(load, "Condition", true);
		if (strncmp(d->name, "Assert", 6) == 0)
			remarks_forget(load, "Assert", true);
		return 0;
	}
	if (!d->reset)
		remarks_forget(load, d->name, false);
	r = d->set(d, &load->ctx, value, &err);
	if (r == -ENOMEM)
		return r;
	if (r != 0)
		return remark(load, d->name, r < 0 ? REMARK_FATAL : REMARK_NOTE, line, "%s",
			      err.text);
	return 0;
}

/* True when the value asks for nothing, so that nothing is missed. */
static bool is_neutral(const struct known *known, const char *value)
{
	const char *neutral = known->neutral;
	bool wants, has;

	/* The one that means something by being empty has no neutral value: CapabilityBoundingSet=.
	 */
	if (!*value)
		return neutral || known->class != KNOWN_REFUSED;
	if (!neutral || !*neutral)
		return false;
	if (bool_parse(neutral, &wants, NULL) == 0 && bool_parse(value, &has, NULL) == 0)
		return wants == has;
	/* 22, 022 and 0022 are the same mode. */
	if (*neutral == '0' && neutral[1]) {
		neutral += strspn(neutral, "0");
		value += strspn(value, "0");
	}
	return strcmp(neutral, value) == 0;
}

static int assign_known(struct unit_load *load, const struct known *known, const char *value,
			unsigned line)
{
	static const struct {
		unsigned class;
		const char *text;
	} said[] = {
		[KNOWN_HARMLESS] = {REMARK_NOTE, "has no effect here"},
		[KNOWN_LATER] = {REMARK_NOTE, "is not supported yet"},
		[KNOWN_SANDBOX] =
			{REMARK_SANDBOX,
			 "is not supported yet: the service runs without this protection"},
		[KNOWN_REFUSED] = {REMARK_FATAL, "is not supported yet and cannot be left out"},
	};

	remarks_forget(load, known->name, false);
	if (is_neutral(known, value))
		return 0;
	return remark(load, known->name, said[known->class].class, line, "%s%s%s",
		      said[known->class].text, known->why ? ": " : "",
		      known->why ? known->why : "");
}

/* Conditions and assertions that we cannot evaluate: to run the service all the same would be
 * another meaning. */
static int assign_condition(struct unit_load *load, const char *kind, const char *name,
			    const char *value, unsigned line)
{
	int r;

	if (!*value) {
		remarks_forget(load, kind, true);
		return 0;
	}
	r = remark(load, name, REMARK_FATAL, line,
		   "is not supported yet, and without it the unit might run where it must not");
	/* An empty one of any name takes it back; `name` itself does not live on. */
	if (r == 0)
		load->remarks[load->n - 1].name = kind;
	return r;
}

static int assign_unknown_section(struct unit_load *load, const char *section, unsigned line)
{
	/* systemd.unit(5): "X-" sections are for others. */
	if (strncmp(section, "X-", 2) == 0 || strcmp(load->noted_section, section) == 0)
		return 0;
	snprintf(load->noted_section, sizeof(load->noted_section), "%s", section);
	return remark(load, "", REMARK_NOTE, line, "unknown section [%s] is ignored", section);
}

/* [Service] is for services, [Socket] for sockets; the others are for all. */
static bool section_fits(enum directive_section section, enum unit_kind kind)
{
	switch (section) {
	case DIRECTIVES_SERVICE:
		return kind == KIND_SERVICE;
	case DIRECTIVES_SOCKET:
		return kind == KIND_SOCKET;
	default:
		return true;
	}
}

/*
 * %y is the unit's own file and %Y the directory of it (systemd.unit(5)): put in here, where the
 * file is known, with each % of the path doubled for those who expand the rest. *out stays NULL
 * where there is none.
 */
static int fragment_expand(const struct unit_load *load, const char *value, char **out)
{
	const char *path = load->ctx.unit->path ? load->ctx.unit->path : load->file;
	const char *slash = strrchr(path, '/');
	size_t size;
	FILE *f;

	if (!strstr(value, "%y") && !strstr(value, "%Y"))
		return 0;
	f = open_memstream(out, &size);
	if (!f)
		return -ENOMEM;
	for (const char *p = value; *p; p++) {
		size_t len = p[0] == '%' && p[1] == 'y' ? strlen(path) : 0;

		if (p[0] == '%' && p[1] == 'Y')
			len = slash ? (size_t)(slash - path) : 0;
		for (size_t i = 0; i < len; i++)
			fputs(path[i] == '%' ? "%%" : (char[]){path[i], 0}, f);
		if (len) {
			p++;
			continue;
		}
		fputc(*p, f);
		/* Both letters of a "%%" go together. */
		if (*p == '%' && p[1])
			fputc(*++p, f);
	}
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

static int assign(void *arg, const char *section, const char *name, const char *value,
		  unsigned line)
{
	_cleanup_free_ char *expanded = NULL;
	struct unit_load *load = arg;
	enum directive_section s = 0;
	const struct directive *d;
	const struct known *known;

	while (s < DIRECTIVES_SECTIONS && strcmp(section, directive_section_name(s)) != 0)
		s++;
	if (s == DIRECTIVES_SECTIONS || !section_fits(s, load->ctx.unit->kind))
		return assign_unknown_section(load, section, line);
	if (fragment_expand(load, value, &expanded) < 0)
		return -ENOMEM;
	value = expanded ? expanded : value;
	/* An empty condition of any kind takes all back: what one of ours does. */
	if (s == DIRECTIVES_UNIT && !*value && strncmp(name, "Condition", 9) == 0)
		name = "ConditionPathExists";
	if (s == DIRECTIVES_UNIT && !*value && strncmp(name, "Assert", 6) == 0)
		name = "AssertPathExists";
	d = directive_find(s, name);
	known = d ? NULL : directive_find_known(s, name);
	if ((d || known) && unit_name_is_user(load->ctx.unit->name)) {
		const char *literal = d ? d->name : known->name;

		switch (directive_user_verdict(s, name, value)) {
		case USER_ALLOWED:
			break;
		case USER_NEUTRAL:
			return 0;
		case USER_LEFT_OUT:
			return remark(load, literal, REMARK_SANDBOX, line,
				      "is left out: it is not for a unit of the user's");
		case USER_REFUSED:
			return remark(
				load, literal, REMARK_FATAL, line,
				"is not for a unit of the user's, which gets no rights that the "
				"user has not");
		}
	}
	if (d)
		return assign_supported(load, d, value, line);
	if (known)
		return assign_known(load, known, value, line);
	if (s == DIRECTIVES_UNIT && strncmp(name, "Condition", 9) == 0)
		return assign_condition(load, "Condition", name, value, line);
	if (s == DIRECTIVES_UNIT && strncmp(name, "Assert", 6) == 0)
		return assign_condition(load, "Assert", name, value, line);
	/* systemd.socket(5): those of systemd.exec(5) and .kill(5), for its Exec…= commands. */
	if (s == DIRECTIVES_SOCKET && (directive_find(DIRECTIVES_SERVICE, name) ||
				       directive_find_known(DIRECTIVES_SERVICE, name)))
		return remark(
			load, "", REMARK_NOTE, line,
			"%s: has no effect here: it is about commands of the socket, and there "
			"are none",
			name);
	/* [Install] is for `enable`. */
	if (strncmp(name, "X-", 2) == 0 || s == DIRECTIVES_INSTALL)
		return 0;
	return remark(load, "", REMARK_NOTE, line, "%s: unknown directive in [%s], it is ignored",
		      name, section);
}

static int mistake(void *arg, unsigned line, const char *text)
{
	return remark(arg, "", REMARK_FATAL, line, "%s", text);
}

int unit_load_begin(struct unit_load *load, const char *name)
{
	struct unit *unit = calloc(1, sizeof(*unit));

	*load = (struct unit_load){.ctx.unit = unit, .file = ""};
	if (!unit)
		return -ENOMEM;
	unit->restart_usec = 100 * 1000;
	unit->restart_max_delay_usec = USEC_INFINITY;
	unit->timeout_start_usec = 90 * USEC_PER_SEC;
	unit->timeout_stop_usec = 90 * USEC_PER_SEC;
	unit->kill_signal = 15;
	unit_life_init(&unit->life);
	unit->ready.interval_usec = 250 * 1000;
	unit->ready.timeout_usec = unit->health.timeout_usec = 5 * USEC_PER_SEC;
	unit->health.interval_usec = 30 * USEC_PER_SEC;
	unit->health_retries = 3;
	unit->status_interval_usec = 30 * USEC_PER_SEC;
	unit->log_max_bytes = 8ull << 20;
	unit->log_keep = 4;
	unit_log_init(&unit->log);
	unit->exec.umask = 022;
	unit_sandbox_init(&unit->sandbox);
	unit->cgroup.quota_period_usec = 100000;
	for (size_t i = 0; i < DIRECTORY_KINDS; i++)
		unit->directory_mode[i] = 0755;
	unit->kind = unit_kind_of(name);
	unit->name = strdup(name);
	if (unit->kind == KIND_SOCKET && !(unit->socket = socket_config_new()))
		return -ENOMEM;
	return unit->name ? 0 : -ENOMEM;
}

int unit_load_text(struct unit_load *load, const char *path, struct text_file *file)
{
	const struct unit_file_sink sink = {load, assign, mistake};
	struct err err = {0};
	int r;

	load->file = path;
	load->noted_section[0] = '\0';
	r = unit_file_parse(file, &sink, &err);
	if (r < 0 && r != -ENOMEM)
		r = remark(load, "", REMARK_FATAL, 0, "%s", err.text);
	return r;
}

int unit_load_fault(struct unit_load *load, const char *path, bool fatal, const char *text)
{
	load->file = path;
	return remark(load, "", fatal ? REMARK_FATAL : REMARK_NOTE, 0, "%s", text);
}

/* True when a mistake in the directive was already told: what follows from it need not be. */
static bool is_told(const struct unit_load *load, const char *name)
{
	for (size_t i = 0; i < load->n; i++)
		if (load->remarks[i].class == REMARK_FATAL &&
		    strcmp(load->remarks[i].name, name) == 0)
			return true;
	return false;
}

/* The rules between a service's directives; systemd's service_verify() and service_add_extras(). */
static int check_service(struct unit_load *load)
{
	struct unit *unit = load->ctx.unit;
	int r = 0;

	if (unit->type == TYPE_ONESHOT && !load->ctx.timeout_start_set)
		unit->timeout_start_usec = USEC_INFINITY;
	unit_life_finish(unit);
	if (unit->start.n == 0 && !is_told(load, "ExecStart") &&
	    (unit->type != TYPE_ONESHOT || (!unit->stop.n && !unit->life.remain_after_exit)))
		r = remark(load, "", REMARK_FATAL, 0, "ExecStart: a service needs one%s",
			   unit->type == TYPE_ONESHOT
				   ? ", or with Type=oneshot an ExecStop= or RemainAfterExit=yes"
				   : "");
	if (unit->start.n > 1 && unit->type != TYPE_ONESHOT && r == 0)
		r = remark(load, "", REMARK_FATAL, 0,
			   "ExecStart: there is more than one command, which is for Type=oneshot "
			   "only");
	if (unit->type == TYPE_DBUS && r == 0 && !unit->bus_name && !is_told(load, "BusName"))
		r = remark(load, "", REMARK_FATAL, 0, "Type: \"dbus\" needs BusName=");
	if (unit->type == TYPE_DBUS && r == 0 && unit_name_is_user(unit->name))
		r = remark(load, "", REMARK_FATAL, 0,
			   "Type: \"dbus\" needs the user's own bus, which is not run here");
	if (unit->life.pid_file && unit->type != TYPE_FORKING && r == 0)
		r = remark(load, "", REMARK_NOTE, 0, "PIDFile: has no effect but for Type=forking");
	if (unit->type == TYPE_ONESHOT && r == 0 &&
	    (unit->restart == RESTART_ALWAYS || unit->restart == RESTART_ON_SUCCESS))
		r = remark(load, "", REMARK_FATAL, 0, "Restart: \"%s\" is not for Type=oneshot",
			   unit_restart_name(unit->restart));
	if (unit->restart_steps && unit->restart_max_delay_usec == USEC_INFINITY && r == 0) {
		unit->restart_steps = 0;
		r = remark(load, "", REMARK_NOTE, 0,
			   "RestartSteps: has no effect without RestartMaxDelaySec=");
	}
	if (unit->restart_max_delay_usec < unit->restart_usec && r == 0) {
		unit->restart_usec = unit->restart_max_delay_usec;
		r = remark(load, "", REMARK_NOTE, 0,
			   "RestartSec: is more than RestartMaxDelaySec=, which is taken instead");
	}
	return r;
}

static int check_socket(struct unit_load *load)
{
	struct err err = {0};
	int r = socket_config_check(load->ctx.unit, &err);

	return r < 0 && r != -ENOMEM ? remark(load, "", REMARK_FATAL, 0, "%s", err.text) : r;
}

/* True when a mistake in one of the addresses was told. */
static bool is_listen_told(const struct unit_load *load)
{
	for (size_t i = 0; i < load->n; i++)
		if (load->remarks[i].class == REMARK_FATAL &&
		    strncmp(load->remarks[i].name, "Listen", 6) == 0)
			return true;
	return false;
}

static int check_whole(struct unit_load *load)
{
	/* Where a file could not be read as a whole, what follows from that need not be told. */
	if (is_told(load, ""))
		return 0;
	if (load->ctx.unit->path)
		load->file = load->ctx.unit->path;
	switch (load->ctx.unit->kind) {
	case KIND_SERVICE:
		return check_service(load);
	case KIND_SOCKET:
		return is_listen_told(load) ? 0 : check_socket(load);
	default:
		return 0;
	}
}

int problem_add(struct problems *problems, char *text, bool fatal, const char *unit_name)
{
	_cleanup_free_ char *owned = text;
	_cleanup_free_ char *unit = unit_name ? strdup(unit_name) : NULL;
	struct unit_problem *grown;

	if (!text || (unit_name && !unit))
		return -ENOMEM;
	grown = reallocarray(problems->v, problems->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[problems->n].text = steal_ptr(&owned);
	grown[problems->n].fatal = fatal;
	grown[problems->n++].unit = steal_ptr(&unit);
	problems->v = grown;
	return 0;
}

int unit_load_finish(struct unit_load *load, struct unit **unit, struct problems *problems)
{
	bool fatal_one, fatal = false;
	int r = -ENOMEM;

	*unit = NULL;
	if (load->ctx.unit && load->ctx.unit->name)
		r = check_whole(load);
	for (size_t i = 0; i < load->n; i++) {
		char *text = steal_ptr(&load->remarks[i].text);

		fatal_one = load->remarks[i].class == REMARK_FATAL ||
			    (load->remarks[i].class == REMARK_SANDBOX && load->ctx.strict);
		fatal |= fatal_one;
		if (r == 0)
			r = problem_add(problems, text, fatal_one, load->ctx.unit->name);
		else
			free(text);
	}
	if (load->ctx.unit)
		load->ctx.unit->strict = load->ctx.strict;
	if (load->ctx.unit)
		directive_sandbox_settle(load->ctx.unit);
	if (r == 0 && !fatal)
		*unit = steal_ptr(&load->ctx.unit);
	unit_free(load->ctx.unit);
	free(load->remarks);
	*load = (struct unit_load){0};
	return r;
}
