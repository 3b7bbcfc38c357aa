"""Many representation files in, score files and one scores.csv out."""

from .batch import Report, evaluate_paths
from .finding import find_representations
from .run_records import find_runs, read_run
from .score_files import read_score, scores_folder

__all__ = [
    "Report",
    "evaluate_paths",
    "find_representations",
    "find_runs",
    "read_run",
    "read_score",
    "scores_folder",
]
