"""The dialects of a model: `top` (float, no chip), `tpu` (a chip's arithmetic) and the quantized types `quant`."""
