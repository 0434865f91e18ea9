#include "supervisor/condition_kinds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "common/cleanup.h"
#include "supervisor/command.h"

CONDITION_CHECK(condition_check_bool)
{
	bool value;

	return bool_parse(arg, &value, err);
}

CONDITION_CHECK(condition_check_words)
{
	_cleanup_(strv_free) struct strv words = {0};

	return words_split(arg, &words, err);
}

/* ---- processor ---- */

/* uname(2)'s word → systemd's, systemd.unit(5). */
static const struct {
	const char *machine, *name;
} architectures[] = {
	{"x86_64", "x86-64"},
	{"i686", "x86"},
	{"i586", "x86"},
	{"i486", "x86"},
	{"i386", "x86"},
	{"aarch64", "arm64"},
	{"aarch64_be", "arm64-be"},
	{"armv8l", "arm"},
	{"armv7l", "arm"},
	{"armv6l", "arm"},
	{"armv5tel", "arm"},
	{"riscv64", "riscv64"},
	{"riscv32", "riscv32"},
	{"ppc64le", "ppc64-le"},
	{"ppc64", "ppc64"},
	{"s390x", "s390x"},
	{"loongarch64", "loongarch64"},
	{"mips64", "mips64"},
	{"mips", "mips"},
	{"sparc64", "sparc64"},
};

CONDITION_QUESTION(condition_architecture)
{
	/* "native" is what the service manager was built for: it runs. */
	if (strcmp(arg, "native") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(architectures); i++)
		if (strcmp(architectures[i].machine, w->machine) == 0)
			return strcmp(architectures[i].name, arg) == 0;
	return strcmp(w->machine, arg) == 0;
}

/* "OPERATOR NUMBER", without an operator ">=". */
static int cpus_parse(const char *arg, enum condition_operator *op, unsigned *n, struct err *err)
{
	*op = condition_operator_take(&arg);
	if (*op == OPERATOR_MATCH || *op == OPERATOR_NOT_MATCH)
		return err_set(err, -EINVAL, "a number is compared by < <= = != >= >");
	if (*op == OPERATOR_NONE)
		*op = OPERATOR_GREATER_EQUAL;
	return unsigned_parse(arg, UINT32_MAX, n, err);
}

CONDITION_CHECK(condition_check_cpus)
{
	enum condition_operator op;
	unsigned n;

	return cpus_parse(arg, &op, &n, err);
}

CONDITION_QUESTION(condition_cpus)
{
	enum condition_operator op;
	unsigned n = 0;

	return cpus_parse(arg, &op, &n, NULL) == 0 && condition_compare_numbers(op, w->cpus, n);
}

CONDITION_CHECK(condition_check_capability)
{
	cap_value_t cap;

	return cap_from_name(arg, &cap) == 0
		       ? 0
		       : err_set(err, -EINVAL, "\"%.60s\" is no name of a capability", arg);
}

CONDITION_QUESTION(condition_capability)
{
	char text[CONDITION_TEXT];
	cap_value_t cap;
	const char *line;

	if (cap_from_name(arg, &cap) < 0 ||
	    !condition_read(w, "/proc/self/status", text, sizeof(text)))
		return false;
	line = strstr(text, "\nCapBnd:");
	return line && strtoull(line + strlen("\nCapBnd:"), NULL, 16) >> cap & 1;
}

/* ---- memory ---- */

static int memory_parse(const char *arg, enum condition_operator *op, uint64_t *bytes,
			struct err *err)
{
	*op = condition_operator_take(&arg);
	if (*op == OPERATOR_MATCH || *op == OPERATOR_NOT_MATCH)
		return err_set(err, -EINVAL, "a size is compared by < <= = != >= >");
	if (*op == OPERATOR_NONE)
		*op = OPERATOR_GREATER_EQUAL;
	return size_parse(arg, bytes, err);
}

CONDITION_CHECK(condition_check_memory)
{
	enum condition_operator op;
	uint64_t bytes;

	return memory_parse(arg, &op, &bytes, err);
}

/* The machine's, or the container's limit where that is less. */
CONDITION_QUESTION(condition_memory)
{
	enum condition_operator op;
	uint64_t bytes = 0, have, limit;
	char text[CONDITION_TEXT];
	const char *line;

	if (memory_parse(arg, &op, &bytes, NULL) < 0 ||
	    !condition_read(w, "/proc/meminfo", text, sizeof(text)))
		return false;
	line = strstr(text, "MemTotal:");
	if (!line)
		return false;
	have = strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024;
	if (condition_read(w, "/sys/fs/cgroup/memory.max", text, sizeof(text))) {
		limit = strtoull(text, NULL, 10);
		if (limit && limit < have)
			have = limit;
	}
	return condition_compare_numbers(op, have, bytes);
}

/* ---- pressure ---- */

/* "PERCENT%" or "PERCENT%/TIME", in hundredths of a percent and the kernel's avg10, avg60, avg300.
 */
static int pressure_parse(const char *arg, uint64_t *limit, const char **average, struct err *err)
{
	size_t digits = strspn(arg, "0123456789");
	const char *rest = arg + digits;
	uint64_t usec = 300 * USEC_PER_SEC;
	unsigned part = 0;
	int r = 0;

	if (strchr(arg, ':'))
		return err_set(err, -ENOTSUP, "the pressure of a slice is not known here");
	if (!digits || digits > 3)
		return err_set(err, -EINVAL, "\"%.60s\" is not a percentage such as 10%%", arg);
	*limit = strtoull(arg, NULL, 10) * 100;
	if (*rest == '.' && rest[1] >= '0' && rest[1] <= '9') {
		part = (unsigned)(rest[1] - '0') * 10;
		rest += 2;
		if (*rest >= '0' && *rest <= '9')
			part += (unsigned)(*rest++ - '0');
	}
	*limit += part;
	if (*rest != '%' || (rest[1] && rest[1] != '/') || *limit > 10000)
		return err_set(err, -EINVAL, "\"%.60s\" is not a percentage such as 10%%", arg);
	if (rest[1])
		r = timespan_parse(rest + 2, &usec, err);
	if (r < 0)
		return r;
	*average = usec <= 10 * USEC_PER_SEC   ? "avg10="
		   : usec <= 60 * USEC_PER_SEC ? "avg60="
					       : "avg300=";
	return 0;
}

CONDITION_CHECK(condition_check_pressure)
{
	const char *average;
	uint64_t limit;

	return pressure_parse(arg, &limit, &average, err);
}

/* True also where the kernel does not tell: what cannot be seen is no pressure, as in systemd. */
static bool pressure_holds(const struct condition_world *w, const char *arg, const char *path,
			   const char *line_name)
{
	char text[CONDITION_TEXT];
	const char *average = NULL, *at;
	uint64_t limit;
	unsigned whole, part;

	if (pressure_parse(arg, &limit, &average, NULL) < 0)
		return false;
	if (!condition_read(w, path, text, sizeof(text)))
		return true;
	at = strstr(text, line_name);
	at = at && average ? strstr(at, average) : NULL;
	if (!at || sscanf(at + strlen(average), "%u.%2u", &whole, &part) != 2)
		return true;
	return whole * 100ull + part <= limit;
}

CONDITION_QUESTION(condition_cpu_pressure)
{
	/* "full" has no meaning for the processor of a whole machine. */
	return pressure_holds(w, arg, "/proc/pressure/cpu", "some ");
}

CONDITION_QUESTION(condition_memory_pressure)
{
	return pressure_holds(w, arg, "/proc/pressure/memory", "full ");
}

CONDITION_QUESTION(condition_io_pressure)
{
	return pressure_holds(w, arg, "/proc/pressure/io", "full ");
}

/* ---- kernel ---- */

/* A list of expressions that must all hold; one without an operator is a pattern. */
CONDITION_QUESTION(condition_kernel_version)
{
	_cleanup_(strv_free) struct strv words = {0};

	if (words_split(arg, &words, NULL) < 0)
		return false;
	for (size_t i = 0; i < words.n; i++) {
		const char *word = words.v[i];
		enum condition_operator op = condition_operator_take(&word);

		/* ">= 6" in two words is one expression. */
		if (op != OPERATOR_NONE && !*word && i + 1 < words.n)
			word = words.v[++i];
		if (!condition_compare_texts(op == OPERATOR_NONE ? OPERATOR_MATCH : op, w->release,
					     word))
			return false;
	}
	return true;
}

/* In a container systemd asks for the words that its PID 1 was started with. */
CONDITION_QUESTION(condition_kernel_command_line)
{
	const char *path = condition_in_container(w) ? "/proc/1/cmdline" : "/proc/cmdline";
	size_t len = strlen(arg);
	char text[CONDITION_TEXT] = "";
	char buf[CONDITION_TEXT];

	/* Words end with NUL there and with blanks here: both are ends. */
	memset(buf, 0, sizeof(buf));
	if (!condition_read(w, path, buf, sizeof(buf)))
		return false;
	memcpy(text, buf, sizeof(text));
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		if (text[i] == ' ' || text[i] == '\n')
			text[i] = '\0';
	for (const char *p = text; p < text + sizeof(text) - 1; p += strlen(p) + 1) {
		if (strcmp(p, arg) == 0)
			return true;
		if (!strchr(arg, '=') && strncmp(p, arg, len) == 0 && p[len] == '=')
			return true;
	}
	return false;
}

CONDITION_QUESTION(condition_kernel_module_loaded)
{
	char path[128];

	if (strchr(arg, '/') ||
	    snprintf(path, sizeof(path), "/sys/module/%s", arg) >= (int)sizeof(path))
		return false;
	for (char *p = path; *p; p++)
		if (*p == '-')
			*p = '_';
	return condition_there(w, path);
}

/* Who asks in a container is not on a battery. */
CONDITION_QUESTION(condition_ac_power)
{
	bool wanted;

	return bool_parse(arg, &wanted, NULL) == 0 && wanted;
}
