/* Look-ups by index (the chip's SG instruction); data are moved as bits. */
#ifndef TPUC_GATHER_H
#define TPUC_GATHER_H

#include <stdint.h>
#include "variant.h"

typedef struct {
    int element_bytes, index_bytes;
    int skips;               /* an index of all ones is left out ... */
    int fills;               /* ... or gives this value */
    uint32_t fill;
} gather_options;

/* result[i] = table[index[i]] for `count` indices; returns how many of them, not skipped, lie beyond the table. */
DECLARE(int64_t, gather_row, (void *result, const void *table, int64_t table_size, const void *index, int64_t count,
                              const gather_options *options));
#define GATHER_ROW(use_avx2, ...) DISPATCH(use_avx2, gather_row)(__VA_ARGS__)

/* result[index[i]] = values[i], in order; returns how many indices lie beyond the result (they are left out). */
DECLARE(int64_t, scatter_row, (void *result, int64_t result_size, const void *values, const void *index, int64_t count,
                               const gather_options *options));
#define SCATTER_ROW(use_avx2, ...) DISPATCH(use_avx2, scatter_row)(__VA_ARGS__)

#endif
