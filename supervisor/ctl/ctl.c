#include "supervisor/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/suggest.h"

#define SUGGEST_MS 2000 /* for what is only a help */

void ctl_complain_as(const char *who, const char *fmt, va_list args)
{
	struct look look = look_of_stdout();
	_cleanup_free_ char *text = NULL, *clean = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	clean = text ? show_clean(text, &look, false) : NULL;
	fflush(stdout);
	fprintf(stderr, "%s%s\n", who, clean ? clean : "there is not enough memory");
}

int ctl_complain(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	ctl_complain_as("hakimctl: ", fmt, args);
	va_end(args);
	return status;
}

/* The name of the unit that the caller has mistyped, owned by the caller, or NULL. */
static char *nearest_unit(const char *word)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	struct err err = {0};
	const char *nearest = NULL;
	unsigned best = SUGGEST_FAR;
	const json_t *packet;

	if (client_ask_once(words, 1, SUGGEST_MS, &reply, &err) < 0)
		return NULL;
	for (size_t i = 0; (packet = json_array_get(reply.packets, i)); i++) {
		const char *name = json_string_value(json_object_get(packet, "name"));
		size_t len = name ? strlen(name) : 0;

		if (!name)
			continue;
		nearest = suggest(word, name, nearest, &best);
		/* Most people leave out the suffix. */
		if (len > 8 && strcmp(name + len - 8, ".service") == 0 && !strchr(word, '.')) {
			_cleanup_free_ char *stem = strndup(name, len - 8);

			if (stem && suggest(word, stem, NULL, &best))
				nearest = name;
		}
	}
	return nearest ? strdup(nearest) : NULL;
}

int ctl_fail(int error, const struct err *err)
{
	static const char begin[] = "there is no unit ";
	_cleanup_free_ char *word = NULL, *name = NULL;
	int status = client_exit_status(error);

	if (error == CLIENT_NO_UNIT && strncmp(err->text, begin, strlen(begin)) == 0) {
		const char *from = err->text + strlen(begin);

		word = strndup(from, strcspn(from, ";"));
		name = word ? nearest_unit(word) : NULL;
	}
	if (name)
		return ctl_complain(status, "there is no unit %s; did you mean %s?", word, name);
	return ctl_complain(status, "%s", err->text);
}

/* ---- the program ---- */

/* What was printed must have arrived. Who reads only the beginning ("| head") is content with it.
 */
static int finish_output(int status)
{
	struct pollfd p = {.fd = STDOUT_FILENO};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* The write that failed may be long ago, and its errno gone. */
	if (errno == EPIPE || (poll(&p, 1, 0) == 1 && p.revents & POLLERR))
		return status;
	return ctl_complain(CTL_FAILED, "the output cannot be written: %s", strerror(errno));
}

static int run_command(const struct ctl_command *command, int argc, char **argv)
{
	struct ctl ctl = {.look = look_of_stdout(), .command = command};
	struct err err = {0};
	int status;

	if (args_parse(&command->spec, argc, argv, &ctl.args, &err) < 0)
		return ctl_complain(CTL_USAGE, "%s: %s; see 'hakimctl %s --help'", command->name,
				    err.text, command->name);
	if (ctl.args.given & ARGS_HELP) {
		help_put(stdout, command);
		status = CTL_OK;
	} else {
		status = command->run(&ctl);
	}
	args_free(&ctl.args);
	return finish_output(status);
}

int ctl_main(int argc, char **argv)
{
	const struct ctl_command *command;
	const char *word = argc > 1 ? argv[1] : NULL;

	/* A reader that has gone is an error of write(2), which is handled. */
	signal(SIGPIPE, SIG_IGN);
	if (!word) {
		help_put_all(stderr);
		return CTL_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		word = "help";
	else if (strcmp(word, "--version") == 0)
		word = "version";
	command = ctl_find(word);
	if (!command)
		return help_no_command(word);
	return run_command(command, argc - 2, argv + 2);
}
