/* x86 with AVX2 and FMA (from Haswell and Zen on). */

#include "compiler.h"
#include "engine.h"

#ifdef GEN_X86
#include "vectors256.h"

#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) avx2_##x
#define SIGN 0
/* |x| times w with the sign of x: two products of at most 127 * 127 fit into 16 bits */
#define dot(sum, x, w)                                                                                        \
    _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x)), \
                                            _mm256_set1_epi16(1)))
#define offset_ints(x, p) ((void)(p), (x))

#include "quad.h"
#include "products.inc"
#include "template.inc"

const Kernels kernels_avx2 = KERNELS("avx2");
#endif
