/*
 * command.h - command lines as systemd.service(5) "COMMAND LINES" and systemd.exec(5) define them:
 * quoting, escapes, $VAR and ${VAR}, time spans, environment files. Pure text work: no system calls
 * but reading an environment file.
 */
#pragma once

#include <stdint.h>

#include "supervisor/unit.h"

/*
 * Splits one line of words by systemd's quoting ("…" and '…' anywhere in a word, C escapes also
 * inside of both: so does systemd), as used by Environment= and command lines. -EINVAL with a
 * sentence for an open quote or a bad escape.
 */
int words_split(const char *line, struct strv *words, struct err *err);

/*
 * Parses the value of an Exec…= line: prefixes "-", "@", ":", "+", "!", "!!", the program, its
 * arguments. " ; " separates several commands in
 * one line: each is appended to *commands, all or none. With a unit's name %-specifiers are
 * replaced; with NULL a "%" stays what it is.
 */
int commands_parse(const char *value, struct commands *commands, struct err *err);
int commands_parse_for(const char *unit_name, const char *value, struct commands *commands,
		       struct err *err);
void command_free(struct command *command);
void commands_free(struct commands *commands);

/*
 * Makes the argv to execute: ${VAR} anywhere in a word is replaced by its value; a word that is
 * exactly $VAR is split at white space into zero or more words (quotes in the value are honoured,
 * as in systemd); $$ is a dollar sign; an unset variable is empty. argv[0] is not expanded, and
 * with command->no_expand nothing is.
 */
int command_expand(const struct command *command, const struct strv *env, struct strv *argv,
		   struct err *err);

/* One text: ${VAR} is replaced as above. The caller frees *out. */
int variables_expand(const char *text, const struct strv *env, char **out, struct err *err);

/* The bytes of a text with C escapes. -EINVAL: there is one that is none. */
int unescape_data(const char *text, char **data, size_t *size);

/* 1 yes y true t on, 0 no n false f off; in any case of letters. */
int bool_parse(const char *text, bool *value, struct err *err);
/* Decimal digits only, at most `max`. */
int unsigned_parse(const char *text, unsigned max, unsigned *value, struct err *err);
/* [A-Za-z_][A-Za-z0-9_]*, of `len` bytes. */
bool variable_name_valid(const char *name, size_t len);
/* "5", "5s", "1min 30s", "100ms", "infinity" (systemd.time(7)) → microseconds; a bare number is
 * seconds. */
int timespan_parse(const char *text, uint64_t *usec, struct err *err);
/* "8M", "1G", "512K", "1024" → bytes, base 1024. */
int size_parse(const char *text, uint64_t *bytes, struct err *err);
/* "SIGTERM", "TERM" or "15" → 15; also RTMIN+3 as the kernel's 34+3. Negative errno when there is
 * none. */
int signal_parse(const char *text, struct err *err);
const char *signal_name(int sig); /* "SIGTERM"; "SIG?" when unknown; a static string */

/*
 * Reads an EnvironmentFile= (systemd's rules for quotes, comments, continuation) and sets each
 * NAME=VALUE in env. With a
 * "-" before the path a missing file is fine. Returns 0, or a negative errno and env is as it was.
 * As in systemd what is no assignment is left out; then err->code is 0 and err->text says in which
 * line. No value is ever in *err.
 */
int environment_file_read(const char *path, struct strv *env, struct err *err);
