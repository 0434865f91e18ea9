/*
 * top.c - `hakimctl top`: what the units use, anew every few seconds; on a terminal as a screen
 * that is put back as it was, whatever ends it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/top_rows.h"

#define DELAY_MS  2000
#define DELAY_MIN 100 /* who asks more often measures only the asking */
#define FIRST_MS  500 /* between the first two answers: a share needs two */
#define ANSWER_MS 2000
#define ENTER     "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE     "\033[?25h\033[?1049l"

/* A terminal that we hold. */
struct screen {
	bool on;
	bool again; /* the size has changed, or a key: draw, but measure nothing */
	bool quit;
	int signal; /* that ends us, when the terminal is as it was */
	int signal_fd;
	struct termios before;
	struct look look;
	size_t height;
};

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

/* ---- the terminal ---- */

static void screen_size(struct screen *screen)
{
	struct winsize size = {0};

	screen->height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_row)
		screen->height = size.ws_row;
	if (size.ws_col)
		screen->look.width = size.ws_col;
}

static void screen_enter(struct screen *screen)
{
	struct termios raw = screen->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	fputs(ENTER, stdout);
	fflush(stdout);
	screen_size(screen);
	screen->on = true;
}

static void screen_leave(struct screen *screen)
{
	if (!screen->on)
		return;
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
	screen->on = false;
}

static sigset_t signals_taken(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i]);
	return set;
}

/* Signals come as data, so none of them can come between the terminal and its restoration. */
static int screen_open(struct screen *screen)
{
	sigset_t set = signals_taken();

	if (tcgetattr(STDIN_FILENO, &screen->before) < 0)
		return -errno;
	screen->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen->signal_fd < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, NULL);
	screen_enter(screen);
	return 0;
}

/* Ends as the signal would have ended us. */
static void screen_close(struct screen *screen)
{
	sigset_t set = signals_taken();

	if (screen->signal_fd < 0)
		return;
	screen_leave(screen);
	close(screen->signal_fd);
	screen->signal_fd = -1;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (screen->signal)
		raise(screen->signal);
}

static void take_signal(struct screen *screen)
{
	struct signalfd_siginfo info;

	if (read(screen->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		screen_size(screen);
		screen->again = true;
		break;
	case SIGTSTP:
		screen_leave(screen);
		raise(SIGSTOP);
		screen_enter(screen);
		screen->again = true;
		break;
	case SIGINT:
		screen->quit = true;
		break;
	default:
		screen->signal = (int)info.ssi_signo;
		screen->quit = true;
	}
}

static void take_key(struct screen *screen, enum top_sort *sort)
{
	char key[2] = "";

	if (read(STDIN_FILENO, key, 1) != 1 || key[0] == 'q' || key[0] == 'Q')
		screen->quit = true;
	else if (top_sort_of(key, sort))
		screen->again = true;
}

/* Until the time is over, or something is to be drawn anew. */
static void screen_wait(struct screen *screen, int64_t until_ms, enum top_sort *sort)
{
	struct pollfd p[] = {{.fd = screen->signal_fd, .events = POLLIN},
			     {.fd = screen->on ? STDIN_FILENO : -1, .events = POLLIN}};
	int64_t left = until_ms - client_now_ms();

	screen->again = false;
	while (!screen->quit && !screen->again && left > 0) {
		if (poll(p, ARRAY_LEN(p), (int)(left < 60000 ? left : 60000)) > 0) {
			if (p[0].revents)
				take_signal(screen);
			if (p[1].revents)
				take_key(screen, sort);
		}
		left = until_ms - client_now_ms();
	}
}

/* As many lines as there is room for: the others would push the first ones out. */
static void screen_draw(const struct screen *screen, char *text)
{
	size_t lines = 0;
	char *line;

	fputs("\033[H", stdout);
	while ((line = strsep(&text, "\n")) && (text || *line) && lines < screen->height)
		printf("%s%s\033[K", lines++ ? "\n" : "", line);
	fputs("\033[J", stdout);
}

/* ---- the rounds ---- */

static int put_round(const struct ctl *ctl, const struct top *top, const struct screen *screen)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;
	int r;

	if (ctl->args.given & ARGS_JSON)
		return top_put_json(top, &screen->look, stdout);
	if (!screen->on)
		return top_put(top, &screen->look, stdout);
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	r = top_put(top, &screen->look, out);
	if (fclose(out) == 0 && r == 0)
		screen_draw(screen, text);
	return r;
}

static int ask(json_t **packets, struct err *err)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	int r = client_ask_once(words, ARRAY_LEN(words), ANSWER_MS, &reply, err);

	if (r < 0)
		return r;
	json_decref(*packets);
	*packets = json_incref(reply.packets);
	return 0;
}

struct rounds {
	json_t *before, *now;
	uint64_t left; /* UINT64_MAX: for ever */
	int64_t delay_ms;
	enum top_sort sort;
};

static int draw(const struct ctl *ctl, const struct rounds *rounds, const struct screen *screen)
{
	_cleanup_(top_free) struct top top = {0};
	int r = top_read(rounds->before, rounds->now, rounds->sort, &top);

	if (r == 0)
		r = put_round(ctl, &top, screen);
	/* Nobody reads any more: the end of the program says so. */
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = -EPIPE;
	return r;
}

static int run(const struct ctl *ctl, struct rounds *rounds, struct screen *screen, struct err *err)
{
	int64_t next = client_now_ms();
	int r = ask(&rounds->before, err);

	next += rounds->delay_ms < FIRST_MS ? rounds->delay_ms : FIRST_MS;
	while (r == 0 && !screen->quit && rounds->left) {
		screen_wait(screen, next, &rounds->sort);
		if (screen->quit)
			break;
		if (!screen->again) {
			if (rounds->now) {
				json_decref(rounds->before);
				rounds->before = rounds->now;
				rounds->now = NULL;
			}
			r = ask(&rounds->now, err);
			next = client_now_ms() + rounds->delay_ms;
			rounds->left -= rounds->left != UINT64_MAX;
		}
		if (r == 0 && rounds->now)
			r = draw(ctl, rounds, screen);
	}
	return r;
}

int ctl_top(struct ctl *ctl)
{
	const char *word = args_value(&ctl->args, ARGS_SORT), *term = getenv("TERM");
	uint64_t delay = args_number(&ctl->args, ARGS_DELAY, DELAY_MS);
	struct screen screen = {.signal_fd = -1, .look = ctl->look};
	struct rounds rounds = {.delay_ms = delay < DELAY_MIN ? DELAY_MIN : (int64_t)delay};
	bool live = ctl->look.terminal && isatty(STDIN_FILENO) && term && *term &&
		    strcmp(term, "dumb") != 0 && !(ctl->args.given & (ARGS_JSON | ARGS_ONCE));
	struct err err = {0};
	int r;

	if (word && !top_sort_of(word, &rounds.sort))
		return ctl_complain(
			CTL_USAGE, "top: \"%s\" is no order (cpu, memory, name or restarts)", word);
	rounds.left = args_number(&ctl->args, ARGS_ROUNDS, live ? UINT64_MAX : 1);
	if (ctl->args.given & ARGS_ONCE)
		rounds.left = 1;
	if (live && screen_open(&screen) < 0)
		rounds.left = 1;
	r = run(ctl, &rounds, &screen, &err);
	screen_close(&screen);
	json_decref(rounds.before);
	json_decref(rounds.now);
	if (r == -EPIPE)
		return CTL_OK;
	if (r < 0 && err.text[0])
		return ctl_fail(r, &err);
	return r < 0 ? ctl_complain(CTL_FAILED, "there is not enough memory") : CTL_OK;
}
