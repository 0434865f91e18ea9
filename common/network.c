#include "common/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than any line of these tables. */
#define TEXT_MAX 4096

static int table_open(const char *root, const char *path)
{
	int dir = open(*root ? root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : openat(dir, path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd;

	if (dir >= 0)
		close(dir);
	return r;
}

/* A field, counted from 0; -1: there is none, or it is not hexadecimal. */
static long hex_field(const char *line, int field)
{
	char *end;
	unsigned long value;

	for (line += strspn(line, " \t"); field > 0; field--) {
		line += strcspn(line, " \t");
		line += strspn(line, " \t");
	}
	value = strtoul(line, &end, 16);
	return end == line ? -1 : (long)value;
}

/* Does it hold for a line? 1, 0, or a negative errno where the table cannot be read. The default
 * route of IPv6 comes late in its table: all of it is looked at, a piece at a time. */
static int any_line(const char *root, const char *path, bool (*holds)(const char *line))
{
	int fd = table_open(root, path);
	char text[TEXT_MAX];
	size_t len = 0;
	int found = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (!found && n > 0 && (n = read(fd, text + len, sizeof(text) - 1 - len)) >= 0) {
		char *line = text, *end;

		len += (size_t)n;
		text[len] = '\0';
		while (!found && ((end = strchr(line, '\n')) || (n == 0 && *line))) {
			if (end)
				*end = '\0';
			found = holds(line);
			line = end ? end + 1 : text + len;
		}
		len -= (size_t)(line - text);
		/* A line that does not fit is none of ours. */
		if (len == sizeof(text) - 1)
			len = 0;
		memmove(text, line, len);
	}
	if (n < 0)
		found = -errno;
	close(fd);
	return found;
}

/* The destination is 0.0.0.0, and the flags have RTF_UP. */
static bool is_ipv4_default(const char *line)
{
	return hex_field(line, 1) == 0 && hex_field(line, 3) & 1;
}

/* To ::/0 and not by lo, where the kernel has its "unreachable". */
static bool is_ipv6_default(const char *line)
{
	static const char zero[] = "00000000000000000000000000000000 00 ";
	size_t len = strlen(line);

	return strncmp(line, zero, sizeof(zero) - 1) == 0 && len > 3 &&
	       strcmp(line + len - 3, " lo") != 0;
}

bool network_has_route(const char *root)
{
	return any_line(root, "/proc/net/route", is_ipv4_default) > 0 ||
	       any_line(root, "/proc/net/ipv6_route", is_ipv6_default) > 0;
}

/* The fourth field is the scope: 0x10 is lo's, 0x20 that of a link (include/net/ipv6.h). */
static bool is_ipv6_global(const char *line)
{
	long scope = hex_field(line, 3);

	return scope >= 0 && scope != 0x10 && scope != 0x20;
}

bool network_has_ipv6(const char *root)
{
	return any_line(root, "/proc/net/if_inet6", is_ipv6_global) > 0;
}

/* Two lines of head, then "  name: numbers". */
static bool is_interface(const char *line)
{
	line += strspn(line, " ");
	return strchr(line, ':') && !strchr(line, '|') && strncmp(line, "lo:", 3) != 0;
}

bool network_has_interface(const char *root)
{
	return any_line(root, "/proc/net/dev", is_interface) > 0;
}

static bool is_server(const char *line)
{
	return strncmp(line, "nameserver", 10) == 0;
}

int network_has_server(const char *root)
{
	return any_line(root, "/etc/resolv.conf", is_server);
}
