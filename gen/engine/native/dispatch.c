/* Which instruction sets this machine has. */

#include "engine.h"

#ifdef GEN_NEON
#ifdef __linux__
#include <sys/auxv.h>
static int has_dot_products(void) { return (getauxval(AT_HWCAP) >> 20) & 1; } /* HWCAP_ASIMDDP */
#else
static int has_dot_products(void) { return 1; } /* every 64-bit Mac */
#endif
#endif

#ifdef GEN_X86
#include <cpuid.h>
static int has_avx_vnni(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#endif

const Kernels *const *kernels_here(void) {
    static const Kernels *list[5];
    static int asked; /* the first call is the module's, alone; a virtual machine takes its time to answer */
    int count = 0;
    if (asked) return list;
#ifdef GEN_X86
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        list[count++] = &kernels_avx512;
    if (avx2 && has_avx_vnni()) list[count++] = &kernels_avxvnni;
    if (avx2) list[count++] = &kernels_avx2;
#endif
#ifdef GEN_NEON
    if (has_dot_products()) list[count++] = &kernels_neon;
#endif
    list[count] = &kernels_plain;
    asked = 1;
    return list;
}
