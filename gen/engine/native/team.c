#include "team.h"

void part(Member member, size_t count, size_t portion, size_t *first, size_t *last) {
    size_t portions = (count + portion - 1) / portion;
    *first = portions * member.rank / member.size * portion;
    *last = portions * (member.rank + 1) / member.size * portion;
    if (*first > count) *first = count;
    if (*last > count) *last = count;
}

#if defined(__GNUC__) && !defined(_WIN32)
#include "engine.h"

#include <pthread.h>
#include <sched.h>

enum { SPINS = 2000 }; /* rounds before another process is let in */

struct Team {
    size_t size, waiting, round;
    int begun; /* 0: not all are there yet; 1: they are; -1: they will not be */
    void (*work)(Member, void *);
    void *argument;
};

typedef struct {
    Member member;
    pthread_t thread;
} Worker;

static void pause_a_little(unsigned spins) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (spins > SPINS) sched_yield();
}

void meet(Member member) {
    Team *team = member.team;
    if (!team) return;
    size_t round = __atomic_load_n(&team->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&team->waiting, 1, __ATOMIC_ACQ_REL) == team->size) {
        __atomic_store_n(&team->waiting, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&team->round, round + 1, __ATOMIC_RELEASE);
        return;
    }
    for (unsigned spins = 0; __atomic_load_n(&team->round, __ATOMIC_ACQUIRE) == round; spins++) pause_a_little(spins);
}

static void *begin(void *pointer) {
    Member member = ((Worker *)pointer)->member;
    int begun;
    for (unsigned spins = 0; !(begun = __atomic_load_n(&member.team->begun, __ATOMIC_ACQUIRE)); spins++)
        pause_a_little(spins);
    if (begun > 0) member.team->work(member, member.team->argument);
    return NULL;
}

void together(size_t size, void (*work)(Member, void *), void *argument) {
    Worker workers[MAX_THREADS];
    Team team = {.work = work, .argument = argument};
    team.size = size < MAX_THREADS ? size : MAX_THREADS;
    size_t started = 1;
    for (; started < team.size; started++) {
        workers[started].member = (Member){&team, started, team.size};
        if (pthread_create(&workers[started].thread, NULL, begin, &workers[started])) break;
    }
    int complete = started >= team.size && team.size > 1;
    __atomic_store_n(&team.begun, complete ? 1 : -1, __ATOMIC_RELEASE);
    work(complete ? (Member){&team, 0, team.size} : (Member){NULL, 0, 1}, argument);
    for (size_t rank = 1; rank < started; rank++) pthread_join(workers[rank].thread, NULL);
}

#else /* one does all */
void meet(Member member) { (void)member; }

void together(size_t size, void (*work)(Member, void *), void *argument) {
    (void)size;
    work((Member){NULL, 0, 1}, argument);
}
#endif
