#include "supervisor/command.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/specifier.h"

#define BLANK " \t\n\r"

/* A hostile line of a megabyte of words is an error, not a quadratic wait. */
#define WORDS_MAX 4096

/* How a word is read: systemd's EXTRACT_CUNESCAPE and EXTRACT_RELAX. */
enum word_rules {
	WORD_STRICT = 0, /* C escapes; an open quote or a bad escape is an error */
	WORD_RELAXED,    /* "\x" is x; an open quote ends with the text */
};

/* Appends the UTF-8 of a code point; returns the number of bytes, 0 if it is none. */
static size_t utf8_put(char *to, unsigned long c)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Exactly `n` digits of the base; -1 when they are not. */
static long digits_parse(const char *s, int n, int base)
{
	long value = 0;

	for (int i = 0; i < n; i++) {
		int d = isdigit((unsigned char)s[i])    ? s[i] - '0'
			: isxdigit((unsigned char)s[i]) ? (s[i] | 0x20) - 'a' + 10
							: 99;

		if (d >= base)
			return -1;
		value = value * base + d;
	}
	return value;
}

/*
 * One escape, `s` behind the backslash: its bytes to `to` and their number to *put; returns how
 * much of `s` it took, 0 if it is none. As systemd's cunescape_one(): an escape never makes a NUL.
 */
static size_t escape_parse(const char *s, char *to, size_t *put)
{
	static const char from[] = "abfnrtv\\\"'s", into[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *simple = *s ? strchr(from, *s) : NULL;
	long value;

	*put = 1;
	if (simple) {
		*to = into[simple - from];
		return 1;
	}
	switch (*s) {
	case 'x':
		value = digits_parse(s + 1, 2, 16);
		*to = (char)value;
		return value > 0 ? 3 : 0;
	case 'u':
	case 'U':
		value = digits_parse(s + 1, *s == 'u' ? 4 : 8, 16);
		*put = value > 0 ? utf8_put(to, (unsigned long)value) : 0;
		if (!*put)
			return 0;
		return *s == 'u' ? 5 : 9;
	default:
		value = digits_parse(s, 3, 8);
		*to = (char)value;
		return value > 0 && value < 256 ? 3 : 0;
	}
}

int unescape_data(const char *text, char **data, size_t *size)
{
	/* No escape is longer than what stands for it. */
	char *buf = malloc(strlen(text) + 1);
	size_t n = 0;

	if (!buf)
		return -ENOMEM;
	while (*text) {
		size_t put = 1, took;

		if (*text != '\\') {
			buf[n++] = *text++;
			continue;
		}
		took = escape_parse(text + 1, buf + n, &put);
		if (!took) {
			explicit_bzero(buf, n);
			free(buf);
			return -EINVAL;
		}
		text += 1 + took;
		n += put;
	}
	*data = buf;
	*size = n;
	return 0;
}

/*
 * The next word of *p into `buf`, which has room for the rest of *p and a NUL: no escape is longer
 * than what it stands for. 1: there is one (it may be empty), 0: the line is at its end.
 */
static int word_next(const char **p, enum word_rules rules, char *buf, struct err *err)
{
	const char *s = *p + strspn(*p, BLANK);
	char quote = 0;
	size_t n = 0;

	if (!*s) {
		*p = s;
		return 0;
	}
	for (; *s && (quote || !strchr(BLANK, *s)); s++) {
		size_t took, put;

		if (quote ? *s == quote : *s == '"' || *s == '\'') {
			quote = (char)(quote ? 0 : *s);
			continue;
		}
		if (*s != '\\') {
			buf[n++] = *s;
			continue;
		}
		if (rules == WORD_RELAXED) {
			if (!s[1])
				continue;
			buf[n++] = *++s;
			continue;
		}
		took = escape_parse(s + 1, buf + n, &put);
		if (!took && s[1])
			return err_set(err, -EINVAL, "\"\\%c\" is no escape (write \\\\ for a \\)",
				       isprint((unsigned char)s[1]) ? s[1] : '?');
		if (!took)
			return err_set(err, -EINVAL, "a lone \\ at the end");
		n += put;
		s += took;
	}
	if (quote && rules == WORD_STRICT)
		return err_set(err, -EINVAL, "the quote %c is not closed", quote);
	buf[n] = '\0';
	*p = s + strspn(s, BLANK);
	return 1;
}

static int words_add(const char *line, enum word_rules rules, struct strv *words, struct err *err)
{
	_cleanup_free_ char *buf = malloc(strlen(line) + 1);
	int r;

	if (!buf)
		return err_sys(err, -ENOMEM, "words");
	while ((r = word_next(&line, rules, buf, err)) > 0) {
		if (words->n >= WORDS_MAX)
			return err_set(err, -E2BIG, "more than %d words", WORDS_MAX);
		r = strv_add(words, buf);
		if (r < 0)
			return err_sys(err, r, "words");
	}
	return r;
}

int words_split(const char *line, struct strv *words, struct err *err)
{
	_cleanup_(strv_free) struct strv fresh = {0};
	int r = words_add(line, WORD_STRICT, &fresh, err);

	for (size_t i = 0; i < fresh.n && r == 0; i++) {
		r = strv_take(words, steal_ptr(&fresh.v[i]));
		if (r < 0)
			err_sys(err, r, "words");
	}
	return r;
}

/* Prefixes before the program, each once, the next one belongs to the name. Of those that change
 * privileges there is one at most: systemd.service(5), "COMMAND LINES". */
static int prefixes_parse(const char **word, struct command *command, bool *own_argv0,
			  struct err *err)
{
	bool rights = false;

	for (;; (*word)++) {
		switch (**word) {
		case '-':
			if (command->ignore_failure)
				return 0;
			command->ignore_failure = true;
			break;
		case '@':
			if (*own_argv0)
				return 0;
			*own_argv0 = true;
			break;
		case ':':
			if (command->no_expand)
				return 0;
			command->no_expand = true;
			break;
		case '+':
		case '!':
			if (rights)
				return err_set(err, -EINVAL,
					       "only one of the prefixes +, !, !! can be used");
			rights = true;
			command->privileged = **word == '+';
			/* "!!" is "!" where the kernel has no ambient capabilities, and has no
			 * effect since Linux 4.3. */
			command->no_user = **word == '!' && (*word)[1] != '!';
			if (**word == '!' && (*word)[1] == '!')
				(*word)++;
			break;
		default:
			return 0;
		}
	}
}

static int program_check(const char *path, struct err *err)
{
	size_t len = strlen(path);

	if (len == 0)
		return err_set(err, -EINVAL, "the program is missing");
	if (len >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the program's path is too long");
	for (const char *p = path; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(err, -EINVAL, "the program's path has a control character");
	if (path[len - 1] == '/')
		return err_set(err, -EINVAL, "%.200s is a directory, not a program", path);
	if (*path != '/' && (strchr(path, '/') || !strcmp(path, ".") || !strcmp(path, "..")))
		return err_set(err, -EINVAL,
			       "%.200s is neither an absolute path nor a bare name to be looked up "
			       "in PATH",
			       path);
	return 0;
}

/* True, and *p moved on, when `text` (";" or "\;") stands there as an unquoted word. */
static bool separator_at(const char **p, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*p, text, len) != 0 || ((*p)[len] && !strchr(BLANK, (*p)[len])))
		return false;
	*p += len;
	*p += strspn(*p, BLANK);
	return true;
}

/* One command from *p up to its end or a separator; as systemd's config_parse_exec(). 0: there was
 * none. */
static int command_parse(const char **p, const char *unit_name, char *buf, struct command *command,
			 struct err *err)
{
	bool own_argv0 = false;
	const char *word = buf;
	int r;

	if (separator_at(p, ";"))
		return 0;
	r = word_next(p, WORD_STRICT, buf, err);
	if (r <= 0)
		return r;
	r = prefixes_parse(&word, command, &own_argv0, err);
	if (r < 0)
		return r;
	r = specifier_expand(word, unit_name, &command->path, err);
	if (r < 0)
		return r;
	r = program_check(command->path, err);
	if (r < 0)
		return r;
	if (!own_argv0 && strv_add(&command->argv, command->path) < 0)
		return err_sys(err, -ENOMEM, "command");
	while (**p && !separator_at(p, ";")) {
		char *argument;

		if (command->argv.n >= WORDS_MAX)
			return err_set(err, -E2BIG, "more than %d words", WORDS_MAX);
		if (separator_at(p, "\\;")) {
			if (strv_add(&command->argv, ";") < 0)
				return err_sys(err, -ENOMEM, "command");
			continue;
		}
		r = word_next(p, WORD_STRICT, buf, err);
		if (r <= 0)
			return r;
		r = specifier_expand(buf, unit_name, &argument, err);
		if (r < 0)
			return r;
		if (strv_take(&command->argv, argument) < 0)
			return err_sys(err, -ENOMEM, "command");
	}
	if (command->argv.n == 0 || !*command->argv.v[0])
		return err_set(err, -EINVAL, "behind \"@\" and the program its argv[0] is missing");
	return 1;
}

/* Takes the command over, also when it fails. */
static int commands_add(struct commands *commands, struct command *command)
{
	struct command *grown = reallocarray(commands->v, commands->n + 1, sizeof(*grown));

	if (!grown) {
		command_free(command);
		return -ENOMEM;
	}
	grown[commands->n++] = *command;
	commands->v = grown;
	*command = (struct command){0};
	return 0;
}

int commands_parse_for(const char *unit_name, const char *value, struct commands *commands,
		       struct err *err)
{
	_cleanup_free_ char *buf = malloc(strlen(value) + 1);
	_cleanup_(commands_free) struct commands fresh = {0};
	const char *p = value + strspn(value, BLANK);
	int r;

	if (!buf)
		return err_sys(err, -ENOMEM, "command");
	while (*p) {
		_cleanup_(command_free) struct command command = {0};

		r = command_parse(&p, unit_name, buf, &command, err);
		if (r < 0)
			return r;
		if (r > 0 && commands_add(&fresh, &command) < 0)
			return err_sys(err, -ENOMEM, "command");
	}
	if (fresh.n == 0)
		return err_set(err, -EINVAL, "there is no command in it");
	for (size_t i = 0; i < fresh.n; i++)
		if (commands_add(commands, &fresh.v[i]) < 0)
			return err_sys(err, -ENOMEM, "command");
	return 0;
}

int commands_parse(const char *value, struct commands *commands, struct err *err)
{
	return commands_parse_for(NULL, value, commands, err);
}

void command_free(struct command *command)
{
	strv_free(&command->argv);
	free(command->path);
	*command = (struct command){0};
}

void commands_free(struct commands *commands)
{
	for (size_t i = 0; i < commands->n; i++)
		command_free(&commands->v[i]);
	free(commands->v);
	*commands = (struct commands){0};
}

/* The value of the variable whose name is the first `len` bytes of `name`, "" when it is unset. */
static const char *variable_value(const struct strv *env, const char *name, size_t len)
{
	for (size_t i = env->n; len > 0 && i-- > 0;)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	return "";
}

/*
 * One word as systemd's replace_env() reads it: ${VAR} and $$; "$x" within a word, "${" without its
 * "}" and the shell's
 * ${VAR:-…} stay what they are.
 */
int variables_expand(const char *word, const struct strv *env, char **out, struct err *err)
{
	size_t size = 0, len;
	FILE *f = open_memstream(out, &size);

	if (!f)
		return err_sys(err, -ENOMEM, "argument");
	while (*word) {
		len = strcspn(word, "$");
		fwrite(word, 1, len, f);
		word += len;
		if (!*word)
			break;
		if (word[1] != '{') {
			fputc('$', f);
			word += word[1] == '$' ? 2 : 1;
			continue;
		}
		len = 2 + strcspn(word + 2, "}:");
		if (word[len] == '}')
			fputs(variable_value(env, word + 2, len - 2), f);
		else
			fwrite(word, 1, len, f);
		word += len + (word[len] == '}');
	}
	if (fclose(f) != 0) {
		free(*out);
		*out = NULL;
		return err_sys(err, -ENOMEM, "argument");
	}
	return 0;
}

int command_expand(const struct command *command, const struct strv *env, struct strv *argv,
		   struct err *err)
{
	_cleanup_(strv_free) struct strv fresh = {0};
	int r = 0;

	for (size_t i = 0; i < command->argv.n && r == 0; i++) {
		const char *word = command->argv.v[i];
		char *expanded;

		if (i == 0 || command->no_expand || !strchr(word, '$')) {
			r = strv_add(&fresh, word);
		} else if (*word == '$' && word[1] != '{' && word[1] != '$') {
			r = words_add(variable_value(env, word + 1, strlen(word + 1)), WORD_RELAXED,
				      &fresh, err);
		} else {
			r = variables_expand(word, env, &expanded, err);
			if (r == 0)
				r = strv_take(&fresh, expanded);
		}
		if (r == -ENOMEM)
			err_sys(err, r, "arguments");
	}
	for (size_t i = 0; i < fresh.n && r == 0; i++) {
		r = strv_take(argv, steal_ptr(&fresh.v[i]));
		if (r < 0)
			err_sys(err, r, "arguments");
	}
	return r;
}
