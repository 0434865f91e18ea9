/*
 * property_sandbox.c - the properties of a service about its protections.
 */
#include <ctype.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "common/cleanup.h"
#include "supervisor/capability.h"
#include "supervisor/ctl/property.h"

struct bit {
	const char *name;
	uint64_t bits;
};

/* The names of the bits that are set. */
static void put_bits(FILE *out, const struct bit *table, size_t n, uint64_t bits)
{
	const char *gap = "";

	for (size_t i = 0; i < n; i++)
		if (bits & table[i].bits) {
			fprintf(out, "%s%s", gap, table[i].name);
			gap = " ";
		}
}

/* In small letters, as systemctl(1) writes them. */
static void put_capabilities(FILE *out, uint64_t set)
{
	const char *name, *gap = "";

	for (unsigned i = 0; (name = capability_name(i)); i++) {
		if (!(set & capability_bit(i)))
			continue;
		fputs(gap, out);
		for (; *name; name++)
			fputc(tolower((unsigned char)*name), out);
		gap = " ";
	}
}

static PRINTER(bounding)
{
	put_capabilities(of->out, sandbox_bounding(&of->unit->sandbox));
}
static PRINTER(ambient)
{
	put_capabilities(of->out, of->unit->sandbox.ambient);
}

static PRINTER(secure_bits)
{
	static const struct bit bits[] = {
		{"keep-caps", 1u << SECURE_KEEP_CAPS},
		{"keep-caps-locked", 1u << SECURE_KEEP_CAPS_LOCKED},
		{"no-setuid-fixup", 1u << SECURE_NO_SETUID_FIXUP},
		{"no-setuid-fixup-locked", 1u << SECURE_NO_SETUID_FIXUP_LOCKED},
		{"noroot", 1u << SECURE_NOROOT},
		{"noroot-locked", 1u << SECURE_NOROOT_LOCKED},
	};

	put_bits(of->out, bits, ARRAY_LEN(bits), of->unit->sandbox.secure_bits);
}

static void put_call(FILE *out, const struct syscall_rule *rule)
{
	_cleanup_free_ char *name =
		seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, rule->number);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "%d", rule->number); /* newer than libseccomp */
	if (rule->error == SYSCALL_KILL)
		fputs(":kill", out);
	else if (rule->error > 0)
		fprintf(out, ":%s", strerrorname_np(rule->error));
}

/* What holds in the end: groups are their calls. "~": all but these. */
static PRINTER(calls)
{
	const struct syscall_list *list = &PROPERTY_FIELD(struct syscall_list);

	if (!list->set)
		return;
	if (!list->allow)
		fputc('~', of->out);
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			fputc(' ', of->out);
		put_call(of->out, &list->v[i]);
	}
}

static PRINTER(call_error)
{
	int error = of->unit->sandbox.call_error;

	fputs(error ? strerrorname_np(error) : "kill", of->out);
}

static PRINTER(architectures)
{
	static const struct bit bits[] = {
		{"native", ARCH_NATIVE},
#if defined(__x86_64__)
		{"x86", ARCH_SECONDARY},
#else
		{"arm", ARCH_SECONDARY},
#endif
		{"x32", ARCH_X32},
	};

	put_bits(of->out, bits, ARRAY_LEN(bits), of->unit->sandbox.archs);
}

static PRINTER(families)
{
	const struct unit_sandbox *sandbox = &of->unit->sandbox;
	const char *gap = "";

	if (!sandbox->families_set)
		return;
	if (!sandbox->families_allow)
		fputc('~', of->out);
	else if (!sandbox->families)
		fputs("none", of->out);
	for (unsigned i = 0; i < 64; i++) {
		const char *name = sandbox_family_name(i);

		if (!(sandbox->families >> i & 1))
			continue;
		if (name)
			fprintf(of->out, "%s%s", gap, name);
		else
			fprintf(of->out, "%s%u", gap, i);
		gap = " ";
	}
}

/* Those that may be made; yes: none. */
static PRINTER(namespaces)
{
	static const struct bit bits[] = {
		{"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS},
		{"net", CLONE_NEWNET},       {"pid", CLONE_NEWPID}, {"user", CLONE_NEWUSER},
		{"uts", CLONE_NEWUTS},       {"time", 0x80},
	};
	const struct unit_sandbox *sandbox = &of->unit->sandbox;

	if (!sandbox->namespaces_set || !sandbox->namespaces_allowed)
		property_put_yes(of->out, sandbox->namespaces_set);
	else
		put_bits(of->out, bits, ARRAY_LEN(bits), sandbox->namespaces_allowed);
}

static PRINTER(personality_name)
{
	const struct unit_sandbox *sandbox = &of->unit->sandbox;
	bool narrow = sandbox->personality == PER_LINUX32;

	if (!sandbox->personality_set)
		return;
#if defined(__x86_64__)
	fputs(narrow ? "x86" : "x86-64", of->out);
#else
	fputs(narrow ? "arm" : "arm64", of->out);
#endif
}

/* `arg`: the read-only ones. */
static PRINTER(binds)
{
	const struct unit_sandbox *sandbox = &of->unit->sandbox;
	const char *gap = "";

	for (size_t i = 0; i < sandbox->n_binds; i++) {
		const struct bind_path *b = &sandbox->binds[i];

		if (b->read_only != (p->arg == 1))
			continue;
		fprintf(of->out, "%s%s", gap, b->optional ? "-" : "");
		property_put(of->out, b->source);
		fputc(':', of->out);
		property_put(of->out, b->target ? b->target : b->source);
		fputs(b->recursive ? ":rbind" : ":norbind", of->out);
		gap = " ";
	}
}

static PRINTER(temporary)
{
	const struct unit_sandbox *sandbox = &of->unit->sandbox;

	for (size_t i = 0; i < sandbox->n_temporary; i++) {
		const struct temporary_path *t = &sandbox->temporary[i];

		if (i)
			fputc(' ', of->out);
		property_put(of->out, t->path);
		if (t->options && *t->options) {
			fputc(':', of->out);
			property_put(of->out, t->options);
		}
	}
}

/* Names, and where they are from; never what is in them. `arg`: SetCredential=. */
static PRINTER(credentials)
{
	const struct unit_sandbox *sandbox = &of->unit->sandbox;
	const char *gap = "";

	for (size_t i = 0; i < sandbox->n_credentials; i++) {
		const struct credential *c = &sandbox->credentials[i];

		if (!c->from != (p->arg == 1))
			continue;
		fputs(gap, of->out);
		property_put(of->out, c->id);
		fputc(':', of->out);
		property_put(of->out, c->from ? c->from : "[secret]");
		gap = " ";
	}
}

static PRINTER(proc_subset)
{
	fputs(of->unit->sandbox.proc_pid_only ? "pid" : "all", of->out);
}

static const char *const system_words[] = {"no", "yes", "full", "strict", NULL};
static const char *const home_words[] = {"no", "yes", "read-only", "tmpfs", NULL};
static const char *const users_words[] = {"no", "self", "identity", "full", NULL};
static const char *const proc_words[] = {"default", "noaccess", "invisible", "ptraceable", NULL};
static const char *const flags_words[] = {"", "shared", "slave", "private", NULL};

#define AT(field)         offsetof(struct unit, sandbox.field)
#define BOOL(field)       property_bool, AT(field), 0, NULL, NULL
#define WORD(field, list) property_word, AT(field), 0, list, NULL
#define PATHS(field)      property_list, AT(field), 0, NULL
#define OWN(print)        print, 0, 0, NULL, NULL

static const struct property rows[] = {
	{"CapabilityBoundingSet", OWN(bounding)},
	{"AmbientCapabilities", OWN(ambient)},
	{"SecureBits", OWN(secure_bits)},
	{"NoNewPrivileges", BOOL(no_new_privileges)},
	{"SystemCallFilter", calls, AT(calls), 0, NULL, NULL},
	{"SystemCallLog", calls, AT(logged), 0, NULL, NULL},
	{"SystemCallErrorNumber", OWN(call_error)},
	{"SystemCallArchitectures", OWN(architectures)},
	{"RestrictAddressFamilies", OWN(families)},
	{"RestrictNamespaces", OWN(namespaces)},
	{"RestrictRealtime", BOOL(restrict_realtime)},
	{"RestrictSUIDSGID", BOOL(restrict_suid)},
	{"LockPersonality", BOOL(lock_personality)},
	{"Personality", OWN(personality_name)},
	{"MemoryDenyWriteExecute", BOOL(deny_write_execute)},
	{"ProtectSystem", WORD(protect_system, system_words)},
	{"ProtectHome", WORD(protect_home, home_words)},
	{"ProtectClock", BOOL(protect_clock)},
	{"ProtectHostname", BOOL(protect_hostname)},
	{"ProtectKernelLogs", BOOL(protect_kernel_logs)},
	{"ProtectKernelModules", BOOL(protect_kernel_modules)},
	{"ProtectKernelTunables", BOOL(protect_tunables)},
	{"ProtectControlGroups", BOOL(protect_cgroups)},
	{"ProtectProc", WORD(protect_proc, proc_words)},
	{"ProcSubset", OWN(proc_subset)},
	{"PrivateTmp", BOOL(private_tmp)},
	{"PrivateDevices", BOOL(private_devices)},
	{"PrivateMounts", BOOL(private_mounts)},
	{"PrivateNetwork", BOOL(private_network)},
	{"PrivateIPC", BOOL(private_ipc)},
	{"PrivateUsers", WORD(private_users, users_words)},
	{"MountFlags", WORD(mount_flags, flags_words)},
	{"ReadWritePaths", PATHS(read_write), "ReadWriteDirectories"},
	{"ReadOnlyPaths", PATHS(read_only), "ReadOnlyDirectories"},
	{"InaccessiblePaths", PATHS(inaccessible), "InaccessibleDirectories"},
	{"ExecPaths", PATHS(exec), NULL},
	{"NoExecPaths", PATHS(no_exec), NULL},
	{"BindPaths", binds, 0, 0, NULL, NULL},
	{"BindReadOnlyPaths", binds, 0, 1, NULL, NULL},
	{"TemporaryFileSystem", OWN(temporary)},
	{"LoadCredential", credentials, 0, 0, NULL, NULL},
	{"SetCredential", credentials, 0, 1, NULL, NULL},
	{"ImportCredential", PATHS(imports), NULL},
};

const struct property_area property_area_sandbox = {PROPERTY_SERVICE, rows, ARRAY_LEN(rows)};
