/* Reading ids and choosing them: the layers' arithmetic is in the kernels, here is its order.

   All members of a team run through the same lines. A layer's products and cells are shared out by panels, so that each
   weight is read by one member only; what needs whole rows is shared out by rows; between the two they meet. */

#include "arena.h"
#include "engine.h"
#include "team.h"

#include <string.h>

enum { ROWS = 64 }; /* that are read at once, so that what is kept of them stays in the cache */

/* Rows as the products take them: floats, or bytes and what one of them is worth. */
typedef struct {
    float *floats;
    int8_t *bytes;
    float *scales;
} Operand;

typedef struct {
    const Model *model;
    size_t batch, span;      /* rows of the state, ids of each that are read at once */
    size_t members;          /* of the team, at most */
    float *h, *c;            /* (L, batch, units) */
    int64_t *context;        /* the caller's */
    float *x[2];             /* (span * batch, units): a layer's input, and its output: they take turns */
    float *gates;            /* (span * batch, gates of all units) */
    float *recurrent;        /* (batch, gates of all units), GRU only */
    float *ngrams;           /* (span * batch, width) */
    Operand input, ngram;    /* of x (span * batch) and of ngrams */
    Operand *hidden;         /* of h, for each layer (batch) */
    float *logits;           /* (span * batch, V filled up to groups) */
    double *scratch;         /* for a row's choice, of each member */
    void *arena;
    /* what is asked for */
    const int64_t *ids;
    size_t length;
    float *result;
    int after_each;
    const double *draws;
    const Choice *choice;
    int32_t *counts;
    const int32_t *recent;
    size_t window;
    int64_t *chosen;
    size_t done; /* ids of each row */
    int stopped;
} Work;

static size_t panels(const Matrix *m) { return (m->groups + m->panel - 1) / m->panel; }

/* ---- memory ---- */

static Operand lay_operand(char *base, size_t *place, int is_int8, size_t rows, size_t size) {
    Operand operand = {0};
    if (is_int8) {
        operand.bytes = lay(base, place, rows * size);
        operand.scales = lay(base, place, rows * sizeof(float));
    } else
        operand.floats = lay(base, place, rows * size * sizeof(float));
    return operand;
}

/* Returns the size of all; what must be zeros at first, since it is filled up, comes first: *zeros bytes. */
static size_t lay_out(Work *work, char *base, size_t *zeros) {
    const Model *model = work->model;
    size_t place = 0, rows = work->span * work->batch, floats = sizeof(float), units = model->units;
    size_t width = (model->ngram_width + BLOCK - 1) / BLOCK * BLOCK, outputs = units * model->gates;
    size_t numbers = work->choice ? work->members * choice_scratch(model->vocabulary) : 0;
    work->h = lay(base, &place, model->layers * work->batch * units * floats);
    work->c = lay(base, &place, model->cell == LSTM ? model->layers * work->batch * units * floats : 0);
    for (int i = 0; i < 2; i++) work->x[i] = lay(base, &place, rows * units * floats);
    work->ngrams = lay(base, &place, rows * width * floats);
    *zeros = place;
    work->gates = lay(base, &place, rows * outputs * floats);
    work->recurrent = lay(base, &place, model->cell == GRU ? work->batch * outputs * floats : 0);
    work->input = lay_operand(base, &place, model->is_int8, rows, units);
    work->ngram = lay_operand(base, &place, model->is_int8, rows, width);
    work->hidden = lay(base, &place, model->layers * sizeof(Operand));
    for (size_t layer = 0; layer < model->layers; layer++) {
        Operand operand = lay_operand(base, &place, model->is_int8, work->batch, units);
        if (base) work->hidden[layer] = operand;
    }
    work->logits = lay(base, &place, rows * model->output.groups * BLOCK * floats);
    work->scratch = lay(base, &place, numbers * sizeof(double));
    return place;
}

/* Between the caller's state and the filled-up one. */
static void exchange(const Work *work, float *theirs, float *ours, int out) {
    size_t hidden = work->model->hidden;
    for (size_t row = 0; theirs && row < work->model->layers * work->batch; row++) {
        float *there = theirs + row * hidden, *here = ours + row * work->model->units;
        memcpy(out ? there : here, out ? here : there, hidden * sizeof(float));
    }
}

/* ---- rows ---- */

static void activate(const Work *work, const float *rows, size_t size, Operand operand, size_t row) {
    if (operand.bytes)
        operand.scales[row] = work->model->kernels->quantize(rows + row * size, size, operand.bytes + row * size);
    else
        memcpy(operand.floats + row * size, rows + row * size, size * sizeof(float));
}

static void multiply(const Work *work, const Matrix *m, size_t first, size_t last, Operand x, size_t row, size_t rows,
                     float *out, size_t out_stride) {
    const Kernels *kernels = work->model->kernels;
    if (m->bytes)
        kernels->product_int8(m, first, last, x.bytes + row * m->inputs, m->inputs, x.scales + row, rows, out, out_stride);
    else
        kernels->product(m, first, last, x.floats + row * m->inputs, m->inputs, rows, out, out_stride);
}

/* The sum of the vectors of the n-grams that end at an id, and the context moved on. See gen/ngrams.py. */
static void read_ngrams(const Work *work, size_t stream, int64_t id, float *sums) {
    const Model *model = work->model;
    size_t width = model->ngram_width;
    uint64_t symbol = (uint64_t)id + 1, hashed = symbol;
    for (size_t n = 1; n < model->ngrams; n++) {
        int64_t *place = &work->context[(n - 1) * work->batch + stream];
        uint64_t earlier = (uint64_t)*place;
        *place = (int64_t)symbol;
        symbol = earlier;
        hashed = (hashed * 1140671485u + earlier) % 2147483647u;
        const float *vector = model->ngram_table + hashed % model->ngram_rows * width;
        if (n == 1) memcpy(sums, vector, width * sizeof(float));
        else model->kernels->add(sums, vector, sums, width);
    }
}

/* The first layer's input. */
static void embed(const Work *work, const int64_t *ids, size_t stride, size_t length, size_t stream) {
    const Model *model = work->model;
    size_t width = (model->ngram_width + BLOCK - 1) / BLOCK * BLOCK;
    for (size_t t = 0; t < length; t++) {
        size_t row = t * work->batch + stream;
        int64_t id = ids[stream * stride + t];
        float *x = work->x[0] + row * model->units, *sums = work->ngrams + row * width;
        memcpy(x, model->embedding + id * model->hidden, model->hidden * sizeof(float));
        if (model->ngram_table) {
            read_ngrams(work, stream, id, sums);
            model->kernels->add(x, sums, x, model->ngram_width);
        }
        if (!model->table) activate(work, work->x[0], model->units, work->input, row);
        else if (model->ngram_table) activate(work, work->ngrams, width, work->ngram, row);
    }
}

/* ---- layers ---- */

/* What the inputs add to the gates of the panels first ... last - 1. */
static void read_inputs(const Work *work, size_t index, const int64_t *ids, size_t stride, size_t rows, size_t first,
                        size_t last) {
    const Model *model = work->model;
    const Layer *layer = &model->layer[index];
    size_t outputs = model->units * model->gates, group = layer->recurrent.panel * BLOCK;
    size_t from = first * group, to = last * group < outputs ? last * group : outputs;
    int tabled = !index && model->table;
    for (size_t row = 0; row < rows; row++) {
        float *gates = work->gates + row * outputs;
        if (!tabled) {
            memcpy(gates + from, layer->bias + from, (to - from) * sizeof(float));
            continue;
        }
        const float *place = model->table + ids[row % work->batch * stride + row / work->batch] * group;
        for (size_t panel = first; panel < last; panel++) {
            size_t size = (panel + 1) * group <= to ? group : to - panel * group;
            memcpy(gates + panel * group, place + panel * model->vocabulary * group, size * sizeof(float));
        }
    }
    if (!tabled) multiply(work, &layer->input, first, last, work->input, 0, rows, work->gates, outputs);
    else if (model->ngram_table)
        multiply(work, &model->ngram_input, first, last, work->ngram, 0, rows, work->gates, outputs);
}

/* One id further: the products with h, and the cells, for the same panels. */
static void read_hidden(const Work *work, size_t index, size_t t, size_t first, size_t last) {
    const Model *model = work->model;
    const Layer *layer = &model->layer[index];
    size_t outputs = model->units * model->gates, group = layer->recurrent.panel * BLOCK, batch = work->batch;
    size_t from = first * group, to = last * group < outputs ? last * group : outputs;
    size_t unit = from / model->gates, units = (to - from) / model->gates;
    float *x = work->x[index % 2], *above = work->x[(index + 1) % 2];
    float *gates = work->gates + t * batch * outputs, *sums = gates;
    if (model->cell == GRU) {
        sums = work->recurrent;
        for (size_t row = 0; row < batch; row++)
            memcpy(sums + row * outputs + from, layer->recurrent_bias + from, (to - from) * sizeof(float));
    }
    multiply(work, &layer->recurrent, first, last, work->hidden[index], 0, batch, sums, outputs);
    for (size_t row = 0; row < batch; row++) {
        size_t state = (index * batch + row) * model->units + unit, place = (t * batch + row) * model->units + unit;
        float *h = work->h + state, *c = model->cell == LSTM ? work->c + state : NULL;
        model->kernels->cells[model->cell](gates + row * outputs + from, sums + row * outputs + from, h, c, units / BLOCK);
        if (index >= model->first_residual) model->kernels->add(x + place, h, above + place, units);
        else memcpy(above + place, h, units * sizeof(float));
    }
}

/* Reads `length` ids of each stream, ids[stream * stride + t], whose first layer's input is there, and leaves the last
   layer's outputs in `input`. */
static void advance(const Work *work, Member member, const int64_t *ids, size_t stride, size_t length) {
    const Model *model = work->model;
    size_t batch = work->batch, units = model->units, first, last, first_panel, last_panel;
    part(member, batch, 1, &first, &last);
    for (size_t index = 0; index < model->layers; index++) {
        part(member, panels(&model->layer[index].recurrent), 1, &first_panel, &last_panel);
        read_inputs(work, index, ids, stride, length * batch, first_panel, last_panel);
        for (size_t t = 0; t < length; t++) {
            read_hidden(work, index, t, first_panel, last_panel);
            meet(member);
            for (size_t row = first; row < last; row++) {
                activate(work, work->h + index * batch * units, units, work->hidden[index], row);
                activate(work, work->x[(index + 1) % 2], units, work->input, t * batch + row);
            }
            meet(member);
        }
    }
}

static void score(const Work *work, Member member, size_t row, size_t rows) {
    const Matrix *m = &work->model->output;
    size_t outputs = m->groups * BLOCK, first, last;
    part(member, panels(m), 1, &first, &last);
    size_t from = first * m->panel * BLOCK, to = last * m->panel * BLOCK < outputs ? last * m->panel * BLOCK : outputs;
    for (size_t i = 0; i < rows; i++)
        memcpy(work->logits + i * outputs + from, work->model->output_bias + from, (to - from) * sizeof(float));
    multiply(work, m, first, last, work->input, row, rows, work->logits, outputs);
    meet(member);
}

/* The state as the products take it. */
static void begin(const Work *work, Member member) {
    size_t first, last, units = work->model->units;
    part(member, work->batch, 1, &first, &last);
    for (size_t index = 0; index < work->model->layers; index++)
        for (size_t row = first; row < last; row++)
            activate(work, work->h + index * work->batch * units, units, work->hidden[index], row);
}

/* ---- what is asked for ---- */

static void read_all(Member member, void *argument) {
    Work *work = argument;
    const Model *model = work->model;
    size_t batch = work->batch, outputs = model->output.groups * BLOCK;
    size_t first_stream, last_stream;
    part(member, batch, 1, &first_stream, &last_stream);
    begin(work, member);
    for (size_t t = 0; t < work->length; t += work->span) {
        size_t length = work->length - t < work->span ? work->length - t : work->span;
        for (size_t stream = first_stream; stream < last_stream; stream++)
            embed(work, work->ids + t, work->length, length, stream);
        meet(member);
        advance(work, member, work->ids + t, work->length, length);
        int ends = t + length == work->length;
        if (!work->after_each && !ends) continue;
        size_t from = work->after_each ? 0 : (length - 1) * batch, rows = length * batch - from, first, last;
        score(work, member, from, rows);
        part(member, rows, 1, &first, &last);
        for (size_t i = first; i < last; i++) {
            size_t stream = i % batch, place = work->after_each ? stream * work->length + t + i / batch : stream;
            memcpy(work->result + place * model->vocabulary, work->logits + i * outputs, model->vocabulary * sizeof(float));
        }
        meet(member);
    }
}

/* Counts id number `place` of a row for the penalties, and no more the one that now leaves. */
static void count(const Work *work, size_t row, size_t place) {
    int32_t *counts = work->counts + row * work->model->vocabulary;
    const int64_t *chosen = work->chosen + row * work->length;
    counts[chosen[place]]++;
    if (!work->recent) return;
    int64_t leaving = place < work->window ? work->recent[row * work->window + place] : chosen[place - work->window];
    if (leaving >= 0) counts[leaving]--;
}

static void sample_all(Member member, void *argument) {
    Work *work = argument;
    const Model *model = work->model;
    size_t first, last, size = model->vocabulary, outputs = model->output.groups * BLOCK, length = work->length;
    part(member, work->batch, 1, &first, &last);
    begin(work, member);
    for (size_t row = first; length && row < last; row++) embed(work, work->ids, 1, 1, row);
    meet(member);
    for (size_t place = 0; place < length; place++) {
        advance(work, member, place ? work->chosen + place - 1 : work->ids, place ? length : 1, 1);
        score(work, member, 0, work->batch);
        for (size_t row = first; row < last; row++) {
            int64_t *id = work->chosen + row * length + place;
            *id = model->kernels->choose(work->choice, work->logits + row * outputs, size, work->draws[row * length + place],
                                         work->counts ? work->counts + row * size : NULL,
                                         work->scratch + member.rank * choice_scratch(size));
            if (*id < 0) {
                __atomic_store_n(&work->stopped, 1, __ATOMIC_RELAXED);
                continue;
            }
            if (work->counts) count(work, row, place);
            if (place + 1 < length) embed(work, work->chosen + place, length, 1, row);
        }
        meet(member);
        if (__atomic_load_n(&work->stopped, __ATOMIC_RELAXED)) return;
        if (!member.rank) work->done = place + 1;
    }
}

static int run(Work *work, State state, size_t threads, void (*all)(Member, void *)) {
    work->members = threads < MAX_THREADS ? threads : MAX_THREADS;
    size_t zeros, size = lay_out(work, NULL, &zeros);
    if (!(work->arena = arena_new(size, zeros))) return -1;
    lay_out(work, work->arena, &zeros);
    work->context = state.context;
    exchange(work, state.h, work->h, 0);
    exchange(work, state.c, work->c, 0);
    together(threads, all, work);
    exchange(work, state.h, work->h, 1);
    exchange(work, state.c, work->c, 1);
    arena_free(work->arena);
    return 0;
}

int model_read(const Model *model, const int64_t *ids, size_t batch, size_t length, State state, float *logits,
               int after_each, size_t threads) {
    size_t span = batch < ROWS ? ROWS / batch : 1;
    Work work = {.model = model, .batch = batch, .span = span < length ? span : length, .ids = ids, .length = length,
                 .result = logits, .after_each = after_each};
    return run(&work, state, threads, read_all);
}

ptrdiff_t model_sample(const Model *model, const int64_t *ids, size_t batch, size_t count, State state,
                       const double *draws, const Choice *choice, int32_t *counts, const int32_t *recent, size_t window,
                       int64_t *chosen, size_t threads) {
    Work work = {.model = model, .batch = batch, .span = 1, .ids = ids, .length = count, .draws = draws, .choice = choice,
                 .counts = counts, .recent = recent, .window = window, .chosen = chosen};
    return run(&work, state, threads, sample_all) ? -1 : (ptrdiff_t)work.done;
}
