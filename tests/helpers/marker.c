/*
 * marker.c - the body of bad downloads: a program that, wherever and however it is executed, leaves
 * a proof of it.
 *
 * The stand-in server writes the name of its mode and the marker's path into the two fields below,
 * inside the ELF file, and appends what it needs to get the length right. The proof is written to
 * that path, next to the program, and to stderr, so that no single read-only directory can hide it.
 * Only `polite` copies (the mode bad-version) answer --version and leave none: a fetcher must
 * execute that one to learn that it is not an agent.
 */
#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>

#define FIELD 256

/* Found by its first word. Volatile: the compiler must not believe that it knows what is in there.
 */
static volatile struct {
	char magic[16]; /* cppcheck-suppress unusedStructMember */
	char mode[FIELD];
	char path[FIELD];
	char polite[16]; /* "yes" or "no" */
} config = {"HAKIM-MARKER-01", "unpatched", "/tmp/hakim-executed", "no"};

static void marker_copy(char to[FIELD], const volatile char *from)
{
	for (int i = 0; i < FIELD; i++)
		to[i] = from[i];
	to[FIELD - 1] = '\0';
}

static void marker_leave(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd >= 0)
		dprintf(fd, "%s", text);
}

int main(int argc, char **argv)
{
	char path[FIELD], mode[FIELD], beside[4096 + 16], text[1024];
	ssize_t n;

	if (argc == 2 && strcmp(argv[1], "--version") == 0 && config.polite[0] == 'y') {
		puts("Hello v1.0: not what you wanted");
		return 0;
	}
	marker_copy(path, config.path);
	marker_copy(mode, config.mode);
	snprintf(text, sizeof(text), "HAKIM MARKER: the bad download \"%s\" was executed: %s %s\n",
		 mode, argc > 0 ? argv[0] : "", argc > 1 ? argv[1] : "");
	marker_leave(path, text);
	n = readlink("/proc/self/exe", beside, 4096);
	if (n > 0) {
		memcpy(beside + n, ".executed", sizeof(".executed"));
		marker_leave(beside, text);
	}
	dprintf(STDERR_FILENO, "%s", text);
	return 99;
}
