/*
 * dbus.h - as much of the D-Bus wire format as it takes to ask the bus who owns a name. Pure: no
 * system calls, no memory of its own. What comes in is not trusted: lengths are checked before they
 * are used, and a message that breaks the format is told from one that is merely not whole yet.
 *
 * Source: the D-Bus Specification, "Type System", "Message Protocol", "Authentication Protocol".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DBUS_NAME_MAX    255
#define DBUS_MESSAGE_MAX 8192 /* what we take; the messages that we ask for have a few hundred */
#define DBUS_CALL_MAX    1024 /* enough for every call of ours */
#define DBUS_ARGS        3

enum dbus_type {
	DBUS_METHOD_CALL = 1,
	DBUS_METHOD_RETURN = 2,
	DBUS_ERROR = 3,
	DBUS_SIGNAL = 4,
};

struct dbus_message {
	uint8_t type; /* enum dbus_type, or one that is not known */
	uint32_t reply_serial;
	/* Pointers into the buffer, NUL-terminated there; "" where there is none. */
	const char *sender, *interface, *member, *error;
	/* The first arguments, as far as they are strings ("s") or numbers ("b", "u"). */
	unsigned n_args;
	struct {
		const char *text; /* NULL: a number */
		uint32_t number;
	} args[DBUS_ARGS];
};

/* A well-known name such as "org.freedesktop.login1": of the rules for bus names. */
bool dbus_name_valid(const char *name);

/* What is sent first: the NUL and the AUTH line of EXTERNAL. Returns its length. */
size_t dbus_auth(uid_t uid, char *buf, size_t size);
/* The answer to it. Its length with the line's end; 0: not whole yet; -EPROTO: it is no "OK". */
ssize_t dbus_auth_answer(const char *buf, size_t len);

/* A call of a method of the bus itself (org.freedesktop.DBus), with one string or none (NULL).
 * Returns its length, 0 when it does not fit. */
size_t dbus_call(uint32_t serial, const char *member, const char *arg, uint8_t *buf, size_t size);
/* The match rule for a change of the owner of this name. */
void dbus_owner_rule(const char *name, char *rule, size_t size);

/* Reads one message. Its length; 0: not whole yet; -EBADMSG: it breaks the format; -EMSGSIZE. */
ssize_t dbus_parse(const uint8_t *buf, size_t len, struct dbus_message *message);
