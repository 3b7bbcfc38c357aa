"""Worker processes that measure at the same time, as they would train."""

from ..errors import BenchError
from .messages import Measure
from .processes import start_worker


class MeasuringWorkers:
    """Worker processes for measurements alone; a context manager that ends them.

    Parameters
    ----------
    settings : list of WorkerSettings
        One a worker.
    """

    def __init__(self, settings):
        self.settings = settings
        self._workers = []

    def __len__(self):
        return len(self.settings)

    def __enter__(self):
        try:
            for slot, settings in enumerate(self.settings):
                self._workers.append(start_worker(slot, settings))
            for worker in self._workers:
                self._receive(worker)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join()

    def measure(self, specs, sizes, seconds):
        """Measure runs in all workers at once.

        Parameters
        ----------
        specs, sizes, seconds
            As of `benchmark.workers.measuring.measure`.

        Returns
        -------
        list of tuple of Measurement
            One a worker.

        Raises
        ------
        BenchError
            If a worker process ends.
        """
        for worker in self._workers:
            sharing = sum(other.device == worker.device for other in self._workers)
            worker.connection.send(Measure(tuple(specs), tuple(sizes), seconds, sharing))
        return [self._receive(worker).measurements for worker in self._workers]

    def _receive(self, worker):
        try:
            return worker.connection.recv()
        except (EOFError, ConnectionError):
            worker.process.join()
            raise BenchError(
                "a worker process ended before it had measured "
                f"(exit code {worker.process.exitcode}); perhaps for want of memory: lower --jobs, "
                "--stack or batch_size"
            ) from None
