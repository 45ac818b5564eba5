from typing import Any, cast

from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from api import admin, query
from tests.api.query.conftest import House

OPERATIONS = {
    *(
        "ask_sessions",
        "ask_bounce",
        "ask_funnel",
        "ask_rejected",
        "ask_journeys",
        "ask_trend",
        "ask_costs",
        "ask_catalogue",
    ),
    *("ask_paths", "ask_drop_points", "ask_retention", "ask_stickiness", "ask_lifecycle"),
    *("ask_recent", "get_catalogue", "find_customers", "get_customer"),
    *(f"explain_{name}" for name in ("sessions", "bounce", "funnel", "paths", "retention", "trend")),
    *("ask_drop_off", "explain_drop_off", "ask_divide", "explain_divide", "explain_journeys"),
    *("explain_drop_points", "explain_stickiness", "explain_lifecycle"),
    *("get_identity", "join_identity", "split_identity", "ignore_identity"),
    *("list_decisions", "get_decision", "revoke_decision", "recompute_identity"),
    *("list_goals", "get_goal", "save_goal", "delete_goal"),
    *("list_funnels", "get_funnel", "get_funnel_entries", "save_funnel", "delete_funnel"),
    *("list_segments", "get_segment", "get_segment_members", "save_segment", "delete_segment"),
    *("list_fills", "get_goal_versions", "roll_goal_back", "get_funnel_versions", "roll_funnel_back"),
}


async def test_the_schema_is_openapi_3_1(house: House) -> None:
    schema = house.app.openapi()
    assert schema["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(schema).iter_errors()] == []


async def test_operations_have_ids_that_stay(house: House) -> None:
    found = [operation["operationId"] for path in house.app.openapi()["paths"].values() for operation in path.values()]
    assert set(found) == OPERATIONS
    assert len(found) == len(OPERATIONS)


async def test_every_answer_and_every_error_has_a_model(house: House) -> None:
    for path, operations in house.app.openapi()["paths"].items():
        for operation in operations.values():
            assert operation["security"] == [{"HTTPBearer": []}], path
            for status, response in operation["responses"].items():
                if status == "204":
                    continue
                schema = response["content"]["application/json"]["schema"]
                name = schema["$ref"].rpartition("/")[2]
                assert (name == "ErrorAnswer") == (status >= "400"), (path, status)


async def test_every_model_has_a_title_of_its_own_for_generators_leave_out_what_has_anothers(house: House) -> None:
    whole = FastAPI()
    whole.include_router(query.router(house))
    whole.include_router(admin.router(cast(Any, house)))
    models = whole.openapi()["components"]["schemas"]
    titles = [model["title"] for model in models.values()]
    assert sorted(titles) == sorted(set(titles))
    assert [name for name in models if "__" in name or name.endswith(("-Input", "-Output"))] == []
