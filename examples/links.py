"""Links and clicks of the links guide: the same as `links.yaml`, for `headrace run` and for `python links.py`."""

import dlt

from headrace import rest_api_source

TEXT = {"data_type": "text", "nullable": True}
FLAG = {"data_type": "bool", "nullable": True}
WHOLE = {"data_type": "bigint", "nullable": True}
MOMENT = {"data_type": "timestamp", "nullable": True}
SOME_TEXT = {"data_type": "text", "nullable": False}
SOME_WHOLE = {"data_type": "bigint", "nullable": False}
SOME_MOMENT = {"data_type": "timestamp", "nullable": False}

config = {
    "client": {
        "base_url": "https://api.example.com",
        "auth": {
            "type": "api_key",
            "name": "Authorization",
            "api_key": dlt.secrets["api_key"],
            "location": "header",
        },
        "retry": {"max_retries": 3, "backoff_factor": 2, "statuses": [429, 500, 502, 503, 504]},
    },
    "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
    "resources": [
        {
            "name": "links",
            # dropped unless `privacy="keep"`; not among the columns, so no empty one stands for it
            "private": ["password"],
            "endpoint": {
                "path": "/v1/links",
                "data_selector": "links",
                "paginator": {"type": "cursor", "cursor_param": "pageToken", "cursor_path": "nextPageToken"},
            },
            "columns": {
                "lcpath": TEXT,
                "passwordContact": FLAG,
                "hasPassword": FLAG,
                "OwnerId": WHOLE,
                "id": TEXT,
                "path": TEXT,
                "title": TEXT,
                "icon": TEXT,
                "archived": FLAG,
                "originalURL": SOME_TEXT,
                "iphoneURL": TEXT,
                "androidURL": TEXT,
                "utmSource": TEXT,
                "utmMedium": TEXT,
                "utmCampaign": TEXT,
                "utmCampaignId": TEXT,
                "utmTerm": TEXT,
                "utmContent": TEXT,
                "splitURL": TEXT,
                "splitPercent": TEXT,
                "expiresAt": TEXT,
                "expiredURL": TEXT,
                "redirectType": TEXT,
                "clicksLimit": TEXT,
                "cloaking": FLAG,
                "source": TEXT,
                "integrationGA": TEXT,
                "integrationFB": TEXT,
                "integrationAdroll": TEXT,
                "integrationGTM": TEXT,
                "AutodeletedAt": MOMENT,
                "createdAt": SOME_MOMENT,
                "updatedAt": SOME_MOMENT,
                "DomainId": SOME_WHOLE,
                "Owner__id": WHOLE,
                "Owner__name": TEXT,
                "Owner__email": TEXT,
                "Owner__photoURL": TEXT,
                "secureShortURL": TEXT,
                "idString": SOME_TEXT,
                "shortURL": SOME_TEXT,
                "User__id": WHOLE,
                "User__name": TEXT,
                "User__email": TEXT,
                "User__photoURL": TEXT,
            },
            "nested_hints": {"tags": {"columns": {"value": {"name": "value", **TEXT}}}},
        },
        {
            "name": "clicks",
            # clicks of one instant share their `dt`, and some are equal in every field: each is kept, known by its
            # content
            "primary_key": "dt",
            "key_collisions": "keep_all",
            "endpoint": {
                "path": "/v1/domain/{domain_id}/link_clicks",
                "data_selector": "data",
                "paginator": {"type": "cursor", "cursor_param": "pageToken", "cursor_path": "nextPageToken"},
            },
            "columns": {
                "domain_id": SOME_WHOLE,  # from the path: the clicks themselves do not say it
                "host": TEXT,
                "path": TEXT,
                "method": TEXT,
                "url": TEXT,
                "dt": MOMENT,
                "st": WHOLE,
                "ip": TEXT,
                "proto": TEXT,
                "ref": TEXT,
                "ua": TEXT,
                "human": FLAG,
                "browser": TEXT,
                "browser_version": TEXT,
                "country": TEXT,
                "city": TEXT,
                "social": TEXT,
                "refhost": TEXT,
                "os": TEXT,
                "utm_source": TEXT,
                "utm_medium": TEXT,
                "utm_campaign": TEXT,
                "goal_completed": TEXT,
                "ab_path": TEXT,
                "lcpath": TEXT,
            },
        },
    ],
}

if __name__ == "__main__":
    pipeline = dlt.pipeline("links", destination="duckdb", dataset_name="links_data")
    print(pipeline.run(rest_api_source(config, params={"domain_id": [7]})))  # noqa: T201 - a script may speak
