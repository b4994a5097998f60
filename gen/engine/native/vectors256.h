/* What AVX2 and AVX-VNNI share. */

#ifndef GEN_VECTORS256_H
#define GEN_VECTORS256_H

#include <immintrin.h>

#define LANES 8
#define TILE_ROWS 4
#define TILE_GROUPS 1
typedef __m256 Floats;
typedef __m256i Ints;
#define load(p) _mm256_loadu_ps(p)
#define store(p, x) _mm256_storeu_ps(p, x)
#define spread(x) _mm256_set1_ps(x)
#define fused(a, b, c) _mm256_fmadd_ps(a, b, c)
#define times(a, b) _mm256_mul_ps(a, b)
#define plus(a, b) _mm256_add_ps(a, b)
#define minus(a, b) _mm256_sub_ps(a, b)
#define over(a, b) _mm256_div_ps(a, b)
#define least(a, b) _mm256_min_ps(a, b)
#define most(a, b) _mm256_max_ps(a, b)
#define doubled(p, t) \
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)))
#define load_bytes(p) _mm256_loadu_si256((const __m256i *)(p))
#define spread_quad(p) _mm256_set1_epi32(quad(p))
#define zero_ints() _mm256_setzero_si256()
#define to_floats(x) _mm256_cvtepi32_ps(x)

#endif
