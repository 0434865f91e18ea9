#include "supervisor/ctl/systemctl.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"

#define NAMES_ANY SIZE_MAX
/* Of the systemd whose words and statuses these are; scripts compare it (deb-systemd-invoke(1)). */
#define SYSTEMD_VERSION "257"

int sc_complain(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	ctl_complain_as("", fmt, args);
	va_end(args);
	return status;
}

/* ---- about no unit ---- */

static int ask_manager(struct systemctl *s)
{
	/* daemon-reload is about definitions: nothing starts or stops. */
	bool reload = strcmp(s->verb->ask, "reload") == 0;
	const char *words[] = {s->verb->ask, "--no-restart"};
	_cleanup_(reply_free) struct reply reply = {0};
	struct err err = {0};
	int r;

	r = sc_ask(words, reload ? 2 : 1, CLIENT_TIMEOUT_MS, &reply, &err);
	/* In an image that is being built there is nothing to read anew, as in systemctl's chroot:
	 * the next supervisor finds the files as they are. */
	if (r < 0 && reload && client_exit_status(r) == CTL_NO_SUPERVISOR)
		return s->options->quiet
			       ? SC_OK
			       : sc_complain(SC_OK,
					     "No supervisor runs here, ignoring command '%s'",
					     s->verb->name);
	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to %s: %s", s->verb->name, err.text);
	return SC_OK;
}

/* Of the supervisor, or "offline". The packets are freed with the reply. */
static const char *ask_state(struct reply *reply)
{
	static const char *const words[] = {"status"};
	const char *state = NULL;
	json_t *packet;

	if (client_ask_once(words, 1, CLIENT_TIMEOUT_MS, reply, NULL) == 0)
		for (size_t i = 0; (packet = json_array_get(reply->packets, i)) && !state; i++)
			state = json_string_value(json_object_get(packet, "state"));
	return state ? state : "offline";
}

static int is_system_running(struct systemctl *s)
{
	static const char *const wait[] = {"wait", "--all"};
	_cleanup_(reply_free) struct reply reply = {0}, waited = {0};
	const char *state;
	bool running;

	/* What failed is told by the state. */
	if (s->options->wait)
		sc_ask(wait, ARRAY_LEN(wait), CLIENT_FOR_EVER, &waited, NULL);
	state = ask_state(&reply);
	running = strcmp(state, "running") == 0;
	if (!s->options->quiet)
		puts(state);
	return running ? SC_OK : SC_FAILED;
}

static int get_default(struct systemctl *s)
{
	puts("multi-user.target");
	return SC_OK;
}

/* What asks for nothing that there is here. */
static int nothing(struct systemctl *s)
{
	return SC_OK;
}

/* The container cannot start itself again. */
static int reboot_is_a_stop(struct systemctl *s)
{
	if (!s->options->quiet)
		sc_complain(SC_OK,
			    "The container stops; who runs it decides whether it starts again.");
	return ask_manager(s);
}

/* In order of what systemctl(1) lists. */
static const struct systemctl_verb verbs[] = {
	{"list-units", sc_list_units, 0, NAMES_ANY, NULL},
	{"list-sockets", sc_list_sockets, 0, NAMES_ANY, NULL},
	{"list-timers", sc_list_nothing, 0, NAMES_ANY, NULL},
	{"list-paths", sc_list_nothing, 0, NAMES_ANY, NULL},
	{"list-automounts", sc_list_nothing, 0, NAMES_ANY, NULL},
	{"list-jobs", sc_list_nothing, 0, NAMES_ANY, NULL},
	{"list-dependencies", sc_list_dependencies, 0, NAMES_ANY, NULL},
	{"list-unit-files", sc_list_unit_files, 0, NAMES_ANY, NULL},
	{"is-active", sc_is_active, 1, NAMES_ANY, NULL},
	{"is-failed", sc_is_failed, 1, NAMES_ANY, NULL},
	{"is-enabled", sc_is_enabled, 1, NAMES_ANY, NULL},
	{"is-system-running", is_system_running, 0, 0, NULL},
	{"status", sc_status, 0, NAMES_ANY, NULL},
	{"show", sc_show, 0, NAMES_ANY, NULL},
	{"cat", sc_cat, 1, NAMES_ANY, NULL},
	{"start", sc_job, 1, NAMES_ANY, NULL},
	{"stop", sc_job, 1, NAMES_ANY, NULL},
	{"restart", sc_job, 1, NAMES_ANY, NULL},
	{"try-restart", sc_job, 1, NAMES_ANY, NULL},
	{"condrestart", sc_job, 1, NAMES_ANY, "try-restart"},
	{"reload", sc_job, 1, NAMES_ANY, "reload-unit"},
	{"reload-or-restart", sc_job, 1, NAMES_ANY, NULL},
	{"force-reload", sc_job, 1, NAMES_ANY, "reload-or-restart"},
	{"try-reload-or-restart", sc_job, 1, NAMES_ANY, NULL},
	{"reload-or-try-restart", sc_job, 1, NAMES_ANY, "try-reload-or-restart"},
	{"kill", sc_kill, 1, NAMES_ANY, NULL},
	{"reset-failed", sc_job, 0, NAMES_ANY, NULL},
	{"enable", sc_install, 1, NAMES_ANY, NULL},
	{"reenable", sc_install, 1, NAMES_ANY, "enable"},
	{"disable", sc_install, 1, NAMES_ANY, NULL},
	{"mask", sc_install, 1, NAMES_ANY, NULL},
	{"unmask", sc_install, 1, NAMES_ANY, NULL},
	{"preset", sc_preset, 0, NAMES_ANY, NULL},
	{"preset-all", nothing, 0, 0, NULL},
	{"daemon-reload", ask_manager, 0, 0, "reload"},
	{"daemon-reexec", ask_manager, 0, 0, "reexec"},
	{"get-default", get_default, 0, 0, NULL},
	{"poweroff", ask_manager, 0, 0, "shutdown"},
	{"halt", ask_manager, 0, 0, "shutdown"},
	{"exit", ask_manager, 0, 0, "shutdown"},
	{"reboot", reboot_is_a_stop, 0, 0, "shutdown"},
};

static const struct systemctl_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void print_help(void)
{
	fputs("systemctl [OPTIONS...] COMMAND ...\n\nAnswered by hakim-init's supervisor; see "
	      "systemctl(1), hakimctl(1).\n\nCommands:\n",
	      stdout);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		printf("  %s%s\n", verbs[i].name,
		       verbs[i].min_names       ? " UNIT..."
		       : verbs[i].max_names > 0 ? " [UNIT...]"
						: "");
}

/* Where systemd runs, this is the wrong program: its own lies beside. */
static void make_way(char **argv)
{
	static const char *const others[] = {"/usr/bin/systemctl.systemd", "/usr/bin/systemctl"};
	_cleanup_fclose_ FILE *comm = fopen("/proc/1/comm", "re");
	char text[16] = "";
	struct stat st, me;

	if (!comm || !fgets(text, sizeof(text), comm) || strcmp(text, "systemd\n") != 0 ||
	    stat("/proc/self/exe", &me) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (stat(others[i], &st) == 0 && (st.st_dev != me.st_dev || st.st_ino != me.st_ino))
			execv(others[i], argv);
}

static int run(struct systemctl *s)
{
	const struct systemctl_options *o = s->options;
	/* Without a command: as list-units. */
	const char *word = o->n_words ? o->words[0] : "list-units";

	s->verb = find_verb(word);
	if (!s->verb && sc_refused(word))
		return sc_complain(SC_FAILED, "%s is not supported by hakim-init: %s.", word,
				   sc_refused(word));
	if (!s->verb)
		return sc_complain(SC_FAILED, "Unknown command verb '%s'.", word);
	s->names = o->words + 1;
	s->n_names = o->n_words ? o->n_words - 1 : 0;
	if (s->n_names < s->verb->min_names)
		return sc_complain(SC_FAILED, "Too few arguments.");
	if (s->n_names > s->verb->max_names)
		return sc_complain(SC_FAILED, "Too many arguments.");
	return s->verb->run(s);
}

int systemctl_main(int argc, char **argv)
{
	struct systemctl_options options;
	struct systemctl s = {.options = &options, .look = look_of_stdout()};
	struct err err = {0};
	int status = SC_OK;

	make_way(argv);
	/* A reader that has gone is an error of write(2), and no harm. */
	signal(SIGPIPE, SIG_IGN);
	if (systemctl_options_parse(argc, argv, &options, &err) < 0)
		return err.text[0] ? sc_complain(SC_FAILED, "%s", err.text) : SC_FAILED;
	if (options.help)
		print_help();
	else if (options.version)
		printf("systemd " SYSTEMD_VERSION " (hakim-init " HAKIM_VERSION ")\n");
	else
		status = run(&s);
	systemctl_options_free(&options);
	fflush(stdout);
	return status;
}
