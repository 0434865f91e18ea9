#include "common/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough for a container's tables; of a longer one the beginning counts. */
#define TEXT_MAX 8192

static ssize_t table_read(const char *root, const char *path, char text[TEXT_MAX])
{
	int dir = open(*root ? root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	if (dir < 0)
		return -errno;
	fd = openat(dir, path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		n = -errno;
	close(dir);
	if (fd < 0)
		return n;
	while (len < TEXT_MAX - 1 && (n = read(fd, text + len, TEXT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	text[len] = '\0';
	return n < 0 ? n : (ssize_t)len;
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

static bool any_line(const char *root, const char *path, bool (*holds)(const char *line))
{
	char text[TEXT_MAX];
	char *save = NULL;

	if (table_read(root, path, text) <= 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (holds(line))
			return true;
	return false;
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
	return any_line(root, "/proc/net/route", is_ipv4_default) ||
	       any_line(root, "/proc/net/ipv6_route", is_ipv6_default);
}

/* The fourth field is the scope: 0x10 is lo's, 0x20 that of a link (include/net/ipv6.h). */
static bool is_ipv6_global(const char *line)
{
	long scope = hex_field(line, 3);

	return scope >= 0 && scope != 0x10 && scope != 0x20;
}

bool network_has_ipv6(const char *root)
{
	return any_line(root, "/proc/net/if_inet6", is_ipv6_global);
}

/* Two lines of head, then "  name: numbers". */
static bool is_interface(const char *line)
{
	line += strspn(line, " ");
	return strchr(line, ':') && !strchr(line, '|') && strncmp(line, "lo:", 3) != 0;
}

bool network_has_interface(const char *root)
{
	return any_line(root, "/proc/net/dev", is_interface);
}

int network_has_server(const char *root)
{
	char text[TEXT_MAX];
	ssize_t n = table_read(root, "/etc/resolv.conf", text);

	if (n < 0)
		return (int)n;
	return strncmp(text, "nameserver", 10) == 0 || strstr(text, "\nnameserver") ? 1 : 0;
}
