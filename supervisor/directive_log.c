/*
 * directive_log.c - the directives about standard input and output and about the log.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/specifier.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)
#define AT(field)    DIRECTIVE_AT(log.field)
#define DATA_MAX     (1u << 20) /* of StandardInputText= and Data= together */

/* journald.conf(5), RateLimitIntervalSec= and RateLimitBurst= */
#define RATE_INTERVAL (30 * USEC_PER_SEC)
#define RATE_BURST    10000

void unit_log_init(struct unit_log *log)
{
	*log = (struct unit_log){
		.level_prefix = true,
		.level = 6,
		.level_max = 7,
		.rate_interval_usec = RATE_INTERVAL,
		.rate_burst = RATE_BURST,
	};
}

void unit_log_free(struct unit_log *log)
{
	free(log->in.path);
	free(log->out.path);
	free(log->error.path);
	free(log->data);
	free(log->identifier);
}

bool unit_log_splits(const struct unit_log *log)
{
	bool out = log->out.kind == STDIO_LOG || log->out.kind == STDIO_DEFAULT;

	return log->error.kind == STDIO_LOG || (log->error.kind == STDIO_DEFAULT && out);
}

/* ---- standard input and output ---- */

struct stdio_word {
	const char *word; /* with a ":" at its end a path follows */
	enum stdio_kind kind;
	bool in, out;
	const char *note; /* NULL: as in systemd */
};

static const char no_terminal[] = "there is no terminal for a service here: it is /dev/null";

static const struct stdio_word stdio_words[] = {
	{"null", STDIO_NULL, true, true, NULL},
	{"inherit", STDIO_INHERIT, false, true, NULL},
	{"journal", STDIO_LOG, false, true, NULL},
	{"kmsg", STDIO_LOG, false, true, "it is the log of the service"},
	{"syslog", STDIO_LOG, false, true, "it is the log of the service"},
	{"journal+console", STDIO_LOG, false, true, NULL},
	{"kmsg+console", STDIO_LOG, false, true, "it is the log of the service"},
	{"syslog+console", STDIO_LOG, false, true, "it is the log of the service"},
	{"tty", STDIO_LOG, false, true, "there is no terminal for a service here: it is its log"},
	{"tty", STDIO_NULL, true, false, no_terminal},
	{"tty-force", STDIO_NULL, true, false, no_terminal},
	{"tty-fail", STDIO_NULL, true, false, no_terminal},
	{"data", STDIO_DATA, true, false, NULL},
	{"socket", STDIO_SOCKET, true, true, NULL},
	{"file:", STDIO_FILE, true, true, NULL},
	{"append:", STDIO_APPEND, false, true, NULL},
	{"truncate:", STDIO_TRUNCATE, false, true, NULL},
};

SETTER(set_stdio)
{
	struct stdio *stdio = DIRECTIVE_FIELD(struct stdio);
	bool in = stdio == &ctx->unit->log.in;
	_cleanup_free_ char *path = NULL;

	for (size_t i = 0; i < ARRAY_LEN(stdio_words); i++) {
		const struct stdio_word *w = &stdio_words[i];
		size_t len = strlen(w->word);
		bool is_path = w->word[len - 1] == ':';
		int r = 0;

		if ((in ? !w->in : !w->out) || strncmp(value, w->word, len) != 0 ||
		    (!is_path && value[len]))
			continue;
		if (is_path) {
			r = directive_string_put(&path, ctx, value + len, err);
			r = r < 0 ? r : directive_path_check(path ? path : "", err);
		}
		if (r < 0)
			return r;
		free(stdio->path);
		*stdio = (struct stdio){.kind = w->kind, .path = steal_ptr(&path)};
		if (strstr(w->word, "+console"))
			ctx->unit->log.forward = true;
		if (w->note)
			err_set(err, 0, "%s", w->note);
		return w->note != NULL;
	}
	return err_set(err, -EINVAL,
		       in ? "\"%.60s\" is none of null, file:PATH, data, socket, tty"
			  : "\"%.60s\" is none of journal, null, inherit, file:PATH, append:PATH, "
			    "truncate:PATH, socket, journal+console, tty",
		       value);
}

static int data_add(struct unit_log *log, const char *bytes, size_t len, struct err *err)
{
	char *more;

	if (log->data_len + len > DATA_MAX)
		return err_set(err, -E2BIG, "the input is longer than %u bytes", DATA_MAX);
	more = realloc(log->data, log->data_len + len + 1);
	if (!more)
		return -ENOMEM;
	memcpy(more + log->data_len, bytes, len);
	log->data = more;
	log->data_len += len;
	return 0;
}

/* Up to `max` digits of the base; the number of those that were there. */
static size_t digits_read(const char *text, int base, size_t max, unsigned *value)
{
	char digits[4] = "";
	char *end;

	for (size_t i = 0; i < max && isxdigit((unsigned char)text[i]); i++)
		digits[i] = text[i];
	*value = (unsigned)strtoul(digits, &end, base);
	return (size_t)(end - digits);
}

/* C's escapes, as systemd.syntax(7) has them, in place. */
static int unescape(char *text, size_t *len, struct err *err)
{
	static const char from[] = "abfnrtvs\\\"'", to[] = "\a\b\f\n\r\t\v \\\"'";
	char *out = text;

	for (const char *p = text; *p; p++) {
		const char *found;
		unsigned value;

		if (*p != '\\') {
			*out++ = *p;
			continue;
		}
		p++;
		found = *p ? strchr(from, *p) : NULL;
		if (found) {
			*out++ = to[found - from];
		} else if ((*p == 'x' && digits_read(p + 1, 16, 2, &value) == 2) ||
			   (digits_read(p, 8, 3, &value) == 3 && value < 256)) {
			*out++ = (char)value;
			p += 2;
		} else {
			return err_set(err, -EINVAL, "\"\\%.1s\" is no escape sequence", p);
		}
	}
	*len = (size_t)(out - text);
	return 0;
}

SETTER(add_text)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = specifier_expand(value, ctx->unit->name, &text, err);

	r = r < 0 ? r : unescape(text, &len, err);
	r = r < 0 ? r : data_add(&ctx->unit->log, text, len, err);
	return r < 0 ? r : data_add(&ctx->unit->log, "\n", 1, err);
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

SETTER(add_data)
{
	_cleanup_free_ char *bytes = malloc(strlen(value) + 1);
	unsigned bits = 0, n_bits = 0;
	size_t len = 0, digits = 0, pads = 0;

	if (!bytes)
		return -ENOMEM;
	for (const char *p = value; *p; p++) {
		int digit = base64_digit(*p);

		if (isspace((unsigned char)*p))
			continue;
		pads += *p == '=';
		digits++;
		if ((digit < 0 && *p != '=') || (digit >= 0 && pads))
			return err_set(err, -EINVAL, "it is not base64");
		if (digit < 0)
			continue;
		bits = bits << 6 | (unsigned)digit;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			bytes[len++] = (char)(bits >> n_bits);
		}
	}
	if (digits % 4 || pads > 2)
		return err_set(err, -EINVAL, "it is not base64");
	return data_add(&ctx->unit->log, bytes, len, err);
}

static DIRECTIVE_RESET(reset_data)
{
	free(ctx->unit->log.data);
	ctx->unit->log.data = NULL;
	ctx->unit->log.data_len = 0;
	return 0;
}

/* ---- the log ---- */

SETTER(set_identifier)
{
	return directive_string_put(&ctx->unit->log.identifier, ctx, value, err);
}

SETTER(set_bool)
{
	return bool_parse(value, DIRECTIVE_FIELD(bool), err);
}

SETTER(set_level)
{
	static const char *const names[] = {"emerg",   "alert",  "crit", "err",
					    "warning", "notice", "info", "debug"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) == 0 || (value[0] == (char)('0' + i) && !value[1])) {
			*DIRECTIVE_FIELD(unsigned) = i;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "\"%.60s\" is none of emerg, alert, crit, err, warning, notice, info, debug",
		       value);
}

SETTER(set_rate_interval)
{
	ctx->unit->log.rate_set = true;
	return timespan_parse(value, &ctx->unit->log.rate_interval_usec, err);
}

SETTER(set_rate_burst)
{
	ctx->unit->log.rate_set = true;
	return unsigned_parse(value, UINT_MAX, &ctx->unit->log.rate_burst, err);
}

SETTER(set_age)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r < 0)
		return r;
	if (usec == USEC_INFINITY)
		usec = 0;
	if (usec && usec < USEC_PER_SEC)
		return err_set(err, -ERANGE, "it must be at least 1s, or 0 for never");
	*DIRECTIVE_FIELD(uint64_t) = usec;
	return 0;
}

SETTER(set_compress)
{
	if (strcmp(value, "zstd") == 0) {
		ctx->unit->log.compress = true;
		return 0;
	}
	if (bool_parse(value, &ctx->unit->log.compress, NULL) < 0)
		return err_set(err, -EINVAL, "\"%.60s\" is neither zstd nor no", value);
	return 0;
}

static const struct directive service_directives[] = {
	{"LogLevelMax", set_level, AT(level_max), 0, NULL},
	{"LogRateLimitBurst", set_rate_burst, 0, 0, NULL},
	{"LogRateLimitIntervalSec", set_rate_interval, 0, 0, NULL},
	{"StandardError", set_stdio, AT(error), 0, NULL},
	{"StandardInput", set_stdio, AT(in), 0, NULL},
	{"StandardInputData", add_data, 0, 0, reset_data},
	{"StandardInputText", add_text, 0, 0, reset_data},
	{"StandardOutput", set_stdio, AT(out), 0, NULL},
	{"SyslogIdentifier", set_identifier, 0, 0, NULL},
	{"SyslogLevel", set_level, AT(level), 0, NULL},
	{"SyslogLevelPrefix", set_bool, AT(level_prefix), 0, NULL},
};

static const struct directive hakim_directives[] = {
	{"LogCompress", set_compress, 0, 0, NULL},
	{"LogForward", set_bool, AT(forward), 0, NULL},
	{"LogMaxAgeSec", set_age, AT(max_age_usec), 0, NULL},
	{"LogRotateSec", set_age, AT(rotate_usec), 0, NULL},
};

const struct directive_area directive_area_log = {DIRECTIVES_SERVICE, service_directives,
						  ARRAY_LEN(service_directives)};
const struct directive_area directive_area_log_hakim = {DIRECTIVES_HAKIM, hakim_directives,
							ARRAY_LEN(hakim_directives)};
