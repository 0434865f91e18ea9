#include "image/proxmox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/text.h"

void proxmox_drop(json_t **value)
{
	json_decref(*value);
}

int proxmox_open(struct proxmox *proxmox, const struct options *options, bool rest, struct err *err)
{
	proxmox->options = options;
	proxmox->rest = rest;
	return rest ? api_open(proxmox, err) : 0;
}

void proxmox_close(struct proxmox *proxmox)
{
	if (proxmox->api)
		api_close(proxmox);
}

int proxmox_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
		 struct err *err)
{
	*data = NULL;
	return proxmox->rest ? api_call(proxmox, call, data, err)
			     : pvesh_call(proxmox, call, data, err);
}

/* "Permission check failed (/storage/local, Datastore.AllocateTemplate|…)" names it itself. */
static int not_allowed(const struct proxmox_call *call, const char *sentence, struct err *err)
{
	const char *open = strchr(sentence, '('), *comma = open ? strchr(open, ',') : NULL;
	char privilege[128], where[128], quoted[128];

	if (comma) {
		const char *name = comma + 1 + strspn(comma + 1, " ");

		text_quote(privilege, sizeof(privilege), name, strcspn(name, ")"));
		text_quote(where, sizeof(where), open + 1, (size_t)(comma - open - 1));
		return err_set(err, -EACCES,
			       "Proxmox does not allow it: the privilege %s on %s is missing",
			       privilege, where);
	}
	text_quote(quoted, sizeof(quoted), sentence, strcspn(sentence, "\n"));
	return err_set(err, -EACCES, "Proxmox does not allow it (%s): it needs the privilege %s",
		       quoted, call->privilege ? call->privilege : "to use this path");
}

bool proxmox_is_there(const char *sentence)
{
	return strstr(sentence, "refusing to override") || strstr(sentence, "already exists");
}

int proxmox_refused(const struct proxmox_call *call, long number, const char *sentence,
		    struct err *err)
{
	char quoted[320];

	sentence += strspn(sentence, " \t\r\n");
	if (number == 0)
		number = strtol(sentence, NULL, 10);
	text_quote(quoted, sizeof(quoted), sentence, strcspn(sentence, "\r\n"));
	if (number == 403 || strstr(sentence, "Permission check failed"))
		return not_allowed(call, sentence, err);
	if (number == 401)
		return err_set(err, -EACCES,
			       "Proxmox does not take the token (%s): it is USER@REALM!ID=SECRET",
			       quoted);
	if (proxmox_is_there(sentence))
		return err_set(err, -EEXIST, "Proxmox: %s", quoted);
	if (number == 501 || strstr(sentence, "No '"))
		return err_set(err, -ENOTSUP,
			       "this Proxmox cannot pull images (%s): it takes 9.1, or --via "
			       "direct or upload",
			       quoted);
	return err_set(err, number == 404 || number == 400 ? -ENOENT : -EREMOTEIO, "Proxmox: %s",
		       *quoted ? quoted : "it refuses, and does not say why");
}
