/* Element-wise loops over strided tensors that share one shape (broadcast operands have steps of 0). */
#ifndef TPUC_GRID_H
#define TPUC_GRID_H

#include <stdint.h>
#include "variant.h"

#define GRID_AXES 6
#define GRID_TENSORS 6

enum element_kind { KIND_I8, KIND_U8, KIND_I16, KIND_U16, KIND_I32, KIND_U32, KIND_F16, KIND_BF16, KIND_F32,
                   KIND_COUNT };

typedef struct {
    int axes, tensors;
    int threads;
    int64_t shape[GRID_AXES];
    char *data[GRID_TENSORS]; /* tensor 0 is the result */
    int64_t step[GRID_TENSORS][GRID_AXES]; /* bytes */
    int kind[GRID_TENSORS];
} grid;

static inline int kind_bytes(int kind)
{
    static const int bytes[KIND_COUNT] = {1, 1, 2, 2, 4, 4, 2, 2, 4};
    return bytes[kind];
}

static inline int kind_is_float(int kind)
{
    return kind >= KIND_F16;
}

static inline int kind_is_signed(int kind)
{
    return kind == KIND_I8 || kind == KIND_I16 || kind == KIND_I32;
}

#endif
