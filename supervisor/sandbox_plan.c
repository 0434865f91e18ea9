#include "supervisor/sandbox_plan.h"

#include <errno.h>
#include <linux/capability.h>

#include "supervisor/capability.h"
#include "supervisor/syscall_filter.h"

/* systemd.exec(5): a filter takes NoNewPrivileges= or CAP_SYS_ADMIN (seccomp(2)). */
static int check_filter(struct sandbox_plan *plan, const struct identity *id, struct err *err)
{
	const struct unit_sandbox *s = plan->sandbox;

	if (!sandbox_has_filter(s, false) || s->no_new_privileges)
		return 0;
	if (!(capabilities_effective() & capability_bit(CAP_SYS_ADMIN))) {
		plan->no_filters = !plan->strict && !sandbox_has_filter(s, true);
		if (plan->no_filters)
			return 0;
		return err_set(err, -EPERM,
			       "a system call filter without NoNewPrivileges=yes needs "
			       "CAP_SYS_ADMIN, which this container does not have: set "
			       "NoNewPrivileges=yes");
	}
	plan->filter_needs_admin = true;
	plan->raises = id->set && id->uid != 0;
	return 0;
}

int sandbox_prepare(struct sandbox_plan *plan, struct unit_sandbox *sandbox,
		    const struct identity *id, const struct mount_places *places, bool strict,
		    struct err *err)
{
	int r;

	*plan = (struct sandbox_plan){
		.strict = strict,
		.credential_error = plan->credential_error,
		.sandbox = sandbox,
		.bounding = sandbox_bounding(sandbox),
	};
	if (sandbox->ambient || (sandbox->secure_bits && id->set && id->uid != 0))
		plan->raises = true;
	r = check_filter(plan, id, err);
	if (r == 0 && !plan->no_filters)
		r = syscall_filters_compile(sandbox, err);
	if (r == 0)
		r = mount_plan_make(&plan->mounts, sandbox, places, err);
	user_map_make(&plan->users, sandbox->private_users, id);
	if (r < 0)
		sandbox_plan_free(plan);
	return r;
}

void sandbox_plan_free(struct sandbox_plan *plan)
{
	mount_plan_free(&plan->mounts);
}
