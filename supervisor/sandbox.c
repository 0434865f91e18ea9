#include "supervisor/sandbox.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/capability.h"

void unit_sandbox_init(struct unit_sandbox *sandbox)
{
	*sandbox = (struct unit_sandbox){.bounding = CAPABILITIES_ALL};
}

void unit_sandbox_free(struct unit_sandbox *s)
{
	struct strv *lists[] = {&s->read_only, &s->read_write, &s->inaccessible,
				&s->exec,      &s->no_exec,    &s->imports};

	free(s->calls.v);
	free(s->logged.v);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < s->n_binds; i++) {
		free(s->binds[i].source);
		free(s->binds[i].target);
	}
	free(s->binds);
	for (size_t i = 0; i < s->n_temporary; i++) {
		free(s->temporary[i].path);
		free(s->temporary[i].options);
	}
	free(s->temporary);
	for (size_t i = 0; i < s->n_credentials; i++) {
		free(s->credentials[i].id);
		free(s->credentials[i].from);
		if (s->credentials[i].data)
			explicit_bzero(s->credentials[i].data, s->credentials[i].size);
		free(s->credentials[i].data);
	}
	free(s->credentials);
	for (unsigned i = 0; i < SANDBOX_FILTERS; i++)
		free(s->filters[i].v);
}

bool sandbox_has_filter(const struct unit_sandbox *s, bool strictly)
{
	if (s->calls.set || s->logged.set || s->archs || s->families_set || s->namespaces_set ||
	    s->lock_personality || s->deny_write_execute || s->restrict_realtime ||
	    s->restrict_suid)
		return true;
	return !strictly &&
	       (s->protect_clock || s->protect_kernel_logs || s->protect_kernel_modules ||
		s->protect_hostname || s->protect_tunables || s->private_devices);
}

uint64_t sandbox_bounding(const struct unit_sandbox *s)
{
	uint64_t set = s->bounding_set ? s->bounding : CAPABILITIES_ALL;

	if (s->protect_clock)
		set &= ~(capability_bit(CAP_SYS_TIME) | capability_bit(CAP_WAKE_ALARM));
	if (s->protect_kernel_logs)
		set &= ~capability_bit(CAP_SYSLOG);
	if (s->protect_kernel_modules)
		set &= ~capability_bit(CAP_SYS_MODULE);
	if (s->private_devices)
		set &= ~(capability_bit(CAP_MKNOD) | capability_bit(CAP_SYS_RAWIO));
	return set;
}
