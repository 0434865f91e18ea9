#include "supervisor/specifier.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/unit_name.h"
#include "supervisor/user_access.h"

struct specifier {
	const char *file; /* the unit's name without its scope */
	bool user;        /* of the user's scope */
	size_t stem, at;  /* lengths: without the suffix; up to the "@", or `stem` */
	char arg;         /* of the row that is looked at */
};

/* Writes the text of one specifier. 0, or a negative errno with a sentence. */
typedef int (*specifier_writer)(const struct specifier *s, FILE *out, struct err *err);

static int write_part(const char *text, size_t len, bool unescape, FILE *out)
{
	char plain[UNIT_NAME_MAX * 4];

	if (!unescape || len >= sizeof(plain)) {
		fwrite(text, 1, len, out);
		return 0;
	}
	unit_name_unescape(text, len, plain);
	fputs(plain, out);
	return 0;
}

static int write_name(const struct specifier *s, FILE *out, struct err *err)
{
	return write_part(s->file, s->arg == 'n' ? strlen(s->file) : s->stem, false, out);
}

static int write_prefix(const struct specifier *s, FILE *out, struct err *err)
{
	return write_part(s->file, s->at, s->arg == 'P', out);
}

/* The part of the prefix behind its last dash. */
static int write_last(const struct specifier *s, FILE *out, struct err *err)
{
	size_t from = s->at;

	while (from > 0 && s->file[from - 1] != '-')
		from--;
	return write_part(s->file + from, s->at - from, s->arg == 'J', out);
}

static int write_instance(const struct specifier *s, FILE *out, struct err *err)
{
	if (s->at == s->stem)
		return 0;
	return write_part(s->file + s->at + 1, s->stem - s->at - 1, s->arg == 'I', out);
}

/* The instance, or the prefix where there is none, as an absolute path. */
static int write_path(const struct specifier *s, FILE *out, struct err *err)
{
	bool instance = s->at < s->stem;
	const char *text = instance ? s->file + s->at + 1 : s->file;
	size_t len = instance ? s->stem - s->at - 1 : s->at;

	if (*text != '-')
		fputc('/', out);
	return write_part(text, len, true, out);
}

/* Whose manager it is: ours, or of the user's scope the user's. */
static int find_owner(const struct specifier *s, struct identity *id, struct err *err)
{
	char number[16];

	if (s->user)
		return user_find(id, err);
	snprintf(number, sizeof(number), "%u", geteuid());
	return identity_find(number, NULL, id, err);
}

static int write_owner(const struct specifier *s, FILE *out, struct err *err)
{
	struct identity id;
	int r = find_owner(s, &id, err);

	if (r < 0)
		return r;
	switch (s->arg) {
	case 'u':
		if (id.name[0])
			fputs(id.name, out);
		else
			fprintf(out, "%u", id.uid);
		return 0;
	case 'U':
		return fprintf(out, "%u", id.uid) < 0 ? -ENOMEM : 0;
	case 'G':
		return fprintf(out, "%u", id.gid) < 0 ? -ENOMEM : 0;
	case 'h':
		fputs(id.home[0] ? id.home : "/", out);
		return 0;
	default:
		fputs(id.shell[0] ? id.shell : "/bin/sh", out);
		return 0;
	}
}

static int write_group(const struct specifier *s, FILE *out, struct err *err)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct identity id;
	struct group *group;
	int r = find_owner(s, &id, err);

	if (r < 0)
		return r;
	f = fopen("/etc/group", "re");
	while (f && (group = fgetgrent(f)))
		if (group->gr_gid == id.gid) {
			fputs(group->gr_name, out);
			return 0;
		}
	return fprintf(out, "%u", id.gid) < 0 ? -ENOMEM : 0;
}

/* Of the system's manager, also where we do not run as root; and below the home of the user. */
static const struct {
	char letter;
	const char *system, *user;
} directories[] = {
	{'t', "/run", NULL},           {'S', "/var/lib", ".local/state"},
	{'C', "/var/cache", ".cache"}, {'L', "/var/log", ".local/state/log"},
	{'E', "/etc", ".config"},
};

static int write_directory(const struct specifier *s, FILE *out, struct err *err)
{
	struct identity id;
	size_t i = 0;
	int r;

	while (directories[i].letter != s->arg)
		i++;
	if (!s->user) {
		fputs(directories[i].system, out);
		return 0;
	}
	r = user_find(&id, err);
	if (r < 0)
		return r;
	if (directories[i].user)
		fprintf(out, "%s/%s", id.home, directories[i].user);
	else
		fprintf(out, "/run/user/%u", id.uid);
	return 0;
}

static int write_credentials(const struct specifier *s, FILE *out, struct err *err)
{
	struct specifier run = *s;
	int r;

	run.arg = 't';
	r = write_directory(&run, out, err);
	if (r == 0)
		fprintf(out, "/credentials/%s", s->file);
	return r;
}

static int write_temporary(const struct specifier *s, FILE *out, struct err *err)
{
	fputs(s->arg == 'T' ? "/tmp" : "/var/tmp", out);
	return 0;
}

static int write_host(const struct specifier *s, FILE *out, struct err *err)
{
	struct utsname name;

	if (uname(&name) < 0)
		return err_sys(err, -errno, "%%%c", s->arg);
	switch (s->arg) {
	case 'v':
		fputs(name.release, out);
		return 0;
	case 'a':
		/* systemd's names of architectures, of those that we are built for. */
		fputs(strcmp(name.machine, "x86_64") == 0    ? "x86-64"
		      : strcmp(name.machine, "aarch64") == 0 ? "arm64"
							     : name.machine,
		      out);
		return 0;
	case 'l':
		name.nodename[strcspn(name.nodename, ".")] = '\0';
		break;
	default:
		break;
	}
	fputs(name.nodename, out);
	return 0;
}

/* 32 digits in a file, with or without dashes between. */
static int write_id(const struct specifier *s, FILE *out, struct err *err)
{
	const char *path = s->arg == 'm' ? "/etc/machine-id" : "/proc/sys/kernel/random/boot_id";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	char text[64] = "";
	size_t digits = 0;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 32)
		return err_set(err, -ENOENT, "%%%c: there is no id in %s", s->arg, path);
	for (const char *p = text; *p && *p != '\n'; p++)
		if (isxdigit((unsigned char)*p)) {
			fputc(*p, out);
			digits++;
		}
	return digits == 32 ? 0 : err_set(err, -EINVAL, "%%%c: %s has no good id", s->arg, path);
}

/* os-release(5); what is not in it is empty, as in systemd. */
static int write_os(const struct specifier *s, FILE *out, struct err *err)
{
	static const struct {
		char letter;
		const char *key;
	} keys[] = {
		{'o', "ID="},       {'w', "VERSION_ID="},    {'W', "VARIANT_ID="},
		{'B', "BUILD_ID="}, {'A', "IMAGE_VERSION="}, {'M', "IMAGE_ID="},
	};
	_cleanup_fclose_ FILE *f = fopen("/etc/os-release", "re");
	char line[256];
	size_t i = 0;

	while (keys[i].letter != s->arg)
		i++;
	while (f && fgets(line, sizeof(line), f)) {
		const char *value = line + strlen(keys[i].key);

		if (strncmp(line, keys[i].key, strlen(keys[i].key)) != 0)
			continue;
		for (; *value && *value != '\n'; value++)
			if (*value != '"' && *value != '\'')
				fputc(*value, out);
		break;
	}
	return 0;
}

static int write_percent(const struct specifier *s, FILE *out, struct err *err)
{
	fputc('%', out);
	return 0;
}

static const struct {
	const char *letters;
	specifier_writer write;
} writers[] = {
	{"%", write_percent},     {"nN", write_name},      {"pP", write_prefix},
	{"jJ", write_last},       {"iI", write_instance},  {"f", write_path},
	{"uUhsG", write_owner},   {"g", write_group},      {"tSCLE", write_directory},
	{"d", write_credentials}, {"TV", write_temporary}, {"Hlqva", write_host},
	{"mb", write_id},         {"owWBAM", write_os},
};

static specifier_writer find_writer(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		if (strchr(writers[i].letters, letter))
			return writers[i].write;
	return NULL;
}

static int expand(const char *text, struct specifier *s, FILE *out, struct err *err)
{
	for (const char *p = text; *p; p++) {
		specifier_writer write;
		int r;

		if (*p != '%') {
			fputc(*p, out);
			continue;
		}
		s->arg = *++p;
		if (!s->arg)
			return err_set(err, -EINVAL, "a lone %% at the end (write %%%% for one)");
		write = find_writer(s->arg);
		if (!write)
			return err_set(err, -EINVAL,
				       "there is no specifier %%%c (write %%%%%c if it is none)",
				       *p, *p);
		r = write(s, out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int specifier_expand(const char *text, const char *unit_name, char **out, struct err *err)
{
	_cleanup_free_ char *buf = NULL;
	struct specifier s = {0};
	const char *at;
	size_t size;
	FILE *f;
	int r;

	if (!unit_name || !strchr(text, '%')) {
		buf = strdup(text);
		if (!buf)
			return err_sys(err, -ENOMEM, "specifiers");
		*out = steal_ptr(&buf);
		return 0;
	}
	s.user = unit_name_is_user(unit_name);
	s.file = unit_name_file(unit_name);
	at = strrchr(s.file, '.');
	s.stem = at ? (size_t)(at - s.file) : strlen(s.file);
	at = memchr(s.file, '@', s.stem);
	s.at = at ? (size_t)(at - s.file) : s.stem;
	f = open_memstream(&buf, &size);
	if (!f)
		return err_sys(err, -ENOMEM, "specifiers");
	r = expand(text, &s, f, err);
	if (ferror(f) && r == 0)
		r = err_sys(err, -ENOMEM, "specifiers");
	if (fclose(f) != 0 && r == 0)
		r = err_sys(err, -ENOMEM, "specifiers");
	if (r == 0)
		*out = steal_ptr(&buf);
	return r;
}
