#include "init/exec.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int try(char *path, char **argv, char **envp, bool shell)
{
	execve(path, argv, envp);
	if (errno != ENOEXEC || !shell)
		return -errno;
	argv[0] = path;
	argv[-1] = (char *)"/bin/sh";
	execve(argv[-1], argv - 1, envp);
	return -ENOEXEC;
}

int exec_program(char **argv, char **envp, bool shell)
{
	char path[4096];
	const char *name = argv[0];
	const char *dirs = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	size_t name_len = strlen(name);
	int error = ENOENT;

	if (strchr(name, '/'))
		return try(argv[0], argv, envp, shell);
	for (char **e = envp; *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			dirs = *e + 5;
	if (!name_len)
		return -ENOENT;
	for (;;) {
		size_t len = strcspn(dirs, ":");
		int r;

		if (len + name_len + 3 < sizeof(path)) {
			memcpy(path, len ? dirs : ".", len ? len : 1);
			len = len ? len : 1;
			path[len] = '/';
			memcpy(path + len + 1, name, name_len + 1);
			r = try(path, argv, envp, shell);
			/* POSIX: go on looking, but remember that there was one that may not be
			 * run. */
			if (r == -EACCES || (r == -ENOEXEC && !shell))
				error = -r;
			else if (r != -ENOENT && r != -ENOTDIR)
				return r;
		}
		dirs += strcspn(dirs, ":");
		if (!*dirs)
			return -error;
		dirs++;
	}
}
