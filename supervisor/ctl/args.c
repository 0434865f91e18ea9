#include "supervisor/ctl/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

static const struct option_name {
	char letter; /* 0: none */
	const char *name;
	enum args_option option;
	bool has_value;
} options[] = {
	{'h', "help", ARGS_HELP, false},       {0, "json", ARGS_JSON, false},
	{0, "no-block", ARGS_NO_BLOCK, false}, {'f', "follow", ARGS_FOLLOW, false},
	{'n', "lines", ARGS_LINES, true},
};

static int unknown(const char *word, struct err *err)
{
	return err_set(err, -EINVAL, "there is no option %s here", word);
}

static int parse_lines(const char *text, uint64_t *lines, struct err *err)
{
	uint64_t n = 0;

	if (strcmp(text, "all") == 0) {
		*lines = ARGS_LINES_ALL;
		return 0;
	}
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || n > UINT32_MAX) {
			n = ARGS_LINES_ALL;
			break;
		}
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (!*text || n > UINT32_MAX)
		return err_set(err, -EINVAL, "\"%s\" is no number of lines (0, 1, 2 ... or all)",
			       text);
	*lines = n;
	return 0;
}

static int take(const struct option_name *o, const char *value, struct args *args, struct err *err)
{
	args->given |= o->option;
	return o->has_value ? parse_lines(value, &args->lines, err) : 0;
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
		if (value && !o->has_value)
			return err_set(err, -EINVAL, "--%s takes no value", o->name);
		if (o->has_value && !value) {
			value = next;
			(*used)++;
		}
		if (o->has_value && !value)
			return err_set(err, -EINVAL, "--%s lacks its value", o->name);
		return take(o, value ? value : "", args, err);
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
		if (!o->has_value) {
			take(o, "", args, err);
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
	int r = 0;

	*args = (struct args){0};
	args->names = calloc((size_t)argc + 1, sizeof(*args->names));
	if (!args->names)
		return err_sys(err, -ENOMEM, "the command line");
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
	*args = (struct args){0};
}
