/* One piece of memory, laid out from its beginning. */

#ifndef GEN_ARENA_H
#define GEN_ARENA_H

#include <stddef.h>

/* Lays `size` bytes out from *place on, on a cache line of their own; without `base` it only counts. */
static inline void *lay(char *base, size_t *place, size_t size) {
    void *here = base && size ? base + *place : NULL;
    *place += (size + 63) / 64 * 64;
    return here;
}

/* `size` bytes, of which the first `zeros` are zeros, in pages as large as the system has them: where each page has to be
   looked up, that makes reading megabytes twice as fast. NULL: no memory. */
void *arena_new(size_t size, size_t zeros);
void arena_free(void *arena);

#endif
