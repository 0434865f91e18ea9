/*
 * command_login.c - `hakim login` and `hakim logout`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/hakim.h"
#include "image/options.h"
#include "image/session.h"

#define LINE_BYTES 8192

/* One line of standard input without its end. On a terminal it is asked for, and a secret is not
 * shown. */
static int read_line(const char *prompt, bool secret, char line[LINE_BYTES], struct err *err)
{
	struct termios shown;
	struct termios hidden;
	bool hide = isatty(STDIN_FILENO) && secret && tcgetattr(STDIN_FILENO, &shown) == 0;
	char *got;

	if (isatty(STDIN_FILENO))
		fprintf(stderr, "%s: ", prompt);
	if (hide) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	got = fgets(line, LINE_BYTES, stdin);
	if (hide) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (!got)
		return err_set(err, -EINVAL, "there is no %s on standard input", prompt);
	line[strcspn(line, "\r\n")] = '\0';
	return *line ? 0 : err_set(err, -EINVAL, "the %s is empty", prompt);
}

static int read_credential(const struct options *options, struct credential *credential,
			   struct err *err)
{
	char line[LINE_BYTES];
	int r = 0;

	if (!options->username)
		r = read_line("user name", false, line, err);
	if (r < 0)
		return r;
	credential->user = strdup(options->username ? options->username : line);
	r = read_line("password or token", true, line, err);
	if (r >= 0)
		credential->password = strdup(line);
	explicit_bzero(line, sizeof(line));
	if (r < 0)
		return r;
	if (!credential->user || !credential->password)
		return err_set(err, -ENOMEM, "no memory for credentials");
	/* Basic's rule: the first colon ends the name. */
	if (!*credential->user || strchr(credential->user, ':'))
		return err_set(err, -EINVAL, "a user name must have no colon, and not be empty");
	return 0;
}

/* Asks the registry whether it takes them. */
static int try_credential(const struct options *options, const char *registry,
			  const struct credential *credential, struct err *err)
{
	_cleanup_(fetch_session_closep) struct fetch_session *session = NULL;
	struct fetch_options fetch = options_fetch(options);
	struct http_request request = {.max = HTTP_ERROR_MAX, .timeout = 60};
	struct reference ref = {0};
	char *creds = NULL;
	int r = reference_endpoint(registry, &ref, err);

	if (r >= 0 && asprintf(&creds, "%s:%s", credential->user, credential->password) < 0) {
		creds = NULL;
		r = err_set(err, -ENOMEM, "no memory for credentials");
	}
	fetch.creds = creds;
	if (r >= 0)
		r = fetch_session_open(&fetch, NULL, NULL, &session, err);
	if (r >= 0) {
		r = registry_run(&session->client, &ref, "", &request, NULL, err);
		http_request_free(&request);
	}
	if (creds)
		explicit_bzero(creds, strlen(creds));
	free(creds);
	return r;
}

/* The one word: a registry. */
static int read_words(struct options *options, int argc, char **argv, const char *usage,
		      char registry[REFERENCE_HOST_MAX], struct err *err)
{
	int r = options_parse(options, OPTION_LOGIN, argc, argv, err);

	if (r < 0)
		return r;
	if (options->help) {
		printf("Usage: %s\n\n", usage);
		options_help(stdout, OPTION_LOGIN);
		return 1;
	}
	if (options->words.n != 1)
		return err_set(err, -EINVAL, "usage: %s", usage);
	return reference_registry(options->words.v[0], registry, err);
}

int hakim_login(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	_cleanup_(credential_free) struct credential credential = {0};
	_cleanup_free_ char *path = NULL;
	char registry[REFERENCE_HOST_MAX];
	struct err err = {0};
	int r = read_words(&options, argc, argv,
			   "hakim login REGISTRY [--username NAME] (the password comes on standard "
			   "input)",
			   registry, &err);

	if (r != 0)
		return r < 0 ? hakim_complain(HAKIM_USAGE, "%s", err.text) : HAKIM_OK;
	if (read_credential(&options, &credential, &err) < 0)
		return hakim_complain(HAKIM_USAGE, "%s", err.text);
	if (try_credential(&options, registry, &credential, &err) < 0 ||
	    credential_save(options.authfile, registry, &credential, &path, &err) < 0)
		return hakim_complain(HAKIM_FAILED, "%s", err.text);
	printf("credentials for %s are in %s\n", registry, path);
	return HAKIM_OK;
}

int hakim_logout(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	_cleanup_free_ char *path = NULL;
	char registry[REFERENCE_HOST_MAX];
	struct err err = {0};
	int r = read_words(&options, argc, argv, "hakim logout REGISTRY", registry, &err);

	if (r != 0)
		return r < 0 ? hakim_complain(HAKIM_USAGE, "%s", err.text) : HAKIM_OK;
	r = credential_remove(options.authfile, registry, &path, &err);
	if (r < 0)
		return hakim_complain(HAKIM_FAILED, "%s", err.text);
	if (r == 0)
		return hakim_complain(HAKIM_FAILED, "there are no credentials for %s in %s",
				      registry, path);
	printf("credentials for %s are removed from %s\n", registry, path);
	return HAKIM_OK;
}
