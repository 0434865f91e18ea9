/*
 * property_print.c - values of properties as text, as systemctl(1) writes them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"

void property_put(FILE *out, const char *text)
{
	const struct look utf8 = {.utf8 = true};
	_cleanup_free_ char *clean = text ? show_clean(text, &utf8, true) : NULL;

	fputs(clean ? clean : "", out);
}

void property_put_yes(FILE *out, bool yes)
{
	fputs(yes ? "yes" : "no", out);
}

void property_put_span(FILE *out, uint64_t us)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = {{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000},
		     {"s", 1000000},     {"ms", 1000},      {"us", 1}};
	const char *gap = "";

	if (us == USEC_INFINITY || us == 0) {
		fputs(us ? "infinity" : "0", out);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (us / units[i].us) {
			fprintf(out, "%s%" PRIu64 "%s", gap, us / units[i].us, units[i].name);
			gap = " ";
		}
		us %= units[i].us;
	}
}

static void put_list(FILE *out, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			fputc(' ', out);
		property_put(out, list->v[i]);
	}
}

void property_put_command(FILE *out, const struct command *c)
{
	fputs("{ path=", out);
	property_put(out, c->path);
	fputs(" ; argv[]=", out);
	put_list(out, &c->argv);
	fprintf(out, " ; ignore_errors=%s }", c->ignore_failure ? "yes" : "no");
}

PRINTER(property_string)
{
	property_put(of->out, PROPERTY_FIELD(char *));
}

PRINTER(property_list)
{
	put_list(of->out, &PROPERTY_FIELD(struct strv));
}

PRINTER(property_variables)
{
	const struct strv *list = &PROPERTY_FIELD(struct strv);

	for (size_t i = 0; i < list->n; i++) {
		if (i)
			fputc(' ', of->out);
		if (strchr(list->v[i], '=') && property_is_secret(of, list->v[i])) {
			_cleanup_free_ char *name = strndup(list->v[i], strcspn(list->v[i], "="));

			property_put(of->out, name);
			fputs("=[secret]", of->out);
		} else {
			property_put(of->out, list->v[i]);
		}
	}
}

PRINTER(property_bool)
{
	property_put_yes(of->out, PROPERTY_FIELD(bool) != (p->arg == 1));
}

PRINTER(property_span)
{
	property_put_span(of->out, PROPERTY_FIELD(uint64_t));
}

PRINTER(property_unsigned)
{
	fprintf(of->out, "%u", PROPERTY_FIELD(unsigned));
}

PRINTER(property_int)
{
	fprintf(of->out, "%d", PROPERTY_FIELD(int));
}

PRINTER(property_bytes)
{
	fprintf(of->out, "%" PRIu64, PROPERTY_FIELD(uint64_t));
}

PRINTER(property_mode)
{
	fprintf(of->out, "%04o", (unsigned)PROPERTY_FIELD(mode_t));
}

PRINTER(property_signal)
{
	int sig = PROPERTY_FIELD(int);

	fprintf(of->out, "%d", sig ? sig : of->unit->kill_signal);
}

PRINTER(property_word)
{
	const char *const *words = p->words;
	unsigned value = PROPERTY_FIELD(unsigned);

	for (unsigned i = 0; words[i]; i++)
		if (i == value)
			fputs(words[i], of->out);
}

PRINTER(property_commands)
{
	const struct commands *commands = &PROPERTY_FIELD(struct commands);

	for (size_t i = 0; i < commands->n; i++) {
		if (i)
			fputc('\n', of->out);
		property_put_command(of->out, &commands->v[i]);
	}
}

PRINTER(property_constant)
{
	fputs(p->words, of->out);
}
