import dlt
from dlt.sources.rest_api import rest_api_source

source = rest_api_source({
    "client": {
        "base_url": "<url>",
        "auth": {
            "type": "basic",
            "username": "api",
            "password": dlt.secrets["private_key"]
        }
    },
    "resource_defaults": {
        "primary_key": "id",
        "write_disposition": "merge"
    },
    "resources": [
        {
            "name": "domains",
            "endpoint": {
                "path": "/v1/domains",
                "data_selector": "items",
                "paginator": {
                    "type": "offset",
                    "limit": 1000,
                    "offset_param": "skip"
                }
            }
        },
        {
            "name": "events",
            "endpoint": {
                "path": "/v1/events",
                "data_selector": "items",
                "paginator": {
                    "type": "cursor",
                    "cursor_param": "from",
                    "cursor_path": "paging.next"
                }
            }
        }
    ]
})
