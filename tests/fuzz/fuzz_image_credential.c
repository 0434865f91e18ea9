/* auth.json (with no helper's name in it: those are programs), its parts, and an API's answers. */
#include <string.h>
#include <stdlib.h>

#include "image/credential.h"
#include "image/proxmox.h"
#include "tests/fuzz/fuzz.h"

/* Helpers are not run here. */
int __wrap_credential_helper(const char *name, const char *registry, struct credential *credential,
			     struct err *err);

int __wrap_credential_helper(const char *name, const char *registry, struct credential *credential,
			     struct err *err)
{
	return 0;
}

static void check(struct credential *credential)
{
	char *basic;

	FUZZ_MUST(credential->identity || (credential->user && credential->password));
	if (credential->password) {
		basic = credential_basic(credential);
		FUZZ_MUST(!basic || !strpbrk(basic, "\r\n"));
		free(basic);
	}
	credential_free(credential);
}

FUZZ_TARGET(image_credential)
{
	struct credential_sources sources = {.authfile = fuzz_put("auth.json", text, len)};
	struct credential credential = {0};
	struct proxmox_call call = {.path = "/x"};
	json_t *data = NULL;
	struct err err;
	char *key = credential_key(text), *again;

	if (key) {
		again = credential_key(key);
		free(again);
	}
	free(key);
	if (credential_find(&sources, "ghcr.io", "a/b", &credential, &err) == 1)
		check(&credential);
	if (credential_find(&sources, "docker.io", "", &credential, &err) == 1)
		check(&credential);
	if (credential_split(text, &credential, &err) >= 0)
		check(&credential);
	if (credential_decode(text, &credential, &err) >= 0)
		check(&credential);
	proxmox_refused(&call, 0, text, &err);
	if (pvesh_answer(text, &data, &err) >= 0)
		json_decref(data);
}
