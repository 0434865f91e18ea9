/*
 * The state that another supervisor has left, of any version: the text, and behind "%%" the names
 * of the fds that PID 1 has kept, one a line. Afterwards it is saved: whatever was read, what is
 * written can be read again and says the same.
 */
#include "supervisor/watch.h"
#include "tests/fuzz/manager.h"

#define KEPT 16

static void units_put(void)
{
	static const struct {
		const char *name, *text;
	} units[] = {
		{"modules/a.service", "[Service]\nExecStart=/bin/true\nFileDescriptorStoreMax=4\n"
				      "Restart=always\n[X-Hakim]\nHealthTCP=127.0.0.1:1\n"},
		{"modules/f.service",
		 "[Service]\nType=forking\nPIDFile=/none\nExecStart=/bin/true\n"
		 "ExecStartPre=/bin/true\nExecStop=/bin/true\n"},
		{"modules/o.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"},
		{"modules/t.target", "[Unit]\n"},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		fuzz_put(units[i].name, units[i].text, strlen(units[i].text));
}

/* Logs need the journal: they are not given back. */
static size_t split(char *names, const char *kept[static KEPT + 1])
{
	char *save = NULL;
	size_t n = 0;

	for (char *k = strtok_r(names, "\n", &save); k && n < KEPT; k = strtok_r(NULL, "\n", &save))
		if (strncmp(k, "log:", 4) != 0 && strlen(k) < KEEPER_NAME_MAX)
			kept[n++] = k;
	kept[n] = NULL;
	return n;
}

static char *saved(struct manager *m, size_t *len)
{
	const char *text;

	takeover_save(m);
	text = state_read(&m->state, len);
	FUZZ_MUST(text);
	return fuzz_bytes(text, *len);
}

/* A text that begins with a number is one, and no state. */
static void check_health_text(void)
{
	static const char state[] = "service a.service\nlife running success 0 0 0 1\n"
				    "health unhealthy 2\nhealth-text 3 checks failed\n";
	struct manager *m = manager_fresh();
	struct service *s = manager_find(m, "a.service");

	state_write(&m->state, state, sizeof(state) - 1);
	FUZZ_MUST(s && takeover_restore(m));
	FUZZ_MUST(s->health_state == HEALTH_UNHEALTHY && s->health_failures == 2);
	FUZZ_MUST(s->health && strcmp(s->health->text, "3 checks failed") == 0);
}

FUZZ_TARGET(takeover)
{
	static bool put;
	struct fuzz_part part = {"", 0};
	const char *kept[KEPT + 1];
	char *names, *first, *second;
	size_t first_len, second_len;
	struct manager *m;

	if (!put) {
		units_put();
		check_health_text();
	}
	put = true;
	fuzz_next(&text, &len, &part);
	names = fuzz_next_text(&text, &len);
	split(names, kept);
	m = manager_fresh();
	state_write(&m->state, part.text, part.len);
	fuzz_kept = kept;
	if (takeover_restore(m))
		takeover_resume(m, false);
	fuzz_kept = NULL;
	if (m->control_kept >= 0)
		close(m->control_kept);
	m->control_kept = -1;
	manager_turn(m);
	first = saved(m, &first_len);
	m = manager_fresh();
	state_write(&m->state, first, first_len);
	FUZZ_MUST(takeover_restore(m));
	second = saved(m, &second_len);
	/* What served one connection is forgotten with it; no text of ours begins with a blank. */
	if (!memmem(part.text, part.len, "connection ", 11) && !memmem(first, first_len, "  ", 2))
		FUZZ_MUST(first_len == second_len && memcmp(first, second, first_len) == 0);
	free(first);
	free(second);
	free(names);
	manager_drop(m);
}
