/*
 * condition_kinds.h - what each kind of condition asks; condition.c alone includes it, and the
 * rooms behind it: condition_path.c (files), condition_machine.c (kernel, memory …),
 * condition_hardware.c (what the processor and the firmware say),
 * condition_place.c (users, containers, what lies in files of text), condition_switch.c (what a
 * module asks).
 *
 * A question answers with true or false; a file that cannot be read is one that is not there. A
 * check says whether an argument can be asked about, when the unit is loaded.
 */
#pragma once

#include "supervisor/condition.h"

#define CONDITION_QUESTION(name) bool name(const struct condition_world *w, const char *arg)
#define CONDITION_CHECK(name)    int name(const char *arg, struct err *err)

#define CONDITION_TEXT 8192 /* of a file of /proc or /sys that is read */

/* condition_path.c */
CONDITION_QUESTION(condition_path_exists);
CONDITION_QUESTION(condition_path_exists_glob);
CONDITION_QUESTION(condition_path_is_directory);
CONDITION_QUESTION(condition_path_is_mount_point);
CONDITION_QUESTION(condition_path_is_read_write);
CONDITION_QUESTION(condition_path_is_socket);
CONDITION_QUESTION(condition_path_is_symbolic_link);
CONDITION_QUESTION(condition_directory_not_empty);
CONDITION_QUESTION(condition_file_is_executable);
CONDITION_QUESTION(condition_file_not_empty);
/* The first bytes of ROOT/path as a string; false when there is no such file. */
bool condition_read(const struct condition_world *w, const char *path, char *text, size_t size);
/* ROOT/path is there. */
bool condition_there(const struct condition_world *w, const char *path);

/* condition_machine.c */
CONDITION_QUESTION(condition_architecture);
CONDITION_QUESTION(condition_capability);
CONDITION_QUESTION(condition_cpus);
CONDITION_QUESTION(condition_memory);
CONDITION_QUESTION(condition_cpu_pressure);
CONDITION_QUESTION(condition_io_pressure);
CONDITION_QUESTION(condition_memory_pressure);
CONDITION_QUESTION(condition_kernel_version);
CONDITION_QUESTION(condition_kernel_command_line);
CONDITION_QUESTION(condition_kernel_module_loaded);
CONDITION_QUESTION(condition_ac_power);
CONDITION_CHECK(condition_check_capability);
CONDITION_CHECK(condition_check_cpus);
CONDITION_CHECK(condition_check_memory);
CONDITION_CHECK(condition_check_pressure);
CONDITION_CHECK(condition_check_words);
CONDITION_CHECK(condition_check_bool);

/* condition_hardware.c */
CONDITION_QUESTION(condition_cpu_feature);
CONDITION_QUESTION(condition_firmware);
CONDITION_CHECK(condition_check_firmware);

/* condition_place.c */
CONDITION_QUESTION(condition_control_group_controller);
CONDITION_QUESTION(condition_group);
CONDITION_QUESTION(condition_host);
CONDITION_QUESTION(condition_os_release);
CONDITION_QUESTION(condition_security);
CONDITION_QUESTION(condition_user);
CONDITION_QUESTION(condition_virtualization);
CONDITION_CHECK(condition_check_os_release);
CONDITION_CHECK(condition_check_security);
/* Are we in a container, as far as can be seen? */
bool condition_in_container(const struct condition_world *w);

/* condition_switch.c: those of [X-Hakim], with a sentence of their own when they do not hold. */
CONDITION_CHECK(condition_check_program);
CONDITION_CHECK(condition_check_enabled);
enum condition_answer condition_program(const struct condition_world *w, const struct unit *unit,
					const char *arg);
enum condition_answer condition_enabled(const struct condition_world *w, const char *arg);
void condition_program_reason(const struct condition *condition, char *reason, size_t size);
void condition_enabled_reason(const struct condition *condition, const struct condition_world *w,
			      char *reason, size_t size);

/* condition_compare.c: the comparisons of systemd.unit(5). */
enum condition_operator {
	OPERATOR_NONE = 0,
	OPERATOR_LESS,
	OPERATOR_LESS_EQUAL,
	OPERATOR_EQUAL,     /* "=", and "==" of versions */
	OPERATOR_NOT_EQUAL, /* "!=" */
	OPERATOR_SAME,      /* "==" */
	OPERATOR_NOT_SAME,  /* "<>" */
	OPERATOR_GREATER_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_MATCH,     /* "$=" */
	OPERATOR_NOT_MATCH, /* "!$=" */
};

/* Takes the operator, and blanks behind it, off the text. */
enum condition_operator condition_operator_take(const char **text);
/* Numbers; the operators of patterns are false. */
bool condition_compare_numbers(enum condition_operator op, uint64_t a, uint64_t b);
/* "=" and "!=" as texts, "$=" as a pattern of fnmatch(3), the others as versions. */
bool condition_compare_texts(enum condition_operator op, const char *a, const char *b);
/* As strverscmp_improved() of systemd, by the UAPI group's version format specification. */
int condition_compare_versions(const char *a, const char *b);
