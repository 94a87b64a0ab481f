/* Element copies between two strided 4-d tensors, each in a flat buffer or spread over the lanes of local memory. */
#ifndef TPUC_COPY_H
#define TPUC_COPY_H

#include <stdint.h>
#include "variant.h"

#define LANES 64
#define LANE_BYTES (256 * 1024)

typedef struct {
    uint8_t *base;     /* of element 0; of lane 0 at the tensor's offset in the lane where lane_axis >= 0 */
    int64_t shape[4];
    int64_t step[4];   /* bytes; on lane_axis from slot to slot */
    int lane_axis;     /* the axis that counts lanes from first_lane on; -1: a flat tensor */
    int first_lane;
    uint64_t lane_mask; /* lanes that are written; ignored on the source */
} tensor_place;

/* Element k of the source, in order of the axes, goes to element k of the destination; one element after another, so
   that an element written early is seen by a later read. Both have the same number of elements. */
DECLARE(void, copy_elements, (const tensor_place *source, const tensor_place *destination, int element_bytes));
#define COPY_ELEMENTS(use_avx2, ...) DISPATCH(use_avx2, copy_elements)(__VA_ARGS__)

#endif
