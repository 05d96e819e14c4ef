"""The promise put to the test: a pipeline in a faulty world, killed at every point, and its whole history checked."""
