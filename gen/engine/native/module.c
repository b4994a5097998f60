/* The Python module `gen.engine._native`. It trusts its one caller, gen/engine/native_engine.py, with shapes and types,
   and checks only that each buffer is large enough for what is done with it. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "arena.h"
#include "engine.h"
#include "team.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    PyObject_HEAD
    Model model;
    Py_buffer embedding, ngram_table; /* held as long as the model */
} ModelObject;

/* A buffer of at least `count` items of `size` bytes, or an exception. None gives NULL where that is allowed. */
static int get(PyObject *object, Py_buffer *view, size_t count, size_t size, int writable, int optional) {
    view->obj = NULL;
    view->buf = NULL;
    if (optional && object == Py_None) return 0;
    if (PyObject_GetBuffer(object, view, PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0))) return -1;
    if (view->len >= 0 && (size_t)view->itemsize == size && (size_t)view->len / size >= count) return 0;
    PyErr_Format(PyExc_ValueError, "a buffer of %zd bytes, of %zd each; needed are %zu of %zu", view->len,
                 view->itemsize, count, size);
    PyBuffer_Release(view);
    view->buf = NULL;
    return -1;
}

static void release(Py_buffer *views, int count) {
    for (int i = 0; i < count; i++)
        if (views[i].obj) PyBuffer_Release(&views[i]);
}

static const Kernels *named(const char *name) {
    for (const Kernels *const *kernels = kernels_here(); *kernels; kernels++)
        if (!strcmp((*kernels)->name, name)) return *kernels;
    PyErr_Format(PyExc_ValueError, "no instruction set %s on this machine", name);
    return NULL;
}

static int build(ModelObject *self, PyObject *weights) {
    Model *model = &self->model;
    size_t hidden = model->hidden, gates = model->cell == LSTM ? 4 : model->cell == GRU ? 3 : 1;
    size_t each = model->cell == GRU ? 4 : 3, count = 1 + (model->ngrams > 1) + model->layers * each + 2, next = 0;
    if ((size_t)PyTuple_Size(weights) != count) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "%zu weights are needed", count);
        return -1;
    }
    Py_buffer *views = calloc(count, sizeof *views);
    LayerWeights *layers = calloc(model->layers, sizeof *layers);
    int failed = !views || !layers;
    if (failed) PyErr_NoMemory();
#define TAKE(items) (failed = failed || get(PyTuple_GetItem(weights, next), &views[next], items, 4, 0, 0), views[next++].buf)
    if (!failed) {
        model->embedding = TAKE(model->vocabulary * hidden);
        if (model->ngrams > 1) model->ngram_table = TAKE(model->ngram_rows * model->ngram_width);
        for (size_t i = 0; i < model->layers; i++) {
            layers[i].input_weight = TAKE(gates * hidden * hidden);
            layers[i].recurrent_weight = TAKE(gates * hidden * hidden);
            layers[i].bias = TAKE(gates * hidden);
            if (model->cell == GRU) layers[i].recurrent_bias = TAKE(hidden);
        }
        const float *output_weight = TAKE(model->vocabulary * hidden), *output_bias = TAKE(model->vocabulary);
        if (!failed && model_build(model, layers, output_weight, output_bias)) {
            failed = 1;
            PyErr_NoMemory();
        }
    }
#undef TAKE
    int held = 1 + (model->ngrams > 1);
    if (!failed) {
        self->embedding = views[0];
        if (held > 1) self->ngram_table = views[1];
        release(views + held, (int)count - held);
    } else if (views)
        release(views, (int)count);
    free(views);
    free(layers);
    return failed ? -1 : 0;
}

static PyObject *model_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    const char *name;
    int cell, is_int8;
    Py_ssize_t layers, hidden, vocabulary, ngrams, rows, width, residual;
    PyObject *weights;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "sipnnnnnnnO!", &name, &cell, &is_int8, &layers, &hidden, &vocabulary, &ngrams, &rows,
                          &width, &residual, &PyTuple_Type, &weights))
        return NULL;
    const Kernels *kernels = named(name);
    if (!kernels) return NULL;
    if (cell < RNN || cell > GRU || layers < 1 || hidden < 1 || vocabulary < 1 || ngrams < 1 || ngrams > MAX_NGRAMS ||
        rows < 1 || width < 0 || width > hidden || residual < 0 || hidden > 65536 || vocabulary > 1 << 24)
        return PyErr_Format(PyExc_ValueError, "no shape of a model");
    ModelObject *self = (ModelObject *)PyType_GenericAlloc(type, 0);
    if (!self) return NULL;
    self->model = (Model){.cell = (Cell)cell, .is_int8 = is_int8, .layers = layers, .hidden = hidden,
                          .vocabulary = vocabulary, .ngrams = ngrams, .ngram_rows = rows,
                          .ngram_width = ngrams > 1 ? width : 0, .first_residual = residual, .kernels = kernels};
    if (build(self, weights)) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void model_dealloc(PyObject *object) {
    ModelObject *self = (ModelObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    model_free(&self->model);
    release(&self->embedding, 1);
    release(&self->ngram_table, 1);
    freefunc free_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free_object(object);
    Py_DECREF(type);
}

static int ids_fit(const int64_t *ids, size_t count, size_t vocabulary) {
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocabulary) {
            PyErr_Format(PyExc_ValueError, "id %lld is outside the vocabulary of %zu", (long long)ids[i], vocabulary);
            return 0;
        }
    return 1;
}

/* The state's three buffers, which are changed in place. */
static int get_state(const Model *model, size_t batch, PyObject *h, PyObject *c, PyObject *context, Py_buffer *views,
                     State *state) {
    size_t size = model->layers * batch * model->hidden;
    if (get(h, &views[0], size, 4, 1, 0)) return -1;
    if (get(c, &views[1], size, 4, 1, model->cell != LSTM)) return -1;
    if (get(context, &views[2], (model->ngrams - 1) * batch, 8, 1, model->ngrams == 1)) return -1;
    *state = (State){views[0].buf, views[1].buf, views[2].buf};
    return 0;
}

PyDoc_STRVAR(read_doc, "read(ids, batch, length, h, c, context, logits, after_each, threads)");
static PyObject *read_method(PyObject *object, PyObject *args) {
    const Model *model = &((ModelObject *)object)->model;
    PyObject *ids, *h, *c, *context, *logits, *result = NULL;
    Py_ssize_t batch, length, threads;
    int after_each;
    if (!PyArg_ParseTuple(args, "OnnOOOOpn", &ids, &batch, &length, &h, &c, &context, &logits, &after_each, &threads))
        return NULL;
    if (batch < 1 || length < 1 || threads < 1) return PyErr_Format(PyExc_ValueError, "nothing to read");
    Py_buffer views[5] = {0};
    State state;
    if (get_state(model, batch, h, c, context, views, &state) || get(ids, &views[3], batch * length, 8, 0, 0) ||
        get(logits, &views[4], (after_each ? batch * length : batch) * model->vocabulary, 4, 1, 0) ||
        !ids_fit(views[3].buf, batch * length, model->vocabulary))
        goto end;
    int failed;
    Py_BEGIN_ALLOW_THREADS;
    failed = model_read(model, views[3].buf, batch, length, state, views[4].buf, after_each, threads);
    Py_END_ALLOW_THREADS;
    result = failed ? PyErr_NoMemory() : Py_NewRef(Py_None);
end:
    release(views, 5);
    return result;
}

PyDoc_STRVAR(sample_doc, "sample(ids, batch, count, h, c, context, draws, bias, numbers, counts, recent, window, chosen, "
                         "threads)");
static PyObject *sample_method(PyObject *object, PyObject *args) {
    const Model *model = &((ModelObject *)object)->model;
    PyObject *ids, *h, *c, *context, *draws, *bias, *counts, *recent, *chosen, *result = NULL;
    Py_ssize_t batch, count, top_k, window, threads;
    Choice choice;
    if (!PyArg_ParseTuple(args, "OnnOOOOO(dddnddd)OOnOn", &ids, &batch, &count, &h, &c, &context, &draws, &bias,
                          &choice.repeat, &choice.presence, &choice.frequency, &top_k, &choice.top_p,
                          &choice.log_min_p, &choice.temperature, &counts, &recent, &window, &chosen, &threads))
        return NULL;
    if (batch < 1 || count < 0 || top_k < 0 || window < 0 || threads < 1)
        return PyErr_Format(PyExc_ValueError, "nothing to sample");
    choice.top_k = top_k;
    Py_buffer views[9] = {0};
    State state;
    if (get_state(model, batch, h, c, context, views, &state) || get(ids, &views[3], batch, 8, 0, 0) ||
        get(draws, &views[4], batch * count, 8, 0, 0) || get(bias, &views[5], model->vocabulary, 8, 0, 1) ||
        get(counts, &views[6], batch * model->vocabulary, 4, 1, 1) ||
        get(recent, &views[7], batch * window, 4, 0, 1) || get(chosen, &views[8], batch * count, 8, 1, 0) ||
        !ids_fit(views[3].buf, batch, model->vocabulary))
        goto end;
    choice.bias = views[5].buf;
    ptrdiff_t done;
    Py_BEGIN_ALLOW_THREADS;
    done = model_sample(model, views[3].buf, batch, count, state, views[4].buf, &choice, views[6].buf, views[7].buf,
                        window, views[8].buf, threads);
    Py_END_ALLOW_THREADS;
    result = done < 0 ? PyErr_NoMemory() : PyLong_FromSsize_t(done);
end:
    release(views, 9);
    return result;
}

static PyObject *weight_bytes(PyObject *object, void *closure) {
    (void)closure;
    return PyLong_FromSize_t(((ModelObject *)object)->model.weight_bytes);
}

static PyMethodDef model_methods[] = {
    {"read", read_method, METH_VARARGS, read_doc},
    {"sample", sample_method, METH_VARARGS, sample_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef model_attributes[] = {
    {"weight_bytes", weight_bytes, NULL, "bytes of weights that one id has to read", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot model_slots[] = {
    {Py_tp_new, model_new},
    {Py_tp_dealloc, model_dealloc},
    {Py_tp_methods, model_methods},
    {Py_tp_getset, model_attributes},
    {0, NULL},
};

static PyType_Spec model_spec = {
    .name = "gen.engine._native.Model",
    .basicsize = sizeof(ModelObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = model_slots,
};

PyDoc_STRVAR(kernels_doc, "The instruction sets that this machine can run, best first.");
static PyObject *kernels_function(PyObject *module, PyObject *args) {
    (void)module, (void)args;
    PyObject *names = PyList_New(0);
    for (const Kernels *const *kernels = kernels_here(); names && *kernels; kernels++) {
        PyObject *name = PyUnicode_FromString((*kernels)->name);
        if (!name || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

typedef struct {
    const float *buffer;
    size_t size, rounds;
    float sums[MAX_THREADS];
} Reading;

static void read_part(Member member, void *argument) {
    Reading *reading = argument;
    size_t first, last;
    part(member, reading->size, 64, &first, &last);
    for (size_t round = 0; round < reading->rounds; round++)
        reading->sums[member.rank] += kernels_here()[0]->read(reading->buffer + first, last - first);
}

static double seconds_now(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Bytes a second; 0: no memory. */
static double measure_reading(size_t bytes, double seconds, size_t threads) {
    float *buffer = arena_new(bytes, bytes);
    if (!buffer) return 0.0;
    Reading reading = {.buffer = buffer, .size = bytes / sizeof *buffer, .rounds = 2};
    double began = seconds_now();
    together(threads, read_part, &reading);
    double rounds = 2 * seconds / (seconds_now() - began + 1e-9);
    reading.rounds = rounds > 2 ? (size_t)rounds : 2;
    began = seconds_now();
    together(threads, read_part, &reading);
    double spent = seconds_now() - began;
    arena_free(buffer);
    return (double)(bytes * reading.rounds) / (spent + 1e-9);
}

PyDoc_STRVAR(read_speed_doc, "read_speed(bytes, seconds, threads): bytes a second of a loop that reads so many.");
static PyObject *read_speed(PyObject *module, PyObject *args) {
    (void)module;
    Py_ssize_t bytes, threads;
    double seconds, speed;
    if (!PyArg_ParseTuple(args, "ndn", &bytes, &seconds, &threads)) return NULL;
    if (bytes < 1 || threads < 1) return PyErr_Format(PyExc_ValueError, "nothing to read");
    Py_BEGIN_ALLOW_THREADS;
    speed = measure_reading(bytes, seconds, threads);
    Py_END_ALLOW_THREADS;
    return speed > 0 ? PyFloat_FromDouble(speed) : PyErr_NoMemory();
}

static PyMethodDef module_methods[] = {
    {"kernels", kernels_function, METH_NOARGS, kernels_doc},
    {"read_speed", read_speed, METH_VARARGS, read_speed_doc},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    kernels_here();
    PyObject *type = PyType_FromModuleAndSpec(module, &model_spec, NULL);
    if (!type) return -1;
    int failed = PyModule_AddObjectRef(module, "Model", type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)module_exec}, {0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "The sampling engine in C: see native/engine.h.",
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
