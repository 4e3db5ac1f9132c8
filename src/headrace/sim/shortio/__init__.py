"""Short.io as it is known from outside: two hosts over one world, and the old host that is dead.

    world = World()
    domain = world.add_domain()
    link = world.add_link(domain.id, "Spring")
    world.add_click(domain.id, world.now_ms - 1, "/Spring")
    with Shortio(world, rates=Rates(None, None)).serve() as sim:
        load(sim.api_url, sim.statistics_url, sim.key)
        assert sim.truth.clicks(domain.id) == ...

`rows.fill` makes an account full of rows. Without a socket, `Shortio(world).api(request)` and `.statistics(request)`
answer in memory. Rates are enforced unless they are taken away: 10 a minute on the statistics host.

What is not known for sure is a switch of `Doubts`; `World(doubts=Doubts(before_inclusive=True))`:

    switch                   default             what it decides
    before_inclusive         False               whether rows at `beforeDate` belong to a page of clicks
    after_inclusive          False               the same of `afterDate`
    start_inclusive          True                the same of `startDate`, for every statistics call
    end_inclusive            True                the same of `endDate`
    cursor_unit_ms           1                   what cursors are cut to: 1000 is seconds
    cursors_ignored          ("total",)          periods under which cursors do nothing
    clicks_max_limit         None                the most clicks of a page
    clicks_over_limit        "cap"               a larger `limit` is capped in silence, or a 400 ("refuse")
    clicks_default_limit     30                  clicks of a page without `limit`
    clicks_order             "newest"            which clicks come first ("oldest")
    tie_order                "random"            order among equal instants: other each time, or "stable"
    clicks_shape             "array"             "wrapped" in an object, or a "lone" object for one row
    default_period           "last30"            the period when none is sent
    click_country            "code"              what `country` of a click is ("name")
    click_ua                 True                whether clicks still have `ua`
    hidden_ip                "null"              `ip` where the domain hides it ("empty", "absent", "masked")
    dt_in_tz                 True                whether `dt` is printed in the zone `tz`
    zone_reading             "twice"             dates with a zone beside `tz`: shifted twice, "digits" or "instant"
    cache_s                  60.0                how long an identical body gets the same answer
    retention_days           365                 how long clicks can be read
    exclude_keeps_null       True                whether `exclude` lets rows without the value pass
    series_key               "clicksStatistics"  the key of a series ("clickStatistics", "nested")
    score_as                 "text"              `score` of a top ("number")
    top_default_limit        10                  values of a top without `limit`
    link_totals_under_total  False               whether a link has totals under `period=total`, or zeros
    link_clicks_max_ids      None                the most `ids` of one call
    link_clicks_zeros        False               whether links without clicks are in the map
    token_kind               "key"               what a page token holds: the last row's key, or a "position"
    token_lifetime_s         None                how long it can be used
    end_token                "null"              `nextPageToken` of the last page ("missing", "empty")
    full_last_page_token     False               whether a full last page has a token, to an empty page
    links_default_limit      50                  links of a page without `limit`
    links_default_order      "desc"              by creation ("asc")
    created_inclusive        True                whether the dates of the listing belong to it
    archived_listed          True                whether archived links are listed
    count_of                 "page"              what `count` counts ("all")
    link_id_kind             "text"              `id` of a link: as `idString`, or a "number"
    rules_move_updated_at    False               whether changed rules move the link's `updatedAt`
    updated_at_ignores       ()                  fields of a link that change without moving it, such as `tags`
    unknown_url_is_404       True                a target without links: 404, or an empty list
    public_key_status        403                 what a public key is told (401)

Not here: the deprecated `paths` of a domain and `by-original-url`, whose answers nobody has shown; everything that
writes; `ipExclusions` are shown and exclude nothing.
"""

from headrace.sim.shortio.ask import Key
from headrace.sim.shortio.doubts import Doubts
from headrace.sim.shortio.instants import iso, moment
from headrace.sim.shortio.records import Click, Domain, Link
from headrace.sim.shortio.rows import SIZES, Size, fill
from headrace.sim.shortio.service import Rates
from headrace.sim.shortio.simulator import Shortio, ShortioSim
from headrace.sim.shortio.truth import Truth
from headrace.sim.shortio.world import World

__all__ = [
    "SIZES",
    "Click",
    "Domain",
    "Doubts",
    "Key",
    "Link",
    "Rates",
    "Shortio",
    "ShortioSim",
    "Size",
    "Truth",
    "World",
    "fill",
    "iso",
    "moment",
]
