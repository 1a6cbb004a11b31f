from pileus.gateway import figures
from pileus.gateway.figures import OTHER, Figures
from tests.unit.gateway.installation import features, route, routes, token
from tests.unit.inference.graphs import write_rows_bundle

OPERATOR = "plt_operator"


class TestFigures:
    def test_outcomes_and_latencies_by_revision(self):
        counted = Figures()
        counted.predicted("rev_a", "ok", 0.002, 4)
        counted.predicted("rev_a", "ok", 0.002, 4)
        counted.predicted("rev_a", "invalid_tensor", 0.001, 0)

        assert counted.outcomes == {("rev_a", "ok"): 2, ("rev_a", "invalid_tensor"): 1}
        assert sum(counted.seconds["rev_a"].counts) == 3
        assert sum(counted.batches.counts) == 2

    def test_the_number_of_series_is_bounded(self, monkeypatch):
        monkeypatch.setattr(figures, "MAX_SERIES", 2)
        counted = Figures()
        for number in range(9):
            counted.predicted(f"rev_{number}", "ok", 0.001, 1)

        assert set(counted.seconds) == {"rev_0", "rev_1", OTHER}
        assert counted.outcomes[OTHER, "ok"] == 7


class TestMetrics:
    async def test_what_was_predicted_is_told_to_the_scrape_token(self, start, link, tmp_path):
        bundle = link.hold(write_rows_bundle(tmp_path / "made"))
        link.document = routes(route(bundle))
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "metrics.token").write_text("plm_scrape\n")
        gateway = start()
        await gateway.until_answers("/v2/models/flowers/ready")
        await gateway.post("/v2/models/flowers/infer", json=features(3))
        await gateway.post("/v2/models/flowers/infer", content=b"{")
        await gateway.post("/v2/models/nothing/infer", json=features())

        text = (await gateway.get("/metrics", "plm_scrape")).text

        labels = 'endpoint="flowers",outcome="{}",revision="rev_end_a_1"'
        for outcome in ("ok", "body_unreadable"):
            name = f"pileus_gateway_predictions_total{{{labels.format(outcome)}}}"
            assert f"{name} 1.0" in text
        assert 'pileus_gateway_refused_total{code="endpoint_not_found"} ' in text
        assert "pileus_gateway_revisions_live 1.0" in text
        assert 'pileus_gateway_batch_rows_bucket{le="4.0"} 1.0' in text
        assert "pileus_gateway_loads_failed_total 0.0" in text
        for family in figures.FAMILIES:
            assert f"# TYPE {family.name.removesuffix('_total')}" in text

    async def test_an_operator_may_read_them_and_nobody_else(self, start, link, tmp_path):
        own = token(OPERATOR, "prj_a", "admin").model_copy(update={"is_operator": True})
        link.document = routes(tokens=[own, token("plt_admin", "prj_a", "admin")])
        gateway = start()
        await gateway.until_answers("/v2/health/ready")

        statuses = [
            (await gateway.get("/metrics", who)).status_code
            for who in (OPERATOR, "plt_admin", "plm_guess", None)
        ]

        assert statuses == [200, 403, 401, 401]


class TestRequestId:
    async def test_is_in_the_answer_and_in_the_record(self, start, link, tmp_path):
        bundle = link.hold(write_rows_bundle(tmp_path / "made"))
        link.document = routes(route(bundle))
        gateway = start()
        await gateway.until_answers("/v2/models/flowers/ready")
        path = "/v2/models/flowers/infer"

        given = await gateway.post(path, json=features(), headers={"X-Request-Id": "req_mine"})
        bad = await gateway.post(path, json=features(), headers={"X-Request-Id": "a b"})
        own = await gateway.post(path, json=features())
        await gateway.end()

        assert given.headers["x-request-id"] == "req_mine"
        ids = {answer.headers["x-request-id"] for answer in (bad, own)}
        assert len(ids) == 2
        assert all(one.startswith("req_") for one in ids)
        records = b"".join(link.segments.values()).decode()
        assert all(f'"request_id":"{one}"' in records for one in ("req_mine", *ids))
