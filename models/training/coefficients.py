"""The coefficients of a loss on the device, some of which depend on the step."""

from ..autoencoder import coefficient_tensors
from ..hooks import read_hooks


class Coefficients:
    """The coefficients of a training run, by step; their tensors stay the same ones.

    Parameters
    ----------
    model : torch.nn.Module
        With ``coefficients_at(hyperparameters, step, first_phase) -> dict of str to float`` where
        some depend on the step; these come in the place of hyperparameters, or beside them.
    hyperparameters : dict of str to float
    schedule : Schedule
    device : torch.device

    Attributes
    ----------
    tensors : dict of str to Tensor of shape ()
        The coefficients of the step that was asked for last.
    """

    def __init__(self, model, hyperparameters, schedule, device):
        self._hyperparameters = dict(hyperparameters)
        self._first_phase = schedule.phases[0]
        self._find = model.coefficients_at if read_hooks(type(model)).anneals else None
        # What stands in the tensors of those that depend on the step.
        self._present = self._compute(schedule.start)
        self.tensors = coefficient_tensors({**hyperparameters, **self._present}, device)

    def __call__(self, step):
        """Return the coefficients of a step, counted from 0 across phases.

        Returns
        -------
        dict of str to Tensor of shape ()

        Raises
        ------
        ValueError
            If the model names other coefficients than at the first step.
        """
        values = self._compute(step)
        if values.keys() != self._present.keys():
            raise ValueError(
                f"coefficients_at names {sorted(values)} at step {step}, {sorted(self._present)} "
                "at the first; it must name the same coefficients at every step"
            )
        for name, value in values.items():
            if value != self._present[name]:
                self.tensors[name].fill_(value)
        self._present = values
        return self.tensors

    def _compute(self, step):
        if self._find is None:
            return {}
        return dict(self._find(dict(self._hyperparameters), step, self._first_phase))
