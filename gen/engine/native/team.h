/* Threads that do the same work together, each its part, and wait for one another. */

#ifndef GEN_TEAM_H
#define GEN_TEAM_H

#include <stddef.h>

typedef struct Team Team;

typedef struct {
    Team *team; /* NULL where one works alone */
    size_t rank, size;
} Member;

/* Calls work(member, argument) in `size` threads, this one among them, and waits for all. Where threads cannot be had,
   there are fewer. */
void together(size_t size, void (*work)(Member, void *), void *argument);

/* Waits until all have come here. */
void meet(Member member);

/* This member's part of 0 ... count - 1, in whole portions: from *first up to *last - 1. */
void part(Member member, size_t count, size_t portion, size_t *first, size_t *last);

#endif
