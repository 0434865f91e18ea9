#include "supervisor/journal_age.h"

#include <stdio.h>
#include <unistd.h>

/* Of the first record in the file; it outlives us there. 0: there is none. */
static time_t first_record(const struct stream *s)
{
	char text[STAMP_LEN];
	struct tm tm = {0};

	if (s->file.fd < 0 || !s->cursor->off ||
	    pread(s->file.fd, text, sizeof(text), 0) != (ssize_t)sizeof(text))
		return 0;
	text[19] = '\0';
	return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
}

time_t age_due(struct stream *s)
{
	time_t due = 0;

	if (s->rotate_s && !s->begun)
		s->begun = first_record(s);
	if (s->rotate_s && s->begun)
		due = s->begun + s->rotate_s;
	if (s->max_age_s && !s->ages_known) {
		s->oldest = log_file_expire(&s->file, 0);
		s->ages_known = true;
	}
	/* One second more: st_mtime is cut off. */
	if (s->max_age_s && s->oldest && (!due || s->oldest + s->max_age_s + 1 < due))
		due = s->oldest + s->max_age_s + 1;
	return due;
}

bool age_run(struct stream *s, time_t now)
{
	bool more = false;

	if (s->rotate_s && s->begun && s->begun + s->rotate_s <= now) {
		more = log_file_rotate(&s->file, s->cursor) == 0;
		/* Where it cannot be done, not again before as much time has passed. */
		s->begun = more ? 0 : now;
		s->ages_known = false;
	}
	if (s->max_age_s && s->oldest && s->oldest + s->max_age_s < now) {
		s->oldest = log_file_expire(&s->file, now - s->max_age_s);
		/* What cannot be removed is not tried again at once. */
		if (s->oldest && s->oldest + s->max_age_s < now)
			s->oldest = now;
	}
	return more;
}
