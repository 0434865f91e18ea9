#include "supervisor/dbus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The codes of header fields. */
enum field {
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR_NAME = 4,
	FIELD_REPLY_SERIAL = 5,
	FIELD_DESTINATION = 6,
	FIELD_SENDER = 7,
	FIELD_SIGNATURE = 8,
};

#define BUS "org.freedesktop.DBus"

bool dbus_name_valid(const char *name)
{
	size_t len = strlen(name);
	bool dot = false;

	if (!len || len > DBUS_NAME_MAX || *name == '.' || name[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';
		bool letter = (name[i] >= 'a' && name[i] <= 'z') ||
			      (name[i] >= 'A' && name[i] <= 'Z') || name[i] == '_' ||
			      name[i] == '-';

		if (name[i] == '.') {
			if (name[i + 1] == '.')
				return false;
			dot = true;
		} else if (!letter && !(digit && i && name[i - 1] != '.')) {
			return false;
		}
	}
	return dot;
}

size_t dbus_auth(uid_t uid, char *buf, size_t size)
{
	char digits[16];
	size_t n;

	snprintf(digits, sizeof(digits), "%u", (unsigned)uid);
	n = (size_t)snprintf(buf, size, "%cAUTH EXTERNAL ", '\0');
	for (const char *p = digits; *p && n < size; p++)
		n += (size_t)snprintf(buf + n, size - n, "%02x", (unsigned char)*p);
	n += n < size ? (size_t)snprintf(buf + n, size - n, "\r\n") : 0;
	return n < size ? n : 0;
}

ssize_t dbus_auth_answer(const char *buf, size_t len)
{
	const char *end = memchr(buf, '\n', len);

	if (!end)
		return len < 256 ? 0 : -EPROTO;
	if (end == buf || end[-1] != '\r' || (size_t)(end - buf) < 4 || memcmp(buf, "OK ", 3) != 0)
		return -EPROTO;
	return end - buf + 1;
}

/* Writing; what does not fit makes `ok` false and nothing else. */
struct out {
	uint8_t *buf;
	size_t size, len;
	bool ok;
};

static void put_bytes(struct out *out, const void *bytes, size_t n)
{
	if (!out->ok || n > out->size - out->len) {
		out->ok = false;
		return;
	}
	memcpy(out->buf + out->len, bytes, n);
	out->len += n;
}

static void put_align(struct out *out, size_t to)
{
	static const uint8_t zeroes[8];

	put_bytes(out, zeroes, (to - out->len % to) % to);
}

static void put_number(struct out *out, uint32_t number)
{
	put_align(out, 4);
	put_bytes(out, &number, sizeof(number));
}

static void put_string(struct out *out, const char *text)
{
	put_number(out, (uint32_t)strlen(text));
	put_bytes(out, text, strlen(text) + 1);
}

static void put_field(struct out *out, enum field field, char type, const char *text)
{
	uint8_t head[] = {(uint8_t)field, 1, (uint8_t)type, 0};
	uint8_t len = (uint8_t)strlen(text);

	put_align(out, 8);
	put_bytes(out, head, sizeof(head));
	if (type != 'g') {
		put_string(out, text);
		return;
	}
	put_bytes(out, &len, 1);
	put_bytes(out, text, (size_t)len + 1);
}

size_t dbus_call(uint32_t serial, const char *member, const char *arg, uint8_t *buf, size_t size)
{
	static const union {
		uint16_t number;
		uint8_t bytes[2];
	} one = {1};
	struct out out = {buf, size, 0, true};
	uint8_t head[] = {one.bytes[0] ? 'l' : 'B', DBUS_METHOD_CALL, 0, 1};
	uint32_t body_len = arg ? (uint32_t)strlen(arg) + 5 : 0;
	uint32_t fields_len;

	put_bytes(&out, head, sizeof(head));
	put_number(&out, body_len);
	put_number(&out, serial);
	put_number(&out, 0);
	put_field(&out, FIELD_PATH, 'o', "/org/freedesktop/DBus");
	put_field(&out, FIELD_INTERFACE, 's', BUS);
	put_field(&out, FIELD_MEMBER, 's', member);
	put_field(&out, FIELD_DESTINATION, 's', BUS);
	if (arg)
		put_field(&out, FIELD_SIGNATURE, 'g', "s");
	if (!out.ok)
		return 0;
	fields_len = (uint32_t)(out.len - 16);
	memcpy(buf + 12, &fields_len, sizeof(fields_len));
	put_align(&out, 8);
	if (arg)
		put_string(&out, arg);
	return out.ok ? out.len : 0;
}

void dbus_owner_rule(const char *name, char *rule, size_t size)
{
	snprintf(rule, size,
		 "type='signal',sender='" BUS "',interface='" BUS
		 "',member='NameOwnerChanged',arg0='%s'",
		 name);
}

/* Reading, of the part [at, end) of a message; a step beyond it makes `ok` false. */
struct in {
	const uint8_t *buf;
	size_t at, end;
	bool swap, ok;
};

static void skip_to(struct in *in, size_t to)
{
	size_t pad = (to - in->at % to) % to;

	in->ok = in->ok && pad <= in->end - in->at;
	in->at += in->ok ? pad : 0;
}

static uint32_t get_number(struct in *in)
{
	uint32_t number = 0;

	skip_to(in, 4);
	in->ok = in->ok && in->end - in->at >= sizeof(number);
	if (!in->ok)
		return 0;
	memcpy(&number, in->buf + in->at, sizeof(number));
	in->at += sizeof(number);
	return in->swap ? __builtin_bswap32(number) : number;
}

/* `len` bytes and their NUL; none within. */
static const char *get_text(struct in *in, size_t len)
{
	const char *text = (const char *)in->buf + in->at;

	in->ok = in->ok && len < in->end - in->at && !text[len] && strlen(text) == len;
	if (!in->ok)
		return "";
	in->at += len + 1;
	return text;
}

static const char *get_string(struct in *in)
{
	uint32_t len = get_number(in);

	return get_text(in, len);
}

static uint8_t get_byte(struct in *in)
{
	in->ok = in->ok && in->at < in->end;
	return in->ok ? in->buf[in->at++] : 0;
}

static const char *get_signature(struct in *in)
{
	uint8_t len = get_byte(in);

	return get_text(in, len);
}

/* Header fields have the basic types "s", "o", "g" and "u" only. */
static void get_field(struct in *in, struct dbus_message *message, const char **signature)
{
	const char *type, *text = "";
	uint32_t number = 0;
	uint8_t field;

	skip_to(in, 8);
	field = get_byte(in);
	type = get_signature(in);
	if (strcmp(type, "s") == 0 || strcmp(type, "o") == 0)
		text = get_string(in);
	else if (strcmp(type, "g") == 0)
		text = get_signature(in);
	else if (strcmp(type, "u") == 0)
		number = get_number(in);
	else
		in->ok = false;
	if (!in->ok)
		return;
	switch (field) {
	case FIELD_INTERFACE:
		message->interface = text;
		break;
	case FIELD_MEMBER:
		message->member = text;
		break;
	case FIELD_ERROR_NAME:
		message->error = text;
		break;
	case FIELD_REPLY_SERIAL:
		message->reply_serial = number;
		break;
	case FIELD_SENDER:
		message->sender = text;
		break;
	case FIELD_SIGNATURE:
		*signature = text;
		break;
	default:
		break;
	}
}

static void get_args(struct in *in, struct dbus_message *message, const char *signature)
{
	for (; *signature && message->n_args < DBUS_ARGS && in->ok; signature++) {
		unsigned n = message->n_args;

		if (*signature == 's')
			message->args[n].text = get_string(in);
		else if (*signature == 'b' || *signature == 'u')
			message->args[n].number = get_number(in);
		else
			return;
		message->n_args += in->ok;
	}
}

ssize_t dbus_parse(const uint8_t *buf, size_t len, struct dbus_message *message)
{
	static const union {
		uint16_t number;
		uint8_t bytes[2];
	} one = {1};
	struct in in = {.buf = buf, .end = 16, .ok = true};
	const char *signature = "";
	uint32_t body_len, fields_len;
	size_t whole;

	*message = (struct dbus_message){.sender = "", .interface = "", .member = "", .error = ""};
	if (len < 16)
		return len && buf[0] != 'l' && buf[0] != 'B' ? -EBADMSG : 0;
	if ((buf[0] != 'l' && buf[0] != 'B') || buf[3] != 1)
		return -EBADMSG;
	in.swap = (buf[0] == 'l') != (one.bytes[0] == 1);
	message->type = buf[1];
	in.at = 4;
	body_len = get_number(&in);
	in.at = 12;
	fields_len = get_number(&in);
	if (body_len > DBUS_MESSAGE_MAX || fields_len > DBUS_MESSAGE_MAX)
		return -EMSGSIZE;
	whole = 16 + ((size_t)fields_len + 7) / 8 * 8 + body_len;
	if (whole > DBUS_MESSAGE_MAX)
		return -EMSGSIZE;
	if (len < whole)
		return 0;
	in.end = 16 + fields_len;
	while (in.ok && in.at < in.end)
		get_field(&in, message, &signature);
	if (!in.ok)
		return -EBADMSG;
	in.at = whole - body_len;
	in.end = whole;
	get_args(&in, message, signature);
	return in.ok ? (ssize_t)whole : -EBADMSG;
}
