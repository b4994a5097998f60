/* x86 with AVX-512 and its VNNI (from Ice Lake and Zen 4 on). */

#include "compiler.h"
#include "engine.h"

#ifdef GEN_X86
#include <immintrin.h>

#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#ifdef __clang__
#define TARGET __attribute__((target(AVX512), min_vector_width(512)))
#else
#define TARGET __attribute__((target(AVX512 ",prefer-vector-width=512")))
#endif
#define NAME(x) avx512_##x
#define SIGN 0x80

#define LANES 16
#define TILE_ROWS 5
#define TILE_GROUPS 4
typedef __m512 Floats;
typedef __m512i Ints;
#define load(p) _mm512_loadu_ps(p)
#define store(p, x) _mm512_storeu_ps(p, x)
#define spread(x) _mm512_set1_ps(x)
#define fused(a, b, c) _mm512_fmadd_ps(a, b, c)
#define times(a, b) _mm512_mul_ps(a, b)
#define plus(a, b) _mm512_add_ps(a, b)
#define minus(a, b) _mm512_sub_ps(a, b)
#define over(a, b) _mm512_div_ps(a, b)
#define least(a, b) _mm512_min_ps(a, b)
#define most(a, b) _mm512_max_ps(a, b)
#define doubled(p, t) \
    _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23)))
#define load_bytes(p) _mm512_loadu_si512(p)
#define spread_quad(p) _mm512_set1_epi32(quad(p))
#define dot(sum, x, w) _mm512_dpbusd_epi32(sum, x, w)
#define zero_ints() _mm512_setzero_si512()
#define offset_ints(x, p) _mm512_sub_epi32(x, _mm512_loadu_si512(p))
#define to_floats(x) _mm512_cvtepi32_ps(x)

#include "quad.h"
#include "products.inc"
#include "template.inc"

const Kernels kernels_avx512 = KERNELS("avx512");
#endif
