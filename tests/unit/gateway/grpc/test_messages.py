import pytest
from tritonclient.grpc import service_pb2

from pileus.gateway.grpc.messages import DECLARED, SERVICE, message
from pileus.gateway.grpc.table import METHODS


def fields_of(descriptor):
    return {
        field.name: (
            field.number,
            field.type,
            field.label,
            field.containing_oneof and field.containing_oneof.name,
            field.message_type and field.message_type.full_name,
        )
        for field in descriptor.fields
    }


@pytest.mark.parametrize("name", DECLARED)
def test_a_message_is_the_one_that_other_servers_have(name):
    theirs = service_pb2.DESCRIPTOR.pool.FindMessageTypeByName(f"inference.{name}")
    ours = message(name).DESCRIPTOR

    assert fields_of(ours) == fields_of(theirs)


def test_the_service_has_methods_of_the_protocol():
    theirs = service_pb2.DESCRIPTOR.services_by_name[SERVICE.partition(".")[2]]

    assert {method.name for method in METHODS} <= set(theirs.methods_by_name)
