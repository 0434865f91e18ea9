/*
 * directive_credential.c - LoadCredential=, ImportCredential= and SetCredential=, and DynamicUser=
 * with what it implies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/credential.h"
#include "supervisor/directive_set.h"
#include "supervisor/specifier.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)

#define ENTRIES_MAX 256

static void entry_free(struct credential *c)
{
	free(c->id);
	free(c->from);
	if (c->data)
		explicit_bzero(c->data, c->size);
	free(c->data);
}

/* Takes `entry` over, also when it fails. One of the same name and kind is replaced. */
static int entry_put(struct unit_sandbox *s, struct credential *entry, struct err *err)
{
	struct credential *grown;

	for (size_t i = 0; i < s->n_credentials; i++)
		if (strcmp(s->credentials[i].id, entry->id) == 0 &&
		    !s->credentials[i].from == !entry->from) {
			entry_free(&s->credentials[i]);
			s->credentials[i] = *entry;
			return 0;
		}
	grown = s->n_credentials < ENTRIES_MAX
			? reallocarray(s->credentials, s->n_credentials + 1, sizeof(*grown))
			: NULL;
	if (!grown) {
		int r = s->n_credentials < ENTRIES_MAX ? -ENOMEM : -E2BIG;

		entry_free(entry);
		return r == -E2BIG ? err_set(err, r, "there are more than %d", ENTRIES_MAX) : r;
	}
	s->credentials = grown;
	grown[s->n_credentials++] = *entry;
	return 0;
}

/* "ID" or "ID:PATH": a path that is not absolute is a name in the credential stores. */
SETTER(set_load)
{
	_cleanup_free_ char *text = NULL;
	struct credential entry = {0};
	char *colon;
	int r = specifier_expand(value, ctx->unit->name, &text, err);

	if (r < 0)
		return r;
	colon = strchr(text, ':');
	if (colon)
		*colon++ = '\0';
	if (!credential_id_valid(text))
		return err_set(err, -EINVAL, "\"%.60s\" is no name of a credential", text);
	if (colon && *colon == '/')
		r = directive_path_check(colon, err);
	else if (colon && !credential_id_valid(colon))
		r = err_set(err, -EINVAL, "\"%.60s\" is neither a path nor a name", colon);
	if (r < 0)
		return r;
	entry.id = strdup(text);
	entry.from = strdup(colon ? colon : "");
	if (!entry.id || !entry.from) {
		entry_free(&entry);
		return -ENOMEM;
	}
	return entry_put(&ctx->unit->sandbox, &entry, err);
}

/* "ID:DATA" with C escapes. It may be a secret: no message has any of it. */
SETTER(set_data)
{
	struct credential entry = {0};
	const char *colon = strchr(value, ':');
	_cleanup_free_ char *id = colon ? strndup(value, (size_t)(colon - value)) : NULL;
	_cleanup_free_ char *expanded = NULL;
	int r;

	if (!colon || !id || !credential_id_valid(id))
		return err_set(err, -EINVAL, "it is not NAME:DATA");
	r = specifier_expand(colon + 1, ctx->unit->name, &expanded, NULL);
	if (r < 0)
		return err_set(err, r, "there is an unknown specifier in it (write %%%% for a %%)");
	r = unescape_data(expanded, &entry.data, &entry.size);
	explicit_bzero(expanded, strlen(expanded));
	if (r < 0)
		return r == -ENOMEM ? r : err_set(err, r, "there is an unknown escape in it");
	entry.id = steal_ptr(&id);
	return entry_put(&ctx->unit->sandbox, &entry, err);
}

/* Of its own kind. */
static DIRECTIVE_RESET(reset_credentials)
{
	struct unit_sandbox *s = &ctx->unit->sandbox;
	size_t kept = 0;

	for (size_t i = 0; i < s->n_credentials; i++)
		if (!s->credentials[i].from == !d->arg)
			entry_free(&s->credentials[i]);
		else
			s->credentials[kept++] = s->credentials[i];
	s->n_credentials = kept;
	return 0;
}

SETTER(set_import)
{
	_cleanup_free_ char *text = NULL;
	struct strv *imports = &ctx->unit->sandbox.imports;
	int r = specifier_expand(value, ctx->unit->name, &text, err);

	if (r < 0)
		return r;
	if (!credential_id_valid(text))
		return err_set(err, -EINVAL, "\"%.60s\" is no name or pattern of credentials",
			       text);
	if (imports->n >= ENTRIES_MAX)
		return err_set(err, -E2BIG, "there are more than %d", ENTRIES_MAX);
	return strv_has(imports, text) ? 0 : strv_add(imports, text);
}

SETTER(set_dynamic_user)
{
	ctx->unit->exec.dynamic_user = false;
	return *value ? bool_parse(value, &ctx->unit->exec.dynamic_user, err) : 0;
}

/* systemd's service_spawn(): all commands but those of ExecStart=. */
static void settle_start_only(struct unit *unit)
{
	const struct commands *lists[] = {
		&unit->life.condition, &unit->start_pre, &unit->life.start_post,
		&unit->life.reload,    &unit->stop,      &unit->life.stop_post};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; k < lists[i]->n; k++)
			lists[i]->v[k].privileged = true;
}

void directive_sandbox_settle(struct unit *unit)
{
	struct unit_sandbox *s = &unit->sandbox;

	if (unit->exec.start_only)
		settle_start_only(unit);
	if (!unit->exec.dynamic_user)
		return;
	/* systemd.exec(5), DynamicUser=: what a user that comes and goes leaves behind would be
	 * somebody else's. */
	s->protect_system = PROTECT_SYSTEM_STRICT;
	if (s->protect_home == PROTECT_HOME_NO)
		s->protect_home = PROTECT_HOME_READ_ONLY;
	s->private_tmp = true;
	s->no_new_privileges = true;
	s->restrict_suid = true;
}

static const struct directive directives[] = {
	{"DynamicUser", set_dynamic_user, 0, 0, NULL},
	{"ImportCredential", set_import, DIRECTIVE_AT(sandbox.imports), 0, directive_reset_list},
	{"LoadCredential", set_load, 0, true, reset_credentials},
	{"SetCredential", set_data, 0, false, reset_credentials},
};

const struct directive_area directive_area_credential = {DIRECTIVES_SERVICE, directives,
							 ARRAY_LEN(directives)};
