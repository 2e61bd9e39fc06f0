"""Services that tell people: chats and pagers."""

from __future__ import annotations

from monitor.receivers.dialects.answers import lacking, not_ok, says_error
from monitor.receivers.dialects.dialect import Dialect

SLACK = Dialect(
    body={
        "text": "{{ title | slack }}",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "{{ title | short(150) }}"}},
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "{{ sentences | join('\n') | slack | short(2800) }}"
                    "{% if links.page %}\n<{{ links.page | slack }}|Open the alert>{% endif %}",
                },
            },
        ],
    },
    refusal=not_ok,
)

TEAMS = Dialect(
    body={
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "msteams": {"width": "full"},
                    "body": [
                        {
                            "type": "TextBlock",
                            "text": "{{ title | markdown }}",
                            "weight": "Bolder",
                            "size": "Medium",
                            "wrap": True,
                            "color": "{{ 'Good' if resolved else 'Attention' }}",
                        },
                        {"type": "TextBlock", "text": "{{ sentences | join('\n\n') | markdown }}", "wrap": True},
                    ],
                    "actions": "{{ [{'type': 'Action.OpenUrl', 'title': 'Open the alert', 'url': links.page}]"
                    " if links.page else [] }}",
                },
            }
        ],
    },
    refusal=says_error,
)

DISCORD = Dialect(
    body={
        "content": "{{ ('**' ~ (title | markdown) ~ '**\n' ~ (sentences | join('\n') | markdown)) | short(1800) }}"
        "{% if links.page %}\n<{{ links.page }}>{% endif %}",
        "allowed_mentions": {"parse": []},
    },
)

PAGERDUTY = Dialect(
    url="https://events.pagerduty.com/v2/enqueue",
    token="the integration's routing key",  # noqa: S106 - what it is, not one
    body={
        "routing_key": "{{ token }}",
        "event_action": "{{ 'resolve' if resolved else 'trigger' }}",
        "dedup_key": "{{ key }}",
        "payload": {
            "summary": "{{ title | short(1000) }}",
            "source": "{{ event.source }}",
            "severity": "{{ alert.severity or 'info' }}",
            "timestamp": "{{ event.time }}",
            "component": "{{ alert.model or 'driftline' }}",
            "class": "{{ alert.name or 'test' }}",
            "custom_details": "{{ dict(facts, text=sentences | join(' ')) }}",
        },
        "links": "{{ [{'href': links.page, 'text': 'The alert'}] if links.page else [] }}",
        "client": "driftline",
    },
    refusal=lacking("status"),
)

OPSGENIE = Dialect(
    url="https://api.opsgenie.com",
    path="/v2/alerts{% if resolved %}/{{ key }}/close?identifierType=alias{% endif %}",
    token="the integration's API key",  # noqa: S106 - what it is, not one
    headers={"Authorization": "GenieKey {{ token }}"},
    body={
        "message": "{{ title | short(130) }}",
        "alias": "{{ key }}",
        "description": "{{ sentences | join('\n') }}",
        "details": "{{ dict(facts) }}",
        "priority": "{{ {'critical': 'P1', 'warning': 'P3'}.get(alert.severity, 'P5') }}",
        "source": "driftline",
    },
    refusal=lacking("requestId"),
)

ALERTMANAGER = Dialect(
    path="/api/v2/alerts",
    token="what it takes as Authorization: Bearer, if it asks",  # noqa: S106 - what it is, not one
    token_needed=False,
    headers={"Authorization": "Bearer {{ token }}"},
    may={"lasts": "seconds that an alert stays firing where it is not told again; from 4 (8 days)"},
    forgets=True,
    body=[
        {
            "labels": "{{ {'alertname': 'Driftline_' ~ (alert.name or 'test'), 'model': alert.model or '',"
            " 'version': alert.version or '', 'segment': alert.segment or '', 'severity': alert.severity or 'info'} }}",
            "annotations": {
                "summary": "{{ title }}",
                "description": "{{ sentences | join('\n') }}",
                "alert_id": "{{ key }}",
            },
            "startsAt": "{{ alert.started_at or event.time }}",
            "endsAt": "{{ now | instant if resolved or not alert.name"
            " else (now + (values.lasts or 691200) | int) | instant }}",
            "generatorURL": "{{ links.page or '' }}",
        }
    ],
)
