/*
 * lone.c - the only program of an image. With "wait" it says that it is there, leaves an orphan
 * behind, and ends with 5 when it is asked to; with a number it ends with that.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void asked(int number)
{
	static const char text[] = "asked\n";

	(void)number;
	_exit(write(STDOUT_FILENO, text, sizeof(text) - 1) < 0 ? 6 : 5);
}

int main(int argc, char *argv[])
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "wait") != 0)
		return atoi(argv[1]);
	(void)signal(SIGTERM, asked);
	/* Its child is not to be a zombie of its own: who reaps the grandchild is what is asked. */
	(void)signal(SIGCHLD, SIG_IGN);
	if (fork() == 0) {
		if (fork() == 0)
			usleep(50000);
		_exit(0);
	}
	puts("here");
	(void)fflush(stdout);
	for (;;)
		pause();
}
