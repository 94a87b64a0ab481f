/* How a product is cut into tiles, one panel of columns by a range of row groups, that threads take in any order. */
#ifndef TPUC_GEMM_TILES_H
#define TPUC_GEMM_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "gemm.h"

typedef struct {
    int64_t rows, columns, panels, tile_rows, tiles;
} gemm_grid;

typedef struct {
    int64_t first_row, last_row, first_column, last_column;
} gemm_tile;

/* Panels of columns are enough for all threads where there are many; else rows are cut too. */
static inline gemm_grid gemm_grid_make(int64_t rows, int64_t columns, int threads)
{
    gemm_grid g = {rows, columns, (columns + GEMM_COLUMNS - 1) / GEMM_COLUMNS, rows, 0};
    int64_t groups = (rows + GEMM_ROWS - 1) / GEMM_ROWS, wanted = threads > 1 ? 4 * threads : 1;
    int64_t parts = g.panels >= wanted || !g.panels ? 1 : (wanted + g.panels - 1) / g.panels;
    parts = parts > groups ? groups : parts;
    if (parts < 1)
        parts = 1;
    g.tile_rows = (groups + parts - 1) / parts * GEMM_ROWS;
    g.tiles = rows ? g.panels * ((rows + g.tile_rows - 1) / g.tile_rows) : 0;
    return g;
}

static inline gemm_tile gemm_grid_tile(const gemm_grid *g, int64_t i)
{
    gemm_tile t;
    t.first_column = i % g->panels * GEMM_COLUMNS;
    t.first_row = i / g->panels * g->tile_rows;
    t.last_column = t.first_column + GEMM_COLUMNS < g->columns ? t.first_column + GEMM_COLUMNS : g->columns;
    t.last_row = t.first_row + g->tile_rows < g->rows ? t.first_row + g->tile_rows : g->rows;
    return t;
}

/* Bytes of scratch memory of a thread. */
size_t gemm_f32_scratch(const gemm_grid *grid);
size_t gemm_int_scratch(const gemm_grid *grid);

/* Where a result is NaN, put the one that the chip's operand order gives. */
void gemm_f32_repair(const gemm_f32 *job, const gemm_tile *tile);

void gemm_f32_tile_avx2(const gemm_f32 *job, const gemm_tile *tile, void *scratch);
void gemm_int_tile_avx2(const gemm_int *job, const gemm_tile *tile, void *scratch);

#endif
