/* A model's weights in the order in which they are read. */

#include "arena.h"
#include "engine.h"

#include <math.h>
#include <string.h>

enum { LARGEST_TABLE = 8 << 20 }; /* bytes: beyond, a row of it costs more than the product it saves */

static const int gate_count[] = {[RNN] = 1, [LSTM] = 4, [GRU] = 3};

static size_t whole_blocks(size_t size) { return (size + BLOCK - 1) / BLOCK * BLOCK; }

/* Which of the caller's rows is output number `output`; -1 is filling. Gates of a unit stand apart there, by H rows. */
static ptrdiff_t row_of(size_t output, size_t gates, size_t hidden) {
    size_t block = output / (BLOCK * gates), gate = output / BLOCK % gates;
    size_t unit = block * BLOCK + output % BLOCK;
    return unit < hidden ? (ptrdiff_t)(gate * hidden + unit) : -1;
}

static void pack_int8(Matrix *m, size_t output, const float *row, size_t columns) {
    size_t start = output / BLOCK / m->panel * m->panel;
    size_t groups = start + m->panel <= m->groups ? m->panel : m->groups - start;
    float most = 0.0f;
    for (size_t k = 0; k < columns; k++) most = fabsf(row[k]) > most ? fabsf(row[k]) : most;
    int32_t sum = 0;
    int8_t *place = m->bytes + start * BLOCK * m->inputs + (output - start * BLOCK) * QUAD;
    for (size_t k = 0; most > 1e-30f && k < columns; k++) {
        int32_t byte = (int32_t)lrintf(row[k] * (127.0f / most));
        place[k / QUAD * groups * BLOCK * QUAD + k % QUAD] = (int8_t)byte;
        sum += byte;
    }
    m->scales[output] = most > 1e-30f ? most / 127.0f : 0.0f;
    m->offsets[output] = 128 * sum;
}

/* A matrix of `columns` columns; gates of `hidden` units, or one "gate" of the outputs. */
static void lay_matrix(Matrix *m, char *base, size_t *place, int is_int8, size_t columns, size_t gates, size_t hidden) {
    m->inputs = whole_blocks(columns);
    m->groups = gates * whole_blocks(hidden) / BLOCK;
    m->panel = gates == 3 ? 3 : PANEL;
    size_t outputs = m->groups * BLOCK;
    m->weights = is_int8 ? NULL : lay(base, place, outputs * m->inputs * sizeof(float));
    m->bytes = is_int8 ? lay(base, place, outputs * m->inputs) : NULL;
    m->scales = is_int8 ? lay(base, place, outputs * sizeof(float)) : NULL;
    m->offsets = is_int8 ? lay(base, place, outputs * sizeof(int32_t)) : NULL;
}

/* Rows are `stride` apart, gate by gate. */
static void pack(Matrix *m, const float *rows, size_t columns, size_t stride, size_t gates, size_t hidden) {
    for (size_t output = 0; output < m->groups * BLOCK; output++) {
        ptrdiff_t row = row_of(output, gates, hidden);
        if (row < 0) continue;
        if (m->bytes) {
            pack_int8(m, output, rows + row * stride, columns);
            continue;
        }
        size_t start = output / BLOCK / m->panel * m->panel;
        size_t groups = start + m->panel <= m->groups ? m->panel : m->groups - start;
        float *place = m->weights + start * BLOCK * m->inputs + (output - start * BLOCK);
        for (size_t k = 0; k < columns; k++) place[k * groups * BLOCK] = rows[row * stride + k];
    }
}

static size_t matrix_bytes(const Matrix *m) {
    if (m->bytes) return m->groups * BLOCK * (m->inputs + sizeof *m->scales + sizeof *m->offsets);
    return m->weights ? m->groups * BLOCK * m->inputs * sizeof(float) : 0;
}

/* W x + b of the first layer for each id: as exact in int8. */
static int build_table(Model *model, const LayerWeights *first) {
    size_t outputs = model->units * model->gates, hidden = model->hidden, size = 0;
    Matrix whole;
    lay_matrix(&whole, NULL, &size, 0, hidden, model->gates, hidden);
    lay(NULL, &size, model->units * sizeof(float));
    lay(NULL, &size, outputs * sizeof(float));
    char *memory = arena_new(size, size);
    if (!memory) return -1;
    size = 0;
    lay_matrix(&whole, memory, &size, 0, hidden, model->gates, hidden);
    float *row = lay(memory, &size, model->units * sizeof(float)), *sums = lay(memory, &size, outputs * sizeof(float));
    pack(&whole, first->input_weight, hidden, hidden, model->gates, hidden);
    const Kernels *kernels = model->is_int8 ? &kernels_plain : model->kernels; /* int8: the same on every machine */
    size_t width = whole.panel * BLOCK, panels = (whole.groups + whole.panel - 1) / whole.panel;
    for (size_t id = 0; id < model->vocabulary; id++) {
        memcpy(row, model->embedding + id * hidden, hidden * sizeof(float));
        memcpy(sums, model->layer[0].bias, outputs * sizeof(float));
        kernels->product(&whole, 0, panels, row, model->units, 1, sums, outputs);
        for (size_t panel = 0; panel < panels; panel++) {
            size_t size = (panel + 1) * width <= outputs ? width : outputs - panel * width;
            memcpy(model->table + (panel * model->vocabulary + id) * width, sums + panel * width, size * sizeof(float));
        }
    }
    arena_free(memory);
    return 0;
}

/* The weights that each id reads stand first and together. */
static size_t lay_model(Model *model, char *base) {
    size_t place = 0, hidden = model->hidden, gates = model->gates, outputs = model->units * gates, read = 0;
    int with_table = model->vocabulary * outputs * sizeof(float) <= LARGEST_TABLE;
    model->layer = lay(base, &place, model->layers * sizeof(Layer));
    for (size_t i = 0; i < model->layers; i++) {
        Layer layer = {0};
        if (i || !with_table) lay_matrix(&layer.input, base, &place, model->is_int8, hidden, gates, hidden);
        else if (model->ngram_table)
            lay_matrix(&model->ngram_input, base, &place, model->is_int8, model->ngram_width, gates, hidden);
        lay_matrix(&layer.recurrent, base, &place, model->is_int8, hidden, gates, hidden);
        layer.bias = lay(base, &place, outputs * sizeof(float));
        layer.recurrent_bias = lay(base, &place, model->cell == GRU ? outputs * sizeof(float) : 0);
        read += matrix_bytes(&layer.input) + matrix_bytes(&layer.recurrent);
        if (base) model->layer[i] = layer;
    }
    lay_matrix(&model->output, base, &place, model->is_int8, hidden, 1, model->vocabulary);
    model->output_bias = lay(base, &place, model->output.groups * BLOCK * sizeof(float));
    model->table = lay(base, &place, with_table ? model->vocabulary * (outputs + 3 * BLOCK) * sizeof(float) : 0);
    model->weight_bytes = read + matrix_bytes(&model->ngram_input) + matrix_bytes(&model->output);
    return place;
}

int model_build(Model *model, const LayerWeights *layers, const float *output_weight, const float *output_bias) {
    size_t hidden = model->hidden, gates = gate_count[model->cell];
    model->gates = gates;
    model->units = whole_blocks(hidden);
    size_t size = lay_model(model, NULL);
    if (!(model->arena = arena_new(size, size))) return -1;
    lay_model(model, model->arena);
    for (size_t i = 0; i < model->layers; i++) {
        Layer *layer = &model->layer[i];
        for (size_t output = 0; output < model->units * gates; output++) {
            ptrdiff_t row = row_of(output, gates, hidden);
            if (row < 0) continue;
            layer->bias[output] = layers[i].bias[row];
            if (model->cell == GRU && row >= 2 * (ptrdiff_t)hidden) /* of the candidate only */
                layer->recurrent_bias[output] = layers[i].recurrent_bias[row - 2 * hidden];
        }
        if (i || !model->table) pack(&layer->input, layers[i].input_weight, hidden, hidden, gates, hidden);
        pack(&layer->recurrent, layers[i].recurrent_weight, hidden, hidden, gates, hidden);
    }
    if (model->ngram_table && model->table)
        pack(&model->ngram_input, layers[0].input_weight, model->ngram_width, hidden, gates, hidden);
    pack(&model->output, output_weight, hidden, hidden, 1, model->vocabulary);
    memcpy(model->output_bias, output_bias, model->vocabulary * sizeof(float));
    return model->table ? build_table(model, &layers[0]) : 0;
}

void model_free(Model *model) { arena_free(model->arena); }
