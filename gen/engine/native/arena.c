#define _GNU_SOURCE /* posix_memalign, madvise */

#include "arena.h"

#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <sys/mman.h>

enum { HUGE = 2 << 20 };

void *arena_new(size_t size, size_t zeros) {
    void *arena = NULL;
    size_t whole = (size + HUGE - 1) / HUGE * HUGE;
    int large = size > HUGE / 8;
    if (large ? posix_memalign(&arena, HUGE, whole) : posix_memalign(&arena, 64, size + 1)) return NULL;
#ifdef MADV_HUGEPAGE
    if (large) madvise(arena, whole, MADV_HUGEPAGE);
#endif
    memset(arena, 0, zeros);
    return arena;
}

void arena_free(void *arena) { free(arena); }
#else
#include <stdint.h>

void *arena_new(size_t size, size_t zeros) {
    char *memory = malloc(size + 128);
    if (!memory) return NULL;
    char *arena = memory + 128 - (uintptr_t)memory % 64;
    memcpy(arena - sizeof memory, &memory, sizeof memory);
    memset(arena, 0, zeros);
    return arena;
}

void arena_free(void *arena) {
    char *memory = NULL;
    if (arena) memcpy(&memory, (char *)arena - sizeof memory, sizeof memory);
    free(memory);
}
#endif
