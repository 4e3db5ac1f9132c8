"""What the user wrote: read it from a file, check it, and give all problems at once.

`load_file` gives the raw mapping, `validate` makes a `RestConfig` of it. This room knows nothing of paging or plans.
"""

from headrace.config.foreign import Foreign, ReadyResource
from headrace.config.function import ActionOptions, StepOptions
from headrace.config.incremental import IncrementalOptions, IncrementalParam, ResolveParam
from headrace.config.load import load_file
from headrace.config.options import ClientOptions, EndpointOptions, ResourceOptions, RestConfig
from headrace.config.policy import LimitOptions, RateOptions, RetryOptions
from headrace.config.reference import HeadraceWarning, validate
from headrace.config.window import WindowOptions

__all__ = [
    "ActionOptions",
    "ClientOptions",
    "EndpointOptions",
    "Foreign",
    "HeadraceWarning",
    "IncrementalOptions",
    "IncrementalParam",
    "LimitOptions",
    "RateOptions",
    "ReadyResource",
    "ResolveParam",
    "ResourceOptions",
    "RestConfig",
    "RetryOptions",
    "StepOptions",
    "WindowOptions",
    "load_file",
    "validate",
]
