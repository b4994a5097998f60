/* The sampling engine's native half: a recurrent language model that reads and chooses ids on the processor.

   Numbers stand in the order in which they are read:

   * Units come in blocks of 16, hidden sizes are filled up to whole blocks with zeros, which stay zeros.
   * The outputs of a layer's matrix come block by block, and of a block gate by gate (i f g o, r z n, or h), so a range
     of them holds all that the cell needs for its units. 16 outputs are a group.
   * Up to four groups that stand together are a panel. Its weights come input by input (int8: four inputs by four).

   What is computed for a row does not depend on what stands beside it: each output adds up its inputs in their order,
   in float with one rounding a step, in int8 exactly. So logits have the same bits at every number of rows, of ids a
   call and of threads. In int8 they have the same bits on every machine. */

#ifndef GEN_ENGINE_H
#define GEN_ENGINE_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 16, PANEL = 4, QUAD = 4 };
enum { MAX_NGRAMS = 8, MAX_THREADS = 64 };

typedef enum { RNN, LSTM, GRU } Cell;

typedef struct {
    size_t inputs;  /* filled up to whole blocks */
    size_t groups;  /* of 16 outputs */
    size_t panel;   /* groups that stand together; the last may have fewer */
    float *weights; /* one of the two */
    int8_t *bytes;
    float *scales;     /* of each output, int8 only */
    int32_t *offsets;  /* 128 times the sum of its bytes, for products that take unsigned activations */
} Matrix;

typedef struct {
    const double *bias; /* or NULL */
    double repeat, presence, frequency;
    size_t top_k;
    double top_p, log_min_p, temperature; /* log_min_p: minus infinity keeps all */
} Choice;

/* What an instruction set has to offer. */
typedef struct {
    const char *name;
    /* out[r] += W x[r] for the panels first ... last - 1 */
    void (*product)(const Matrix *m, size_t first, size_t last, const float *x, size_t x_stride, size_t rows, float *out,
                    size_t out_stride);
    void (*product_int8)(const Matrix *m, size_t first, size_t last, const int8_t *x, size_t x_stride,
                         const float *x_scales, size_t rows, float *out, size_t out_stride);
    /* One row to bytes as `product_int8` takes them; returns what one of them is worth. */
    float (*quantize)(const float *x, size_t size, int8_t *bytes);
    /* One row's units, `blocks` of them, from the sums of their gates; `c` is the LSTM's, `recurrent` the GRU's. */
    void (*cells[3])(const float *gates, const float *recurrent, float *h, float *c, size_t blocks);
    void (*add)(const float *a, const float *b, float *sum, size_t size);
    /* The id that a draw in [0, 1) picks from logits (V), or -1 where there is no choice. `counts` may be NULL. */
    int64_t (*choose)(const Choice *choice, const float *logits, size_t size, double draw, const int32_t *counts,
                      double *scratch);
    float (*read)(const float *buffer, size_t size); /* as fast as it goes, for measuring bandwidth */
} Kernels;

typedef struct {
    Matrix input, recurrent; /* the first layer's input may be empty: see Model.table */
    float *bias;             /* in the order of the outputs */
    float *recurrent_bias;   /* GRU only */
} Layer;

typedef struct {
    Cell cell;
    int is_int8;
    size_t layers, hidden, vocabulary; /* as the user knows them */
    size_t units, gates;               /* hidden filled up to whole blocks; gates of a unit */
    size_t ngrams, ngram_rows, ngram_width;
    size_t first_residual;
    const Kernels *kernels;
    const float *embedding;   /* (V, H), the caller's */
    const float *ngram_table; /* (rows, width), the caller's; NULL without n-grams */
    float *table;             /* (panels, V, outputs of a panel): the first layer's W x + b; NULL where V is large */
    Matrix ngram_input;       /* beside a table: W for what n-grams add */
    Layer *layer;
    Matrix output;
    float *output_bias;
    size_t weight_bytes; /* that one id has to read */
    void *arena;         /* that all of these are in */
} Model;

typedef struct {
    const float *input_weight, *recurrent_weight, *bias, *recurrent_bias; /* rows gate by gate */
} LayerWeights;

/* The state of B rows as the caller has it. */
typedef struct {
    float *h, *c;     /* (L, B, H); c is NULL but for the LSTM */
    int64_t *context; /* (N - 1, B), or NULL */
} State;

/* Returns 0, or -1 where memory ran out. model_free frees what was allocated, in either case. */
int model_build(Model *model, const LayerWeights *layers, const float *output_weight, const float *output_bias);
void model_free(Model *model);

/* Reads ids (B, T). Logits are those after the last (B, V), or after each (B, T, V). Returns 0, or -1: no memory. */
int model_read(const Model *model, const int64_t *ids, size_t batch, size_t length, State state, float *logits,
               int after_each, size_t threads);

/* Chooses `count` ids a row, beginning with the reading of `ids` (B): chosen (B, count). `counts` (B, V) are changed;
   `recent` (B, window) may be NULL. Returns how many were chosen in each row, fewer than `count` where the logits of one
   leave no choice (the state is then of no use), or -1: no memory. */
ptrdiff_t model_sample(const Model *model, const int64_t *ids, size_t batch, size_t count, State state,
                       const double *draws, const Choice *choice, int32_t *counts, const int32_t *recent, size_t window,
                       int64_t *chosen, size_t threads);

/* Numbers that `choose` needs room for. */
static inline size_t choice_scratch(size_t size) { return 4 * (size + 8); }

/* Those that this machine can run, best first; NULL ends them. */
const Kernels *const *kernels_here(void);

extern const Kernels kernels_plain;
#if defined(__x86_64__) && defined(__GNUC__)
#define GEN_X86 1
extern const Kernels kernels_avx2, kernels_avxvnni, kernels_avx512;
#endif
#if defined(__aarch64__) && defined(__GNUC__)
#define GEN_NEON 1
extern const Kernels kernels_neon;
#endif

#endif
