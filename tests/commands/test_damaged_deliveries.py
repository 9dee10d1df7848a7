"""``airflow rokt deliveries`` where a file is damaged: that delivery says so, and everything else is shown."""

import json

import pytest

from tests.ledger.test_damage import NO_REPORTS, WRONG_FIELDS, changed, path_of

LIST = ("deliveries", "list", "-o", "json")


@pytest.fixture
def damaged(ledger, deliver):
    """Delivers, then writes other content into a file of that delivery; the id."""

    def damage(file, content):
        result = deliver(accepted=1, rejected=2)
        path_of(result, ledger, file).write_bytes(content)
        return result["delivery_id"]

    return damage


def states(rokt_cli):
    status, out, err = rokt_cli(*LIST)
    assert (status, err) == (0, "")
    return {entry["delivery_id"]: entry["state"] for entry in json.loads(out)}


def test_list_calls_a_delivery_damaged_and_goes_on(rokt_cli, ledger, deliver, damaged):
    expected = {damaged("report.jsonl", content): "damaged" for content in NO_REPORTS}
    expected |= {damaged("part-00000.jsonl", content): "damaged" for content in (b"", b"{}\n", b"\0")}
    for fields in WRONG_FIELDS:
        result = deliver(accepted=1)
        changed(path_of(result, ledger, "report.jsonl"), **fields)
        expected[result["delivery_id"]] = "damaged"
    expected[deliver(accepted=1)["delivery_id"]] = "complete"
    status, out, _ = rokt_cli(*LIST, "--limit", "99")
    assert status == 0
    assert {entry["delivery_id"]: entry["state"] for entry in json.loads(out)} == expected


def test_list_says_what_it_knows_of_a_damaged_one(rokt_cli, damaged):
    damaged("report.jsonl", b'{"kind":"report"}')
    [entry] = json.loads(rokt_cli(*LIST)[1])
    assert (entry["operation"], entry["task"], entry["read"]) == ("conversions", "orders", None)
    headless = damaged("part-00000.jsonl", b"\0")
    [entry] = [entry for entry in json.loads(rokt_cli(*LIST)[1]) if entry["delivery_id"] == headless]
    assert (entry["operation"], entry["started"], entry["state"]) == (None, None, "damaged")
    assert "None" not in rokt_cli("deliveries", "list")[1]


def test_list_says_that_another_release_wrote_it(rokt_cli, ledger, deliver):
    result = deliver(accepted=1)
    part = path_of(result, ledger, "part-00000.jsonl")
    part.write_bytes(part.read_bytes().replace(b'"format":1', b'"format":2'))
    assert states(rokt_cli) == {result["delivery_id"]: "unreadable"}
    status, _, err = rokt_cli("deliveries", "show", result["delivery_id"])
    assert status == 2
    assert "it was written by another release" in err


def test_list_reads_first_line_and_report_alone(rokt_cli, ledger, deliver):
    """A hundred ledgers of a gigabyte are listed at once; what lies between is for show and the sensor."""
    result = deliver(accepted=1)
    with path_of(result, ledger, "part-00000.jsonl").open("ab") as part:
        part.write(b"\0\n")
    assert states(rokt_cli) == {result["delivery_id"]: "complete"}
    assert "1 damaged line" in rokt_cli("deliveries", "show", result["delivery_id"])[1]


def test_list_goes_on_where_a_file_cannot_be_opened(rokt_cli, ledger, deliver):
    result, whole = deliver(accepted=1), deliver(accepted=1)
    path = path_of(result, ledger, "report.jsonl")
    path.unlink()
    # A link to itself: no permission would keep root out.
    path.symlink_to(path)
    assert states(rokt_cli) == {result["delivery_id"]: "unreadable", whole["delivery_id"]: "complete"}
    path.unlink()
    path.mkdir()
    assert states(rokt_cli) == {result["delivery_id"]: "damaged", whole["delivery_id"]: "complete"}


def test_show_names_a_damaged_report_and_shows_the_rest(rokt_cli, damaged):
    delivery = damaged("report.jsonl", b'{"kind":"report"}')
    status, out, err = rokt_cli("deliveries", "show", delivery)
    assert (status, err) == (0, "")
    assert "order-2 (row 2): user_identities.email: is no e-mail address" in out
    assert "accepted  202               1 with 1 rows" in out
    assert "It is running" not in out
    last = out.strip().split("\n\n")[-1].splitlines()
    assert last[0] == "Damaged, so that what is above may not be all"
    assert last[1].endswith(f"{delivery} is damaged: report.jsonl is no report")


def test_show_names_damaged_lines_and_shows_the_rest(rokt_cli, ledger, deliver):
    result = deliver(accepted=1, rejected=3)
    part = path_of(result, ledger, "part-00000.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3][:20] + b"\n"
    part.write_bytes(b"".join(lines))
    out = rokt_cli("deliveries", "show", result["delivery_id"])[1]
    assert "order-1 (row 1)" in out
    assert "order-2 (row 2)" not in out
    assert "order-3 (row 3)" in out
    assert "  1 damaged line in part-00000.jsonl" in out
    shown = json.loads(rokt_cli("deliveries", "show", result["delivery_id"], "-o", "json")[1])
    assert (shown["state"], shown["damage"]) == ("damaged", ["1 damaged line in part-00000.jsonl"])
    assert shown["report"]["rows_rejected"] == 3


def test_show_of_a_damaged_header_shows_the_rest(rokt_cli, ledger, deliver):
    result = deliver(accepted=1, rejected=1)
    part = path_of(result, ledger, "part-00000.jsonl")
    part.write_bytes(b"\0" + part.read_bytes())
    shown = json.loads(rokt_cli("deliveries", "show", result["delivery_id"], "-o", "json")[1])
    assert (shown["operation"], shown["sender"], shown["state"]) == (None, None, "damaged")
    assert [row["key"] for row in shown["rows"]] == ["order-1"]
    assert shown["report"]["rows_read"] == 2
    out = rokt_cli("deliveries", "show", result["delivery_id"])[1]
    assert "has no header" in out
    assert f"ledger      {result['ledger']}" in out


def test_show_of_a_newer_report_shows_what_it_understands(rokt_cli, ledger, deliver):
    result = deliver(accepted=1)
    changed(path_of(result, ledger, "report.jsonl"), rows_unconfirmed=12, rows_by_mood={"good": 1})
    out = rokt_cli("deliveries", "show", result["delivery_id"])[1]
    assert "rows unconfirmed            12" in out
    assert "Damaged" not in out
