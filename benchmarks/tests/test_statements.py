from benchmarks.statements import count


def test_statements_are_a_share_of_one_request_and_pings_apart():
    counted = count(
        [(200, 0.5, "SELECT *\n  FROM courses"), (100, 0.01, "SELECT $1"), (10, 3.0, "SELECT n")],
        requests=100,
    )
    assert counted.per_request == 2.1
    assert counted.pings == 1.0
    assert [(s.per_request, s.milliseconds, s.query) for s in counted.statements] == [
        (2.0, 0.5, "SELECT * FROM courses"),
        (0.1, 3.0, "SELECT n"),
    ]
