"""Results for the tests."""

from benchmarks.load import Turn
from benchmarks.purchases import PurchaseResult, Share
from benchmarks.results import Contender, Ratio, Results, RowResult, ScaleResult
from benchmarks.statements import Counted


def turn(rps: float, *, latency: float = 1.0) -> Turn:
    return Turn(requests=int(rps), rps=rps, p50=latency, p95=2 * latency, p99=3 * latency)


def contender(rps: float, *, statements: float | None = None) -> Contender:
    counted = None if statements is None else Counted(per_request=statements, pings=0)
    return Contender(rps=rps, p50=1.0, p95=2.0, p99=3.0, turns=[rps], statements=counted)


def row_result(
    *, name: str = "list", ratio: float = 0.8, rps: float = 800, remarks: tuple[str, ...] = ()
) -> RowResult:
    return RowResult(
        name=name,
        title="a list",
        contenders={"product": contender(rps, statements=1.0), "floor": contender(1000)},
        ratios={"floor": Ratio(value=ratio, target=0.7)},
        statements_target=1,
        remarks=list(remarks),
    )


def results(*rows: RowResult, growth: float = 1.2, courses: int = 100_000) -> Results:
    scale = ScaleResult(name="list", p50={1_000: 2.0, 100_000: 2.0 * growth}, target=1.5)
    return Results(
        courses=courses, connections=16, seconds=5, rounds=1, rows=list(rows), scale=[scale]
    )


def purchase_result(*, a_second: float = 120.0, p95: float = 1.5) -> PurchaseResult:
    return PurchaseResult(
        purchases=500,
        a_second=a_second,
        p50=0.5,
        p95=p95,
        p99=2.5,
        calls={"payment_intents.retrieve": 1.25},
        statements=40.0,
        database_ms=8.0,
        number_wait=0.1,
        load=1.5,
        processors={"web": 3.0, "worker-money": 8.0},
        longest=[Share(times=1.0, milliseconds=0.4, query="INSERT [x]")],
    )
