"""What an invalid value costs, and that nothing of it is quiet."""

from hashlib import sha256

import pytest

from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktMappingError,
    RoktRejectedError,
    RoktSettingsError,
    RoktTooFewRowsError,
)
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.sandbox.faults import Refuse
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.operators.test_conversions import orders

DATA = "events[].data.custom_attributes."
MAPPING = {
    "user_identities.email": "email",
    "user_identities.customerid": "customerid",
    "events[].data.source_message_id": "source_message_id",
    "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
    f"{DATA}conversiontype": {"literal": "purchase"},
    f"{DATA}amount": "amount",
    f"{DATA}currency": {"literal": "USD"},
    "user_attributes.mobile": "mobile",
    "ip": "ip",
}
BAD = "not_a_value_of_any_kind"


def rows(count=5, **changes):
    """Rows that are right but for the first, which is changed."""
    made = [
        order | {"customerid": f"c{n}", "mobile": "5551234567", "amount": "9.99", "ip": "203.0.113.1"}
        for n, order in enumerate(orders(count))
    ]
    made[0] |= changes
    return made


def send(**options):
    given = {"sql": "SELECT * FROM orders", "sql_conn_id": "shop", "mapping": MAPPING} | options
    return RoktConversionOperator(task_id="send", **given).execute({})


@pytest.mark.parametrize(
    ("column", "path"),
    [("mobile", "user_attributes.mobile"), ("ip", "ip"), ("email", "user_identities.email")],
)
def test_a_bad_optional_value_costs_itself_and_is_told(sandbox, rokt, shop, ledger, said, column, path):
    shop(rows(**{column: BAD}))
    result = send()
    assert (result["rows_accepted"], result["rows_rejected"], result["dropped"]) == (5, 0, {path: 1})
    assert len(sandbox.store.events) == 5
    assert all(BAD not in batch.body.decode() for batch in sandbox.store.batches)
    (record,) = ledger.open(result["delivery_id"]).dropped()
    assert (record.number, record.key, [fault.path for fault in record.faults]) == (1, "order-0", [path])
    told = said()
    assert "1 values left out" in told and f"1 {path}: not " in told
    assert BAD not in told


@pytest.mark.parametrize("column", ["amount", "source_message_id", "timestamp_unixtime_ms"])
def test_what_cannot_be_corrected_costs_its_row(sandbox, rokt, shop, column):
    shop(rows(**{column: [BAD, None][column == "source_message_id"]}))
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert isinstance(failed.value.__cause__, RoktRejectedError)
    assert len(sandbox.store.events) == 4


def test_consent_costs_its_row(sandbox, rokt, shop):
    mapping = MAPPING | {"consent_state.gdpr.ads.consented": "consent"}
    made = [row | {"consent": "yes"} for row in rows()]
    made[2]["consent"] = "perhaps"
    shop(made)
    assert send(mapping=mapping, max_rejected=1)["rows_rejected"] == 1


def test_an_identity_costs_the_row_only_where_no_other_is_left(sandbox, rokt, shop):
    shop(rows(email=BAD, customerid=None))
    result = send(max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"], result["dropped"]) == (4, 1, {})
    assert result["rejections"][0]["path"] == "user_identities.email"


@pytest.mark.parametrize(
    "options",
    [
        {"on_invalid": "drop"},
        {"mapping": MAPPING | {"user_identities.email": {"column": "email", "on_invalid": "drop"}}},
    ],
)
def test_dropping_an_identity_costs_the_row_all_the_same_where_no_other_is_left(sandbox, rokt, shop, options):
    made = rows(email=BAD, customerid=None)
    made[1]["email"] = BAD
    shop(made)
    result = send(max_rejected=1, **options)
    assert (result["rows_rejected"], result["dropped"]) == (1, {"user_identities.email": 1})
    assert result["rejections"][0]["row"] == "order-0"
    assert result["rejections"][0]["path"] == "user_identities.email"
    assert len(sandbox.store.events) == 4


@pytest.mark.parametrize(
    ("options", "rejected", "dropped"),
    [
        ({"on_invalid": "reject"}, 1, {}),
        ({"on_invalid": "drop"}, 0, {"user_attributes.mobile": 1}),
        ({"mapping": MAPPING | {"user_attributes.mobile": {"column": "mobile", "on_invalid": "reject"}}}, 1, {}),
        (
            {
                "on_invalid": "reject",
                "mapping": MAPPING | {"user_attributes.mobile": {"column": "mobile", "on_invalid": "drop"}},
            },
            0,
            {"user_attributes.mobile": 1},
        ),
    ],
)
def test_the_task_and_before_it_the_mapping_may_say_otherwise(sandbox, rokt, shop, options, rejected, dropped):
    shop(rows(mobile=BAD))
    result = send(max_rejected=1, **options)
    assert (result["rows_rejected"], result["dropped"]) == (rejected, dropped)


def test_dropping_can_be_asked_for_what_costs_the_row(sandbox, rokt, shop):
    shop(rows(amount=BAD))
    result = send(on_invalid="drop")
    assert (result["rows_accepted"], result["dropped"]) == (5, {f"{DATA}amount": 1})


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"column": "x", "on_invalid": "ignore"}, "on_invalid must be one of 'drop', 'reject'"),
        ({"column": "x", "on_invalid": "drop"}, "not for a required field"),
    ],
)
def test_a_wrong_word_in_the_mapping_is_said_in_the_dag_file(source, says):
    with pytest.raises(RoktSettingsError, match=says):
        send(mapping=MAPPING | {"events[].data.source_message_id": source})


def test_what_only_the_schema_refuses_costs_itself_too(sandbox, rokt, shop):
    mapping = MAPPING | {"user_attributes.biography": "biography"}
    made = [row | {"biography": "short"} for row in rows()]
    made[1]["biography"] = "x" * 4097
    shop(made)
    result = send(mapping=mapping)
    assert (result["rows_accepted"], result["dropped"]) == (5, {"user_attributes.biography": 1})
    assert sum("biography" in document.get("user_attributes", {}) for document in sandbox.store.documents) == 4


def test_what_only_the_schema_refuses_costs_the_row_with_what_costs_it(sandbox, rokt, shop):
    details = {"user_attributes.biography": "biography", f"{DATA}note": {"column": "note", "on_invalid": "reject"}}
    made = [row | {"biography": "short", "note": "short"} for row in rows()]
    made[1] |= {"biography": "x" * 4097, "note": "x" * 4097}
    shop(made)
    result = send(mapping=MAPPING | details, max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"], result["dropped"]) == (4, 1, {})


def test_what_only_the_schema_refuses_is_judged_before_anything_is_sent(sandbox, rokt, shop):
    shop([row | {"biography": "x" * 4097} for row in rows(200)])
    with pytest.raises(RoktTaskFailed, match=r"100 % of user_attributes\.biography"):
        send(mapping=MAPPING | {"user_attributes.biography": "biography"})
    assert not sandbox.store.requests


def test_a_wrong_column_is_noticed_before_anything_is_sent(sandbox, rokt, shop):
    shop([row | {"mobile": BAD} if n % 4 else row for n, row in enumerate(rows(400))])
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert isinstance(failed.value.__cause__, RoktDroppedError)
    said = str(failed.value)
    assert "75 % of user_attributes.mobile cannot be sent: not a phone number" in said
    assert "300 of 400 values" in said
    assert "is it the right column?" in said.lower()
    assert not sandbox.store.requests
    assert send(max_dropped=0.75)["dropped"] == {"user_attributes.mobile": 300}


def test_few_values_are_not_judged(sandbox, rokt, shop):
    shop([row | {"mobile": BAD} for row in rows(99)])
    assert send()["dropped"] == {"user_attributes.mobile": 99}


def test_what_turns_bad_after_the_first_window_fails_at_the_end(sandbox, rokt, shop):
    shop([row | {"mobile": BAD} if n >= 100 else row for n, row in enumerate(rows(300))])
    with pytest.raises(RoktTaskFailed) as failed:
        send(fetch_size=100)
    assert isinstance(failed.value.__cause__, RoktDroppedError)
    assert "everything else was delivered" in str(failed.value)
    assert len(sandbox.store.events) == 300
    assert failed.value.__cause__.report["dropped"] == {"user_attributes.mobile": 200}


def test_a_row_that_is_repeated_is_skipped_and_one_that_contradicts_is_rejected(sandbox, rokt, shop):
    made = rows(4)
    made[1]["source_message_id"] = made[0]["source_message_id"]
    made[2] = dict(made[0])
    made[3] |= {"source_message_id": made[0]["source_message_id"], "amount": "1.00"}
    shop(made)
    result = send(max_rejected=2)
    assert (result["rows_accepted"], result["rows_skipped"], result["rows_rejected"]) == (1, 1, 2)
    assert result["skipped"] == {"same id twice": 1}
    assert {rejection["row"] for rejection in result["rejections"]} == {"order-0"}
    assert "repeats the id of an earlier row with other content" in result["rejections"][0]["reason"]


@pytest.mark.parametrize(
    "changes", [{"mobile": "5551234568"}, {"ip": "203.0.113.2"}, {"customerid": "c9"}, {"amount": "1.00"}]
)
def test_another_value_of_any_kind_is_other_content(sandbox, rokt, shop, changes):
    made = rows(2)
    made[1] = made[0] | changes
    shop(made)
    result = send(max_rejected=1)
    assert (result["rows_accepted"], result["rows_skipped"], result["rows_rejected"]) == (1, 0, 1)


def test_columns_that_are_not_sent_make_no_other_content(sandbox, rokt, shop):
    made = [row | {"note": n} for n, row in enumerate(rows(2))]
    made[1] = made[0] | {"note": "another"}
    shop(made)
    assert send()["skipped"] == {"same id twice": 1}


@pytest.mark.parametrize(("fetch_size", "are_some_sent"), [(5000, False), (1000, False), (100, True)])
def test_fewer_rows_than_expected_fail_the_task(sandbox, rokt, shop, fetch_size, are_some_sent):
    shop(rows(250))
    with pytest.raises(RoktTooFewRowsError, match=r"expected at least 1,000 rows .* the query returned 250") as few:
        send(min_rows=1000, fetch_size=fetch_size)
    # Of those that are packed some wait for their turn, when it is known that there are too few.
    assert bool(sandbox.store.events) is are_some_sent
    assert len(sandbox.store.events) <= 200
    said = "Some of them may have been sent by then." if are_some_sent else "Nothing was sent."
    assert str(few.value).splitlines()[1] == said
    assert few.value.report["rows_read"] == 250
    assert send(min_rows=250, fetch_size=fetch_size)["rows_read"] == 250


def test_an_empty_result_is_too_few(sandbox, rokt, shop):
    shop(rows())
    with pytest.raises(RoktTooFewRowsError, match="the query returned 0") as few:
        send(sql="SELECT * FROM orders WHERE 1 = 0", min_rows=1)
    assert few.value.report["rows_read"] == 0


def test_coverage_tells_what_the_accepted_rows_carry(sandbox, rokt, shop):
    made = rows(4)
    made[0] |= {"email": None, "mobile": None}
    made[1] |= {"mobile": BAD}
    made[2] |= {"amount": BAD}  # rejected: not counted
    shop(made)
    coverage = send(max_rejected=1)["coverage"]
    assert coverage == {
        "user_identities.email": 0.6667,
        "user_identities.customerid": 1.0,
        "user_attributes.mobile": 0.3333,
        "ip": 1.0,
    }


def test_coverage_counts_rows_however_many_share_a_batch(sandbox, rokt, shop):
    made = rows(4)
    made[1] |= {name: made[0][name] for name in ("email", "customerid")}
    made[2] |= {name: made[0][name] for name in ("email", "customerid")}
    made[0]["mobile"] = made[3]["mobile"] = made[3]["ip"] = None
    shop(made)
    result = send()
    assert result["batches"] == 2
    # The first row's batch carries the phone number that another row brought: both describe one person.
    assert result["coverage"] == {
        "user_identities.email": 1.0,
        "user_identities.customerid": 1.0,
        "user_attributes.mobile": 0.75,
        "ip": 0.75,
    }


@pytest.mark.parametrize("locator", ["path", "none"])
def test_coverage_stays_that_of_the_rows_where_a_batch_is_taken_apart(sandbox, rokt, shop, locator):
    made = rows(5)
    for row in made[1:3]:
        row |= {name: made[0][name] for name in ("email", "customerid")}
    made[4] |= {"mobile": None, "ip": None}
    shop(made)
    sandbox.faults.add(Refuse(message_ids=frozenset({"order-1"}), locator=locator))
    result = send(max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"]) == (4, 1)
    assert result["coverage"] == {
        "user_identities.email": 1.0,
        "user_identities.customerid": 1.0,
        "user_attributes.mobile": 0.75,
        "ip": 0.75,
    }


def test_an_address_that_is_a_hash_counts_as_one(sandbox, rokt, shop):
    mapping = MAPPING | {"user_identities.other": "hash"}
    shop([row | {"hash": None, "email": "a" * 64} if n == 0 else row | {"hash": None} for n, row in enumerate(rows())])
    coverage = send(mapping=mapping)["coverage"]
    assert (coverage["user_identities.email"], coverage["user_identities.other"]) == (0.8, 0.2)


@pytest.mark.parametrize("group_by_user", [True, False])
def test_text_that_fits_only_unescaped_travels_alone(sandbox, rokt, shop, group_by_user):
    mapping = MAPPING | {f"user_attributes.text{n}": f"text{n}" for n in range(8)}
    made = [row | {f"text{n}": "short" for n in range(8)} for row in rows(3)]
    made[1] |= {f"text{n}": "日" * 4096 for n in range(8)}
    shop(made)
    result = send(mapping=mapping, group_by_user=group_by_user)
    assert (result["rows_accepted"], result["requests"]) == (3, 3)
    assert sum("日" in batch.body.decode() for batch in sandbox.store.batches) == 1


def mirror(**options):
    given = {"sql": "SELECT * FROM orders", "sql_conn_id": "shop", "audience": "vip", "via": "events"} | options
    return RoktAudienceOperator(task_id="mirror", **given).execute({})


def test_an_audiences_attributes_are_judged_alike(sandbox, rokt, shop):
    mapping = {"user_identities.email": "email", "user_attributes.mobile": "mobile"}
    shop(rows(3, mobile=BAD))
    result = mirror(mapping=mapping)
    assert (result["rows_accepted"], result["dropped"]) == (3, {"user_attributes.mobile": 1})
    assert result["coverage"] == {
        "user_identities.email": 0.0,
        "user_identities.other": 1.0,
        "user_attributes.mobile": 0.6667,
    }
    shop([row | {"mobile": BAD} for row in rows(200)])
    with pytest.raises(RoktTaskFailed, match="100 % of user_attributes"):
        mirror(mapping=mapping, audience="other")


def test_an_audience_of_a_wrong_column_sends_nothing(sandbox, rokt, shop):
    mapping = {"user_identities.email": "email", "user_attributes.mobile": "mobile"}
    shop([row | {"mobile": BAD} if n % 4 else row for n, row in enumerate(rows(400))])
    with pytest.raises(RoktTaskFailed, match=r"max_dropped is 0\.2\. Nothing was sent") as failed:
        mirror(mapping=mapping)
    assert isinstance(failed.value.__cause__, RoktDroppedError)
    assert not sandbox.store.requests
    assert mirror(mapping=mapping, max_dropped=0.75)["rows_accepted"] == 400


def test_an_audience_has_its_least_rows_before_anything_is_sent(sandbox, rokt, shop):
    shop(rows(3))
    mapping = {"user_identities.email": "email"}
    with pytest.raises(RoktTooFewRowsError):
        mirror(mapping=mapping, min_rows=4, fetch_size=1)
    assert not sandbox.store.requests
    assert mirror(mapping=mapping, min_rows=3, fetch_size=1)["rows_accepted"] == 3


def test_an_unknown_type_costs_its_value(sandbox, rokt, ledger):
    class Strange:
        def __str__(self):
            raise RuntimeError("jane@example.com")

        __eq__ = __hash__ = __bool__ = __len__ = __str__

    made = [row | {"mobile": Strange()} if n == 1 else row for n, row in enumerate(rows(3))]
    result = RoktHook().send_conversions(made, MAPPING)
    assert (result["rows_accepted"], result["dropped"]) == (3, {"user_attributes.mobile": 1})
    with pytest.raises(RoktTaskFailed) as failed:
        RoktHook().send_conversions(made, MAPPING, on_invalid="reject")
    assert "Strange" in str(failed.value)
    assert "jane" not in str(failed.value)
    assert not isinstance(failed.value.__cause__, RoktMappingError)


def test_a_default_is_no_value_that_was_given(sandbox, rokt, shop):
    mapping = MAPPING | {"user_attributes.age": {"column": "age", "default": 40}}
    shop([row | {"age": (BAD if n < 60 else 30) if n < 110 else None} for n, row in enumerate(rows(400))])
    with pytest.raises(RoktTaskFailed, match=r"of user_attributes\.age cannot be sent.*\n60 of 110 values"):
        send(mapping=mapping)


def test_a_bad_entry_costs_its_list(sandbox, rokt, ledger):
    mapping = MAPPING | {"user_attributes.tags": "tags"}
    made = [row | {"tags": ["a", "b" * (513 if n == 0 else 1)]} for n, row in enumerate(rows(3))]
    result = RoktHook().send_conversions(made, mapping)
    assert (result["rows_accepted"], result["dropped"]) == (3, {"user_attributes.tags": 1})
    assert sorted(document["user_attributes"].get("tags", []) for document in sandbox.store.documents)[0] == []


def test_a_row_that_no_batch_can_hold_gives_its_id_to_the_next(sandbox, rokt, shop):
    consent = "consent_state.gdpr.ads."
    mapping = MAPPING | {f"{consent}consented": {"literal": True}, f"{consent}document": "document"}
    made = [row | {"document": "short", "source_message_id": "same"} for row in rows(2)]
    made[0] |= {"document": "x" * 128_000, "mobile": BAD}
    shop(made)
    result = send(mapping=mapping, max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"], result["dropped"]) == (1, 1, {})


def test_a_consents_time_costs_the_row_unless_it_is_named_itself(sandbox, rokt, shop):
    time = "consent_state.gdpr.ads.timestamp_unixtime_ms"
    mapping = MAPPING | {"consent_state.gdpr.ads.consented": {"literal": True}, time: "asked"}
    shop([row | {"asked": BAD if n == 0 else row["timestamp_unixtime_ms"]} for n, row in enumerate(rows(3))])
    assert send(mapping=mapping, on_invalid="drop", max_rejected=1)["rows_rejected"] == 1
    named = mapping | {time: {"column": "asked", "on_invalid": "drop"}}
    assert send(mapping=named)["dropped"] == {time: 1}


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("column", ["email", "other"])
def test_one_of_address_and_hash_is_enough(sandbox, rokt, shop, via, column):
    digests = [sha256(row["email"].encode()).hexdigest() for row in rows(3)]
    made = [row | {"other": digest} for row, digest in zip(rows(3), digests, strict=True)]
    made[1][column] = BAD
    shop(made)
    result = mirror(mapping={"user_identities.email": "email", "user_identities.other": "other"}, via=via)
    assert (result["rows_accepted"], result["dropped"]) == (3, {f"user_identities.{column}": 1})


@pytest.mark.parametrize("audience", [False, True])
def test_texts_in_json_quotes_are_warned_of_once_for_each_field(sandbox, rokt, shop, said, audience):
    mapping = {"user_identities.email": "email", "user_attributes.firstname": "firstname"}
    shop([row | {"firstname": '"Jane"' if n % 2 else "Jane"} for n, row in enumerate(rows(20))])
    sent = mirror(mapping=mapping, fetch_size=5) if audience else send(mapping=MAPPING | mapping, fetch_size=5)
    assert (sent["rows_accepted"], sent["dropped"]) == (20, {})
    told = said()
    assert told.count("user_attributes.firstname: 2 of 5 values are JSON texts") in (1, 2)  # log, console
    assert "Jane" not in told
