/*
 * help.c - `hakimctl help`, `hakimctl COMMAND --help`, `hakimctl version`, and what is said of a
 * command that there is not.
 */
#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/suggest.h"

static const char *const groups[CTL_GROUPS] = {
	[CTL_LOOK] = "Look",
	[CTL_ACT] = "Act on units",
	[CTL_FILES] = "Unit files",
	[CTL_WHOLE] = "The whole",
};

void help_put(FILE *out, const struct ctl_command *c)
{
	fprintf(out, "Usage: hakimctl %s%s%s\n\n%c%s.\n", c->name, *c->synopsis ? " " : "",
		c->synopsis, c->help[0] - 'a' + 'A', c->help + 1);
	if (c->more)
		fputs(c->more, out);
	fputs("  -h, --help    show this\n", out);
}

void help_put_all(FILE *out)
{
	fputs("Usage: hakimctl COMMAND [NAME...] [OPTION...]\n\n"
	      "Asks the supervisor of hakim-init about the services of this container.\n",
	      out);
	for (unsigned g = 0; g < CTL_GROUPS; g++) {
		fprintf(out, "\n%s:\n", groups[g]);
		for (unsigned i = 0; i < ctl_commands_n; i++)
			if (ctl_commands[i].group == g)
				fprintf(out, "  %-18s %s\n", ctl_commands[i].name,
					ctl_commands[i].help);
	}
	fputs("\n\"hakimctl COMMAND --help\" says more. A NAME may lack its \".service\".\n"
	      "Exit status: 0 ok, 1 failed, 2 wrong usage, 3 not active, 4 no such unit, "
	      "5 no supervisor answers.\n",
	      out);
}

int help_no_command(const char *word)
{
	const char *nearest = NULL;
	unsigned best = SUGGEST_FAR;

	for (unsigned i = 0; i < ctl_commands_n; i++)
		nearest = suggest(word, ctl_commands[i].name, nearest, &best);
	if (nearest)
		return ctl_complain(CTL_USAGE,
				    "there is no command \"%s\"; did you mean \"%s\"? 'hakimctl "
				    "help' lists them",
				    word, nearest);
	return ctl_complain(CTL_USAGE, "there is no command \"%s\"; 'hakimctl help' lists them",
			    word);
}

int ctl_help(struct ctl *ctl)
{
	const struct ctl_command *about;

	if (!ctl->args.n_names) {
		help_put_all(stdout);
		return CTL_OK;
	}
	about = ctl_find(ctl->args.names[0]);
	if (!about)
		return help_no_command(ctl->args.names[0]);
	help_put(stdout, about);
	return CTL_OK;
}

int ctl_version(struct ctl *ctl)
{
	puts("hakimctl " HAKIM_VERSION);
	return CTL_OK;
}
