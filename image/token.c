/*
 * token.c - what a registry wants for its 401: a token of its token service, or Basic.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>

#include "common/cleanup.h"
#include "image/clock.h"
#include "image/document.h"
#include "image/registry.h"
#include "image/text.h"

#define TOKEN_MAX     (1u << 20)
#define TOKEN_SECONDS 60 /* where the answer does not say; and never less */
#define TOKEN_TIMEOUT 60

struct token {
	struct token *next;
	char registry[REFERENCE_HOST_MAX];
	char repository[REFERENCE_NAME_MAX]; /* Basic's, too: a file may have a pair for each */
	char *authorization;        /* the value of the header, or NULL when it has ended */
	struct challenge challenge; /* where to get another one */
	long long ends;             /* CLOCK_MONOTONIC, in seconds; 0: never */
};

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void registry_client_free(struct registry_client *client)
{
	while (client->tokens) {
		struct token *next = client->tokens->next;

		wipe(&client->tokens->authorization);
		free(client->tokens);
		client->tokens = next;
	}
}

static struct token *find(const struct registry_client *client, const struct reference *ref)
{
	for (struct token *t = client->tokens; t; t = t->next)
		if (strcmp(t->registry, ref->endpoint) == 0 &&
		    strcmp(t->repository, ref->repository) == 0)
			return t;
	return NULL;
}

/* The place for this repository's; whatever was there is gone. */
static struct token *place(struct registry_client *client, const struct reference *ref)
{
	struct token *t = find(client, ref);

	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return NULL;
		t->next = client->tokens;
		client->tokens = t;
	}
	wipe(&t->authorization);
	text_set(t->registry, sizeof(t->registry), ref->endpoint);
	text_set(t->repository, sizeof(t->repository), ref->repository);
	return t;
}

/* It becomes a header's value: anything but visible ASCII would become more than that. */
static bool is_clean(const char *token)
{
	for (const char *c = token; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			return false;
	return *token != '\0';
}

static int read_token(struct token *token, const char *body, size_t len, const char *host,
		      struct err *err)
{
	_cleanup_(document_drop) json_t *object =
		json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(object, "token"));
	const json_t *seconds = json_object_get(object, "expires_in");
	long long lasts = json_is_integer(seconds) ? json_integer_value(seconds) : TOKEN_SECONDS;

	if (!text || !*text)
		text = json_string_value(json_object_get(object, "access_token"));
	if (!text || !is_clean(text))
		return err_set(err, -EPROTO, "%s gave no token that can be used", host);
	if (asprintf(&token->authorization, "Bearer %s", text) < 0) {
		token->authorization = NULL;
		return err_set(err, -ENOMEM, "no memory for a token");
	}
	if (lasts < TOKEN_SECONDS)
		lasts = TOKEN_SECONDS;
	if (lasts > 86400)
		lasts = 86400;
	/* A little earlier, so that it does not end on its way. */
	token->ends = clock_ms() / 1000 + lasts - 5;
	return 0;
}

static char *escape(const char *text)
{
	return curl_easy_escape(NULL, text, (int)strlen(text));
}

static void free_escaped(char **text)
{
	curl_free(*text);
}

/* The query of a GET; or with an identity token, the form of a POST. */
static int build(const struct token *token, const struct reference *ref, const char *identity,
		 char **url, char **form)
{
	_cleanup_(free_escaped) char *service = escape(token->challenge.service);
	_cleanup_(free_escaped) char *secret = identity ? escape(identity) : NULL;
	const char *realm = token->challenge.realm;
	int r;

	if (!service || (identity && !secret))
		return -ENOMEM;
	if (identity) {
		r = asprintf(form,
			     "grant_type=refresh_token&service=%s&client_id=hakim&"
			     "scope=repository%%3A%s%%3Apull&refresh_token=%s",
			     service, ref->repository, secret);
		if (r < 0)
			*form = NULL;
		*url = strdup(realm);
		return r < 0 || !*url ? -ENOMEM : 0;
	}
	/* hakim login: of no repository. */
	if (!*ref->repository) {
		r = asprintf(url, "%s%c%s%s", realm, strchr(realm, '?') ? '&' : '?',
			     *service ? "service=" : "", service);
		if (r < 0)
			*url = NULL;
		return r < 0 ? -ENOMEM : 0;
	}
	r = asprintf(url, "%s%c%s%s%sscope=repository%%3A%s%%3Apull", realm,
		     strchr(realm, '?') ? '&' : '?', *service ? "service=" : "", service,
		     *service ? "&" : "", ref->repository);
	if (r < 0)
		*url = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int token_refused(const struct http_response *response, const char *host,
			 bool has_credentials, const struct reference *ref, struct err *err)
{
	if (response->status == 401 || response->status == 403)
		return err_set(err, -EACCES,
			       has_credentials ? "%s refuses the credentials for %s (status %ld): "
						 "hakim login %s stores others"
					       : "%s gives no token for %s without credentials "
						 "(status %ld): see hakim login %s",
			       host, ref->repository, response->status, ref->registry);
	if (response->status == 429)
		return registry_refusal(response, ref, host, err);
	if (response->status >= 300 && response->status < 400)
		return err_set(err, -EPROTO,
			       "the token service %s leads elsewhere (status %ld): refused", host,
			       response->status);
	return err_set(err, response->status >= 500 ? -EREMOTEIO : -EPROTO,
		       "the token service %s answers with status %ld", host, response->status);
}

/* One question to the token service, and what it answered. */
static int ask(struct registry_client *client, const struct reference *ref, struct token *token,
	       const struct credential *credential, struct err *err)
{
	struct http_request request = {.max = TOKEN_MAX, .timeout = TOKEN_TIMEOUT};
	char *url = NULL;
	char *form = NULL;
	char *basic = NULL;
	struct url realm;
	int r = build(token, ref, credential->identity, &url, &form);

	if (r >= 0 && credential->password) {
		basic = credential_basic(credential);
		r = basic ? 0 : -ENOMEM;
	}
	if (r < 0)
		err_set(err, r, "no memory for a token");
	if (r >= 0)
		r = url_read(url, &realm, err);
	for (unsigned attempt = 1; r >= 0; attempt++) {
		request.url = url;
		request.form = form;
		request.authorization = basic;
		r = http_run(client->http, &request, err);
		if (registry_wait(client, &request, attempt, err) == 0)
			break;
		http_request_free(&request);
		r = 0;
	}
	if (r >= 0 && request.response.status != 200)
		r = token_refused(&request.response, realm.host, form || basic, ref, err);
	if (r >= 0)
		r = read_token(token, request.response.body ? request.response.body : "",
			       request.response.len, realm.host, err);
	if (request.response.body)
		explicit_bzero(request.response.body, request.response.len);
	http_request_free(&request);
	wipe(&form);
	wipe(&basic);
	free(url);
	return r;
}

static int get_bearer(struct registry_client *client, const struct reference *ref,
		      struct token *token, struct err *err)
{
	_cleanup_(credential_free) struct credential credential = {0};
	_cleanup_free_ char *base = registry_url(client, ref, "");
	struct url registry;
	struct url realm;
	bool trusted;
	int r;

	if (!base)
		return err_set(err, -ENOMEM, "no memory for a token");
	r = url_read(base, &registry, err);
	if (r >= 0)
		r = url_read(token->challenge.realm, &realm, err);
	if (r >= 0)
		r = url_check_realm(&registry, &realm, &trusted, err);
	if (r >= 0)
		r = credential_find(&client->sources, ref->registry, ref->repository, &credential,
				    err);
	if (r == 1 && !trusted)
		return err_set(err, -EACCES,
			       "%s wants its credentials sent to %s, which is not known to belong "
			       "to it: refused",
			       registry.host, realm.host);
	return r < 0 ? r : ask(client, ref, token, &credential, err);
}

int registry_authorization(struct registry_client *client, const struct reference *ref,
			   const char **authorization, struct err *err)
{
	struct token *t = find(client, ref);
	struct token *other;
	int r;

	*authorization = NULL;
	/* Another repository of the same registry has shown where tokens are: no 401 is needed. */
	for (other = client->tokens; !t && other; other = other->next)
		if (strcmp(other->registry, ref->endpoint) == 0 && *other->challenge.realm)
			break;
	if (!t && other) {
		struct challenge challenge = other->challenge;

		t = place(client, ref);
		if (!t)
			return err_set(err, -ENOMEM, "no memory for a token");
		t->challenge = challenge;
	}
	if (!t)
		return 0;
	if (t->ends && clock_ms() / 1000 >= t->ends)
		wipe(&t->authorization);
	if (!t->authorization && *t->challenge.realm) {
		r = get_bearer(client, ref, t, err);
		if (r < 0)
			return r;
	}
	*authorization = t->authorization;
	return 0;
}

static int get_basic(struct registry_client *client, const struct reference *ref, struct err *err)
{
	_cleanup_(credential_free) struct credential credential = {0};
	struct token *t;
	int r = credential_find(&client->sources, ref->registry, ref->repository, &credential, err);

	if (r < 0)
		return r;
	if (!credential.password)
		return err_set(
			err, -EACCES,
			"%s wants credentials for %s: give them by --creds or hakim login %s",
			ref->registry, ref->repository, ref->registry);
	t = place(client, ref);
	if (!t)
		return err_set(err, -ENOMEM, "no memory for credentials");
	t->challenge = (struct challenge){0};
	t->ends = 0;
	t->authorization = credential_basic(&credential);
	return t->authorization ? 1 : err_set(err, -ENOMEM, "no memory for credentials");
}

int registry_challenged(struct registry_client *client, const struct reference *ref,
			const struct http_response *response, const char *tried, struct err *err)
{
	const struct challenge *bearer =
		challenge_find(response->challenges, response->challenges_n, "bearer");
	bool basic = challenge_find(response->challenges, response->challenges_n, "basic") != NULL;
	struct token *t;
	int r;

	if (tried && (strncmp(tried, "Basic ", 6) == 0 || !bearer))
		return err_set(err, -EACCES,
			       "%s refuses the credentials for %s: hakim login %s stores others",
			       ref->registry, ref->repository, ref->registry);
	if (bearer && *bearer->realm) {
		t = place(client, ref);
		if (!t)
			return err_set(err, -ENOMEM, "no memory for a token");
		t->challenge = *bearer;
		r = get_bearer(client, ref, t, err);
		return r < 0 ? r : 1;
	}
	if (basic)
		return get_basic(client, ref, err);
	return err_set(err, -EPROTO,
		       "%s wants credentials, and does not say in which way it can take them",
		       ref->registry);
}
