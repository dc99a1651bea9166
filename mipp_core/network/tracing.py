"""Tracing: a network's graph, as it runs in evaluation mode."""

from torch import fx, nn

from mipp_core.errors import ModelError


def traced(model: nn.Module) -> fx.Graph:
    """Return the network's graph in evaluation mode; the network is left as it was.

    Raises:
        ModelError: names what cannot be followed.
    """
    flags = {module: module.training for module in model.modules()}
    model.eval()
    try:
        return fx.Tracer().trace(model)
    except (fx.proxy.TraceError, TypeError, RuntimeError, NotImplementedError) as problem:
        raise ModelError(
            f"This network cannot be traced ({str(problem).splitlines()[0]}); only traceable networks can be pruned."
        ) from problem
    finally:
        for module, flag in flags.items():
            module.training = flag
