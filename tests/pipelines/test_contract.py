from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contract import (
    Contract,
    Quantisation,
    contract_from_json,
    differing_fields,
    require_same_contract,
)
from pipelines.errors import ContractMismatchError

CONTRACT = Contract(
    base="VGG16",
    weights="abc",
    image_size=150,
    interpolation="bilinear",
    orientation="ignored",
    preprocessing="imagenet",
    layer="block5_pool",
    pooling="none",
    compute_dtype="float32",
    precision="float32",
)


def test_the_id_of_a_known_contract_never_changes():
    assert CONTRACT.canonical_json() == (
        '{"base":"VGG16","compute_dtype":"float32","image_size":150,"interpolation":"bilinear",'
        '"layer":"block5_pool","orientation":"ignored","pooling":"none","precision":"float32",'
        '"preprocessing":"imagenet","weights":"abc"}'
    )
    assert CONTRACT.contract_id.startswith("fb089ad9c87667c9")


def test_a_field_that_came_later_is_left_out_where_it_says_what_always_was():
    text = CONTRACT.canonical_json()
    assert contract_from_json(text) == replace(CONTRACT, top=False) == CONTRACT
    with_top = replace(CONTRACT, top=True)
    assert with_top.canonical_json() == text.replace('"weights"', '"top":true,"weights"')
    assert contract_from_json(with_top.canonical_json()) == with_top


INT8 = replace(
    CONTRACT, compute_dtype="int8", quantisation=Quantisation("u8s7-channel-minmax", "a" * 64, "x")
)


def test_a_quantised_contract_is_read_back_and_checked():
    assert contract_from_json(INT8.canonical_json()) == INT8
    INT8.check_quantisation()
    newer = Quantisation("u8s7-channel-minmax-depthwise-float32", "a" * 64, "x")
    replace(INT8, quantisation=newer).check_quantisation()
    CONTRACT.check_quantisation()
    scheme = Quantisation("another", "a" * 64, "x")
    for wrong in (
        replace(INT8, quantisation=None),
        replace(INT8, compute_dtype="float32"),
        replace(INT8, quantisation=scheme),
    ):
        with pytest.raises(ValueError, match=r"quantised base belong together|is not known"):
            wrong.check_quantisation()


@pytest.mark.parametrize("base", ["../" * 20 + "aaaa", "A" * 64, "a" * 63, ""])
def test_what_is_no_hash_never_becomes_a_path(base):
    with pytest.raises(ValueError, match="is no SHA-256"):
        contract_from_json(INT8.canonical_json().replace("a" * 64, base))


@given(
    st.builds(
        Contract,
        **{f.name: st.text() for f in fields(Contract) if f.type is str},
        top=st.booleans(),
    )
)
def test_json_gives_the_contract_back(contract):
    assert contract_from_json(contract.canonical_json()) == contract
    assert contract_from_json(contract.canonical_json()).contract_id == contract.contract_id


@pytest.mark.parametrize("name", [f.name for f in fields(Contract)])
def test_every_field_makes_another_contract(name):
    other = replace(CONTRACT, **{name: {"image_size": 99, "top": True}.get(name, "other")})
    assert other.contract_id != CONTRACT.contract_id
    assert list(differing_fields(CONTRACT, other)) == [name]
    with pytest.raises(ContractMismatchError, match=f"{name}: .* in the table, .* in the model"):
        require_same_contract(CONTRACT, "the table", other, "the model")


def test_the_same_contract_is_let_through():
    require_same_contract(CONTRACT, "the table", replace(CONTRACT), "the model")


@pytest.mark.parametrize("text", ["[]", '{"base": "VGG16"}', "not json", '{"unknown": 1}'])
def test_what_is_no_contract_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        contract_from_json(text)
