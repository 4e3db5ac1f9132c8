"""Short.io: domains, links, every click, and the service's own counts.

See `docs/shortio.md` for streams, limits and costs. Everything here is a configuration in headrace's own format:
`streams.py` says what there is, `shortio_config` puts it together.
"""

from headrace.connectors.shortio.config import shortio, shortio_config
from headrace.connectors.shortio.streams import DEFAULT_STREAMS, STREAMS
from headrace.connectors.shortio.view import VIEW, create_view

__all__ = ["DEFAULT_STREAMS", "STREAMS", "VIEW", "create_view", "shortio", "shortio_config"]
