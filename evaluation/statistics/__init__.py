"""Frames in, frames out: cells, selection, intervals, ranking, trends. No prose and no drawing."""
