#include "supervisor/apart.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)256 * 1024) /* of addresses; pages come as they are used */
#define ALIGN _Alignof(max_align_t)

static bool chunk_make(struct apart *apart)
{
	char *chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		return false;
	/* Refused, it is memory like any other. */
	(void)madvise(chunk, CHUNK, MADV_DONTFORK);
	memcpy(chunk, &apart->chunks, sizeof(apart->chunks));
	apart->chunks = chunk;
	apart->fresh = chunk + ALIGN;
	apart->left = CHUNK - ALIGN;
	return true;
}

void apart_init(struct apart *apart, size_t size)
{
	*apart = (struct apart){.size = (size + ALIGN - 1) / ALIGN * ALIGN};
	pthread_mutex_init(&apart->lock, NULL);
}

void *apart_new(struct apart *apart)
{
	void *object = NULL;

	pthread_mutex_lock(&apart->lock);
	if (apart->free) {
		object = apart->free;
		memcpy(&apart->free, object, sizeof(apart->free));
	} else if (apart->left >= apart->size || chunk_make(apart)) {
		object = apart->fresh;
		apart->fresh += apart->size;
		apart->left -= apart->size;
	}
	pthread_mutex_unlock(&apart->lock);
	return object ? memset(object, 0, apart->size) : NULL;
}

void apart_free(struct apart *apart, void *object)
{
	if (!object)
		return;
	pthread_mutex_lock(&apart->lock);
	memcpy(object, &apart->free, sizeof(apart->free));
	apart->free = object;
	pthread_mutex_unlock(&apart->lock);
}

void apart_close(struct apart *apart)
{
	while (apart->chunks) {
		void *chunk = apart->chunks;

		memcpy(&apart->chunks, chunk, sizeof(apart->chunks));
		munmap(chunk, CHUNK);
	}
	pthread_mutex_destroy(&apart->lock);
}
