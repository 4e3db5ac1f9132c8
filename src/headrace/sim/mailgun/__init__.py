r"""Mailgun's API: two hosts, US and EU, over one world that lives. Standard library only.

    world = World()
    domain = world.us.add_domain("mail.acme.test")
    domain.add_event(kind="delivered", arrives_s=world.clock.now + 600)    # late: it shows in ten minutes
    domain.bounces.put({"address": "ann@x.test", "code": "550", "error": "", "created_at": dates.utc(world.clock.now)})
    with Mailgun(world, Doubts(events_end="inclusive")).serve() as sim:
        ...  # load from sim.url and sim.eu_url with sim.key, world.clock.advance(900), load again
        ...  # compare with sim.truth("events"), count with sim.ledger

What is known is fixed, what is doubtful is a switch of `Doubts`; the first value is what is held most likely.

    switch                    values                            what is in doubt
    events_begin              inclusive, exclusive              is an event at `begin` part of the range
    events_end                exclusive, inclusive              is an event at `end`
    events_precision          ms, s, exact                      what bounds and times are cut to
    events_begin_alone        descending, refuse                `begin` without `end` and `ascending`
    events_beyond_retention   cut, refuse                       `begin` before the retention
    events_empty_next         same, new                         `next` of an empty page: as asked for, or new
    events_of_account         False, True                       `GET /v3/events`
    logs_start, logs_end      as of events                      the same of logs
    logs_precision            ms, s, exact                      the same of logs
    logs_beyond_retention     refuse, cut                       `start` before the retention
    logs_next                 full_page, exact, always          behind which pages there is a `next` token
    logs_default_limit        100, ...                          rows of a page without `limit`
    logs_default_sort         timestamp:desc, timestamp:asc     order without `sort`
    logs_ids                  same, own                         is the id of a log that of its event
    logs_change               False, True                       do logs gain `delivered-at` later
    token_life_s              None, seconds                     how long tokens and page links live
    limit_above               clamp, refuse                     a `limit` above the maximum
    pivot_behind_last         first, itself, missing            links of an empty page behind the last one
    ampersand                 plain, escaped                    `&` or `\u0026` in page links of lists
    empty_items               null, list                        `items` of no domains or templates
    eu_links                  eu, us                            which host page links of the European one name
    tag_dates                 rfc3339, go                       dates of the old tags
    webhook_urls              urls, url                         webhooks of a domain
    empty_webhooks            object, null                      `webhooks` of a domain without any
    member                    wrapped, bare                     a single member of a list
    v3_domains                True, False                       does `GET /v3/domains` still answer
    v4_domains                True, False                       is there a `GET /v4/domains`
    disabled_domain           400, ...                          status of calls to a disabled domain, 200 lets through
    unverified_domain         200, ...                          to an unverified one
    sandbox_domain            200, ...                          to a sandbox
    foreign_domain            404, ...                          to one of a subaccount or a parent
    other_region              404, ...                          to one that only the other region has
    sending_key               401, ...                          status of a key that may only send
    domain_key                403, ...                          of a domain's key for something else
    unknown_subaccount        403, ...                          of X-Mailgun-On-Behalf-Of with a wrong or closed account
    analyst_posts             True, False                       may an analyst's key POST queries
    analyst_reads_events      True, False                       may it read events
    limit_headers             X-Request, X-RateLimit, none      how rate limits are said; reset is in milliseconds
    limit_body                retry_seconds, message, text, none   body of a refusal
    limit_status              429, 420                          its status
    retry_after               none, seconds, date               its header

Resources, as faults and ledgers know them: `domains`, `logs`, `metrics`, `usage`, `bounce_classification`,
`account_tags`, `routes`, `account_webhooks`, `mailing_lists`, `ips`, `ip_pools`, `subaccounts`, `keys`, `dkim_keys`; of
a domain `events/D`, `bounces/D`, `complaints/D`, `unsubscribes/D`, `allowlist/D`, `tags/D`, `templates/D`,
`template_versions/D/T`, `webhooks/D`, `credentials/D`, `dkim_keys/D`, `message/D`; `members/LIST`. Streams of the truth
have the same names where they have rows of their own.

What one domain answers whatever its state is `domain.denial`. Refusals and damage that happen once are faults
(`headrace.sim.faults`): `MISHAPS` has those of this service.
"""

from headrace.sim.mailgun.account import Account, Domain
from headrace.sim.mailgun.clock import Clock
from headrace.sim.mailgun.demo import SIZES, Size, demo_world
from headrace.sim.mailgun.doubts import Doubts
from headrace.sim.mailgun.limits import REAL
from headrace.sim.mailgun.listing import Listing
from headrace.sim.mailgun.mishaps import MISHAPS, mishap
from headrace.sim.mailgun.rows import KINDS
from headrace.sim.mailgun.running import Mailgun, MailgunSim
from headrace.sim.mailgun.timeline import Event, Timeline
from headrace.sim.mailgun.truth import STREAMS, Fact, truth
from headrace.sim.mailgun.world import Key, World

__all__ = [
    "KINDS",
    "MISHAPS",
    "REAL",
    "SIZES",
    "STREAMS",
    "Account",
    "Clock",
    "Domain",
    "Doubts",
    "Event",
    "Fact",
    "Key",
    "Listing",
    "Mailgun",
    "MailgunSim",
    "Size",
    "Timeline",
    "World",
    "demo_world",
    "mishap",
    "truth",
]
