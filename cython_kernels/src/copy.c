#include "copy.h"

#include <string.h>

/* A walk over a tensor in runs: stretches of elements with one step, as long as the layout allows. */
typedef struct {
    const tensor_place *place;
    int axes;          /* outer axes: place->shape[outer[0..axes-1]] */
    int outer[4];
    int64_t index[4];
    int64_t length, step; /* of a run */
    uint8_t *at;       /* next element of the current run */
    int64_t left;      /* elements left in it */
    int is_masked;     /* the current run lies in a lane that is not written */
} walk;

static void start_run(walk *w) {
    const tensor_place *p = w->place;
    uint8_t *at = p->base;
    w->is_masked = 0;
    int64_t lane = p->first_lane;
    for (int k = 0; k < w->axes; k++)
        if (w->outer[k] == p->lane_axis) lane += w->index[k];
        else at += w->index[k] * p->step[w->outer[k]];
    if (p->lane_axis >= 0) {
        at += (lane / LANES) * p->step[p->lane_axis] + (lane % LANES) * LANE_BYTES;
        w->is_masked = !(p->lane_mask >> (lane % LANES) & 1);
    }
    w->at = at;
    w->left = w->length;
}

static void start_walk(walk *w, const tensor_place *p) {
    int axis = 3;
    w->place = p;
    w->length = 1;
    w->step = 0;
    for (; axis >= 0; axis--) {
        if (p->shape[axis] == 1) continue;
        if (axis == p->lane_axis) break;
        if (w->length == 1) w->step = p->step[axis];
        else if (p->step[axis] != w->length * w->step) break;
        w->length *= p->shape[axis];
    }
    w->axes = 0;
    for (int k = 0; k <= axis; k++)
        if (p->shape[k] != 1) {
            w->index[w->axes] = 0;
            w->outer[w->axes++] = k;
        }
    start_run(w);
}

static void next_run(walk *w) {
    for (int k = w->axes - 1; k >= 0; k--) {
        if (++w->index[k] < w->place->shape[w->outer[k]]) break;
        w->index[k] = 0;
    }
    start_run(w);
}

#define COPY_EACH(bytes)                                              \
    for (int64_t i = 0; i < count; i++) {                             \
        uint8_t element[bytes];                                       \
        memcpy(element, from + i * from_step, bytes);                 \
        memcpy(to + i * to_step, element, bytes);                     \
    }

static void copy_run(uint8_t *to, int64_t to_step, const uint8_t *from, int64_t from_step, int64_t count,
                     int element_bytes) {
    int64_t bytes = count * element_bytes;
    int is_contiguous = count == 1 || (to_step == element_bytes && from_step == element_bytes);
    if (is_contiguous && (to + bytes <= from || from + bytes <= to)) {
        memcpy(to, from, (size_t)bytes);
        return;
    }
    switch (element_bytes) {
    case 1: COPY_EACH(1) break;
    case 2: COPY_EACH(2) break;
    case 4: COPY_EACH(4) break;
    default: COPY_EACH(8) break;
    }
}

void VARIANT(copy_elements)(const tensor_place *source, const tensor_place *destination, int element_bytes) {
    walk from, to;
    int64_t total = 1;
    for (int k = 0; k < 4; k++) total *= destination->shape[k];
    if (total == 0) return;
    start_walk(&from, source);
    start_walk(&to, destination);
    for (;;) {
        int64_t count = from.left < to.left ? from.left : to.left;
        if (!to.is_masked) copy_run(to.at, to.step, from.at, from.step, count, element_bytes);
        total -= count;
        if (total == 0) return;
        from.at += count * from.step;
        to.at += count * to.step;
        from.left -= count;
        to.left -= count;
        if (from.left == 0) next_run(&from);
        if (to.left == 0) next_run(&to);
    }
}
