"""APIs where the next page's address stands under a key that takes more than a name: Microsoft Graph, FHIR."""

from __future__ import annotations

from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, opaque, opened, pick, stamp, whole
from headrace.sim.message import Reply

# ------------------------------------------------------------------------------------------- Microsoft Graph


def graph(ask: Asked) -> Reply:
    """Tokens by client credentials; keys with `@odata.` before them; `$` in names of parameters."""
    if ask.steps == ["tenant-7", "oauth2", "v2.0", "token"]:
        form = ask.form()
        wanted = {
            "client_id": "app-1", "client_secret": "app-secret", "grant_type": "client_credentials",
            "scope": "https://graph.example.test/.default",
        }  # fmt: skip
        if form != wanted:
            raise Refused(401, "invalid_client")
        return answer({"token_type": "Bearer", "expires_in": 3599, "access_token": "graph-token"})
    ask.bearer("graph-token")
    match ask.steps:
        case ["v1.0", "users"]:
            ask.only("$top", "$select", "$skiptoken")
            rows = [_user(number, ask.run) for number in range(5)]
        case ["v1.0", "users", user, "memberOf"]:
            ask.only("$top", "$skiptoken", "$count")
            ask.needs("consistencylevel", "eventual")
            rows = [_group(number) for number in range(1 + int(user.removeprefix("u-")) % 3)]
        case _:
            raise Refused(404, "Resource not found")
    size, start = ask.whole("$top", 100, 999), whole(opened(ask.params.get("$skiptoken")), 0)
    body: dict[str, Any] = {"@odata.context": f"{ask.origin}/v1.0/$metadata#{ask.steps[-1]}"}
    if start + size < len(rows):
        body["@odata.nextLink"] = ask.link(**{**ask.params, "$skiptoken": opaque(start + size)})
    return answer({**body, "value": rows[start : start + size]})


def _user(number: int, run: int) -> dict[str, Any]:
    """User 1 gets another title between the runs, user 4 is gone."""
    title = "Lead" if run and number == 1 else "Engineer"
    return {
        "id": f"u-{number if number < 4 or not run else 9}",
        "displayName": pick(PEOPLE, number),
        "jobTitle": None if number == 2 else title,
        "businessPhones": [f"+49 221 {number}{n}" for n in range(number % 3)],
        "mail": f"u{number}@example.test",
        "onPremisesExtensionAttributes": {"extensionAttribute1": str(number), "extensionAttribute2": None},
    }


def _group(number: int) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.group",
        "id": f"g-{number}",
        "displayName": WORDS[number],
        "createdDateTime": stamp(number),
        "proxyAddresses": [f"smtp:{WORDS[number]}@example.test"],
    }


def _graph_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/v1.0/",
            "auth": {
                "type": "oauth2_client_credentials",
                "access_token_url": f"{url}/tenant-7/oauth2/v2.0/token",
                "client_id": "app-1",
                "client_secret": "app-secret",
                "access_token_request_data": {"scope": "https://graph.example.test/.default"},
            },
            "paginator": {"type": "json_link", "next_url_path": "'@odata.nextLink'"},
        },
        "resource_defaults": {"endpoint": {"data_selector": "value", "params": {"$top": 2}}},
        "resources": [
            {
                "name": "users",
                "write_disposition": {"disposition": "merge", "strategy": "scd2"},
                "endpoint": {"path": "users", "params": {"$select": "id,displayName,jobTitle"}},
            },
            {
                "name": "memberships",
                "write_disposition": "replace",
                "include_from_parent": ["id", "displayName"],
                "endpoint": {
                    "path": "users/{resources.users.id}/memberOf",
                    "params": {"$count": "true"},
                    "headers": {"ConsistencyLevel": "eventual"},
                },
            },
        ],
    }


GRAPH = Dialect(
    "msgraph",
    graph,
    _graph_config,
    rows=(
        # users 0 to 4 have 0, 1, 2, 0, 1 phones; user n is in 1 + n % 3 groups
        {"users": 5, "users__business_phones": 4, "memberships": 9, "memberships__proxy_addresses": 9},
        {"users": 7, "users__business_phones": 6, "memberships": 8, "memberships__proxy_addresses": 8},
    ),
    shows="oauth2_client_credentials with data of its own; a quoted key in a path; keys with @ and dots; headers of an "
    "endpoint; scd2 with child tables; fields of the parent whose names are normalised",
)

# ------------------------------------------------------------------------------------------------------ FHIR


def fhir(ask: Asked) -> Reply:
    """Bundles: a list of links by relation, and entries that wrap the resources."""
    ask.bearer("fhir-token")
    if "application/fhir+json" not in ask.headers.get("accept", ""):
        raise Refused(406, "expected Accept: application/fhir+json")
    ask.only("_count", "_cursor", "_sort", "_lastUpdated", "subject", "category")
    match ask.steps:
        case ["fhir", "Patient"]:
            rows = [_patient(number) for number in range(1, 4)]
        case ["fhir", "Observation"]:
            patient = int(ask.params.get("subject", "").removeprefix("Patient/p") or "0")
            if not patient:
                raise Refused(400, "a subject is needed")
            rows = [_observation(patient, number) for number in range(1, 3 + patient % 2 + ask.run)]
        case _:
            raise Refused(404, "unknown resource type", resourceType="OperationOutcome")
    least = ask.params.get("_lastUpdated", "ge").removeprefix("ge")
    rows = [row for row in rows if row["meta"]["lastUpdated"] >= least]
    size, start = ask.whole("_count", 10), whole(opened(ask.params.get("_cursor")), 0)
    links = [{"relation": "self", "url": ask.link(**ask.params)}]
    if start + size < len(rows):
        links.append({"relation": "next", "url": ask.link(**{**ask.params, "_cursor": opaque(start + size)})})
    entries = [
        {
            "fullUrl": f"{ask.origin}/fhir/{row['resourceType']}/{row['id']}",
            "resource": row,
            "search": {"mode": "match"},
        }
        for row in rows[start : start + size]
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(rows), "link": links, "entry": entries}
    return Reply(200, answer(bundle).body, content_type="application/fhir+json;charset=utf-8")


def _patient(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "meta": {"versionId": "1", "lastUpdated": f"2026-02-0{number}T00:00:00.000+00:00", "profile": ["core"]},
        "active": number != 2,
        "name": [{"use": "official", "family": pick(PEOPLE, number), "given": list(WORDS[:number])}],
        "telecom": [{"system": "phone", "value": "0221 1", "rank": 1}] if number == 1 else [],
        "gender": "unknown",
        "birthDate": f"19{70 + number}-05-06",
        "address": [{"line": ["Domkloster 4"], "city": "Köln", "period": {"start": "2001-01-01"}}],
        "extension": [{"url": "race", "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}}]}],
    }


def _observation(patient: int, number: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{patient}-{number}",
        "meta": {"versionId": "1", "lastUpdated": f"2026-03-0{number}T00:00:00.000+00:00"},
        "status": "final",
        "code": {"coding": [{"system": "loinc", "code": "8867-4", "display": "Heart rate"}], "text": "Pulse"},
        "subject": {"reference": f"Patient/p{patient}"},
        "effectiveDateTime": f"2026-03-0{number}T08:30:00+01:00",
        "valueQuantity": {"value": 60 + number if number % 2 else 60.5, "unit": "/min"},
        "component": [{"valueQuantity": {"value": 1.0 * n}} for n in range(number)],
    }


def _fhir_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/fhir",
            "headers": {"Accept": "application/json"},
            "auth": {"type": "bearer", "token": "fhir-token"},
            "paginator": {"type": "json_link", "next_url_path": "link[?(@.relation=='next')].url"},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "data_selector": "entry[*].resource",
                "headers": {"Accept": "application/fhir+json"},
                "params": {"_count": 2},
            },
        },
        "resources": [
            {
                "name": "patients",
                "columns": {"extension": {"data_type": "json"}, "birthDate": {"data_type": "date"}},
                "endpoint": {"path": "Patient", "params": {"_sort": "_id", "_count": 50}},
            },
            {
                "name": "observations",
                "max_table_nesting": 2,
                "columns": {"valueQuantity__value": {"data_type": "double"}},
                "endpoint": {
                    "path": "Observation",
                    "params": {
                        "subject": "Patient/{resources.patients.id}",
                        "_lastUpdated": "ge{incremental.start_value}",
                    },
                    "incremental": {
                        "cursor_path": "meta.lastUpdated",
                        "initial_value": "2026-01-01T00:00:00.000+00:00",
                        "range_start": "closed",
                        "lag": 0,
                    },
                },
            },
        ],
    }


FHIR = Dialect(
    "fhir",
    fhir,
    _fhir_config,
    rows=(
        {"patients": 3, "patients__name__given": 6, "patients__address__line": 3, "observations": 8,
         "observations__code__coding": 8, "observations__component": 15},
        {"patients": 3, "patients__name__given": 6, "patients__address__line": 3, "observations": 11,
         "observations__code__coding": 11, "observations__component": 26},
    ),
    shows="bearer with its type; a filter inside the path of the next address; entries that wrap; json, date and "
    "double columns declared, also inside objects; placeholders of the parent and of the incremental in params; a "
    "nested cursor; headers of an endpoint over those of the client; another content type",
)  # fmt: skip

DIALECTS = (GRAPH, FHIR)
