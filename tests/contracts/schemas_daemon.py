"""JSON Schemas of what the daemon and the commands around it say; as :mod:`tests.contracts.schemas`."""

from __future__ import annotations

from tests.contracts.schemas import (
    ACTION,
    ACTION_ID,
    ALERT,
    ALERT_ID,
    BOOLEAN,
    CARRIED,
    CLASS,
    COLUMN,
    COMPARED,
    COUNT,
    DIAGNOSIS,
    FALSE_ALARMS,
    FORMAT,
    INSTANT,
    KIND,
    MESSAGE_ID,
    NAME,
    NUMBER,
    OBJECTIVE,
    PERFORMANCE,
    RATIO,
    REFERENCE,
    ROLE,
    SECONDS,
    SEVERITY,
    SHA,
    STATUS,
    STRING,
    TASK,
    TESTED,
    USUAL,
    VERDICT,
    VERSION,
    WINDOW_ID,
    WORD,
    Schema,
    beside,
    counts,
    listed,
    maybe,
    one,
    record,
    text,
)

MOST_COLUMNS = 20

WEBHOOK = record(
    specversion={"const": "1.0"},
    type=one(*(f"io.driftline.{name}" for name in ("alert.firing", "alert.resolved", "action.requested", "test"))),
    source=text(r"^/driftline/[a-z0-9-]{1,63}$"),
    subject=text(r"^[a-z0-9-]{1,63}/.*$"),
    id=MESSAGE_ID,
    time=INSTANT,
    datacontenttype={"const": "application/json"},
    data=record(
        alert=record(
            id=ALERT_ID,
            name=ALERT,
            model=NAME,
            version=STRING,
            segment=maybe(STRING),
            severity=SEVERITY,
            state=one("firing", "resolved"),
            started_at=INSTANT,
            reason=one("first_time", "repeat_due", "changed", "resolved", "version_retired"),
        ),
        window=maybe(record(id=WINDOW_ID, start=INSTANT, end=INSTANT, rows=COUNT)),
        columns=listed(beside(COLUMN, carried_by=CARRIED, tested_rows=TESTED), MOST_COLUMNS),
        columns_total=COUNT,
        diagnosis=maybe(DIAGNOSIS),
        performance=listed(PERFORMANCE),
        action=maybe(
            beside(
                record(
                    id=ACTION_ID,
                    kind=ACTION,
                    status=STATUS,
                    why=WORD,
                    expires_at=maybe(INSTANT),
                    fence=maybe(COUNT),
                    callback=maybe(record(url=STRING, token=STRING)),
                ),
                trigger=maybe(one("drift", "performance", "age")),
                by=maybe(STRING),
                reference=maybe(record(id=SHA, rows=COUNT)),
                recovery=maybe({"type": "object"}),
                decisions=listed(record(at=INSTANT, status=STATUS, why=WORD, by=maybe(STRING)), 10),
            )
        ),
        links=record(page=maybe(STRING), report=maybe(STRING), rows=maybe(STRING)),
    ),
)
_DEMO = record(
    kind={"const": "demo"},
    schema=FORMAT,
    closed=BOOLEAN,
    stopped_at=maybe(one("train", "serve", "alert", "delivery", "retrain", "promote", "recover", "withhold")),
    directory=STRING,
    records=maybe(COUNT),
    windows=maybe(COUNT),
    versions=maybe(listed(STRING)),
    alert=maybe(
        record(
            id=ALERT_ID,
            name=ALERT,
            severity=SEVERITY,
            fired_at=INSTANT,
            resolved_at=maybe(INSTANT),
            columns=listed(STRING),
            class_=maybe(CLASS),
        )
    ),
    webhook=maybe(record(id=MESSAGE_ID, attempts=COUNT, signature_verified=BOOLEAN)),
    retraining=maybe(record(action_id=ACTION_ID, status=STATUS, rows=maybe(COUNT))),
    performance=maybe(
        record(
            metric=WORD,
            reference=maybe(NUMBER),
            at_alert=maybe(NUMBER),
            after=maybe(NUMBER),
            old_version_same_rows=maybe(NUMBER),
            rows=maybe(COUNT),
        )
    ),
    addresses=maybe(record(page=STRING, metrics=STRING)),
    elapsed_seconds=SECONDS,
)
DEMO = beside(
    _DEMO,
    recovery=maybe(record(status=one("recovered", "not_recovered"), text=STRING)),
    withheld=maybe(
        record(
            action_id=ACTION_ID,
            why=WORD,
            alert_id=ALERT_ID,
            fired_at=INSTANT,
            resolved_at=maybe(INSTANT),
            class_=CLASS,
            cause=record(kind=WORD, column=maybe(STRING), detail=STRING, factor=maybe(NUMBER)),
        )
    ),
)
_LAST_WINDOW = record(
    id=WINDOW_ID,
    end=INSTANT,
    rows=COUNT,
    verdict=VERDICT,
    why=WORD,
    evidence=maybe(NUMBER),
    evidence_threshold=maybe(NUMBER),
    columns_judged=COUNT,
    columns_drifted=COUNT,
)
_LIVE_SOURCE = record(
    role=one("records", "targets"),
    kind=WORD,
    healthy=BOOLEAN,
    why=maybe(STRING),
    lag_seconds=maybe(SECONDS),
    accepted=COUNT,
    rejected=counts(),
    late=COUNT,
)
_LIVE_VERSION = beside(
    record(
        version=STRING,
        live=BOOLEAN,
        calibrated=BOOLEAN,
        calibration_why=maybe(WORD),
        reference=maybe(REFERENCE),
        last_window=maybe(_LAST_WINDOW),
        performance=listed(PERFORMANCE),
        targets_coverage_ratio=maybe(RATIO),
    ),
    gathered=maybe(record(rows=COUNT, of=COUNT)),
    objectives=listed(OBJECTIVE),
    usual={"type": "object", "additionalProperties": USUAL},
    segments=listed(record(segment=STRING, rows=COUNT, verdict=VERDICT, why=WORD, columns_drifted=COUNT)),
    compared=maybe(COMPARED),
    renewal=maybe(
        record(made_at=maybe(INSTANT), due_at=maybe(INSTANT), overdue_seconds=NUMBER, steps=COUNT, why=maybe(WORD))
    ),
)
SILENCE = record(
    id=text(r"^si_[a-z2-7]{26}$"),
    state=one("pending", "active", "expired"),
    matchers=listed(STRING),
    everything=BOOLEAN,
    starts_at=INSTANT,
    ends_at=INSTANT,
    created_at=INSTANT,
    created_by=STRING,
    comment=STRING,
    ended_by=maybe(STRING),
)
STATUS_REPORT = beside(
    record(
        kind={"const": "status"},
        schema=FORMAT,
        at=INSTANT,
        daemon=record(
            running=BOOLEAN,
            pid=maybe(COUNT),
            version=maybe(VERSION),
            listen=maybe(STRING),
            started_at=maybe(INSTANT),
            heartbeat_at=maybe(INSTANT),
        ),
        state=record(
            kind=one("sqlite", "postgresql"), writable=maybe(BOOLEAN), bytes=COUNT, recovered_at=maybe(INSTANT)
        ),
        config=record(path=STRING, hash=maybe(SHA), loaded_at=maybe(INSTANT), reload_error=maybe(STRING)),
        models=listed(
            record(
                name=NAME,
                task=TASK,
                watermark=maybe(INSTANT),
                sources=listed(_LIVE_SOURCE),
                versions=listed(_LIVE_VERSION),
            )
        ),
        alerts=listed(
            beside(
                record(
                    id=ALERT_ID,
                    model=NAME,
                    version=STRING,
                    segment=maybe(STRING),
                    name=ALERT,
                    severity=SEVERITY,
                    state=one("pending", "firing"),
                    started_at=maybe(INSTANT),
                    acknowledged_by=maybe(STRING),
                    silenced_until=maybe(INSTANT),
                ),
                text=maybe(STRING),
                acknowledged_at=maybe(INSTANT),
                note=maybe(STRING),
                withheld=maybe(record(why=WORD, by=maybe(STRING))),
            )
        ),
        actions=listed(record(id=ACTION_ID, model=NAME, kind=ACTION, status=STATUS, requested_at=INSTANT, why=WORD)),
        receivers=listed(
            record(
                name=NAME,
                kind=WORD,
                healthy=BOOLEAN,
                why=maybe(STRING),
                pending=COUNT,
                dead=COUNT,
                oldest_pending_seconds=maybe(SECONDS),
                last_delivered_at=maybe(INSTANT),
            )
        ),
    ),
    silences=listed(SILENCE),
)


def _fault(letter: str) -> Schema:
    place = {"type": "integer", "minimum": 1}
    return record(
        code=text(rf"^{letter}\d{{3}}$"),
        file=maybe(STRING),
        line=maybe(place),
        column=maybe(place),
        path=STRING,
        message=STRING,
        help=maybe(STRING),
    )


_FINDABLE = record(
    floor=maybe(NUMBER),
    unit=maybe(one("sd", "ratio")),
    steps=listed(record(effect=NUMBER, steps=maybe(COUNT))),
    missing_floor_ratio=maybe(NUMBER),
    unseen_floor_ratio=maybe(NUMBER),
)
_FITNESS = record(
    steps=COUNT,
    rows_a_step=NUMBER,
    wobbling_ratio=RATIO,
    autocorrelation=RATIO,
    spells=NUMBER,
    kappa=NUMBER,
    moved=listed(record(name=STRING, effect=NUMBER)),
)
_COLUMN = record(
    name=STRING,
    source=STRING,
    role=ROLE,
    kind=KIND,
    method=maybe(WORD),
    threshold=maybe(NUMBER),
    minimum_effect=maybe(NUMBER),
    importance=maybe(RATIO),
    watched=BOOLEAN,
    why=maybe(WORD),
)
_REFERENCE = record(
    path=maybe(STRING),
    id=SHA,
    rows=COUNT,
    from_=maybe(INSTANT),
    to=maybe(INSTANT),
    main_period_seconds=maybe(SECONDS),
    cycles=maybe(NUMBER),
)
_FIT_REFERENCE = beside(_REFERENCE, fitness=maybe(_FITNESS), advice=listed(STRING))
_EARLIER = beside(_FIT_REFERENCE, version=STRING, calibrated=BOOLEAN, calibration_why=maybe(WORD))
_EXPECTED = record(column=maybe(STRING), check=STRING, lower=NUMBER, upper=NUMBER, range=listed(maybe(NUMBER), most=2))
_QUALITY = record(
    false_alarms_per_30d=NUMBER,
    expectations=listed(_EXPECTED),
    skipped=listed(record(column=maybe(STRING), check=STRING, why=WORD)),
)
_BURNING = record(long_seconds=SECONDS, short_seconds=SECONDS, rate=NUMBER, severity=SEVERITY)
_PROMISE = record(
    objective=STRING,
    alert=ALERT,
    counts=one("records", "windows"),
    allowed_ratio=maybe(RATIO),
    over_seconds=maybe(SECONDS),
    windows=maybe(COUNT),
    burning=listed(_BURNING),
)
_HELD = record(source=one("reference", "stream"), why=maybe(WORD), learning_steps=maybe(COUNT))
CHECK = beside(
    record(
        kind={"const": "check"},
        schema=FORMAT,
        valid=BOOLEAN,
        faults=listed(_fault("E")),
        warnings=listed(_fault("W")),
        models=listed(
            beside(
                record(
                    name=NAME,
                    task=TASK,
                    window=record(
                        length_seconds=SECONDS,
                        every_seconds=SECONDS,
                        lateness_seconds=SECONDS,
                        pane_seconds=SECONDS,
                        min_rows=COUNT,
                    ),
                    reference=maybe(_FIT_REFERENCE),
                    columns=listed(beside(_COLUMN, findable=maybe(_FINDABLE))),
                    calibrated=BOOLEAN,
                    calibration_why=maybe(WORD),
                    false_alarms_per_30d=FALSE_ALARMS,
                    sources=listed(
                        beside(
                            record(
                                role=one("records", "targets"),
                                kind=WORD,
                                reachable=BOOLEAN,
                                matches=maybe(COUNT),
                                why=maybe(STRING),
                            ),
                            topic=STRING,
                            partitions=listed(record(number=COUNT, first=COUNT, next=COUNT)),
                            path=STRING,
                            listed=record(folders=COUNT, bytes=COUNT, whole=BOOLEAN),
                            table=record(files=COUNT, rows=maybe(COUNT), bytes=COUNT),
                            rows=listed({"type": "object", "additionalProperties": STRING}),
                            refused=counts(),
                        )
                    ),
                ),
                earlier_references=listed(_EARLIER),
                segments=listed(record(segment=STRING, rows=COUNT, calibrated=BOOLEAN, calibration_why=maybe(WORD))),
                quality=_QUALITY,
                objectives=listed(_PROMISE),
                usual=record(latency=_HELD, volume=_HELD),
                made_references=listed(
                    record(
                        version=maybe(STRING),
                        rows=COUNT,
                        kind={"enum": ["rows", "rolling", "season"]},
                        renew_seconds=maybe(NUMBER),
                        length_seconds=maybe(NUMBER),
                    )
                ),
            )
        ),
        receivers=listed(record(name=NAME, kind=WORD, valid=BOOLEAN, address=maybe(STRING), why=maybe(STRING))),
        memory_bytes=maybe(COUNT),
        state_bytes=maybe(COUNT),
        series=maybe(COUNT),
    ),
    child_memory_bytes=maybe(COUNT),
)
