"""Names of the operations of each opcode: the values of `tsk_eu_typ`, and of `cmd_special_function` for the GDMA."""

# fmt: off
CONVOLUTION = {0: "conv", 1: "conv_requantize", 2: "conv_requantize_relu"}
POOLING = {0: "depthwise", 1: "average_pool", 2: "depthwise_relu", 4: "max_pool",
           5: "roi_depthwise", 6: "roi_average_pool", 7: "roi_max_pool"}
MATRIX_MULTIPLY = {1: "mm", 2: "mm_requantize", 3: "mm_requantize_relu"}
MATRIX_MULTIPLY2 = {4: "mm2_nn", 5: "mm2_nt", 6: "mm2_tt"}
ARITHMETIC = {
    0: "mul", 1: "not", 2: "add", 3: "sub", 4: "max", 5: "min", 6: "shift_logic", 7: "and", 8: "or", 9: "xor",
    10: "select_gt", 11: "select_eq", 12: "div", 13: "select_lt", 14: "cast", 15: "adds", 16: "subs", 17: "clamp",
    18: "mac", 19: "copy", 20: "muls", 21: "shift_arith", 22: "rotate", 23: "mul_high",
    24: "eu_index", 25: "lane_index", 26: "abs", 27: "abs_difference", 28: "copy_batch", 29: "first_one",
    30: "first_zero",
}
REQUANTIZE = {0: "requantize_float", 1: "requantize_int", 3: "dequantize_float", 4: "dequantize_int"}
TRANSPOSE = {0: "cw_transpose", 1: "wc_transpose", 2: "lane_copy", 3: "lane_broadcast", 4: "static_broadcast",
             5: "static_distribute"}
SCATTER_GATHER = {
    0: "gather_d1", 1: "gather_d2", 2: "gather_rec", 3: "scatter_d1", 4: "scatter_d2", 5: "pe_gather", 6: "pe_scatter",
    7: "pem_gather", 8: "pe_select", 9: "pe_nonzero", 10: "pe_scatter_pp", 11: "gather_perw", 12: "scatter_perw",
    13: "pe_gather_hzd", 14: "pe_scatter_hzd", 15: "pe_select_hzd", 16: "pe_nonzero_hzd",
}
SCATTER_GATHER_LINE = {17: "gather_line", 18: "scatter_line", 19: "select_line"}
SEGMENT: dict[int, str] = {}
SPECIAL_FUNCTION = {12: "taylor_4x", 13: "taylor", 15: "normalize", 17: "rsqrt"}
LINEAR = {1: "linear_mac", 20: "square_sum", 21: "square_difference"}
COMPARE = {22: "gt_and_select", 23: "select_gt", 24: "select_eq", 25: "lt_and_select", 26: "select_lt"}
VECTOR_PAIRS = {number: f"pairs_{name}" for number, name in ARITHMETIC.items()
                if number in (0, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 20, 23)}
SYSTEM = {2: "lane_register", 3: "lane_register_load", 4: "lane_register_collect", 31: "end"}

DMA_TENSOR = {0: "copy", 1: "nc_transpose", 2: "cw_transpose", 3: "broadcast", 4: "cw_transpose", 5: "copy_4_banks",
              6: "broadcast_4_banks"}
DMA_MATRIX = {0: "matrix", 1: "matrix_transposed"}
DMA_MASKED_SELECT = {0: "masked_select"}
DMA_GENERAL = {0: "linear_copy", 1: "linear_broadcast"}
DMA_CW_TRANSPOSE = {0: "cw_transpose"}
DMA_NONZERO = {0: "nonzero"}
DMA_SYSTEM = {0: "end", 1: "nop"}
DMA_GATHER = {0: "gather_rows"}
DMA_SCATTER = {0: "scatter_rows"}
