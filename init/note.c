#include "init/note.h"

#include <errno.h>
#include <string.h>

#include "init/init.h"

static const struct {
	int error;
	const char *name;
} names[] = {
	{EPERM, "EPERM"},   {ENOENT, "ENOENT"}, {EACCES, "EACCES"},   {EBUSY, "EBUSY"},
	{EINVAL, "EINVAL"}, {EMFILE, "EMFILE"}, {ENOSPC, "ENOSPC"},   {EROFS, "EROFS"},
	{ENOMEM, "ENOMEM"}, {ENOSYS, "ENOSYS"}, {EAGAIN, "EAGAIN"},   {EIO, "EIO"},
	{ELOOP, "ELOOP"},   {ENODEV, "ENODEV"}, {ENOEXEC, "ENOEXEC"},
};

void note_add(struct init *init, const char *text)
{
	console_warn(&init->console, text, NULL, NULL);
	if (!init->board)
		return;
	for (unsigned i = 0; i < BOARD_NOTES; i++) {
		size_t len = strlen(text);

		if (init->board->notes[i][0])
			continue;
		if (len >= sizeof(init->board->notes[i]))
			len = sizeof(init->board->notes[i]) - 1;
		memcpy(init->board->notes[i], text, len);
		return;
	}
}

void note_add_errno(struct init *init, const char *text, int error)
{
	struct line line = {.len = 0};

	line_add(&line, text);
	line_add(&line, ": errno ");
	line_add_u64(&line, (uint64_t)error);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].error != error)
			continue;
		line_add(&line, " (");
		line_add(&line, names[i].name);
		line_add(&line, ")");
	}
	line.text[line.len] = '\0';
	note_add(init, line.text);
}
