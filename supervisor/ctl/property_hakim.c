/*
 * property_hakim.c - the properties of [X-Hakim].
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"

static PRINTER(status_exec)
{
	if (of->unit->status_exec.path)
		property_put_command(of->out, &of->unit->status_exec);
}

static PRINTER(compress)
{
	fputs(of->unit->log.compress ? "zstd" : "no", of->out);
}

#define AT(field)        offsetof(struct unit, field)
#define LIST(field)      property_list, AT(field), 0, NULL, NULL
#define TEXT(field)      property_string, AT(field), 0, NULL, NULL
#define BOOL(field)      property_bool, AT(field), 0, NULL, NULL
#define COUNT(field)     property_unsigned, AT(field), 0, NULL, NULL
#define SPAN(field)      property_span, AT(field), 0, NULL, NULL
#define COMMANDS(field)  property_commands, AT(field), 0, NULL, NULL
#define VARIABLES(field) property_variables, AT(field), 0, NULL, NULL

static const struct property rows[] = {
	{"ReadyHTTP", LIST(ready.http)},
	{"ReadyHTTPStatus", TEXT(ready.http_status)},
	{"ReadyHTTPBody", TEXT(ready.http_body)},
	{"ReadyTCP", LIST(ready.tcp)},
	{"ReadyUnix", LIST(ready.sockets)},
	{"ReadyExec", COMMANDS(ready.exec)},
	{"ReadyLog", TEXT(ready.log)},
	{"ReadyIntervalUSec", SPAN(ready.interval_usec)},
	{"ReadyTimeoutUSec", SPAN(ready.timeout_usec)},
	{"HealthHTTP", LIST(health.http)},
	{"HealthHTTPStatus", TEXT(health.http_status)},
	{"HealthHTTPBody", TEXT(health.http_body)},
	{"HealthTCP", LIST(health.tcp)},
	{"HealthUnix", LIST(health.sockets)},
	{"HealthExec", COMMANDS(health.exec)},
	{"HealthIntervalUSec", SPAN(health.interval_usec)},
	{"HealthTimeoutUSec", SPAN(health.timeout_usec)},
	{"HealthRetries", COUNT(health_retries)},
	{"HealthStartPeriodUSec", SPAN(health_start_usec)},
	{"StatusExec", status_exec, 0, 0, NULL, NULL},
	{"StatusIntervalUSec", SPAN(status_interval_usec)},
	{"SecretPipe", LIST(secret_pipe)},
	{"UserFrom", TEXT(user_from)},
	{"WorkingDirectoryFrom", TEXT(working_directory_from)},
	{"Session", BOOL(session)},
	{"SessionEnvironment", VARIABLES(session_environment)},
	{"EnvironmentDefault", VARIABLES(environment_default)},
	{"LogMaxSize", property_bytes, AT(log_max_bytes), 0, NULL, NULL},
	{"LogKeep", COUNT(log_keep)},
	{"LogRotateUSec", SPAN(log.rotate_usec)},
	{"LogMaxAgeUSec", SPAN(log.max_age_usec)},
	{"LogCompress", compress, 0, 0, NULL, NULL},
	{"LogForward", BOOL(log.forward)},
	{"Vital", BOOL(life.vital)},
	{"Strict", BOOL(strict)},
};

const struct property_area property_area_hakim = {PROPERTY_SERVICE, rows, ARRAY_LEN(rows)};
