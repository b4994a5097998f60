/* x86 with AVX2 and AVX-VNNI, without AVX-512 (Intel's laptops from Alder Lake on). */

#include "compiler.h"
#include "engine.h"

#ifdef GEN_X86
#include "vectors256.h"

#define TARGET __attribute__((target("avx2,fma,avxvnni")))
#define NAME(x) avxvnni_##x
#define SIGN 0x80
#define dot(sum, x, w) _mm256_dpbusd_avx_epi32(sum, x, w)
#define offset_ints(x, p) _mm256_sub_epi32(x, _mm256_loadu_si256((const __m256i *)(p)))

#include "quad.h"
#include "products.inc"
#include "template.inc"

const Kernels kernels_avxvnni = KERNELS("avxvnni");
#endif
