/*
 * main.c - the stand-in agent's life: options, environment, signals, scripts, and the loop.
 */
#include "tests/stand-ins/agent/agent.h"
#include "common/cleanup.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#define VERSION_LINE "Coder v2.33.0-standin+abcdef Mon Jan  5 12:00:00 UTC 2026"

int64_t agent_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void agent_log(const char *level, const char *fmt, ...)
{
	struct timespec t;
	struct tm tm;
	char text[1024], stamp[32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
	dprintf(STDERR_FILENO, "%s.%03ld [%s]  %s\n", stamp, t.tv_nsec / 1000000, level, text);
}

pid_t agent_spawn(const struct agent *a, const char *command, bool quiet)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	pid_t pid = fork();
	int null, out;

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	out = quiet ? null : STDERR_FILENO;
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	sigprocmask(SIG_SETMASK, &a->child_mask, NULL);
	execve("/bin/sh", (char *const *)argv, a->child_env);
	_exit(127);
}

void agent_connected(struct agent *a)
{
	agent_log("info", "agent: connected to coordination RPC");
	if (a->connected)
		return;
	a->connected = true;
	a->start_state = SCRIPT_OK;
	if (!a->start_script || a->stopping)
		return;
	a->start_began_ms = agent_now_ms();
	a->start_pid = agent_spawn(a, a->start_script, false);
	a->start_state = a->start_pid > 0 ? SCRIPT_RUNNING : SCRIPT_FAILED;
	agent_log("info", "agent: running script  log_source_id=startup  pid=%d", a->start_pid);
	if (a->start_pid < 0)
		a->start_pid = 0;
}

/* Does a process that ended concern us? Sessions are only reaped. Returns true when the agent can
 * exit. */
static bool main_reap(struct agent *a)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == a->start_pid) {
			a->start_pid = 0;
			a->start_took_ms = agent_now_ms() - a->start_began_ms;
			a->start_state = status == 0 ? SCRIPT_OK : SCRIPT_FAILED;
			agent_log("info", "agent: startup script completed  status=%d", status);
		} else if (pid == a->stop_pid) {
			a->stop_pid = 0;
			agent_log("info", "agent: shutdown script completed  status=%d", status);
			return true;
		}
	}
	return false;
}

/* SIGTERM. Returns true when the agent can exit at once. */
static bool main_stop(struct agent *a)
{
	if (a->stopping)
		return false;
	a->stopping = true;
	agent_log("info", "interrupt caught: shutting down agent  signal=terminated");
	if (!a->stop_script)
		return true;
	a->stop_pid = agent_spawn(a, a->stop_script, false);
	if (a->stop_pid > 0)
		return false;
	agent_log("erro", "agent: shutdown script: %s", strerror(-a->stop_pid));
	return true;
}

/* Handles one signal. Returns the exit status, or -1 to go on. */
static int main_signal(struct agent *a, int sig)
{
	switch (sig) {
	case SIGTERM:
		return main_stop(a) ? 0 : -1;
	case SIGCHLD:
		return main_reap(a) ? 0 : -1;
	case SIGQUIT:
	case SIGTRAP:
		dprintf(STDERR_FILENO, "%s\n\ngoroutine 1 [running]:\nmain.main()\n\tstand-in\n",
			sig == SIGQUIT ? "SIGQUIT: quit" : "SIGTRAP: trace trap");
		return sig == SIGQUIT ? 1 : -1;
	default:
		return -1;
	}
}

static int main_loop(struct agent *a, struct rpc *rpc, struct debug *debug, int signal_fd)
{
	struct pollfd p[2 + DEBUG_FDS] = {0};
	struct signalfd_siginfo info;

	for (;;) {
		int64_t deadline = INT64_MAX, wait;

		p[0] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
		rpc_poll(rpc, &p[1], &deadline);
		debug_poll(debug, &p[2], &deadline);
		wait = deadline == INT64_MAX ? -1 : deadline - agent_now_ms();
		if (wait < 0 && deadline != INT64_MAX)
			wait = 0;
		if (poll(p, ARRAY_LEN(p), wait < 0 ? -1 : (int)wait) < 0 && errno != EINTR)
			return 2;
		while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			int status = main_signal(a, (int)info.ssi_signo);

			if (status >= 0)
				return status;
		}
		debug_step(debug, a, &p[2]);
		rpc_step(rpc, a, p[1].revents);
	}
}

/* CODER_AGENT_TOKEN, else what is in CODER_AGENT_TOKEN_FILE, trimmed. NULL when there is none. */
static const char *main_token(char *buf, size_t size)
{
	const char *token = getenv("CODER_AGENT_TOKEN"), *path = getenv("CODER_AGENT_TOKEN_FILE");
	_cleanup_close_ int fd = path && *path ? open(path, O_RDONLY | O_CLOEXEC) : -EBADF;
	char *start = buf;
	ssize_t n;

	if (token && *token)
		return token;
	if (!path || !*path)
		return NULL;
	n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (n < 0) {
		dprintf(STDERR_FILENO, "error: read token file %s: %m\n", path);
		return NULL;
	}
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n] = '\0';
	while (isspace((unsigned char)*start))
		start++;
	return *start ? start : NULL;
}

/*
 * What sessions and scripts get: all that we have, with the token also where it came from a file,
 * and without the URL and the variables of priority, which the real one keeps to itself.
 */
static char **main_child_environment(const char *token)
{
	static const char *const kept[] = {"CODER_AGENT_URL", "CODER_PROC_PRIO_MGMT",
					   "CODER_PROC_OOM_SCORE", "CODER_PROC_NICE_SCORE"};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		unsetenv(kept[i]);
	setenv("CODER", "true", 1);
	setenv("CODER_AGENT_TOKEN", token, 1);
	return environ;
}

static const char *main_script(const char *name)
{
	const char *script = getenv(name);

	return script && *script ? script : NULL;
}

/* A Go program has threads from its first moment, and aborts where clone is denied: so does this
 * one. */
static void *main_idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static const char *main_address(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value ? value : fallback;
}

static int main_agent(bool reap)
{
	static struct agent agent;
	static struct rpc rpc;
	static struct debug debug;
	static char token_text[4096];
	const char *url = getenv("CODER_AGENT_URL"), *auth = getenv("CODER_AGENT_AUTH");
	const char *token = main_token(token_text, sizeof(token_text));
	sigset_t ours;
	int signal_fd;

	if (reap && getpid() == 1) {
		dprintf(STDERR_FILENO,
			"error: the stand-in is PID 1 without --no-reap: it does not reap\n");
		return 1;
	}
	if (!url || !*url) {
		dprintf(STDERR_FILENO, "error: CODER_AGENT_URL must be set\n");
		return 1;
	}
	if (auth && *auth && strcmp(auth, "token") != 0) {
		dprintf(STDERR_FILENO, "error: the stand-in knows no CODER_AGENT_AUTH=%s\n", auth);
		return 1;
	}
	if (!token) {
		dprintf(STDERR_FILENO, "error: CODER_AGENT_TOKEN must be set for token auth\n");
		return 1;
	}
	if (rpc_init(&rpc, url, token) < 0) {
		dprintf(STDERR_FILENO, "error: CODER_AGENT_URL is not a URL: %s\n", url);
		return 1;
	}
	/* SIGINT and SIGHUP are not registered: they do what they did when we were started. */
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGCHLD);
	sigaddset(&ours, SIGQUIT);
	sigaddset(&ours, SIGTRAP);
	pthread_sigmask(SIG_BLOCK, &ours, &agent.child_mask);
	signal_fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return 2;
	debug_init(&debug, main_address("CODER_AGENT_DEBUG_ADDRESS", "127.0.0.1:2113"),
		   main_address("CODER_AGENT_PROMETHEUS_ADDRESS", "127.0.0.1:2112"));
	agent_log("info", "agent: spawning stand-in agent  url=%s  version=%s", url, VERSION_LINE);
	agent.start_script = main_script("HAKIM_STANDIN_START_SCRIPT");
	agent.stop_script = main_script("HAKIM_STANDIN_STOP_SCRIPT");
	agent.child_env = main_child_environment(token);
	return main_loop(&agent, &rpc, &debug, signal_fd);
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = {0};
	pthread_attr_t attr;
	pthread_t thread;
	bool reap = true;
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	if (pthread_create(&thread, &attr, main_idle, NULL) != 0) {
		dprintf(STDERR_FILENO, "runtime: failed to create new OS thread\n");
		abort();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)) {
		printf("%s\nhttps://github.com/coder/coder/commit/abcdef\n\n"
		       "Slim build of Coder, supports the agent subcommand.\n",
		       VERSION_LINE);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (argc < 2 || strcmp(argv[1], "agent") != 0) {
		dprintf(STDERR_FILENO, "Usage: coder --version | coder agent [--no-reap]\n");
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--no-reap") != 0) {
			dprintf(STDERR_FILENO, "error: unknown flag: %s\n", argv[i]);
			return 1;
		}
		reap = false;
	}
	setrlimit(RLIMIT_CORE, &no_core); /* /_standin/crash shall not litter */
	return main_agent(reap);
}
