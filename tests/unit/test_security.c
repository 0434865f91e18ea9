/* Capabilities and system call filters of a unit as text; and the filters that come of them, run by
 * a small reader of BPF, for the calls that matter. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "supervisor/capability.h"
#include "supervisor/syscall_filter.h"
#include "supervisor/syscall_groups.h"
#include "tests/unit/unit_help.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* What one program says to one call: the part of bpf(2)'s classic machine that seccomp(2) has. */
static uint32_t run(const struct sandbox_filter *filter, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (unsigned pc = 0; pc < filter->n; pc++) {
		const struct sock_filter *i = &filter->v[pc];
		bool yes = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		default:
			fail_msg("instruction %#x", i->code);
		}
		pc += yes ? i->jt : i->jf;
	}
	fail_msg("the program has no end");
	return 0;
}

/* What the kernel does with all of them: the sternest counts. */
static uint32_t answer_of(uint32_t arch, int number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const struct seccomp_data data = {.nr = number, .arch = arch, .args = {a, b, c, d}};
	uint32_t best = SECCOMP_RET_ALLOW;
	struct err err = {0};

	if (syscall_filters_compile(&unit->sandbox, &err) < 0)
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < SANDBOX_FILTERS; i++) {
		uint32_t got = unit->sandbox.filters[i].n ? run(&unit->sandbox.filters[i], &data)
							  : SECCOMP_RET_ALLOW;

		if ((int32_t)(got & SECCOMP_RET_ACTION_FULL) <
		    (int32_t)(best & SECCOMP_RET_ACTION_FULL))
			best = got;
	}
	return best;
}

#define ANSWER(number, a, b, c, d) answer_of(ARCH, number, a, b, c, d)
#define CALL(number)               ANSWER(number, 0, 0, 0, 0)
#define FAILS(error)               (SECCOMP_RET_ERRNO | (error))

static bool lists(const char *name)
{
	int number = syscall_number(name);

	for (size_t i = 0; i < unit->sandbox.calls.n; i++)
		if (unit->sandbox.calls.v[i].number == number)
			return true;
	return false;
}

static void capabilities_add_up_and_an_empty_set_is_none(void **state)
{
	load_service("");
	assert_false(unit->sandbox.bounding_set);
	assert_true(sandbox_bounding(&unit->sandbox) == CAPABILITIES_ALL);
	load_service("CapabilityBoundingSet=");
	assert_true(sandbox_bounding(&unit->sandbox) == 0);
	load_service("CapabilityBoundingSet=CAP_CHOWN cap_kill\nCapabilityBoundingSet=CAP_SETUID\n"
		     "CapabilityBoundingSet=~CAP_KILL\nAmbientCapabilities=CAP_NET_BIND_SERVICE");
	assert_true(unit->sandbox.bounding ==
		    (capability_bit(CAP_CHOWN) | capability_bit(CAP_SETUID)));
	assert_true(unit->sandbox.ambient == capability_bit(CAP_NET_BIND_SERVICE));
	load_service("CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_SYS_PTRACE");
	assert_true(unit->sandbox.bounding ==
		    ~(capability_bit(CAP_SYS_ADMIN) | capability_bit(CAP_SYS_PTRACE)));
	load_service("CapabilityBoundingSet=\nCapabilityBoundingSet=~");
	assert_true(unit->sandbox.bounding == CAPABILITIES_ALL);
	load_service("SecureBits=noroot noroot-locked\nNoNewPrivileges=yes");
	assert_int_equal(unit->sandbox.secure_bits, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
	assert_true(unit->sandbox.no_new_privileges);
}

static void names_that_nobody_knows_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"CapabilityBoundingSet=CAP_FLY", ":3: CapabilityBoundingSet: there is no "
						  "capability \"CAP_FLY\""},
		{"AmbientCapabilities=CAP_CHOWN CAP_X", ":3: AmbientCapabilities: "},
		{"SystemCallFilter=~ptrace fly", ":3: SystemCallFilter: there is no system call "
						 "\"fly\""},
		{"SystemCallFilter=@birds", ":3: SystemCallFilter: there is no group"},
		{"SystemCallFilter=~ptrace:EFLY", ":3: SystemCallFilter: there is no error"},
		{"SystemCallErrorNumber=EFLY", ":3: SystemCallErrorNumber: "},
		{"SystemCallArchitectures=z80", ":3: SystemCallArchitectures: "},
		{"RestrictAddressFamilies=AF_FLY", ":3: RestrictAddressFamilies: "},
		{"RestrictNamespaces=sky", ":3: RestrictNamespaces: "},
		{"SecureBits=root", ":3: SecureBits: "},
		{"Personality=vax", ":3: Personality: "},
		{"NoNewPrivileges=maybe", ":3: NoNewPrivileges: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_service(bad[i].line, bad[i].says);
}

static void every_group_is_made_of_known_names_and_in_order(void **state)
{
	size_t n;
	const struct syscall_group *groups = syscall_groups(&n);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *copy = strdup(groups[i].members);
		char *save = NULL;

		assert_ptr_equal(syscall_group_find(groups[i].name), &groups[i]);
		for (char *word = strtok_r(copy, " ", &save); word;
		     word = strtok_r(NULL, " ", &save))
			if (*word == '@' ? !syscall_group_find(word)
					 : syscall_number(word) == SYSCALL_UNKNOWN)
				fail_msg("%s: %s", groups[i].name, word);
	}
	assert_int_equal(syscall_number("ptrace"), SYS_ptrace);
	assert_int_equal(syscall_number("fchmodat2"), 452);
	assert_int_equal(syscall_number("mapme"), SYSCALL_UNKNOWN);
}

static void the_first_line_of_a_filter_decides_what_it_is(void **state)
{
	load_service("SystemCallFilter=@basic-io\nSystemCallFilter=~write\nSystemCallFilter=uname");
	assert_true(unit->sandbox.calls.allow);
	assert_true(lists("read") && lists("execve") && lists("uname"));
	assert_false(lists("write"));
	load_service("SystemCallFilter=~@mount ptrace\nSystemCallFilter=ptrace");
	assert_false(unit->sandbox.calls.allow);
	assert_true(lists("mount"));
	assert_false(lists("ptrace") || lists("execve"));
	load_service("SystemCallFilter=~ptrace\nSystemCallFilter=\nSystemCallFilter=read");
	assert_true(unit->sandbox.calls.allow);
}

static void a_filter_forbids_what_it_says_in_the_way_it_says(void **state)
{
	load_service("SystemCallFilter=~ptrace");
	assert_int_equal(CALL(SYS_ptrace), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(CALL(SYS_read), SECCOMP_RET_ALLOW);
	load_service(
		"SystemCallFilter=~ptrace mount:ENOSYS @swap:kill\nSystemCallErrorNumber=EPERM");
	assert_int_equal(CALL(SYS_ptrace), FAILS(EPERM));
	assert_int_equal(CALL(SYS_mount), FAILS(ENOSYS));
	assert_int_equal(CALL(SYS_swapon), SECCOMP_RET_KILL_PROCESS);
	load_service("SystemCallFilter=@system-service\nSystemCallErrorNumber=EACCES\n"
		     "SystemCallFilter=mount:EBUSY");
	assert_int_equal(CALL(SYS_read), SECCOMP_RET_ALLOW);
	assert_int_equal(CALL(SYS_execve), SECCOMP_RET_ALLOW);
	assert_int_equal(CALL(SYS_reboot), FAILS(EACCES));
	assert_int_equal(CALL(452), SECCOMP_RET_ALLOW);
	assert_int_equal(CALL(SYS_mount), FAILS(EBUSY));
	/* One that is newer than this program: as an older kernel would answer. */
	assert_int_equal(CALL(590), FAILS(ENOSYS));
	load_service("SystemCallLog=ptrace");
	assert_int_equal(CALL(SYS_ptrace), SECCOMP_RET_LOG);
	assert_int_equal(CALL(SYS_read), SECCOMP_RET_ALLOW);
}

static void other_architectures_are_filtered_too_or_stopped(void **state)
{
#if defined(__x86_64__)
	const int ptrace_32 = 26;

	load_service("SystemCallFilter=~ptrace\nSystemCallErrorNumber=EPERM");
	assert_int_equal(answer_of(AUDIT_ARCH_I386, ptrace_32, 0, 0, 0, 0), FAILS(EPERM));
	assert_int_equal(answer_of(AUDIT_ARCH_I386, 3, 0, 0, 0, 0), SECCOMP_RET_ALLOW);
	load_service("SystemCallArchitectures=native");
	assert_int_equal(answer_of(AUDIT_ARCH_I386, 3, 0, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(CALL(0x40000000), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(CALL(SYS_read), SECCOMP_RET_ALLOW);
	load_service("MemoryDenyWriteExecute=yes");
	assert_int_equal(answer_of(AUDIT_ARCH_I386, 125, 0, 0, PROT_EXEC, 0), FAILS(EPERM));
#endif
}

static void arguments_are_looked_at(void **state)
{
	load_service("MemoryDenyWriteExecute=yes\nRestrictRealtime=yes\nLockPersonality=yes\n"
		     "RestrictSUIDSGID=yes\nRestrictNamespaces=~user\n"
		     "RestrictAddressFamilies=AF_UNIX AF_INET");
	assert_int_equal(ANSWER(SYS_mmap, 0, 0, PROT_WRITE | PROT_EXEC, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_mmap, 0, 0, PROT_READ | PROT_EXEC, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ANSWER(SYS_mprotect, 0, 0, PROT_EXEC, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_sched_setscheduler, 0, SCHED_FIFO, 0, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_sched_setscheduler, 0, SCHED_RR | SCHED_RESET_ON_FORK, 0, 0),
			 FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_sched_setscheduler, 0, SCHED_BATCH, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ANSWER(SYS_personality, 8, 0, 0, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_fchmod, 3, 04755, 0, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_fchmod, 3, 0755, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ANSWER(452, 3, 0, 04755, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_openat, 0, 0, 0100, 02644), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_openat, 0, 0, 0, 02644), SECCOMP_RET_ALLOW);
	assert_int_equal(ANSWER(SYS_unshare, CLONE_NEWUSER, 0, 0, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_unshare, CLONE_NEWNS, 0, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ANSWER(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0), FAILS(EPERM));
	assert_int_equal(CALL(SYS_clone3), FAILS(ENOSYS));
	assert_int_equal(ANSWER(SYS_setns, 3, 0, 0, 0), FAILS(EPERM));
	assert_int_equal(ANSWER(SYS_socket, AF_INET, 0, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ANSWER(SYS_socket, AF_INET6, 0, 0, 0), FAILS(EAFNOSUPPORT));
	assert_int_equal(ANSWER(SYS_socket, 200, 0, 0, 0), FAILS(EAFNOSUPPORT));
	load_service("RestrictAddressFamilies=~AF_PACKET");
	assert_int_equal(ANSWER(SYS_socket, AF_PACKET, 0, 0, 0), FAILS(EAFNOSUPPORT));
	assert_int_equal(ANSWER(SYS_socket, AF_INET6, 0, 0, 0), SECCOMP_RET_ALLOW);
	load_service("RestrictAddressFamilies=none");
	assert_int_equal(ANSWER(SYS_socket, AF_UNIX, 0, 0, 0), FAILS(EAFNOSUPPORT));
	load_service("RestrictNamespaces=yes");
	assert_int_equal(ANSWER(SYS_unshare, CLONE_NEWNS, 0, 0, 0), FAILS(EPERM));
}

/* The same words, nothing compiled yet; the lists stay the other's. */
static struct unit_sandbox words_of(const struct unit_sandbox *from)
{
	struct unit_sandbox copy = *from;

	copy.compiled = false;
	memset(copy.filters, 0, sizeof(copy.filters));
	return copy;
}

static void a_unit_with_the_same_words_gets_the_same_filters(void **state)
{
	struct unit_sandbox other;
	struct err err = {0};

	load_service("SystemCallFilter=@system-service\nRestrictAddressFamilies=AF_UNIX\n"
		     "SystemCallArchitectures=native");
	other = words_of(&unit->sandbox);
	assert_false(syscall_filters_copy(&other, &unit->sandbox));
	assert_int_equal(syscall_filters_compile(&unit->sandbox, &err), 0);
	assert_true(syscall_filters_copy(&other, &unit->sandbox));
	assert_true(other.compiled);
	for (unsigned i = 0; i < SANDBOX_FILTERS; i++) {
		const struct sandbox_filter *a = &other.filters[i], *b = &unit->sandbox.filters[i];

		assert_int_equal(a->n, b->n);
		if (a->n) {
			assert_ptr_not_equal(a->v, b->v);
			assert_memory_equal(a->v, b->v, a->n * sizeof(*a->v));
		}
		free(a->v);
	}
}

static void other_words_are_never_given_another_ones_filters(void **state)
{
	static const char *const words[] = {
		"SystemCallFilter=@basic-io read",
		"SystemCallFilter=@basic-io read:EPERM",
		"SystemCallFilter=~@basic-io read",
		"SystemCallLog=read",
		"SystemCallErrorNumber=EACCES\nSystemCallFilter=read",
		"SystemCallFilter=read",
		"SystemCallArchitectures=native",
		"RestrictAddressFamilies=AF_UNIX",
		"RestrictAddressFamilies=~AF_UNIX",
		"RestrictNamespaces=yes",
		"RestrictNamespaces=~user",
		"LockPersonality=yes",
		"LockPersonality=yes\nPersonality=x86-64",
		"MemoryDenyWriteExecute=yes",
		"RestrictRealtime=yes",
		"RestrictSUIDSGID=yes",
		"ProtectClock=yes",
		"ProtectKernelLogs=yes",
		"ProtectKernelModules=yes",
		"ProtectHostname=yes",
		"ProtectKernelTunables=yes",
		"PrivateDevices=yes",
	};
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct unit *compiled;

		load_service(words[i]);
		assert_int_equal(syscall_filters_compile(&unit->sandbox, &err), 0);
		assert_true(unit->sandbox.compiled);
		compiled = steal_ptr(&unit);
		for (size_t k = 0; k < ARRAY_LEN(words); k++) {
			load_service(words[k]);
			if (syscall_filters_copy(&unit->sandbox, &compiled->sandbox) != (i == k))
				fail_msg("%s | %s", words[i], words[k]);
		}
		unit_free(compiled);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(capabilities_add_up_and_an_empty_set_is_none),
		TEST(names_that_nobody_knows_are_refused_with_their_line),
		TEST(every_group_is_made_of_known_names_and_in_order),
		TEST(the_first_line_of_a_filter_decides_what_it_is),
		TEST(a_filter_forbids_what_it_says_in_the_way_it_says),
		TEST(other_architectures_are_filtered_too_or_stopped),
		TEST(arguments_are_looked_at),
		TEST(a_unit_with_the_same_words_gets_the_same_filters),
		TEST(other_words_are_never_given_another_ones_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
