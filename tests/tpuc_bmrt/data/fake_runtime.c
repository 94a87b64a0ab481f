/* A runtime library for tests: y = x + 1 on one i8 input [2,3] of scale 2 (real to stored), output scale 0.5.
   The first word of the "model" file tells it how to misbehave: good, refuse, abort, exit, hang, fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { int dimensions, sizes[8]; } shape_t;
typedef struct { shape_t *inputs, *outputs; void *input_memories, *output_memories; } stage_t;
typedef struct {
    const char *name; _Bool is_dynamic;
    int input_count; const char **input_names; int *input_types; float *input_scales;
    int output_count; const char **output_names; int *output_types; float *output_scales;
    int stage_count; stage_t *stages; size_t *max_input_bytes, *max_output_bytes;
    int *input_zero_points, *output_zero_points;
} net_t;

static char manner[16];
static shape_t shape = {2, {2, 3}};
static stage_t stage = {&shape, &shape, 0, 0};
static const char *x_name = "x", *y_name = "y", *net_name = "net";
static int i8_type = 2, zero = 0;
static float input_scale = 2.0f, output_scale = 0.5f;
static size_t bytes = 6;
static net_t net;

int bm_dev_request(void **handle, int device) { (void)device; *handle = &net; return 0; }
int bm_thread_sync(void *handle) { (void)handle; return 0; }
void *bmrt_create(void *handle) { return handle; }

_Bool bmrt_load_bmodel(void *runtime, const char *path) {
    (void)runtime;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%15s", manner) != 1) return 0;
    fclose(file);
    printf("loading %s\n", manner);
    fflush(stdout);
    net = (net_t){net_name, 0, 1, &x_name, &i8_type, &input_scale, 1, &y_name, &i8_type, &output_scale, 1, &stage,
                  &bytes, &bytes, &zero, &zero};
    return strcmp(manner, "refuse") != 0;
}

int bmrt_get_network_number(void *runtime) { (void)runtime; return 1; }
void bmrt_get_network_names(void *runtime, const char ***names) { (void)runtime; *names = &net_name; }
const net_t *bmrt_get_network_info(void *runtime, const char *name) { (void)runtime; (void)name; return &net; }

_Bool bmrt_launch_data(void *runtime, const char *name, void **in, shape_t *in_shapes, int ins, void **out, shape_t *out_shapes,
                       int outs, _Bool user) {
    (void)runtime; (void)name; (void)in_shapes; (void)ins; (void)outs; (void)user;
    if (!strcmp(manner, "abort")) abort();
    if (!strcmp(manner, "exit")) exit(7);
    if (!strcmp(manner, "hang")) pause();
    if (!strcmp(manner, "fail")) return 0;
    for (size_t i = 0; i < bytes; i++) ((signed char *)out[0])[i] = ((signed char *)in[0])[i] + 1;
    out_shapes[0] = shape;
    return 1;
}
