/* Messages of the system bus, one behind the other, cut anywhere. */
#include <errno.h>
#include <string.h>

#include "supervisor/dbus.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(dbus)
{
	char *bytes = fuzz_bytes(text, len);
	struct dbus_message message;
	size_t at = 0;
	ssize_t n;

	dbus_name_valid(text);
	n = dbus_auth_answer(bytes, len);
	FUZZ_MUST(n <= (ssize_t)len);
	if (n > 0)
		at = (size_t)n;
	while (at < len) {
		n = dbus_parse((const uint8_t *)bytes + at, len - at, &message);
		if (n <= 0)
			break;
		FUZZ_MUST((size_t)n <= len - at && message.n_args <= DBUS_ARGS);
		FUZZ_MUST(strlen(message.sender) < len && strlen(message.member) < len &&
			  strlen(message.interface) < len && strlen(message.error) < len);
		for (unsigned i = 0; i < message.n_args; i++)
			FUZZ_MUST(!message.args[i].text || strlen(message.args[i].text) < len);
		at += (size_t)n;
	}
	free(bytes);
}
