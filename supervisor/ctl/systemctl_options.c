#include "supervisor/ctl/systemctl_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Beyond the letters. */
enum {
	OPTION_IGNORED = 256, /* it changes nothing here */
	OPTION_IGNORED_VALUE,
	OPTION_REFUSED, /* other machines and trees */
	OPTION_VERSION,
	OPTION_USER,
	OPTION_SYSTEM,
	OPTION_NO_BLOCK,
	OPTION_NOW,
	OPTION_VALUE,
	OPTION_PLAIN,
	OPTION_NO_LEGEND,
	OPTION_LEGEND,
	OPTION_RUNTIME,
	OPTION_FAILED,
	OPTION_WHOM,
	OPTION_STATE,
	OPTION_ROOT,
	OPTION_GLOBAL,
	OPTION_PRESET_MODE,
	OPTION_WAIT,
	OPTION_REVERSE,
	OPTION_AFTER,
	OPTION_BEFORE,
};

static const struct option options_long[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"user", no_argument, NULL, OPTION_USER},
	{"system", no_argument, NULL, OPTION_SYSTEM},
	{"quiet", no_argument, NULL, 'q'},
	{"no-block", no_argument, NULL, OPTION_NO_BLOCK},
	{"now", no_argument, NULL, OPTION_NOW},
	{"all", no_argument, NULL, 'a'},
	{"property", required_argument, NULL, 'p'},
	{"value", no_argument, NULL, OPTION_VALUE},
	{"type", required_argument, NULL, 't'},
	{"state", required_argument, NULL, OPTION_STATE},
	{"failed", no_argument, NULL, OPTION_FAILED},
	{"plain", no_argument, NULL, OPTION_PLAIN},
	{"no-legend", no_argument, NULL, OPTION_NO_LEGEND},
	{"legend", required_argument, NULL, OPTION_LEGEND},
	{"force", no_argument, NULL, 'f'},
	{"runtime", no_argument, NULL, OPTION_RUNTIME},
	{"signal", required_argument, NULL, 's'},
	{"kill-whom", required_argument, NULL, OPTION_WHOM},
	{"kill-who", required_argument, NULL, OPTION_WHOM},
	{"lines", required_argument, NULL, 'n'},
	{"host", required_argument, NULL, OPTION_REFUSED},
	{"machine", required_argument, NULL, OPTION_REFUSED},
	{"root", required_argument, NULL, OPTION_ROOT},
	{"image", required_argument, NULL, OPTION_REFUSED},
	{"global", no_argument, NULL, OPTION_GLOBAL},
	{"no-pager", no_argument, NULL, OPTION_IGNORED},
	{"full", no_argument, NULL, 'l'},
	{"no-reload", no_argument, NULL, OPTION_IGNORED},
	{"no-ask-password", no_argument, NULL, OPTION_IGNORED},
	{"no-wall", no_argument, NULL, OPTION_IGNORED},
	{"no-warn", no_argument, NULL, OPTION_IGNORED},
	{"wait", no_argument, NULL, OPTION_WAIT},
	{"recursive", no_argument, NULL, 'r'},
	{"reverse", no_argument, NULL, OPTION_REVERSE},
	{"after", no_argument, NULL, OPTION_AFTER},
	{"before", no_argument, NULL, OPTION_BEFORE},
	{"with-dependencies", no_argument, NULL, OPTION_IGNORED},
	{"show-types", no_argument, NULL, OPTION_IGNORED},
	{"ignore-inhibitors", no_argument, NULL, 'i'},
	{"check-inhibitors", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"job-mode", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"fail", no_argument, NULL, OPTION_IGNORED},
	{"output", required_argument, NULL, 'o'},
	{"message", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"preset-mode", required_argument, NULL, OPTION_PRESET_MODE},
	{"timestamp", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"show-transaction", no_argument, NULL, 'T'},
	{"verbose", no_argument, NULL, 'v'},
	{"dry-run", no_argument, NULL, OPTION_REFUSED},
	{NULL, 0, NULL, 0},
};

/* "a,b" and more of them. */
static int add_list(struct strv *list, const char *text)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = strcspn(text, ",");

		if (len)
			r = strv_add_len(list, text, len);
		text += len;
		text += *text == ',';
	}
	return r;
}

static int take_lines(struct systemctl_options *o, const char *text, struct err *err)
{
	char *end;

	if (strcmp(text, "all") == 0) {
		o->lines = UINT64_MAX;
		return 0;
	}
	o->lines = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return err_set(err, -EINVAL, "Failed to parse lines '%s'", text);
	return 0;
}

/* What has a value. 1: it is another one. */
static int take_value(struct systemctl_options *o, int option, const char *value, struct err *err)
{
	switch (option) {
	case 'p':
		return add_list(&o->properties, value);
	case 'P':
		o->value = true;
		return add_list(&o->properties, value);
	case 't':
		return add_list(&o->types, value);
	case OPTION_STATE:
		return add_list(&o->states, value);
	case OPTION_LEGEND:
		o->no_legend = *value && strchr("nf0", *value);
		return 0;
	case 's':
		o->signal = value;
		return 0;
	case OPTION_WHOM:
		o->whom = value;
		return 0;
	case 'n':
		return take_lines(o, value, err);
	case 'o':
		/* The other words are forms of a journal. */
		o->json = strncmp(value, "json", 4) == 0;
		return 0;
	case OPTION_PRESET_MODE:
		o->enable_only = strcmp(value, "enable-only") == 0;
		return 0;
	case OPTION_ROOT:
		/* "/" is what deb-systemd-helper says of the tree that it is in. */
		if (!*value || strcmp(value, "/") == 0)
			return 0;
		/* fallthrough */
	case 'H':
	case 'M':
	case OPTION_REFUSED:
		return err_set(err, -EINVAL,
			       "other machines, other trees and dry runs are not to be "
			       "had here: leave --host, --machine, --root, --image and "
			       "--dry-run out");
	default:
		return 1;
	}
}

/* A flag, or nullptr where the option changes nothing. */
static bool *flag_of(struct systemctl_options *o, int option)
{
	const struct {
		int option;
		bool *flag;
	} flags[] = {
		{'h', &o->help},
		{'q', &o->quiet},
		{'a', &o->all},
		{'f', &o->force},
		{OPTION_VERSION, &o->version},
		{OPTION_USER, &o->user},
		{OPTION_NO_BLOCK, &o->no_block},
		{OPTION_NOW, &o->now},
		{OPTION_VALUE, &o->value},
		{OPTION_PLAIN, &o->plain},
		{OPTION_NO_LEGEND, &o->no_legend},
		{OPTION_RUNTIME, &o->runtime},
		{OPTION_FAILED, &o->failed},
		{OPTION_GLOBAL, &o->global},
		{OPTION_WAIT, &o->wait},
		{OPTION_REVERSE, &o->reverse},
		{OPTION_AFTER, &o->after},
		{OPTION_BEFORE, &o->before},
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].option == option)
			return flags[i].flag;
	return NULL;
}

int systemctl_options_parse(int argc, char **argv, struct systemctl_options *options,
			    struct err *err)
{
	int option, r = 0;

	*options = (struct systemctl_options){.lines = SC_LINES_DEFAULT};
	optind = 0; /* glibc: begin anew, and sort */
	while (r >= 0 && (option = getopt_long(argc, argv, "haqflirvTp:P:t:s:n:o:H:M:",
					       options_long, NULL)) >= 0) {
		bool *flag = flag_of(options, option);

		if (option == '?')
			r = -EINVAL;
		else if (flag)
			*flag = true;
		else if (option == OPTION_SYSTEM)
			options->user = false;
		else
			r = take_value(options, option, optarg, err);
	}
	options->words = argv + optind;
	options->n_words = (size_t)(argc - optind);
	if (r < 0)
		systemctl_options_free(options);
	return r < 0 ? r : 0;
}

void systemctl_options_free(struct systemctl_options *options)
{
	strv_free(&options->properties);
	strv_free(&options->types);
	strv_free(&options->states);
}
