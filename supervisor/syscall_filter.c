#include "supervisor/syscall_filter.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/syscall_groups.h"

#if defined(__x86_64__)
#define SECONDARY SCMP_ARCH_X86
#elif defined(__aarch64__)
#define SECONDARY SCMP_ARCH_ARM
#else
#define SECONDARY 0
#endif

#define KNOWN_END 600 /* no machine of ours has a higher number */

static void release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

#define _cleanup_ctx_ _cleanup_(release)

/* A rule that says what is the case anyway, or is there already, is none. */
static int rule(scmp_filter_ctx ctx, uint32_t action, int number, unsigned n,
		const struct scmp_arg_cmp *args)
{
	int r = seccomp_rule_add_array(ctx, action, number, n, args);

	return r == -EEXIST || r == -EACCES ? 0 : r;
}

/* libseccomp's file of instructions into memory. */
static int export(scmp_filter_ctx ctx, struct sandbox_filter *filter, struct err *err)
{
	_cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	off_t size;
	int r;

	if (fd < 0)
		return err_sys(err, -errno, "no memory for a system call filter");
	r = seccomp_export_bpf(ctx, fd);
	size = lseek(fd, 0, SEEK_END);
	if (r < 0 || size <= 0)
		return err_sys(err, r < 0 ? r : -EIO, "a system call filter cannot be made");
	if ((size_t)size > BPF_MAXINSNS * sizeof(struct sock_filter))
		return err_set(err, -E2BIG, "its system call filter is too long for the kernel");
	filter->v = malloc((size_t)size);
	if (!filter->v)
		return -ENOMEM;
	filter->n = (unsigned short)((size_t)size / sizeof(struct sock_filter));
	return pread(fd, filter->v, (size_t)size, 0) == size
		       ? 0
		       : err_sys(err, -EIO, "a system call filter cannot be read");
}

static int add_archs(scmp_filter_ctx ctx, const struct unit_sandbox *s)
{
	int r = 0;

	if (SECONDARY && (!s->archs || s->archs & ARCH_SECONDARY))
		r = seccomp_arch_add(ctx, SECONDARY);
#if defined(__x86_64__)
	if ((r == 0 || r == -EEXIST) && (!s->archs || s->archs & ARCH_X32))
		r = seccomp_arch_add(ctx, SCMP_ARCH_X32);
#endif
	return r == -EEXIST ? 0 : r;
}

/* A filter for the native calling convention, or one for all others that are allowed: rules for
 * several at once could name only what libseccomp has a name for on each. What is for the other is
 * let through. NULL: no memory. */
static scmp_filter_ctx half_init(const struct unit_sandbox *s, bool others, uint32_t action)
{
	scmp_filter_ctx ctx = seccomp_init(action);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW) : -ENOMEM;

	if (r == 0 && others) {
		r = add_archs(ctx, s);
		if (r == 0)
			r = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	}
	if (r < 0 && ctx)
		seccomp_release(ctx);
	return r < 0 ? NULL : ctx;
}

static bool has_others(const struct unit_sandbox *s)
{
	return SECONDARY && (!s->archs || s->archs & ~(unsigned)ARCH_NATIVE);
}

static uint32_t error_action(const struct unit_sandbox *s, int error)
{
	if (error == SYSCALL_DEFAULT)
		error = s->call_error ? s->call_error : SYSCALL_KILL;
	return error == SYSCALL_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((uint32_t)error);
}

static const struct syscall_rule *listed(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].number == number)
			return &list->v[i];
	return NULL;
}

/* One that is newer than this list of names is answered with ENOSYS, as an older kernel would:
 * programs are ready for that. The others are forbidden by name. */
static int forbid_known(scmp_filter_ctx ctx, const struct unit_sandbox *s)
{
	int r = 0;

	for (int number = 0; number < KNOWN_END && r == 0; number++) {
		char *name = listed(&s->calls, number)
				     ? NULL
				     : seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

		if (name)
			r = rule(ctx, error_action(s, SYSCALL_DEFAULT), number, 0, NULL);
		free(name);
	}
	return r;
}

static int compile_calls(const struct unit_sandbox *s, bool others, struct sandbox_filter *filter,
			 struct err *err)
{
	_cleanup_ctx_ scmp_filter_ctx ctx =
		half_init(s, others, s->calls.allow ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);
	/* A search by halves instead of one after the other. */
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) : -ENOMEM;

	for (size_t i = 0; i < s->calls.n && r == 0; i++) {
		const struct syscall_rule *call = &s->calls.v[i];
		bool allow = s->calls.allow && call->error == SYSCALL_DEFAULT;

		r = rule(ctx, allow ? SCMP_ACT_ALLOW : error_action(s, call->error), call->number,
			 0, NULL);
		/* One that the other architectures do not have, or that this library has no name
		 * for there: an allowed one stays ENOSYS then, what an older kernel would say. */
		if (r == -EDOM || r == -EINVAL || r == -EFAULT)
			r = 0;
	}
	if (r == 0 && s->calls.allow)
		r = forbid_known(ctx, s);
	return r < 0 ? err_sys(err, r, "SystemCallFilter= cannot be compiled")
		     : export(ctx, filter, err);
}

static int compile_log(const struct unit_sandbox *s, struct sandbox_filter *filter, struct err *err)
{
	_cleanup_ctx_ scmp_filter_ctx ctx =
		seccomp_init(s->logged.allow ? SCMP_ACT_ALLOW : SCMP_ACT_LOG);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW) : -ENOMEM;

	for (size_t i = 0; i < s->logged.n && r == 0; i++) {
		r = rule(ctx, s->logged.allow ? SCMP_ACT_LOG : SCMP_ACT_ALLOW,
			 s->logged.v[i].number, 0, NULL);
		if (r == -EDOM || r == -EINVAL || r == -EFAULT)
			r = 0;
	}
	return r < 0 ? err_sys(err, r, "SystemCallLog= cannot be compiled")
		     : export(ctx, filter, err);
}

/* Forbidden whatever its arguments, and with which. */
struct forbidden {
	const char *call;
	unsigned arg; /* NO_ARG: always */
	uint64_t mask, value;
	unsigned arg2; /* NO_ARG, or a second one */
	uint64_t mask2, value2;
	int error; /* 0: EPERM */
};
#define NO_ARG                     9
#define ALWAYS                     NO_ARG, 0, 0, NO_ARG, 0, 0, 0
#define WHEN(arg, bits)            (arg), (bits), (bits), NO_ARG, 0, 0, 0
#define CREATING(flags, mode, bit) (mode), (bit), (bit), (flags), O_CREAT, O_CREAT, 0

static int forbid(scmp_filter_ctx ctx, const struct forbidden *list, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct forbidden *f = &list[i];
		struct scmp_arg_cmp args[2] = {
			{f->arg, SCMP_CMP_MASKED_EQ, f->mask, f->value},
			{f->arg2, SCMP_CMP_MASKED_EQ, f->mask2, f->value2},
		};
		unsigned count = f->arg == NO_ARG ? 0 : f->arg2 == NO_ARG ? 1 : 2;
		int number = syscall_number(f->call);

		if (number == SYSCALL_NOT_HERE || number == SYSCALL_UNKNOWN)
			continue;
		r = rule(ctx, SCMP_ACT_ERRNO((uint32_t)(f->error ? f->error : EPERM)), number,
			 count, args);
		/* 32-bit x86 packs the arguments of some into memory, where no filter sees them. */
		if (r == -EDOM || r == -EINVAL || r == -EFAULT)
			r = 0;
	}
	return r;
}

static int forbid_group(scmp_filter_ctx ctx, const char *name)
{
	const struct syscall_group *group = syscall_group_find(name);
	_cleanup_free_ char *copy = group ? strdup(group->members) : NULL;
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *word = copy ? strtok_r(copy, " ", &save) : NULL; word && r == 0;
	     word = strtok_r(NULL, " ", &save))
		r = forbid(ctx, &(struct forbidden){word, ALWAYS}, 1);
	return r;
}

static int forbid_write_execute(scmp_filter_ctx ctx)
{
	static const struct forbidden list[] = {
		{"mmap", WHEN(2, PROT_EXEC | PROT_WRITE)},
		{"mmap2", WHEN(2, PROT_EXEC | PROT_WRITE)},
		{"mprotect", WHEN(2, PROT_EXEC)},
		{"pkey_mprotect", WHEN(2, PROT_EXEC)},
		{"shmat", WHEN(2, SHM_EXEC)},
	};

	return forbid(ctx, list, ARRAY_LEN(list));
}

/* systemd.exec(5), RestrictSUIDSGID=; openat2() keeps its mode in memory, and ENOSYS makes programs
 * take openat(). */
static int forbid_suid(scmp_filter_ctx ctx)
{
	static const mode_t bits[] = {S_ISUID, S_ISGID};
	int r = forbid(ctx, &(struct forbidden){"openat2", NO_ARG, 0, 0, NO_ARG, 0, 0, ENOSYS}, 1);

	for (size_t i = 0; i < ARRAY_LEN(bits) && r == 0; i++) {
		const struct forbidden list[] = {
			{"chmod", WHEN(1, bits[i])},         {"fchmod", WHEN(1, bits[i])},
			{"fchmodat", WHEN(2, bits[i])},      {"fchmodat2", WHEN(2, bits[i])},
			{"mkdir", WHEN(1, bits[i])},         {"mkdirat", WHEN(2, bits[i])},
			{"mknod", WHEN(1, bits[i])},         {"mknodat", WHEN(2, bits[i])},
			{"creat", WHEN(1, bits[i])},         {"open", CREATING(1, 2, bits[i])},
			{"openat", CREATING(2, 3, bits[i])},
		};

		r = forbid(ctx, list, ARRAY_LEN(list));
	}
	return r;
}

/* clone3() keeps its flags in memory: ENOSYS makes libc take clone(). */
static int forbid_namespaces(scmp_filter_ctx ctx, uint64_t allowed)
{
	static const uint64_t flags[] = {
		CLONE_NEWCGROUP, CLONE_NEWIPC,  CLONE_NEWNS,  CLONE_NEWNET,
		CLONE_NEWPID,    CLONE_NEWUSER, CLONE_NEWUTS, 0x80 /* CLONE_NEWTIME */,
	};
	int r = forbid(ctx, &(struct forbidden){"clone3", NO_ARG, 0, 0, NO_ARG, 0, 0, ENOSYS}, 1);

	/* setns() with 0 takes a namespace of any kind. */
	if (r == 0)
		r = forbid(ctx, &(struct forbidden){"setns", 1, UINT32_MAX, 0, NO_ARG, 0, 0, 0}, 1);
	for (size_t i = 0; i < ARRAY_LEN(flags) && r == 0; i++) {
		const struct forbidden list[] = {
			{"unshare", WHEN(0, flags[i])},
			{"setns", WHEN(1, flags[i])},
			/* In clone() the bit of a time namespace is part of the signal. */
			{"clone", WHEN(0, flags[i])},
		};

		if (!(allowed & flags[i]))
			r = forbid(ctx, list, flags[i] == 0x80 ? 2 : 3);
	}
	return r;
}

static int forbid_realtime(scmp_filter_ctx ctx)
{
	static const int policies[] = {SCHED_FIFO, SCHED_RR, SCHED_DEADLINE};
	int number = SCMP_SYS(sched_setscheduler);
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(policies) && r == 0; i++) {
		/* Without and with SCHED_RESET_ON_FORK. */
		const struct scmp_arg_cmp args =
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX & ~(uint64_t)SCHED_RESET_ON_FORK,
				(uint64_t)policies[i]);

		r = rule(ctx, SCMP_ACT_ERRNO(EPERM), number, 1, &args);
	}
	return r;
}

static int forbid_families(scmp_filter_ctx ctx, const struct unit_sandbox *s)
{
	int number = syscall_number("socket");
	const uint32_t action = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	int r = 0;

	for (unsigned family = 0; family < AF_MAX && r == 0; family++) {
		bool in = s->families >> family & 1;
		const struct scmp_arg_cmp args = SCMP_A0(SCMP_CMP_EQ, family);

		if (in != s->families_allow)
			r = rule(ctx, action, number, 1, &args);
	}
	if (r == 0 && s->families_allow) {
		const struct scmp_arg_cmp above = SCMP_A0(SCMP_CMP_GE, AF_MAX);

		r = rule(ctx, action, number, 1, &above);
	}
	return r == -EDOM || r == -EINVAL ? 0 : r;
}

static int forbid_personality(scmp_filter_ctx ctx, const struct unit_sandbox *s)
{
	int now = personality(0xffffffff);
	unsigned long keep = s->personality_set ? s->personality : now < 0 ? 0 : (unsigned long)now;
	const struct scmp_arg_cmp args = SCMP_A0(SCMP_CMP_NE, keep);

	return rule(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1, &args);
}

static bool has_arguments(const struct unit_sandbox *s)
{
	return s->families_set || s->namespaces_set || s->lock_personality ||
	       s->deny_write_execute || s->restrict_realtime || s->restrict_suid ||
	       s->protect_clock || s->protect_kernel_logs || s->protect_kernel_modules ||
	       s->protect_hostname || s->protect_tunables || s->private_devices;
}

static int add_arguments(scmp_filter_ctx ctx, const struct unit_sandbox *s)
{
	static const struct forbidden hostname[] = {{"sethostname", ALWAYS},
						    {"setdomainname", ALWAYS}};
	static const struct forbidden logs = {"syslog", ALWAYS}, tunables = {"_sysctl", ALWAYS};
	int r = 0;

	if (s->families_set)
		r = forbid_families(ctx, s);
	if (r == 0 && s->namespaces_set)
		r = forbid_namespaces(ctx, s->namespaces_allowed);
	if (r == 0 && s->lock_personality)
		r = forbid_personality(ctx, s);
	if (r == 0 && s->deny_write_execute)
		r = forbid_write_execute(ctx);
	if (r == 0 && s->restrict_realtime)
		r = forbid_realtime(ctx);
	if (r == 0 && s->restrict_suid)
		r = forbid_suid(ctx);
	if (r == 0 && s->protect_clock)
		r = forbid_group(ctx, "@clock");
	if (r == 0 && s->protect_kernel_modules)
		r = forbid_group(ctx, "@module");
	if (r == 0 && s->private_devices)
		r = forbid_group(ctx, "@raw-io");
	if (r == 0 && s->protect_kernel_logs)
		r = forbid(ctx, &logs, 1);
	if (r == 0 && s->protect_tunables)
		r = forbid(ctx, &tunables, 1);
	if (r == 0 && s->protect_hostname)
		r = forbid(ctx, hostname, ARRAY_LEN(hostname));
	return r;
}

/* Most depend on arguments. */
static int compile_arguments(const struct unit_sandbox *s, bool others,
			     struct sandbox_filter *filter, struct err *err)
{
	_cleanup_ctx_ scmp_filter_ctx ctx = half_init(s, others, SCMP_ACT_ALLOW);
	int r = ctx ? 0 : -ENOMEM;

	if (r == 0)
		r = add_arguments(ctx, s);
	return r < 0 ? err_sys(err, r, "its system call filter cannot be compiled")
		     : export(ctx, filter, err);
}

/* SystemCallArchitectures=: no calls of another one. */
static int compile_archs(const struct unit_sandbox *s, struct sandbox_filter *filter,
			 struct err *err)
{
	_cleanup_ctx_ scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? add_archs(ctx, s) : -ENOMEM;

	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	return r < 0 ? err_sys(err, r, "SystemCallArchitectures= cannot be compiled")
		     : export(ctx, filter, err);
}

static bool same_list(const struct syscall_list *a, const struct syscall_list *b)
{
	if (a->set != b->set || a->allow != b->allow || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].number != b->v[i].number || a->v[i].error != b->v[i].error)
			return false;
	return true;
}

/* All that compiling looks at. */
static bool same_words(const struct unit_sandbox *a, const struct unit_sandbox *b)
{
	return a->call_error == b->call_error && a->archs == b->archs &&
	       a->families_set == b->families_set && a->families_allow == b->families_allow &&
	       a->families == b->families && a->namespaces_set == b->namespaces_set &&
	       a->namespaces_allowed == b->namespaces_allowed &&
	       a->lock_personality == b->lock_personality &&
	       a->personality_set == b->personality_set && a->personality == b->personality &&
	       a->deny_write_execute == b->deny_write_execute &&
	       a->restrict_realtime == b->restrict_realtime &&
	       a->restrict_suid == b->restrict_suid && a->protect_clock == b->protect_clock &&
	       a->protect_kernel_logs == b->protect_kernel_logs &&
	       a->protect_kernel_modules == b->protect_kernel_modules &&
	       a->protect_hostname == b->protect_hostname &&
	       a->protect_tunables == b->protect_tunables &&
	       a->private_devices == b->private_devices && same_list(&a->calls, &b->calls) &&
	       same_list(&a->logged, &b->logged);
}

static void filters_free(struct unit_sandbox *s)
{
	for (unsigned i = 0; i < SANDBOX_FILTERS; i++) {
		free(s->filters[i].v);
		s->filters[i] = (struct sandbox_filter){0};
	}
}

bool syscall_filters_copy(struct unit_sandbox *s, const struct unit_sandbox *from)
{
	if (s->compiled || !from->compiled || !same_words(s, from))
		return s->compiled;
	for (unsigned i = 0; i < SANDBOX_FILTERS; i++) {
		size_t size = from->filters[i].n * sizeof(*from->filters[i].v);

		if (!size)
			continue;
		s->filters[i].v = malloc(size);
		if (!s->filters[i].v) {
			filters_free(s);
			return false;
		}
		memcpy(s->filters[i].v, from->filters[i].v, size);
		s->filters[i].n = from->filters[i].n;
	}
	s->compiled = true;
	return true;
}

int syscall_filters_compile(struct unit_sandbox *s, struct err *err)
{
	unsigned n = 0;
	int r = 0;

	if (s->compiled || !sandbox_has_filter(s, false))
		return 0;
	if (s->archs)
		r = compile_archs(s, &s->filters[n++], err);
	for (int others = has_others(s); r == 0 && others >= 0 && has_arguments(s); others--)
		r = compile_arguments(s, others, &s->filters[n++], err);
	if (r == 0 && s->logged.set)
		r = compile_log(s, &s->filters[n++], err);
	for (int others = has_others(s); r == 0 && others >= 0 && s->calls.set; others--)
		r = compile_calls(s, others, &s->filters[n++], err);
	if (r < 0) {
		filters_free(s);
		return r;
	}
	s->compiled = true;
	/* libseccomp's trees are a multiple of what came of them. */
	malloc_trim(0);
	return 0;
}
