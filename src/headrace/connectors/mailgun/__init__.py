"""Mailgun: domains, events, logs, suppressions, lists and settings of an account in one region.

See `docs/mailgun.md` for streams, limits and costs. Everything here is a configuration in headrace's own format:
`streams.py` says what there is, `mailgun_config` puts it together.
"""

from headrace.connectors.mailgun.config import mailgun, mailgun_config
from headrace.connectors.mailgun.streams import DEFAULT_STREAMS, STREAMS

__all__ = ["DEFAULT_STREAMS", "STREAMS", "mailgun", "mailgun_config"]
