"""From an endpoint to its calls: what stays to be filled in when a run begins, and when a parent's row comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.config.field import Scalar
from headrace.errors import AnswerError
from headrace.message import Pairs, Request
from headrace.plan.address import is_absolute, join
from headrace.plan.endpoint import EndpointTemplate, as_pairs
from headrace.plan.model import Beginning, Call, Fallback
from headrace.plan.template import Template, as_text, is_segment


@dataclass(frozen=True)
class CallTemplate:
    """The calls of one resource: an endpoint, and one choice of values of the source's parameters for each call."""

    resource: str
    base_url: str
    headers: Pairs
    endpoint: EndpointTemplate
    choices: tuple[Mapping[str, Scalar], ...]
    constants: Mapping[str, Scalar] = field(default_factory=dict)
    discreet: bool = False

    def calls(
        self,
        late: Mapping[str, Any],
        kept: Mapping[str, Any],
        begin: Callable[[str], Beginning],
        hidden: Mapping[str, str],
    ) -> Iterator[Call]:
        """One call for each choice; see `ResourcePlan.calls`."""
        for chosen in self.choices:
            # rows with other constants are other rows: what is remembered of their calls is not shared
            key = json.dumps({**self.constants, **late, **hidden, **chosen}, sort_keys=True, default=str)
            beginning = begin(key)
            values = {**late, **beginning.values, **chosen}
            yield Call(
                self._request(values, beginning.params),
                values={**self.constants, **chosen},
                kept=kept,
                key=key,
                fallback=self._fallback(values),
            )

    def shown(self) -> Iterator[Call]:
        """The calls with placeholders in place of what only a run knows."""
        late = {name: f"{{{name}}}" for name in self.endpoint.late}
        return self.calls(late, {}, lambda _: Beginning(), {})

    def _request(self, values: Mapping[str, Any], params: Mapping[str, Any]) -> Request:
        endpoint = self.endpoint
        filled = {**endpoint.bound, **values}
        for name in endpoint.path.names:
            if not is_segment(filled[name]):
                raise AnswerError(
                    f"expected a value for `{{{name}}}` that can stand in a path, got {as_text(filled[name])!r}",
                    where=f"resource `{self.resource}`",
                    hint="leave such rows of the parent out by a `filter` among its `processing_steps`",
                )
        data, content_type = endpoint.render_data(values)
        headers = _over(self.headers, endpoint.render_headers(values))
        if content_type and not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("Content-Type", content_type))
        given = endpoint.given_params(values, params)
        return Request(
            method=endpoint.method,
            url=self._url(endpoint.path, filled),
            params=tuple(as_pairs(given)),
            headers=headers,
            json=endpoint.render_json(values),
            data=data,
            resource=self.resource,
            given=given,
            discreet=self.discreet,
            idempotent=endpoint.idempotent,
        )

    def _fallback(self, values: Mapping[str, Any]) -> Fallback | None:
        endpoint = self.endpoint
        if endpoint.fallback is None:
            return None
        return Fallback(self._url(endpoint.fallback, {**endpoint.bound, **values}), endpoint.fallback_statuses)

    def _url(self, path: Template, filled: Mapping[str, Any]) -> str:
        text = path.render_path(filled)
        return text if is_absolute(text) else join(self.base_url, text)


def _over(shared: Pairs, own: Pairs) -> Pairs:
    """The client's headers with the endpoint's over them; case of names is no difference."""
    merged = {name.lower(): (name, value) for name, value in shared}
    merged.update({name.lower(): (name, value) for name, value in own})
    return tuple(merged.values())
