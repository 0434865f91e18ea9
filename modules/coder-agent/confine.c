#include "modules/coder-agent/confine.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/cleanup.h"

/* By name: libseccomp knows which of them this machine has (arm64 has no open, no poll …). */
static const char *const allowed[] = {
	/* files, below directories that the user may write anyway */
	"access",
	"chmod",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"faccessat",
	"faccessat2",
	"fchmod",
	"fchmodat",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"flock",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"getcwd",
	"getdents",
	"getdents64",
	"_llseek",
	"lseek",
	"lstat",
	"lstat64",
	"mkdir",
	"mkdirat",
	"newfstatat",
	"open",
	"openat",
	"pread64",
	"pwrite64",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"rename",
	"renameat",
	"renameat2",
	"rmdir",
	"stat",
	"stat64",
	"statfs",
	"statx",
	"symlink",
	"symlinkat",
	"umask",
	"unlink",
	"unlinkat",
	"utimensat",
	"utimensat_time64",
	"write",
	"writev",
	/* the network; socket itself is below */
	"bind",
	"connect",
	"getpeername",
	"getsockname",
	"getsockopt",
	"recv",
	"recvfrom",
	"recvmmsg",
	"recvmmsg_time64",
	"recvmsg",
	"send",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"socketpair",
	/* waiting */
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd",
	"eventfd2",
	"_newselect",
	"pipe",
	"pipe2",
	"poll",
	"ppoll",
	"ppoll_time64",
	"pselect6",
	"pselect6_time64",
	"select",
	"wait4",
	"waitid",
	"waitpid",
	/* time */
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"gettimeofday",
	"nanosleep",
	"time",
	/* memory and threads; clone is below */
	"arch_prctl",
	"brk",
	"cacheflush",
	"exit",
	"exit_group",
	"futex",
	"futex_time64",
	"futex_waitv",
	"get_robust_list",
	"getrandom",
	"gettid",
	"madvise",
	"membarrier",
	"mmap",
	"mmap2",
	"mprotect",
	"mremap",
	"munmap",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_yield",
	"set_robust_list",
	"set_thread_area",
	"set_tid_address",
	"set_tls",
	"sigaltstack",
	"sigprocmask",
	"sigreturn",
	"tgkill",
	"restart_syscall",
	/* who and where */
	"getegid",
	"getegid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getpid",
	"getppid",
	"getrlimit",
	"getuid",
	"getuid32",
	"sysinfo",
	"ugetrlimit",
	"uname",
};

/* One argument that decides. */
static const struct {
	const char *name;
	struct scmp_arg_cmp arg;
} conditional[] = {
	/* Threads only: no new process, no new namespace. clone3 hides its flags, so it is ENOSYS
	   and glibc takes clone. */
	{"clone",
	 {0, SCMP_CMP_MASKED_EQ,
	  CLONE_THREAD | CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		  CLONE_NEWUTS | CLONE_NEWCGROUP,
	  CLONE_THREAD}},
	{"socket", {0, SCMP_CMP_EQ, AF_UNIX, 0}},
	{"socket", {0, SCMP_CMP_EQ, AF_INET, 0}},
	{"socket", {0, SCMP_CMP_EQ, AF_INET6, 0}},
	{"socket",
	 {0, SCMP_CMP_EQ, AF_NETLINK, 0}},        /* getaddrinfo asks which addresses there are */
	{"ioctl", {1, SCMP_CMP_EQ, FIONREAD, 0}}, /* glibc's resolver */
	{"ioctl", {1, SCMP_CMP_EQ, FIONBIO, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, TCGETS, 0}}, /* stdio: is it a terminal? */
	{"prctl", {0, SCMP_CMP_EQ, PR_SET_NAME, 0}},
	{"prlimit64", {2, SCMP_CMP_EQ, 0, 0}}, /* reads only */
};

/*
 * A system call that is not known here is ENOSYS: glibc then takes its older way, which it does not
 * on EPERM. These are refused as what they are.
 */
static const char *const refused[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"unshare",
	"setns",
	"bpf",
	"init_module",
	"finit_module",
	"kexec_load",
	"keyctl",
	"add_key",
	"request_key",
	"kill",
	"tkill",
	"setuid",
	"setgid",
	"setresuid",
	"setresgid",
	"link",
	"linkat",
	"mknod",
	"mknodat",
	"chown",
	"fchown",
	"lchown",
	"fchownat",
	"setxattr",
	"perf_event_open",
	"io_uring_setup",
};

int confine_privileges(struct err *err)
{
	cap_t none = cap_init();
	int r = 0;

	/* What is not ours to give up is not there: failures of these two are fine. */
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
		(void)cap_drop_bound(cap);
	(void)cap_reset_ambient();
	if (!none || cap_set_proc(none) < 0)
		r = err_sys(err, -errno, "the capabilities cannot be given up");
	cap_free(none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_sys(err, -errno, "no_new_privs cannot be set");
	return r;
}

static int add(scmp_filter_ctx ctx, uint32_t action, const char *name,
	       const struct scmp_arg_cmp *arg)
{
	int number = seccomp_syscall_resolve_name(name);

	/* A libseccomp that is older than the system call. */
	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(ctx, action, number, arg ? 1 : 0, arg);
}

int confine_syscalls(struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_LEN(allowed) && r == 0; i++)
		r = add(ctx, SCMP_ACT_ALLOW, allowed[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(conditional) && r == 0; i++)
		r = add(ctx, SCMP_ACT_ALLOW, conditional[i].name, &conditional[i].arg);
	for (size_t i = 0; i < ARRAY_LEN(refused) && r == 0; i++)
		r = add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], NULL);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(err, r, "no seccomp filter can be set here") : 0;
}
