"""What the user wrote: read it from a file, check it, and give all problems at once.

`load_file` gives the raw mapping, `validate` makes a `RestConfig` of it. This room knows nothing of paging or plans.
"""

from headrace.config.load import load_file
from headrace.config.options import RestConfig
from headrace.config.reference import HeadraceWarning, validate

__all__ = ["HeadraceWarning", "RestConfig", "load_file", "validate"]
