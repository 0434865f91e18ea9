#include "supervisor/ctl/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* What may stand behind an option. */
enum value_kind {
	VALUE_NONE = 0,
	VALUE_TEXT,     /* must be there, and not be empty */
	VALUE_OPTIONAL, /* "--name=value" or nothing */
	VALUE_LINES,    /* 0, 1, 2 … or "all" */
	VALUE_COUNT,    /* 1, 2 … */
	VALUE_SECONDS,  /* "5", "0.5" */
};

static const struct option_name {
	char letter; /* 0: none */
	const char *name;
	uint64_t option;
	enum value_kind kind;
} options[] = {
	{'h', "help", ARGS_HELP, VALUE_NONE},
	{0, "json", ARGS_JSON, VALUE_NONE},
	{0, "no-block", ARGS_NO_BLOCK, VALUE_NONE},
	{'f', "follow", ARGS_FOLLOW, VALUE_NONE},
	{'n', "lines", ARGS_LINES, VALUE_LINES},
	{'s', "signal", ARGS_SIGNAL, VALUE_TEXT},
	{0, "whom", ARGS_WHOM, VALUE_TEXT},
	{0, "kill-whom", ARGS_WHOM, VALUE_TEXT}, /* systemctl's own word for it */
	{'a', "all", ARGS_ALL, VALUE_NONE},
	{'r', "reverse", ARGS_REVERSE, VALUE_NONE},
	{'p', "property", ARGS_PROPERTY, VALUE_TEXT},
	{0, "value", ARGS_VALUE, VALUE_NONE},
	{0, "svg", ARGS_SVG, VALUE_OPTIONAL},
	{'1', "once", ARGS_ONCE, VALUE_NONE},
	{'n', "rounds", ARGS_ROUNDS, VALUE_COUNT},
	{'d', "delay", ARGS_DELAY, VALUE_SECONDS},
	{'s', "sort", ARGS_SORT, VALUE_TEXT},
	{0, "timeout", ARGS_TIMEOUT, VALUE_SECONDS},
	{0, "now", ARGS_NOW, VALUE_NONE},
	{'n', "dry-run", ARGS_DRY_RUN, VALUE_NONE},
	{0, "no-restart", ARGS_NO_RESTART, VALUE_NONE},
	{'S', "since", ARGS_SINCE, VALUE_TEXT},
	{'U', "until", ARGS_UNTIL, VALUE_TEXT},
	{'g', "grep", ARGS_GREP, VALUE_TEXT},
	{'i', "ignore-case", ARGS_IGNORE_CASE, VALUE_NONE},
	{'o', "output", ARGS_OUTPUT, VALUE_TEXT},
	{0, "no-pager", ARGS_NO_PAGER, VALUE_NONE},
	{0, "fix", ARGS_FIX, VALUE_NONE},
};

static int unknown(const char *word, struct err *err)
{
	return err_set(err, -EINVAL, "there is no option %s here", word);
}

/* Digits only, at most UINT32_MAX; false: it is none. */
static bool parse_number(const char *text, uint64_t *number)
{
	uint64_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*number = n;
	return *text != '\0';
}

/* Seconds with at most three digits behind the point, as milliseconds. */
static bool parse_seconds(const char *text, uint64_t *ms)
{
	char whole[16];
	uint64_t seconds = 0, rest = 0;
	size_t len = strcspn(text, "."), digits;

	if (len >= sizeof(whole))
		return false;
	memcpy(whole, text, len);
	whole[len] = '\0';
	if (!parse_number(whole, &seconds))
		return false;
	digits = text[len] ? strlen(text + len + 1) : 0;
	if (digits > 3 || (text[len] && !parse_number(text + len + 1, &rest)))
		return false;
	while (digits++ < 3)
		rest *= 10;
	*ms = seconds * 1000 + rest;
	return true;
}

static int parse_value(enum value_kind kind, const char *text, uint64_t *number, struct err *err)
{
	switch (kind) {
	case VALUE_LINES:
		*number = ARGS_LINES_ALL;
		if (strcmp(text, "all") == 0 || parse_number(text, number))
			return 0;
		return err_set(err, -EINVAL, "\"%s\" is no number of lines (0, 1, 2 ... or all)",
			       text);
	case VALUE_COUNT:
		if (parse_number(text, number) && *number > 0)
			return 0;
		return err_set(err, -EINVAL, "\"%s\" is no number (1, 2 ...)", text);
	case VALUE_SECONDS:
		if (parse_seconds(text, number))
			return 0;
		return err_set(err, -EINVAL, "\"%s\" is no number of seconds (5, 0.5 ...)", text);
	case VALUE_TEXT:
		return *text ? 0 : err_set(err, -EINVAL, "its value is empty");
	default:
		return 0;
	}
}

static int take(const struct option_name *o, const char *value, struct args *args, struct err *err)
{
	uint64_t number = 0;
	int r = o->kind == VALUE_NONE || !value ? 0 : parse_value(o->kind, value, &number, err);

	if (r < 0)
		return r;
	args->given |= o->option;
	args->values[args->n_values++] = (struct args_given){o->option, value};
	if (o->option == ARGS_LINES)
		args->lines = number;
	return 0;
}

/* "--name" or "--name=value"; takes the next word where the value is there. */
static int take_long(const struct args_spec *spec, const char *word, const char *next, int *used,
		     struct args *args, struct err *err)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option_name *o = &options[i];

		if (strlen(o->name) != len || memcmp(o->name, name, len) != 0 ||
		    !((spec->options | ARGS_HELP) & o->option))
			continue;
		if (value && o->kind == VALUE_NONE)
			return err_set(err, -EINVAL, "--%s takes no value", o->name);
		if (value || o->kind == VALUE_NONE || o->kind == VALUE_OPTIONAL)
			return take(o, value, args, err);
		if (!next)
			return err_set(err, -EINVAL, "--%s lacks its value", o->name);
		(*used)++;
		return take(o, next, args, err);
	}
	return unknown(word, err);
}

/* "-f", "-n5", "-fn", "5" */
static int take_short(const struct args_spec *spec, const char *word, const char *next, int *used,
		      struct args *args, struct err *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_name *o = NULL;
		int r;

		for (size_t i = 0; i < ARRAY_LEN(options) && !o; i++)
			if (options[i].letter == *letter &&
			    ((spec->options | ARGS_HELP) & options[i].option))
				o = &options[i];
		if (!o)
			return unknown(word, err);
		if (o->kind == VALUE_NONE) {
			take(o, NULL, args, err);
			continue;
		}
		if (letter[1])
			return take(o, letter + 1, args, err);
		if (!next)
			return err_set(err, -EINVAL, "-%c lacks its value", o->letter);
		r = take(o, next, args, err);
		(*used)++;
		return r;
	}
	return 0;
}

static int check_names(const struct args_spec *spec, const struct args *args, struct err *err)
{
	if (args->given & ARGS_HELP)
		return 0;
	if (args->n_names < spec->min_names)
		return err_set(err, -EINVAL, "a name is missing");
	if (args->n_names > spec->max_names)
		return err_set(err, -EINVAL,
			       spec->max_names ? "\"%s\" is one name too many"
					       : "\"%s\": there is nothing to name here",
			       args->names[spec->max_names]);
	return 0;
}

int args_parse(const struct args_spec *spec, int argc, char *const *argv, struct args *args,
	       struct err *err)
{
	bool only_names = false;
	size_t letters = 0;
	int r = 0;

	*args = (struct args){0};
	/* A word has at most as many options as letters. */
	for (int i = 0; i < argc; i++)
		letters += strlen(argv[i]);
	args->names = calloc((size_t)argc + 1, sizeof(*args->names));
	args->values = calloc(letters + 1, sizeof(*args->values));
	if (!args->names || !args->values) {
		args_free(args);
		return err_sys(err, -ENOMEM, "the command line");
	}
	for (int i = 0; i < argc && r == 0; i++) {
		const char *word = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (!*word)
			r = err_set(err, -EINVAL, "a name is empty");
		else if (only_names || word[0] != '-' || !word[1])
			args->names[args->n_names++] = word;
		else if (strcmp(word, "--") == 0)
			only_names = true;
		else if (word[1] == '-')
			r = take_long(spec, word, next, &i, args, err);
		else
			r = take_short(spec, word, next, &i, args, err);
	}
	if (r == 0)
		r = check_names(spec, args, err);
	if (r < 0)
		args_free(args);
	return r;
}

void args_free(struct args *args)
{
	free(args->names);
	free(args->values);
	*args = (struct args){0};
}

const char *args_value(const struct args *args, uint64_t option)
{
	for (size_t i = args->n_values; i > 0; i--)
		if (args->values[i - 1].option == option)
			return args->values[i - 1].value;
	return NULL;
}

uint64_t args_number(const struct args *args, uint64_t option, uint64_t otherwise)
{
	const char *text = args_value(args, option);
	uint64_t number = otherwise;

	/* It was looked at when it was taken: no error is left. */
	for (size_t i = 0; text && i < ARRAY_LEN(options); i++)
		if (options[i].option == option)
			parse_value(options[i].kind, text, &number, NULL);
	return number;
}
