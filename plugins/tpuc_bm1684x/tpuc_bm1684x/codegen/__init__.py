"""From a grouped model to commands: steps, slices, and the order in which transfers and computations are issued."""
