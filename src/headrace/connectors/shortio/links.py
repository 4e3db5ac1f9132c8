"""Domains, links with their tags, folders, and what hangs on a single link.

Links can be filtered by their creation alone, which may lie in the past, and deletions leave no trace: so a listing is
always whole, oldest first, because what is created meanwhile comes at its end then.
"""

from __future__ import annotations

from typing import Any, Final

from headrace.connectors.shortio.settings import Settings
from headrace.connectors.shortio.shape import Resource, columns, nested, of_domain, of_link, resource

_DOMAIN: Final = columns(
    bigint="id team_id user_id domain_registration_id",
    text="hostname unicode_hostname state segment_key link_type https_level webhook_url integration_ga integration_fb "
    "integration_tt integration_adroll integration_gtm increment_counter robots",
    bool="has_favicon hide_referer cloaking hide_visitor_ip enable_ai https_links case_sensitive export_enabled "
    "enable_conversion_tracking qr_scan_tracking is_favorite ssl_cert_installed_success",
    timestamp="created_at updated_at ssl_cert_expiration_date",
    json="client_storage",
)
_LINK: Final = columns(
    bigint="domain_id owner_id user__id",
    text="idString id path lcpath title original_url short_url secure_short_url folder_id redirect_type source "
    "expired_url android_url iphone_url split_url icon ttl clicks_limit split_percent "
    "utm_source utm_medium utm_campaign utm_term utm_content "
    "integration_adroll integration_fb integration_tt integration_ga integration_gtm "
    "user__name user__email user__photo_url",
    bool="archived cloaking has_password password_contact skip_qs",
    timestamp="created_at updated_at expires_at",
)
#: Numbers in one version of the API, texts in another.
_TEXTS: Final = ("id", "ttl", "clicksLimit", "splitPercent", "redirectType")
_PERSONAL: Final = ["User.name", "User.email", "User.photoURL"]


def domains(settings: Settings) -> Resource:
    """All domains that the key can see, or those that were named."""
    endpoint: dict[str, Any] = {"path": "domains/{domain_id}", "data_selector": "$"}
    options: dict[str, Any] = {}
    if not settings.domain_ids:
        # the order is not documented: a page may move while another is read, so ids are merged
        paginator = {"type": "offset", "limit": 300, "total_path": None}
        endpoint = {"path": "api/domains", "data_selector": "$", "paginator": paginator}
        options = {"deletions": {}}
    return resource(
        "domains",
        endpoint,
        write_disposition="merge",
        primary_key="id",
        columns=_DOMAIN,
        fields={"clientStorage": {"as": "json"}},
        **options,
    )


def links(_: Settings) -> Resource:
    """All links of each domain; those that two listings in a row lack are marked."""
    return of_domain(
        "links",
        {
            "path": "api/links",
            "params": {"domain_id": "{domain}", "limit": 150, "dateSortOrder": "asc"},
            "data_selector": "links",
            "paginator": {"type": "cursor", "cursor_param": "pageToken", "cursor_path": "nextPageToken"},
        },
        write_disposition="merge",
        primary_key="idString",
        columns=_LINK,
        nested_hints={"tags": nested(text="value")},
        fields={**{name: {"as": "text"} for name in _TEXTS}, "expiresAt": {"as": "timestamp"}},
        secrets=["password"],
        personal=_PERSONAL,
        deletions={},
    )


def folders(_: Settings) -> Resource:
    """All folders of each domain."""
    return of_domain(
        "folders",
        {"path": "links/folders/{domain}", "data_selector": "linkFolders"},
        write_disposition="merge",
        primary_key=["domain_id", "id"],
        columns=columns(text="id name"),
        deletions={"after": 1},
    )


def country_rules(_: Settings) -> Resource:
    """Other targets by country, link by link."""
    return of_link(
        "country_rules",
        {"path": "link_country/{link}", "data_selector": "$"},
        write_disposition="merge",
        primary_key=["link_id", "country"],
        columns=columns(text="country original_url"),
        deletions={"after": 1},
    )


def region_rules(_: Settings) -> Resource:
    """Other targets by region, link by link."""
    return of_link(
        "region_rules",
        {"path": "link_region/{link}", "data_selector": "$"},
        write_disposition="merge",
        primary_key=["link_id", "country", "region"],
        columns=columns(text="country region original_url"),
        deletions={"after": 1},
    )


def permissions(_: Settings) -> Resource:
    """Who may see a link, link by link."""
    return of_link(
        "permissions",
        {"path": "links/permissions/{domain}/{link}", "data_selector": "$"},
        write_disposition="merge",
        primary_key=["link_id", "id"],
        columns=columns(text="id link_id_string", bigint="domain_id user_id"),
        deletions={"after": 1},
    )
