#include "gather.h"

#include <string.h>

static inline uint32_t read_index(const void *index, int bytes, int64_t i)
{
    switch (bytes) {
    case 1: return ((const uint8_t *)index)[i];
    case 2: return ((const uint16_t *)index)[i];
    default: return ((const uint32_t *)index)[i];
    }
}

static inline uint32_t skipped_index(int bytes)
{
    return bytes == 4 ? 0xffffffffu : (1u << 8 * bytes) - 1;
}

#define LOOK_UP(type, index_type)                                             \
    for (int64_t i = 0; i < count; i++)                                       \
        ((type *)result)[i] = ((const type *)table)[((const index_type *)index)[i]];

static int64_t gather_careful(void *result, const void *table, int64_t table_size, const void *index, int64_t count,
                              const gather_options *o)
{
    int64_t beyond = 0;
    uint32_t skipped = skipped_index(o->index_bytes);
    for (int64_t i = 0; i < count; i++) {
        char *to = (char *)result + i * o->element_bytes;
        uint32_t at = read_index(index, o->index_bytes, i);
        if (o->skips && at == skipped) {
            if (o->fills)
                memcpy(to, &o->fill, (size_t)o->element_bytes);
        } else if ((int64_t)at >= table_size) {
            beyond++;
        } else {
            memcpy(to, (const char *)table + (int64_t)at * o->element_bytes, (size_t)o->element_bytes);
        }
    }
    return beyond;
}

int64_t VARIANT(gather_row)(void *result, const void *table, int64_t table_size, const void *index, int64_t count,
                            const gather_options *o)
{
    if (o->index_bytes == 1 && table_size >= 256 && !o->skips) {
        switch (o->element_bytes) {
        case 1: LOOK_UP(uint8_t, uint8_t) return 0;
        case 2: LOOK_UP(uint16_t, uint8_t) return 0;
        case 4: LOOK_UP(uint32_t, uint8_t) return 0;
        default: break;
        }
    }
    return gather_careful(result, table, table_size, index, count, o);
}

int64_t VARIANT(scatter_row)(void *result, int64_t result_size, const void *values, const void *index, int64_t count,
                             const gather_options *o)
{
    int64_t beyond = 0;
    uint32_t skipped = skipped_index(o->index_bytes);
    for (int64_t i = 0; i < count; i++) {
        uint32_t at = read_index(index, o->index_bytes, i);
        if (o->skips && at == skipped)
            continue;
        if ((int64_t)at >= result_size)
            beyond++;
        else
            memcpy((char *)result + (int64_t)at * o->element_bytes, (const char *)values + i * o->element_bytes,
                   (size_t)o->element_bytes);
    }
    return beyond;
}
