"""The two messages of the protocol's gRPC that a prediction needs, declared apart from Pileus.

Whoever measures must not read messages with the code that is measured. They are made at import in a pool
of their own, so that no generated code is bound to a release of protobuf.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

METHOD = "/inference.GRPCInferenceService/ModelInfer"

_PACKAGE = "inference"
_Field = descriptor_pb2.FieldDescriptorProto

# Parameters are left out: none are sent, and those of an answer are skipped as unknown fields are.
_TENSOR = (("name", 1, _Field.TYPE_STRING), ("datatype", 2, _Field.TYPE_STRING))
_SHAPE = ("shape", 3, _Field.TYPE_INT64)
_MODEL = (
    ("model_name", 1, _Field.TYPE_STRING),
    ("model_version", 2, _Field.TYPE_STRING),
    ("id", 3, _Field.TYPE_STRING),
)


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="benchmark_inference.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, tensors, raw in (
        ("ModelInferRequest", ("inputs", 5, "InferInputTensor"), ("raw_input_contents", 7)),
        ("ModelInferResponse", ("outputs", 5, "InferOutputTensor"), ("raw_output_contents", 6)),
    ):
        outer = file.message_type.add(name=name)
        inner = outer.nested_type.add(name=tensors[2])
        for within, fields in ((outer, _MODEL), (inner, _TENSOR)):
            for field, number, kind in fields:
                within.field.add(name=field, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
        shape, number, kind = _SHAPE
        inner.field.add(name=shape, number=number, type=kind, label=_Field.LABEL_REPEATED)
        outer.field.add(
            name=tensors[0],
            number=tensors[1],
            type=_Field.TYPE_MESSAGE,
            type_name=f".{_PACKAGE}.{name}.{tensors[2]}",
            label=_Field.LABEL_REPEATED,
        )
        outer.field.add(
            name=raw[0], number=raw[1], type=_Field.TYPE_BYTES, label=_Field.LABEL_REPEATED
        )
    made = descriptor_pool.DescriptorPool()
    made.Add(file)
    return made


_POOL = _pool()


def message(name: str) -> Any:  # noqa: ANN401  a class that protobuf makes, unknown to a type checker
    """The class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
