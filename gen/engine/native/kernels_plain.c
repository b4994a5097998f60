/* Any machine: plain C. */

#include "compiler.h"
#include "engine.h"

#include <string.h>

#define TARGET
#define NAME(x) plain_##x
#define SIGN 0

#define LANES 1
typedef float Floats;
#define load(p) (*(p))
#define store(p, x) (*(p) = (x))
#define spread(x) (x)
#define times(a, b) ((a) * (b))
#define plus(a, b) ((a) + (b))
#define minus(a, b) ((a) - (b))
#define over(a, b) ((a) / (b))
#define least(a, b) plain_least(a, b)
#define most(a, b) plain_most(a, b)
#define doubled(p, t) plain_doubled(p, t)

static inline float plain_least(float a, float b) { return a < b ? a : b; }

static inline float plain_most(float a, float b) { return a > b ? a : b; }

static inline float plain_doubled(float p, float t) {
    uint32_t power, bits;
    memcpy(&power, &t, sizeof power);
    memcpy(&bits, &p, sizeof bits);
    bits += power << 23;
    memcpy(&p, &bits, sizeof p);
    return p;
}

static void plain_product(const Matrix *m, size_t first, size_t last, const float *x, size_t x_stride, size_t rows,
                          float *out, size_t out_stride) {
    for (size_t panel = first; panel < last; panel++) {
        size_t start = panel * m->panel;
        size_t groups = start + m->panel <= m->groups ? m->panel : m->groups - start;
        for (size_t row = 0; row < rows; row++) {
            const float *weights = m->weights + start * BLOCK * m->inputs;
            float *sums = out + row * out_stride + start * BLOCK;
            for (size_t k = 0; k < m->inputs; k++, weights += groups * BLOCK) {
                float input = x[row * x_stride + k];
                for (size_t i = 0; i < groups * BLOCK; i++) sums[i] += weights[i] * input;
            }
        }
    }
}

static void plain_product_int8(const Matrix *m, size_t first, size_t last, const int8_t *x, size_t x_stride,
                               const float *x_scales, size_t rows, float *out, size_t out_stride) {
    for (size_t panel = first; panel < last; panel++) {
        size_t start = panel * m->panel;
        size_t groups = start + m->panel <= m->groups ? m->panel : m->groups - start;
        const float *scales = m->scales + start * BLOCK;
        for (size_t row = 0; row < rows; row++) {
            const int8_t *bytes = m->bytes + start * BLOCK * m->inputs, *inputs = x + row * x_stride;
            int32_t sums[PANEL * BLOCK] = {0};
            for (size_t k = 0; k < m->inputs; k += QUAD, bytes += groups * BLOCK * QUAD)
                for (size_t i = 0; i < groups * BLOCK; i++)
                    for (size_t j = 0; j < QUAD; j++) sums[i] += (int32_t)bytes[i * QUAD + j] * inputs[k + j];
            float *place = out + row * out_stride + start * BLOCK;
            for (size_t i = 0; i < groups * BLOCK; i++) place[i] += scales[i] * x_scales[row] * (float)sums[i];
        }
    }
}

static float plain_read(const float *buffer, size_t size) {
    float sums[BLOCK] = {0};
    for (size_t i = 0; i + BLOCK <= size; i += BLOCK)
        for (size_t j = 0; j < BLOCK; j++) sums[j] += buffer[i + j];
    return sums[0];
}

#include "template.inc"

const Kernels kernels_plain = KERNELS("plain");
