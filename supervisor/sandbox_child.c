/*
 * sandbox_child.c - the child's part of sandbox_plan.h. It runs in a copy of a program with
 * threads: no memory is asked for, no lock is taken, libc's wrappers that do are avoided.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/capability.h"
#include "supervisor/degrade.h"
#include "supervisor/mount_child.h"
#include "supervisor/sandbox_plan.h"

static int capabilities_read(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static int capabilities_write(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static uint64_t joined(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

/* One that is not in the set anyway needs no right to be dropped. */
static int drop_bounding(uint64_t keep)
{
	struct __user_cap_data_struct data[2];
	uint64_t inheritable;
	int r;

	if (keep == CAPABILITIES_ALL)
		return 0;
	for (unsigned i = 0; i < 64; i++) {
		int has = prctl(PR_CAPBSET_READ, i);

		if (has < 0)
			break;
		if (has && !(keep & capability_bit(i)) && prctl(PR_CAPBSET_DROP, i) < 0)
			return -errno;
	}
	/* What could be inherited is bounded, too. */
	r = capabilities_read(data);
	if (r < 0)
		return r;
	inheritable = joined(data[0].inheritable, data[1].inheritable) & keep;
	data[0].inheritable = (uint32_t)inheritable;
	data[1].inheritable = (uint32_t)(inheritable >> 32);
	return capabilities_write(data);
}

static int enter_namespaces(const struct sandbox_plan *plan, struct board_slot *slot)
{
	const struct unit_sandbox *s = plan->sandbox;
	int r = 0;

	if (s->private_ipc && unshare(CLONE_NEWIPC) < 0)
		r = degrade_note(slot, DEGRADE_IPC, errno, plan->strict);
	if (r == 0 && s->protect_hostname && unshare(CLONE_NEWUTS) < 0)
		r = degrade_note(slot, DEGRADE_HOSTNAME, errno, plan->strict);
	return r;
}

static int enter_network(const struct sandbox_plan *plan, struct board_slot *slot)
{
	if (!plan->sandbox->private_network)
		return 0;
	if (unshare(CLONE_NEWNET) < 0)
		return degrade_note(slot, DEGRADE_NETWORK, errno, plan->strict);
	return mount_child_loopback();
}

static int make_users(const struct sandbox_plan *plan, struct board_slot *slot, int *users)
{
	int fd;

	if (!plan->users.wanted)
		return 0;
	fd = user_namespace_make(&plan->users);
	if (fd < 0)
		return degrade_note(slot, DEGRADE_USERS, -fd, plan->strict);
	*users = fd;
	return 0;
}

int sandbox_enter(const struct sandbox_plan *plan, struct board_slot *slot, int *users,
		  enum exec_stage *stage)
{
	const struct unit_sandbox *s = plan->sandbox;
	int r = 0;

	*users = -1;
	if (plan->no_filters)
		degrade_note(slot, DEGRADE_FILTERS, EPERM, false);
	*stage = EXEC_CREDENTIALS;
	if (plan->credential_error) {
		r = degrade_note(slot, DEGRADE_CREDENTIALS, plan->credential_error, plan->strict);
		if (r < 0)
			return r;
	}
	*stage = EXEC_PERSONALITY;
	if (s->personality_set && personality(s->personality) < 0)
		return -errno;
	*stage = EXEC_USERS;
	r = make_users(plan, slot, users);
	if (r < 0)
		return r;
	*stage = EXEC_NETWORK;
	r = enter_network(plan, slot);
	if (r < 0)
		return r;
	*stage = EXEC_NAMESPACE;
	r = enter_namespaces(plan, slot);
	if (r == 0)
		r = mount_child_apply(&plan->mounts, plan->strict, slot);
	return r;
}

int sandbox_confine(const struct sandbox_plan *plan, struct board_slot *slot, int users,
		    enum exec_stage *stage)
{
	int r = 0;

	*stage = EXEC_USERS;
	if (users >= 0 && setns(users, CLONE_NEWUSER) < 0)
		r = degrade_note(slot, DEGRADE_USERS, errno, plan->strict);
	if (r < 0)
		return r;
	/* Whoever enters a user namespace has all capabilities in it: user_namespaces(7). */
	*stage = EXEC_CAPABILITIES;
	r = drop_bounding(plan->bounding);
	if (r == 0 && plan->raises && prctl(PR_SET_KEEPCAPS, 1) < 0)
		r = -errno;
	return r;
}

/* What is kept for the last steps goes by itself at the execve(), but for the ambient ones: another
 * user than root keeps nothing over it. */
static int raise_capabilities(const struct sandbox_plan *plan)
{
	const struct unit_sandbox *s = plan->sandbox;
	uint64_t ambient = s->ambient & plan->bounding;
	struct __user_cap_data_struct data[2];
	uint64_t permitted, keep;
	int r = capabilities_read(data);

	if (r < 0)
		return r;
	permitted = joined(data[0].permitted, data[1].permitted);
	/* All names that the kernel does not have are no failure: AmbientCapabilities=~. */
	ambient &= s->ambient == CAPABILITIES_ALL ? permitted : CAPABILITIES_ALL;
	if (ambient & ~permitted)
		return -EPERM;
	keep = ambient;
	if (plan->filter_needs_admin)
		keep |= capability_bit(CAP_SYS_ADMIN);
	if (s->secure_bits)
		keep |= capability_bit(CAP_SETPCAP);
	if (syscall(SYS_geteuid) == 0)
		keep = permitted;
	keep &= permitted;
	data[0].permitted = data[0].effective = (uint32_t)keep;
	data[1].permitted = data[1].effective = (uint32_t)(keep >> 32);
	data[0].inheritable |= (uint32_t)ambient;
	data[1].inheritable |= (uint32_t)(ambient >> 32);
	r = capabilities_write(data);
	for (unsigned i = 0; i < 64 && r == 0; i++)
		if (ambient & capability_bit(i) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			r = -errno;
	return r;
}

int sandbox_finish(const struct sandbox_plan *plan, enum exec_stage *stage)
{
	const struct unit_sandbox *s = plan->sandbox;
	int r;

	*stage = EXEC_AMBIENT;
	if (plan->raises) {
		r = raise_capabilities(plan);
		if (r < 0)
			return r;
	}
	*stage = EXEC_SECUREBITS;
	if (s->secure_bits && prctl(PR_SET_SECUREBITS, s->secure_bits) < 0)
		return -errno;
	*stage = EXEC_NO_NEW_PRIVILEGES;
	if (s->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*stage = EXEC_SECCOMP;
	for (unsigned i = 0; i < SANDBOX_FILTERS && !plan->no_filters; i++) {
		struct sock_fprog program = {.len = s->filters[i].n, .filter = s->filters[i].v};

		if (program.len && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
			return -errno;
	}
	return 0;
}
