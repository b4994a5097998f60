/* Four bytes as one number. */

#ifndef GEN_QUAD_H
#define GEN_QUAD_H

#include <stdint.h>
#include <string.h>

static inline int32_t quad(const int8_t *bytes) {
    int32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#endif
