/*
 * property_exec.c - the properties of [Service] about its process and what is around it: who it
 * is, its environment, directories, input and output.
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"

#define AT(field)         offsetof(struct unit, field)
#define LIST(field)       property_list, AT(field), 0, NULL, NULL
#define TEXT(field)       property_string, AT(field), 0, NULL, NULL
#define BOOL(field)       property_bool, AT(field), 0, NULL, NULL
#define WORD(field, list) property_word, AT(field), 0, list, NULL
#define DIRECTORY(kind)   LIST(directories[DIRECTORY_##kind])
#define MODE(kind)        property_mode, AT(directory_mode[DIRECTORY_##kind]), 0, NULL, NULL

static PRINTER(working_directory)
{
	const struct unit *u = of->unit;

	if (u->working_directory_optional && u->working_directory)
		fputc('!', of->out); /* systemctl's sign for the "-" of the file */
	property_put(of->out, u->working_directory);
}

/* systemctl(1): each file a line, and what its "-" asked for. */
static PRINTER(environment_files)
{
	const struct strv *list = &of->unit->environment_files;

	for (size_t i = 0; i < list->n; i++) {
		bool optional = list->v[i][0] == '-';

		if (i)
			fputc('\n', of->out);
		property_put(of->out, list->v[i] + optional);
		fprintf(of->out, " (ignore_errors=%s)", optional ? "yes" : "no");
	}
}

static PRINTER(login_environment)
{
	const struct unit_exec *exec = &of->unit->exec;

	property_put_yes(of->out, exec->login_environment_set ? exec->login_environment
							      : of->unit->user != NULL);
}

static PRINTER(stdio)
{
	static const char *const words[] = {
		[STDIO_DEFAULT] = NULL,      [STDIO_NULL] = "null",
		[STDIO_INHERIT] = "inherit", [STDIO_LOG] = "journal",
		[STDIO_FILE] = "file:",      [STDIO_APPEND] = "append:",
		[STDIO_DATA] = "data",       [STDIO_TRUNCATE] = "truncate:",
		[STDIO_SOCKET] = "socket",
	};
	const struct stdio *stdio = &PROPERTY_FIELD(struct stdio);

	fputs(stdio->kind == STDIO_DEFAULT ? (const char *)p->words : words[stdio->kind], of->out);
	property_put(of->out, stdio->path);
}

/* How much it is: it may be a key. */
static PRINTER(data)
{
	if (of->unit->log.data_len)
		fprintf(of->out, "[%zu bytes]", of->unit->log.data_len);
}

static PRINTER(rate_interval)
{
	property_put_span(of->out, of->unit->log.rate_set ? of->unit->log.rate_interval_usec : 0);
}
static PRINTER(rate_burst)
{
	fprintf(of->out, "%u", of->unit->log.rate_set ? of->unit->log.rate_burst : 0);
}

static const char *const keyrings[] = {"inherit", "private", "shared", NULL};
static const char *const preserve[] = {"no", "restart", "yes", NULL};

static const struct property rows[] = {
	{"User", TEXT(user)},
	{"Group", TEXT(group)},
	{"DynamicUser", BOOL(exec.dynamic_user)},
	{"SupplementaryGroups", LIST(exec.supplementary_groups)},
	{"SetLoginEnvironment", login_environment, 0, 0, NULL, NULL},
	{"PermissionsStartOnly", BOOL(exec.start_only)},
	/* One with a name is left out by its "-", or refuses the unit. */
	{"AppArmorProfile", property_constant, 0, 0, "", NULL},
	{"UMask", property_mode, AT(exec.umask), 0, NULL, NULL},
	{"KeyringMode", WORD(exec.keyring, keyrings)},
	{"WorkingDirectory", working_directory, 0, 0, NULL, NULL},
	{"ExecSearchPath", LIST(exec.search_path)},
	{"Environment", property_variables, AT(environment), 0, NULL, NULL},
	{"EnvironmentFiles", environment_files, 0, 0, NULL, "EnvironmentFile"},
	{"PassEnvironment", LIST(pass_environment)},
	{"UnsetEnvironment", property_variables, AT(exec.unset_environment), 0, NULL, NULL},
	{"RuntimeDirectory", DIRECTORY(RUNTIME)},
	{"RuntimeDirectoryMode", MODE(RUNTIME)},
	{"RuntimeDirectoryPreserve", WORD(exec.runtime_preserve, preserve)},
	{"StateDirectory", DIRECTORY(STATE)},
	{"StateDirectoryMode", MODE(STATE)},
	{"CacheDirectory", DIRECTORY(CACHE)},
	{"CacheDirectoryMode", MODE(CACHE)},
	{"LogsDirectory", DIRECTORY(LOGS)},
	{"LogsDirectoryMode", MODE(LOGS)},
	{"ConfigurationDirectory", DIRECTORY(CONFIGURATION)},
	{"ConfigurationDirectoryMode", MODE(CONFIGURATION)},
	{"StandardInput", stdio, AT(log.in), 0, "null", NULL},
	{"StandardInputData", data, 0, 0, NULL, "StandardInputText"},
	{"StandardOutput", stdio, AT(log.out), 0, "journal", NULL},
	{"StandardError", stdio, AT(log.error), 0, "inherit", NULL},
	{"SyslogIdentifier", TEXT(log.identifier)},
	{"SyslogLevel", property_unsigned, AT(log.level), 0, NULL, NULL},
	{"SyslogLevelPrefix", BOOL(log.level_prefix)},
	{"LogLevelMax", property_unsigned, AT(log.level_max), 0, NULL, NULL},
	{"LogRateLimitIntervalUSec", rate_interval, 0, 0, NULL, NULL},
	{"LogRateLimitBurst", rate_burst, 0, 0, NULL, NULL},
};

const struct property_area property_area_exec = {PROPERTY_SERVICE, rows, ARRAY_LEN(rows)};
