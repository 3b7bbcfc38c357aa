"""Arrays in files: NumPy archives, HDF5, and the data folder."""
