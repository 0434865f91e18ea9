#include "modules/openclaw-node/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

#define PORT_DEFAULT     18790
#define FINGERPRINT_SIZE 64 /* hexadecimal digits of a SHA-256 */
#define NAME_MAX_LEN     128
#define SHOWN            40

/* Empty is unset: a template sets a variable also where it has nothing to say. */
static const char *value_of(char *(*get)(const char *), const char *name)
{
	const char *value = get(name);

	return value && *value ? value : NULL;
}

static int read_host(struct openclaw_options *o, char *(*get)(const char *), struct err *err)
{
	o->host = value_of(get, "OPENCLAW_BRIDGE_HOST");
	if (!o->host)
		return err_set(err, -EINVAL,
			       "OPENCLAW_BRIDGE_HOST is not set: set it to the gateway's host");
	for (const char *p = o->host; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(".:-_%[]", *p))
			return err_set(err, -EINVAL,
				       "OPENCLAW_BRIDGE_HOST=%.*s is no host: set it to a name or "
				       "an address, without ws:// and port",
				       SHOWN, o->host);
	if (*o->host == '-')
		return err_set(err, -EINVAL, "OPENCLAW_BRIDGE_HOST=%.*s begins with a -", SHOWN,
			       o->host);
	return 0;
}

static int read_port(struct openclaw_options *o, char *(*get)(const char *), struct err *err)
{
	const char *value = value_of(get, "OPENCLAW_BRIDGE_PORT");
	unsigned long port;
	char *end;

	o->port = PORT_DEFAULT;
	if (!value)
		return 0;
	port = strtoul(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || port == 0 || port > UINT16_MAX)
		return err_set(err, -EINVAL,
			       "OPENCLAW_BRIDGE_PORT=%.*s is no port: set it to a number from 1 to "
			       "65535",
			       SHOWN, value);
	o->port = (uint16_t)port;
	return 0;
}

static int read_tls(struct openclaw_options *o, char *(*get)(const char *), struct err *err)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = {
		{"1", true},  {"yes", true}, {"true", true},   {"on", true},
		{"0", false}, {"no", false}, {"false", false}, {"off", false},
	};
	const char *value = value_of(get, "OPENCLAW_BRIDGE_TLS");

	o->tls = false;
	if (!value)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i].word) == 0) {
			o->tls = words[i].on;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "OPENCLAW_BRIDGE_TLS=%.*s is neither yes nor no", SHOWN,
		       value);
}

/* With or without colons, and with "sha256:" before it. */
static bool is_sha256(const char *text)
{
	size_t digits = 0;

	if (strncasecmp(text, "sha256:", 7) == 0)
		text += 7;
	for (; *text; text++) {
		if (isxdigit((unsigned char)*text))
			digits++;
		else if (*text != ':')
			return false;
	}
	return digits == FINGERPRINT_SIZE;
}

static int read_fingerprint(struct openclaw_options *o, char *(*get)(const char *), struct err *err)
{
	o->fingerprint = value_of(get, "OPENCLAW_BRIDGE_TLS_FINGERPRINT");
	if (!o->fingerprint)
		return 0;
	if (!is_sha256(o->fingerprint))
		return err_set(err, -EINVAL,
			       "OPENCLAW_BRIDGE_TLS_FINGERPRINT=%.*s is no SHA-256: it has 64 "
			       "hexadecimal digits",
			       SHOWN, o->fingerprint);
	/* Who pins a certificate must not be connected without one. */
	if (!o->tls)
		return err_set(err, -EINVAL,
			       "OPENCLAW_BRIDGE_TLS_FINGERPRINT is set and OPENCLAW_BRIDGE_TLS is "
			       "not: set it to 1, or nothing would be checked");
	return 0;
}

static int read_name(struct openclaw_options *o, char *(*get)(const char *), struct err *err)
{
	o->display_name = value_of(get, "OPENCLAW_DISPLAY_NAME");
	if (!o->display_name)
		return 0;
	if (*o->display_name == '-')
		return err_set(err, -EINVAL,
			       "OPENCLAW_DISPLAY_NAME=%.*s begins with a -, as an option does",
			       SHOWN, o->display_name);
	if (strlen(o->display_name) > NAME_MAX_LEN)
		return err_set(err, -EINVAL, "OPENCLAW_DISPLAY_NAME is longer than %d bytes",
			       NAME_MAX_LEN);
	for (const char *p = o->display_name; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(err, -EINVAL,
				       "OPENCLAW_DISPLAY_NAME has a control character in it");
	return 0;
}

int openclaw_options_read(struct openclaw_options *o, char *(*get)(const char *), struct err *err)
{
	int r = read_host(o, get, err);

	if (r == 0)
		r = read_port(o, get, err);
	if (r == 0)
		r = read_tls(o, get, err);
	if (r == 0)
		r = read_fingerprint(o, get, err);
	return r < 0 ? r : read_name(o, get, err);
}

static int add_option(struct strv *words, const char *name, const char *value)
{
	int r = strv_add(words, name);

	return r < 0 ? r : strv_add(words, value);
}

int openclaw_options_words(const struct openclaw_options *o, struct strv *words)
{
	char port[8];
	int r = strv_add(words, "openclaw");

	snprintf(port, sizeof(port), "%u", o->port);
	if (r == 0)
		r = add_option(words, "node", "run");
	if (r == 0)
		r = add_option(words, "--host", o->host);
	if (r == 0)
		r = add_option(words, "--port", port);
	if (r == 0 && o->tls)
		r = strv_add(words, "--tls");
	if (r == 0 && o->fingerprint)
		r = add_option(words, "--tls-fingerprint", o->fingerprint);
	if (r == 0 && o->display_name)
		r = add_option(words, "--display-name", o->display_name);
	return r;
}
