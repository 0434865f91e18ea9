#include "supervisor/state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME_SIZE   80
#define NAMES_AT    4096
#define CURSORS_AT  (NAMES_AT + (JOURNAL_STREAMS * NAME_SIZE + 4095) / 4096 * 4096)
#define COPIES_AT   (1u << 20)
#define COPY_STRIDE (sizeof(struct state_copy) + STATE_TEXT_MAX)

_Static_assert(CURSORS_AT + JOURNAL_STREAMS * sizeof(struct journal_cursor) <= COPIES_AT,
	       "the tables overlap");

/* FNV-1a over 64-bit words and the rest: fast, and it guards against a torn copy, not against an
 * enemy. */
static uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		sum = (sum ^ word) * 0x100000001b3ull;
		sum ^= sum >> 29;
	}
	for (; len; p++, len--)
		sum = (sum ^ *p) * 0x100000001b3ull;
	return sum;
}

static uint64_t checksum(uint64_t generation, uint32_t version, uint32_t length, const char *text)
{
	uint64_t sum = checksum_add(0xcbf29ce484222325ull, &generation, sizeof(generation));

	sum = checksum_add(sum, &version, sizeof(version));
	sum = checksum_add(sum, &length, sizeof(length));
	return checksum_add(sum, text, length);
}

static struct state_copy *copy_at(const struct state *state, unsigned i)
{
	return (struct state_copy *)(state->base + COPIES_AT + i * COPY_STRIDE);
}

static char *name_at(const struct state *state, int i)
{
	return state->base + NAMES_AT + (size_t)i * NAME_SIZE;
}

int state_map(struct state *state, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, -errno, "the state cannot be looked at");
	if ((uint64_t)st.st_size < COPIES_AT + 2 * COPY_STRIDE)
		return err_set(err, -EINVAL, "the state that PID 1 keeps is too small");
	state->size = (size_t)st.st_size;
	state->base = mmap(NULL, state->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state->base == MAP_FAILED) {
		state->base = NULL;
		return err_sys(err, -errno, "the state cannot be mapped");
	}
	return 0;
}

void state_unmap(struct state *state)
{
	if (state->base)
		munmap(state->base, state->size);
	state->base = NULL;
}

struct journal_cursor *state_cursors(struct state *state)
{
	return (struct journal_cursor *)(state->base + CURSORS_AT);
}

int state_log_index(struct state *state, const char *name)
{
	int free_index = -ENOSPC;
	char *entry;

	if (strlen(name) >= NAME_SIZE - 1)
		return -ENAMETOOLONG;
	for (int i = 0; i < JOURNAL_STREAMS; i++) {
		entry = name_at(state, i);
		if (entry[0] && strcmp(entry + 1, name) == 0)
			return i;
		if (!entry[0] && free_index < 0)
			free_index = i;
	}
	if (free_index < 0)
		return free_index;
	entry = name_at(state, free_index);
	/* The cursor is left as it is: the journal's thread may still drain its last owner, and
	 * resets it in order. */
	memcpy(entry + 1, name, strlen(name) + 1);
	/* The first byte makes it valid: stored last. */
	__atomic_store_n(entry, 1, __ATOMIC_RELEASE);
	return free_index;
}

void state_log_release(struct state *state, int index)
{
	__atomic_store_n(name_at(state, index), 0, __ATOMIC_RELEASE);
}

static int copy_valid(const struct state_copy *copy)
{
	return copy->generation && copy->length <= STATE_TEXT_MAX &&
	       copy->checksum ==
		       checksum(copy->generation, copy->version, copy->length, copy->text);
}

int state_write(struct state *state, const char *text, size_t len)
{
	uint64_t generation = state->generation + 1;
	struct state_copy *copy = copy_at(state, generation % 2);

	if (len > STATE_TEXT_MAX)
		return -EFBIG;
	__atomic_store_n(&copy->generation, 0, __ATOMIC_RELEASE);
	memcpy(copy->text, text, len);
	copy->version = STATE_VERSION;
	copy->length = (uint32_t)len;
	copy->checksum = checksum(generation, STATE_VERSION, (uint32_t)len, text);
	__atomic_store_n(&copy->generation, generation, __ATOMIC_RELEASE);
	state->generation = generation;
	return 0;
}

const char *state_read(struct state *state, size_t *len)
{
	const struct state_copy *best = NULL;

	for (unsigned i = 0; i < 2; i++) {
		const struct state_copy *copy = copy_at(state, i);

		if (copy_valid(copy) && (!best || copy->generation > best->generation))
			best = copy;
	}
	if (!best)
		return NULL;
	/* Also a copy that we cannot read is newer than what we shall write. */
	state->generation = best->generation;
	if (best->version != STATE_VERSION)
		return NULL;
	*len = best->length;
	return best->text;
}
