#include "supervisor/unit_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"

#define BLANK " \t\n\r"

/* Device 1:3 of Documentation/admin-guide/devices.txt; what a mask links to. */
static bool is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

int text_file_read(const char *path, struct text_file *file, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	size_t len = 0, room;
	ssize_t n;

	/* O_NONBLOCK: nobody may ever have opened the other end of a FIFO. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, -errno, "cannot be read");
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "is a directory, not a file");
	if (!S_ISREG(st.st_mode) && !is_null_device(&st))
		return err_set(err, -EINVAL, "is not a regular file");
	if (st.st_size > TEXT_FILE_MAX)
		return err_set(err, -EFBIG, "is larger than 1 MiB");
	room = (size_t)st.st_size + 1;
	text = malloc(room + 1);
	if (!text)
		return err_sys(err, -ENOMEM, "cannot be read");
	/* The size was true a moment ago, and is none at all in /proc. */
	while ((n = read(fd, text + len, room - len)) != 0) {
		char *grown;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "cannot be read");
		len += (size_t)n;
		if (len > TEXT_FILE_MAX)
			return err_set(err, -EFBIG, "is larger than 1 MiB");
		if (len < room)
			continue;
		room *= 2;
		grown = realloc(text, room + 1);
		if (!grown)
			return err_sys(err, -ENOMEM, "cannot be read");
		text = grown;
	}
	text[len] = '\0';
	file->text = steal_ptr(&text);
	file->len = len;
	return 0;
}

/* The length of the UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates), 0 if it is
 * none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char first, last, low,
			high; /* the first byte, and the range of the second */
		size_t len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (*s < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (*s < forms[i].first || *s > forms[i].last)
			continue;
		if (left < forms[i].len || s[1] < forms[i].low || s[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

bool text_clean(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_length(s + i, len - i);
		if (n == 0 || (s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	}
	return true;
}

#define MISTAKES_MAX 20

enum reader_section {
	SECTION_NONE = 0, /* before the first header */
	SECTION_GOOD,
	SECTION_BROKEN, /* behind a header that is none: what follows belongs to nothing, and was
			   complained of enough */
};

struct reader {
	char *text;
	size_t len, pos;
	unsigned line;       /* of the last physical line that was taken */
	unsigned entry_line; /* where the entry that inih has now begins */
	char *entry;         /* room for the longest entry */
	enum reader_section section;
	unsigned mistakes;
	const struct unit_file_sink *sink;
	int error;
};

/* The next physical line without its end, cut out of the text; NULL at the end of it. */
static char *physical_line(struct reader *r, size_t *len)
{
	char *line = r->text + r->pos, *end;

	if (r->pos >= r->len)
		return NULL;
	end = memchr(line, '\n', r->len - r->pos);
	*len = end ? (size_t)(end - line) : r->len - r->pos;
	r->pos += *len + 1;
	r->line++;
	if (*len > 0 && line[*len - 1] == '\r')
		(*len)--;
	line[*len] = '\0';
	return line;
}

static bool is_blank(char c)
{
	return c && strchr(BLANK, c);
}

/* An odd number of backslashes at the end: the line goes on. */
static bool goes_on(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && line[len - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/*
 * The next entry, joined from its lines as systemd.syntax(7) says: a backslash at the end becomes a
 * space, comment lines in between are left out, and a backslash at the end of a comment means
 * nothing. False at the end.
 */
static bool entry_read(struct reader *r, size_t *entry_len)
{
	size_t len, n = 0;
	bool more = false;
	char *line;

	while ((line = physical_line(r, &len))) {
		const char *start = line + strspn(line, BLANK);

		if (*start == '#' || *start == ';')
			continue;
		if (!more)
			r->entry_line = r->line;
		more = goes_on(line, len);
		memcpy(r->entry + n, line, len);
		n += len;
		if (!more)
			break;
		r->entry[n - 1] = ' ';
	}
	if (!line && !more)
		return false;
	while (n > 0 && is_blank(r->entry[n - 1]))
		n--;
	r->entry[n] = '\0';
	*entry_len = n;
	return true;
}

/* Says what is wrong with an entry's form, or NULL. `s` has no blanks around it. */
static const char *entry_mistake(const struct reader *r, const char *s, size_t len)
{
	size_t name;

	if (memchr(s, '\0', len))
		return "there is a NUL byte in this line";
	if (!text_clean(s, len))
		return "this line is not clean UTF-8 text";
	if (*s == '[') {
		size_t inner = strcspn(s + 1, "[]");

		return inner > 0 && s[inner + 1] == ']' && !s[inner + 2]
			       ? NULL
			       : "this is not \"[Section]\"";
	}
	/* inih would also take a ':' for the '='. */
	for (name = 0; isalnum((unsigned char)s[name]) || s[name] == '-' || s[name] == '_'; name++)
		;
	if (name == 0 || s[name + strspn(s + name, BLANK)] != '=')
		return "this is not \"Name=value\"";
	if (r->section == SECTION_NONE)
		return "this is an assignment before the first [Section]";
	return NULL;
}

static int reader_mistake(struct reader *r, const char *text)
{
	if (r->mistakes++ < MISTAKES_MAX)
		return r->sink->mistake(r->sink->arg, r->entry_line, text);
	/* A file of rubbish is said to be one in a few lines. */
	r->pos = r->len;
	return r->sink->mistake(r->sink->arg, r->entry_line,
				"too many mistakes: the rest was not read");
}

/* inih's reader: one call, one whole entry that is good in form. */
static char *reader_line(char *to, int size, void *stream)
{
	struct reader *r = stream;
	size_t len;

	while (r->error == 0 && entry_read(r, &len)) {
		const char *s = r->entry, *mistake;

		for (; len > 0 && is_blank(*s); s++)
			len--;
		if (len == 0 || (*s != '[' && r->section == SECTION_BROKEN))
			continue;
		mistake = entry_mistake(r, s, len);
		/* Cannot be with Debian's inih, whose buffer grows with our variables. */
		if (!mistake && len + 2 > (size_t)size)
			mistake = "this line is too long for this build of inih";
		if (*s == '[')
			r->section = mistake ? SECTION_BROKEN : SECTION_GOOD;
		if (mistake) {
			r->error = reader_mistake(r, mistake);
			continue;
		}
		memcpy(to, s, len);
		to[len] = '\n';
		to[len + 1] = '\0';
		return to;
	}
	return NULL;
}

static int reader_assign(void *arg, const char *section, const char *name, const char *value)
{
	struct reader *r = arg;

	if (r->error == 0)
		r->error = r->sink->assign(r->sink->arg, section, name, value, r->entry_line);
	return r->error == 0;
}

int unit_file_parse(struct text_file *file, const struct unit_file_sink *sink, struct err *err)
{
	_cleanup_free_ char *entry = malloc(file->len + 2);
	struct reader r = {.text = file->text, .len = file->len, .entry = entry, .sink = sink};
	int result;

	if (!entry)
		return err_sys(err, -ENOMEM, "unit file");
	if (file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0)
		r.pos = 3;
	/*
	 * Debian's inih (55 in 12, 59 in 13) has these as variables; with its defaults lines end at
	 * 200 bytes and values at " ;". On the heap the buffer has ini_initial_alloc bytes, on the
	 * stack ini_max_line.
	 */
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_initial_alloc = ini_max_line = (int)file->len + 4;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_bom = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = false;
	result = ini_parse_stream(reader_line, &r, reader_assign, &r);
	if (r.error < 0)
		return err_sys(err, r.error, "unit file");
	if (result == -2)
		return err_sys(err, -ENOMEM, "unit file");
	/* Each entry was checked before inih saw it: an error of its own must not pass as a shorter
	 * file. */
	if (result != 0)
		return err_set(err, -EBADMSG, "inih did not understand entry %d", result);
	return 0;
}
