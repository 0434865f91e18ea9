/*
 * directive_security.c - the directives of capabilities and system call filters: names to numbers.
 * An unknown name refuses the unit: to leave one out would give the service other rights.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "supervisor/capability.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/syscall_groups.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)
#define RESET(name)  static DIRECTIVE_RESET(name)

#define SYSCALLS_MAX 2048

struct word {
	const char *name;
	uint64_t value;
};

/* The bits of all words of a value; words that are not in the table are mistakes. */
static int bits_parse(const struct word *table, size_t n, const char *value, uint64_t *bits,
		      struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err);

	*bits = 0;
	for (size_t i = 0; i < words.n && r == 0; i++) {
		size_t k = 0;

		while (k < n && strcmp(table[k].name, words.v[i]) != 0)
			k++;
		if (k == n)
			return err_set(err, -EINVAL, "there is no \"%.60s\"", words.v[i]);
		*bits |= table[k].value;
	}
	return r;
}

static int capabilities_parse(const char *value, uint64_t *set, struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err);

	*set = 0;
	for (size_t i = 0; i < words.n && r == 0; i++) {
		int capability = capability_parse(words.v[i]);

		if (capability < 0)
			return err_set(err, -EINVAL, "there is no capability \"%.60s\"",
				       words.v[i]);
		*set |= capability_bit((unsigned)capability);
	}
	return r;
}

/* Several lines add up; "~" takes away, and as the first thing means all but these. */
static int add_capabilities(const char *value, bool first, uint64_t had, uint64_t *set,
			    struct err *err)
{
	bool invert = *value == '~';
	uint64_t sum;
	int r = capabilities_parse(value + invert, &sum, err);

	if (r < 0)
		return r;
	if (sum == 0 || first)
		*set = invert ? ~sum : sum;
	else
		*set = invert ? had & ~sum : had | sum;
	return 0;
}

SETTER(set_bounding)
{
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;
	int r = add_capabilities(value, !sandbox->bounding_set, sandbox->bounding,
				 &sandbox->bounding, err);

	if (r == 0)
		sandbox->bounding_set = true;
	return r;
}

/* Empty: none at all. */
RESET(reset_bounding)
{
	ctx->unit->sandbox.bounding = 0;
	ctx->unit->sandbox.bounding_set = true;
	return 0;
}

SETTER(set_ambient)
{
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;

	return add_capabilities(value, !sandbox->ambient, sandbox->ambient, &sandbox->ambient, err);
}

RESET(reset_ambient)
{
	ctx->unit->sandbox.ambient = 0;
	return 0;
}

SETTER(set_secure_bits)
{
	static const struct word table[] = {
		{"keep-caps", 1u << SECURE_KEEP_CAPS},
		{"keep-caps-locked", 1u << SECURE_KEEP_CAPS_LOCKED},
		{"no-setuid-fixup", 1u << SECURE_NO_SETUID_FIXUP},
		{"no-setuid-fixup-locked", 1u << SECURE_NO_SETUID_FIXUP_LOCKED},
		{"noroot", 1u << SECURE_NOROOT},
		{"noroot-locked", 1u << SECURE_NOROOT_LOCKED},
	};
	uint64_t bits;
	int r = bits_parse(table, ARRAY_LEN(table), value, &bits, err);

	if (r == 0)
		ctx->unit->sandbox.secure_bits |= (unsigned)bits;
	return r;
}

RESET(reset_secure_bits)
{
	ctx->unit->sandbox.secure_bits = 0;
	return 0;
}

SETTER(set_bool)
{
	if (!*value) {
		*DIRECTIVE_FIELD(bool) = false;
		return 0;
	}
	return bool_parse(value, DIRECTIVE_FIELD(bool), err);
}

/* Puts a call into the list, or takes it out. */
static int call_put(struct syscall_list *list, int number, int error, bool put)
{
	struct syscall_rule *grown;
	size_t i = 0;

	while (i < list->n && list->v[i].number != number)
		i++;
	if (!put) {
		if (i < list->n)
			list->v[i] = list->v[--list->n];
		return 0;
	}
	if (i == list->n) {
		if (list->n >= SYSCALLS_MAX)
			return -E2BIG;
		grown = reallocarray(list->v, list->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->v = grown;
		list->n++;
	}
	list->v[i] = (struct syscall_rule){(int16_t)number, (int16_t)error};
	return 0;
}

/* A name of a call or of a group. The nesting of groups is ours and ends. */
static int calls_put(struct syscall_list *list, const char *name, int error, bool put,
		     struct err *err) // NOLINT(misc-no-recursion)
{
	const struct syscall_group *group = *name == '@' ? syscall_group_find(name) : NULL;
	_cleanup_free_ char *copy = NULL;
	char *save = NULL;
	int number, r = 0;

	if (*name == '@' && !group)
		return err_set(err, -EINVAL, "there is no group of system calls \"%.60s\"", name);
	if (!group) {
		number = syscall_number(name);
		if (number == SYSCALL_UNKNOWN)
			return err_set(err, -EINVAL, "there is no system call \"%.60s\"", name);
		return number == SYSCALL_NOT_HERE ? 0 : call_put(list, number, error, put);
	}
	copy = strdup(group->members);
	if (!copy)
		return -ENOMEM;
	for (char *word = strtok_r(copy, " ", &save); word && r == 0;
	     word = strtok_r(NULL, " ", &save))
		r = calls_put(list, word, error, put, err);
	return r;
}

static int error_number_parse(const char *text, int *error, struct err *err)
{
	unsigned number;

	*error = SYSCALL_KILL;
	if (strcmp(text, "kill") == 0)
		return 0;
	if (unsigned_parse(text, 4095, &number, NULL) == 0) {
		*error = (int)number;
		return 0;
	}
	for (int i = 1; i < 134; i++) {
		const char *name = strerrorname_np(i);

		if (name && strcmp(name, text) == 0) {
			*error = i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "there is no error \"%.60s\"", text);
}

/* The first line decides: with "~" all but these, without only these (and @default). */
static int set_calls(struct syscall_list *list, const char *value, bool with_default,
		     struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	bool invert = *value == '~';
	int r = words_split(value + invert, &words, err);

	if (r < 0)
		return r;
	if (!list->set) {
		list->set = true;
		list->allow = !invert;
		if (list->allow && with_default)
			r = calls_put(list, "@default", SYSCALL_DEFAULT, true, err);
	}
	for (size_t i = 0; i < words.n && r == 0; i++) {
		char *colon = strchr(words.v[i], ':');
		int error = SYSCALL_DEFAULT;

		if (colon) {
			*colon++ = '\0';
			r = error_number_parse(colon, &error, err);
		}
		if (r == 0)
			r = calls_put(list, words.v[i], error, invert != list->allow, err);
	}
	return r == -E2BIG ? err_set(err, r, "there are more than %d", SYSCALLS_MAX) : r;
}

SETTER(set_filter)
{
	return set_calls(&ctx->unit->sandbox.calls, value, true, err);
}

SETTER(set_log)
{
	return set_calls(&ctx->unit->sandbox.logged, value, false, err);
}

RESET(reset_calls)
{
	struct syscall_list *list = DIRECTIVE_FIELD(struct syscall_list);

	free(list->v);
	*list = (struct syscall_list){0};
	return 0;
}

SETTER(set_call_error)
{
	int error = SYSCALL_KILL;
	int r = *value ? error_number_parse(value, &error, err) : 0;

	if (r == 0)
		ctx->unit->sandbox.call_error = error == SYSCALL_KILL ? 0 : error;
	return r;
}

/* Those of other machines are fine: nothing of them can run here anyway. */
SETTER(set_archs)
{
	static const struct word table[] = {
		{"native", ARCH_NATIVE},
#if defined(__x86_64__)
		{"x86-64", ARCH_NATIVE},
		{"x86", ARCH_SECONDARY},
		{"x32", ARCH_X32},
		{"arm", 0},
		{"arm64", 0},
#elif defined(__aarch64__)
		{"arm64", ARCH_NATIVE},
		{"arm", ARCH_SECONDARY},
		{"x86", 0},
		{"x86-64", 0},
		{"x32", 0},
#endif
		{"alpha", 0},
		{"arc-le", 0},
		{"loongarch64", 0},
		{"mips", 0},
		{"mips-le", 0},
		{"mips64", 0},
		{"mips64-le", 0},
		{"mips64-le-n32", 0},
		{"mips64-n32", 0},
		{"parisc", 0},
		{"parisc64", 0},
		{"ppc", 0},
		{"ppc64", 0},
		{"ppc64-le", 0},
		{"riscv64", 0},
		{"s390", 0},
		{"s390x", 0},
	};
	uint64_t bits;
	int r = bits_parse(table, ARRAY_LEN(table), value, &bits, err);

	if (r == 0)
		ctx->unit->sandbox.archs |= (unsigned)bits | ARCH_NATIVE;
	return r;
}

RESET(reset_archs)
{
	ctx->unit->sandbox.archs = 0;
	return 0;
}

static const struct word families[] = {
	{"AF_ALG", AF_ALG},
	{"AF_APPLETALK", AF_APPLETALK},
	{"AF_ASH", AF_ASH},
	{"AF_ATMPVC", AF_ATMPVC},
	{"AF_ATMSVC", AF_ATMSVC},
	{"AF_AX25", AF_AX25},
	{"AF_BLUETOOTH", AF_BLUETOOTH},
	{"AF_BRIDGE", AF_BRIDGE},
	{"AF_CAIF", AF_CAIF},
	{"AF_CAN", AF_CAN},
	{"AF_DECnet", AF_DECnet},
	{"AF_ECONET", AF_ECONET},
	{"AF_FILE", AF_FILE},
	{"AF_IB", AF_IB},
	{"AF_IEEE802154", AF_IEEE802154},
	{"AF_INET", AF_INET},
	{"AF_INET6", AF_INET6},
	{"AF_IPX", AF_IPX},
	{"AF_IRDA", AF_IRDA},
	{"AF_ISDN", AF_ISDN},
	{"AF_IUCV", AF_IUCV},
	{"AF_KCM", AF_KCM},
	{"AF_KEY", AF_KEY},
	{"AF_LLC", AF_LLC},
	{"AF_LOCAL", AF_LOCAL},
	{"AF_MCTP", 45},
	{"AF_MPLS", AF_MPLS},
	{"AF_NETBEUI", AF_NETBEUI},
	{"AF_NETLINK", AF_NETLINK},
	{"AF_NETROM", AF_NETROM},
	{"AF_NFC", AF_NFC},
	{"AF_PACKET", AF_PACKET},
	{"AF_PHONET", AF_PHONET},
	{"AF_PPPOX", AF_PPPOX},
	{"AF_QIPCRTR", AF_QIPCRTR},
	{"AF_RDS", AF_RDS},
	{"AF_ROSE", AF_ROSE},
	{"AF_ROUTE", AF_ROUTE},
	{"AF_RXRPC", AF_RXRPC},
	{"AF_SECURITY", AF_SECURITY},
	{"AF_SMC", AF_SMC},
	{"AF_SNA", AF_SNA},
	{"AF_TIPC", AF_TIPC},
	{"AF_UNIX", AF_UNIX},
	{"AF_VSOCK", AF_VSOCK},
	{"AF_WANPIPE", AF_WANPIPE},
	{"AF_X25", AF_X25},
	{"AF_XDP", AF_XDP},
};

const char *sandbox_family_name(unsigned family)
{
	/* Of several names for one the table has an older one first. */
	if (family == AF_UNIX)
		return "AF_UNIX";
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].value == family)
			return families[i].name;
	return NULL;
}

SETTER(set_families)
{
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;
	_cleanup_(strv_free) struct strv words = {0};
	bool invert = *value == '~';
	int r;

	if (strcmp(value, "none") == 0) {
		sandbox->families = 0;
		sandbox->families_set = sandbox->families_allow = true;
		return 0;
	}
	if (!sandbox->families_set) {
		sandbox->families_set = true;
		sandbox->families_allow = !invert;
	}
	r = words_split(value + invert, &words, err);
	for (size_t i = 0; i < words.n && r == 0; i++) {
		uint64_t family;

		r = bits_parse(families, ARRAY_LEN(families), words.v[i], &family, err);
		if (r == 0)
			sandbox->families = invert != sandbox->families_allow
						    ? sandbox->families | (uint64_t)1 << family
						    : sandbox->families & ~((uint64_t)1 << family);
	}
	return r;
}

RESET(reset_families)
{
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;

	sandbox->families = 0;
	sandbox->families_set = sandbox->families_allow = false;
	return 0;
}

/* yes: none may be made; a list: those may, with "~" all but those. */
SETTER(set_namespaces)
{
	static const struct word table[] = {
		{"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS},
		{"net", CLONE_NEWNET},       {"pid", CLONE_NEWPID}, {"user", CLONE_NEWUSER},
		{"uts", CLONE_NEWUTS},       {"time", 0x80},
	};
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;
	bool invert = *value == '~', yes;
	uint64_t bits, all = 0;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		all |= table[i].value;
	if (bool_parse(value, &yes, NULL) == 0) {
		sandbox->namespaces_set = yes;
		sandbox->namespaces_allowed = yes ? 0 : all;
		return 0;
	}
	r = bits_parse(table, ARRAY_LEN(table), value + invert, &bits, err);
	if (r < 0)
		return r;
	if (!sandbox->namespaces_set)
		sandbox->namespaces_allowed = invert ? all & ~bits : bits;
	else if (invert)
		sandbox->namespaces_allowed &= ~bits;
	else
		sandbox->namespaces_allowed |= bits;
	sandbox->namespaces_set = true;
	return 0;
}

RESET(reset_namespaces)
{
	ctx->unit->sandbox.namespaces_set = false;
	ctx->unit->sandbox.namespaces_allowed = 0;
	return 0;
}

SETTER(set_personality)
{
	static const struct word table[] = {
#if defined(__x86_64__)
		{"x86-64", PER_LINUX},
		{"x86", PER_LINUX32},
#elif defined(__aarch64__)
		{"arm64", PER_LINUX},
		{"arm", PER_LINUX32},
#endif
	};
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;
	uint64_t bits = 0;
	int r = bits_parse(table, ARRAY_LEN(table), value, &bits, err);

	if (r < 0)
		return r;
	sandbox->personality_set = *value;
	sandbox->personality = (unsigned long)bits;
	return 0;
}

#define AT(field)   DIRECTIVE_AT(sandbox.field)
#define BOOL(field) set_bool, AT(field), 0, NULL

static const struct directive directives[] = {
	{"AmbientCapabilities", set_ambient, 0, 0, reset_ambient},
	{"CapabilityBoundingSet", set_bounding, 0, 0, reset_bounding},
	{"LockPersonality", BOOL(lock_personality)},
	{"MemoryDenyWriteExecute", BOOL(deny_write_execute)},
	{"NoNewPrivileges", BOOL(no_new_privileges)},
	{"Personality", set_personality, 0, 0, NULL},
	{"RestrictAddressFamilies", set_families, 0, 0, reset_families},
	{"RestrictNamespaces", set_namespaces, 0, 0, reset_namespaces},
	{"RestrictRealtime", BOOL(restrict_realtime)},
	{"RestrictSUIDSGID", BOOL(restrict_suid)},
	{"SecureBits", set_secure_bits, 0, 0, reset_secure_bits},
	{"SystemCallArchitectures", set_archs, 0, 0, reset_archs},
	{"SystemCallErrorNumber", set_call_error, 0, 0, NULL},
	{"SystemCallFilter", set_filter, AT(calls), 0, reset_calls},
	{"SystemCallLog", set_log, AT(logged), 0, reset_calls},
};

const struct directive_area directive_area_security = {DIRECTIVES_SERVICE, directives,
						       ARRAY_LEN(directives)};
