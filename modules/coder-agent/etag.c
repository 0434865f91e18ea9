#include "modules/coder-agent/etag.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

bool etag_is_sha1(const char *text)
{
	return strspn(text, "0123456789abcdef") == SHA1_HEX - 1 && text[SHA1_HEX - 1] == '\0';
}

int etag_parse(const char *value, char sha1[SHA1_HEX], struct err *err)
{
	const char *at = value;
	char digits[SHA1_HEX];

	if (strncmp(at, "W/", 2) == 0)
		at += 2;
	if (*at++ != '"')
		goto bad;
	for (unsigned i = 0; i < SHA1_HEX - 1; i++) {
		if (!isxdigit((unsigned char)*at))
			goto bad;
		digits[i] = (char)tolower((unsigned char)*at++);
	}
	if (strcmp(at, "\"") != 0)
		goto bad;
	digits[SHA1_HEX - 1] = '\0';
	memcpy(sha1, digits, SHA1_HEX);
	return 0;
bad:
	return err_set(err, -EBADMSG, "its ETag is no SHA-1");
}
