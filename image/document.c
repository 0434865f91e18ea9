#include "image/document.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "image/text.h"

/* Counts what becomes a value, and how deep they are, without building any: a parser that has met
 * four megabytes of "[[[[" or "[],[]," has taken the memory already. */
static int check_shape(const char *bytes, size_t len, const char *what, struct err *err)
{
	size_t values = 0;
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (c == '"')
			quoted = true;
		else if (c == '[' || c == '{')
			depth++, values++;
		else if ((c == ']' || c == '}') && depth)
			depth--;
		else if (c == ',')
			values++;
		if (depth > DOCUMENT_DEPTH)
			return err_set(err, -EPROTO, "%s is nested more than %d deep: refused",
				       what, DOCUMENT_DEPTH);
		if (values > DOCUMENT_VALUES)
			return err_set(err, -EPROTO, "%s has more than %d values: refused", what,
				       DOCUMENT_VALUES);
	}
	return 0;
}

int document_load(const char *bytes, size_t len, const char *what, json_t **object, struct err *err)
{
	json_error_t error;
	int r;

	*object = NULL;
	if (len > DOCUMENT_MAX)
		return err_set(err, -EPROTO, "%s is bigger than %u bytes: refused", what,
			       DOCUMENT_MAX);
	r = check_shape(bytes, len, what, err);
	if (r < 0)
		return r;
	*object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (!*object)
		return err_set(err, -EPROTO, "%s is no valid JSON: %s", what, error.text);
	if (json_is_object(*object))
		return 0;
	document_drop(object);
	return err_set(err, -EPROTO, "%s is JSON, but no object", what);
}

void document_drop(json_t **object)
{
	json_decref(*object);
	*object = NULL;
}

int document_string(const json_t *object, const char *key, const char *what, const char **value,
		    struct err *err)
{
	const json_t *member = json_object_get(object, key);

	*value = NULL;
	if (!member)
		return 0;
	if (!json_is_string(member))
		return err_set(err, -EPROTO, "\"%s\" of %s is no string", key, what);
	*value = json_string_value(member);
	return 0;
}

int descriptor_read(const json_t *object, const char *what, struct descriptor *descriptor,
		    struct err *err)
{
	const char *type;
	const char *digest;
	const json_t *size;
	int r;

	*descriptor = (struct descriptor){0};
	if (!json_is_object(object))
		return err_set(err, -EPROTO, "%s has no descriptor", what);
	r = document_string(object, "mediaType", what, &type, err);
	if (r >= 0)
		r = document_string(object, "digest", what, &digest, err);
	if (r < 0)
		return r;
	if (!type || !*type || !text_set(descriptor->media_type, DESCRIPTOR_TYPE_MAX, type))
		return err_set(err, -EPROTO, "%s has no usable media type", what);
	if (!digest)
		return err_set(err, -EPROTO, "%s has no digest", what);
	if (digest_parse(digest, strlen(digest), &descriptor->digest, err) < 0) {
		err_prefix(err, "%s", what);
		if (err)
			err->code = -EPROTO;
		return -EPROTO;
	}
	size = json_object_get(object, "size");
	if (!json_is_integer(size))
		return err_set(err, -EPROTO, "%s has no size", what);
	if (json_integer_value(size) <= 0)
		return err_set(err, -EPROTO, "%s has a size of %lld, which no image has", what,
			       (long long)json_integer_value(size));
	descriptor->size = (uint64_t)json_integer_value(size);
	return 0;
}
