/* 64-bit Arm with the dot products of ARMv8.2 (Apple's M1, Cortex-A76 and later). */

#include "compiler.h"
#include "engine.h"

#ifdef GEN_NEON
#include <arm_neon.h>

#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#define NAME(x) neon_##x
#define SIGN 0

#define LANES 4
#define TILE_ROWS 4
#define TILE_GROUPS 1
typedef float32x4_t Floats;
typedef int32x4_t Ints;
#define load(p) vld1q_f32(p)
#define store(p, x) vst1q_f32(p, x)
#define spread(x) vdupq_n_f32(x)
#define fused(a, b, c) vfmaq_f32(c, a, b)
#define times(a, b) vmulq_f32(a, b)
#define plus(a, b) vaddq_f32(a, b)
#define minus(a, b) vsubq_f32(a, b)
#define over(a, b) vdivq_f32(a, b)
#define least(a, b) vminq_f32(a, b)
#define most(a, b) vmaxq_f32(a, b)
#define doubled(p, t) \
    vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vreinterpretq_s32_f32(t), 23)))
#define load_bytes(p) vreinterpretq_s32_s8(vld1q_s8(p))
#define spread_quad(p) vdupq_n_s32(quad(p))
#define dot(sum, x, w) vdotq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w))
#define zero_ints() vdupq_n_s32(0)
#define offset_ints(x, p) ((void)(p), (x))
#define to_floats(x) vcvtq_f32_s32(x)

#include "quad.h"
#include "products.inc"
#include "template.inc"

const Kernels kernels_neon = KERNELS("neon");
#endif
