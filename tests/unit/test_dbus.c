/*
 * test_dbus.c - the wire format of D-Bus, also as a hostile bus might speak it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/dbus.h"

/* A NameOwnerChanged as dbus-daemon 1.14 sends it, in little endian. */
static const uint8_t owner_changed[] = "l\4\1\1\x25\0\0\0\3\0\0\0\x89\0\0\0"
				       "\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
				       "\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
				       "\3\1s\0\x10\0\0\0NameOwnerChanged\0\0\0\0\0\0\0\0"
				       "\7\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
				       "\x8\1g\0\3sss\0\0\0\0\0\0\0\0"
				       "\xd\0\0\0org.example.X\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0:1.5";

static void a_signal_of_the_bus_is_read(void **state)
{
	struct dbus_message message;

	assert_int_equal(dbus_parse(owner_changed, sizeof(owner_changed), &message),
			 sizeof(owner_changed));
	assert_int_equal(message.type, DBUS_SIGNAL);
	assert_string_equal(message.sender, "org.freedesktop.DBus");
	assert_string_equal(message.member, "NameOwnerChanged");
	assert_int_equal(message.n_args, 3);
	assert_string_equal(message.args[0].text, "org.example.X");
	assert_string_equal(message.args[1].text, "");
	assert_string_equal(message.args[2].text, ":1.5");
}

static void what_is_not_whole_is_waited_for(void **state)
{
	struct dbus_message message;

	for (size_t len = 0; len < sizeof(owner_changed); len++) {
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, owner_changed, len);
		assert_int_equal(dbus_parse(copy, len, &message), 0);
		free(copy);
	}
}

static void a_call_is_read_as_it_was_written(void **state)
{
	uint8_t buf[DBUS_CALL_MAX];
	struct dbus_message message;
	size_t len = dbus_call(7, "NameHasOwner", "org.example.X", buf, sizeof(buf));

	assert_true(len > 0);
	assert_int_equal(dbus_parse(buf, len, &message), len);
	assert_int_equal(message.type, DBUS_METHOD_CALL);
	assert_string_equal(message.member, "NameHasOwner");
	assert_string_equal(message.interface, "org.freedesktop.DBus");
	assert_int_equal(message.n_args, 1);
	assert_string_equal(message.args[0].text, "org.example.X");
	len = dbus_call(8, "Hello", NULL, buf, sizeof(buf));
	assert_int_equal(dbus_parse(buf, len, &message), len);
	assert_int_equal(message.n_args, 0);
	for (size_t size = 0; size < len; size++)
		assert_int_equal(dbus_call(8, "Hello", NULL, buf, size), 0);
}

static void the_longest_name_fits_a_call(void **state)
{
	uint8_t buf[DBUS_CALL_MAX];
	char rule[DBUS_NAME_MAX + 200], name[DBUS_NAME_MAX + 1];

	memset(name, 'a', DBUS_NAME_MAX);
	name[1] = '.';
	name[DBUS_NAME_MAX] = '\0';
	assert_true(dbus_name_valid(name));
	dbus_owner_rule(name, rule, sizeof(rule));
	assert_true(strstr(rule, name) != NULL);
	assert_int_equal(rule[strlen(rule) - 1], '\'');
	assert_true(dbus_call(1, "AddMatch", rule, buf, sizeof(buf)) > 0);
}

static void big_endian_is_read_too(void **state)
{
	static const uint8_t answer[] = "B\2\1\1\0\0\0\4\0\0\0\1\0\0\0\x0f"
					"\5\1u\0\0\0\0\2"
					"\x8\1g\0\1b\0\0"
					"\0\0\0";
	uint8_t buf[sizeof(answer)];
	struct dbus_message message;

	memcpy(buf, answer, sizeof(answer));
	buf[sizeof(answer) - 1] = 1;
	assert_int_equal(dbus_parse(buf, sizeof(buf), &message), sizeof(buf));
	assert_int_equal(message.reply_serial, 2);
	assert_int_equal(message.n_args, 1);
	assert_null(message.args[0].text);
	assert_int_equal(message.args[0].number, 1);
}

static void what_breaks_the_format_is_told(void **state)
{
	uint8_t bad[sizeof(owner_changed)];
	struct dbus_message message;
	static const struct {
		size_t at;
		uint8_t byte;
	} breaks[] = {
		{0, 'x'},    /* no byte order */
		{3, 2},      /* another protocol */
		{20, 0xff},  /* a field beyond its end */
		{18, 'v'},   /* a field of a type that none has */
		{23, 0x7f},  /* a length of two thousand million */
		{160, 0xff}, /* an argument beyond the body */
		{173, 0},    /* a NUL in a string */
		{184, 'x'},  /* no NUL behind one */
	};

	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		memcpy(bad, owner_changed, sizeof(bad));
		bad[breaks[i].at] = breaks[i].byte;
		if (dbus_parse(bad, sizeof(bad), &message) != -EBADMSG)
			fail_msg("byte %zu", breaks[i].at);
	}
	memcpy(bad, owner_changed, sizeof(bad));
	bad[5] = 0xff;
	assert_int_equal(dbus_parse(bad, sizeof(bad), &message), -EMSGSIZE);
	memcpy(bad, owner_changed, sizeof(bad));
	bad[15] = 0xff;
	assert_int_equal(dbus_parse(bad, sizeof(bad), &message), -EMSGSIZE);
}

/* Each byte of a message becomes each other value: nothing is read beyond its end (malloc's red
 * zones tell with SANITIZE=1), and what is taken is no longer than what came. */
static void no_byte_leads_beyond_the_end(void **state)
{
	uint8_t *copy = malloc(sizeof(owner_changed));
	struct dbus_message message;

	for (size_t at = 0; at < sizeof(owner_changed); at++) {
		for (unsigned value = 0; value < 256; value++) {
			memcpy(copy, owner_changed, sizeof(owner_changed));
			copy[at] = (uint8_t)value;
			assert_true(dbus_parse(copy, sizeof(owner_changed), &message) <=
				    (ssize_t)sizeof(owner_changed));
		}
	}
	free(copy);
}

static void the_authentication_is_by_the_uid_in_hex(void **state)
{
	char buf[64];

	assert_int_equal(dbus_auth(1000, buf, sizeof(buf)), 25);
	assert_memory_equal(buf, "\0AUTH EXTERNAL 31303030\r\n", 25);
	assert_int_equal(dbus_auth(1000, buf, 10), 0);
	assert_int_equal(dbus_auth_answer("OK 1234deadbeef\r\n", 17), 17);
	assert_int_equal(dbus_auth_answer("OK 1234deadbeef\r\nx", 18), 17);
	assert_int_equal(dbus_auth_answer("OK 12", 5), 0);
	assert_int_equal(dbus_auth_answer("REJECTED EXTERNAL\r\n", 19), -EPROTO);
	assert_int_equal(dbus_auth_answer("\n", 1), -EPROTO);
	assert_int_equal(dbus_auth_answer("OK \n", 4), -EPROTO);
}

static void names_are_of_two_elements_at_least(void **state)
{
	static const char *const good[] = {"a.b", "org.freedesktop.login1", "_a.b-c.d9"};
	static const char *const bad[] = {"",     "a",    ".a.b",  "a.b.", "a..b", "a.1b",
					  "1a.b", ":1.5", "a.b c", "a.b'", "a.ä"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(dbus_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (dbus_name_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_of_the_bus_is_read),
		cmocka_unit_test(what_is_not_whole_is_waited_for),
		cmocka_unit_test(a_call_is_read_as_it_was_written),
		cmocka_unit_test(the_longest_name_fits_a_call),
		cmocka_unit_test(big_endian_is_read_too),
		cmocka_unit_test(what_breaks_the_format_is_told),
		cmocka_unit_test(no_byte_leads_beyond_the_end),
		cmocka_unit_test(the_authentication_is_by_the_uid_in_hex),
		cmocka_unit_test(names_are_of_two_elements_at_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
