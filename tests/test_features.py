"""Features against the oracle (the notebook restated) and on their own."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa.versioned import VersionedFunction

from oracle import features as oracle
from small_models import byte_level, sentence_piece, word_piece

datasets = pytest.importorskip("datasets")

MAKERS = {
    "word_piece": word_piece,
    "byte_level": byte_level,
    "byte_level_with_prefix_space": partial(byte_level, add_prefix_space=True),
    "sentence_piece": sentence_piece,
}


@pytest.fixture(scope="module", autouse=True)
def without_caches():
    datasets.disable_progress_bars()
    datasets.disable_caching()
    yield
    datasets.enable_caching()


@pytest.fixture(scope="module")
def xquad(shared):
    return {
        language: fastqa.load_qa_dataset(shared / f"data/xquad/xquad.{language}.json")
        for language in ("en", "zh", "ar")
    }


@pytest.fixture(scope="module")
def made_tokenizers(xquad):
    texts = [text for part in xquad.values() for text in part["context"][::20]]
    return {name: make(texts) for name, make in MAKERS.items()}


@pytest.fixture(scope="module")
def reader_tokenizer(shared):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(shared / "models/minilm-squad2")


def assert_same_labels(ours: dict, theirs: dict, dataset: Any, windows: dict) -> int:
    """Equal but where the notebook's start lies behind its end; there ours cover the answer."""
    crossed = 0
    golds = dict(zip(dataset["id"], dataset["answers"], strict=True))
    for row, label in enumerate(zip(ours["start_positions"], ours["end_positions"], strict=True)):
        reference = theirs["start_positions"][row], theirs["end_positions"][row]
        if reference[0] <= reference[1]:
            assert label == reference, f"feature {row}"
            continue
        crossed += 1
        offsets = windows["offset_mapping"][row]
        answer = golds[windows["example_id"][row]]
        begin = answer["answer_start"][0]
        assert label[0] <= label[1]
        assert offsets[label[0]][0] <= begin
        assert offsets[label[1]][1] >= begin + len(answer["text"][0])
    return crossed


def compare(
    dataset: Any, tokenizer: Any, *, padding: bool | str, **options: Any
) -> tuple[int, int]:
    """Our features and the oracle's on all of a dataset; how many windows, how many crossed."""
    options["padding"] = padding
    columns = dataset[:]
    windows = oracle.prepare_validation_features(columns, tokenizer, **options)
    ours = fastqa.prepare_validation_features(dataset, tokenizer, **options)
    assert ours.column_names == list(windows)
    got = ours[:]
    for name, values in windows.items():
        if name == "offset_mapping":
            as_lists = [[span and list(span) for span in row] for row in values]
            assert got[name] == as_lists
        else:
            assert got[name] == values, name
    fallback = "notebook" if tokenizer.cls_token_id is not None else "run_qa"
    theirs = oracle.prepare_train_features(columns, tokenizer, cls_fallback=fallback, **options)
    labelled = fastqa.prepare_train_features(dataset, tokenizer, **options)
    assert labelled.column_names == list(theirs)
    labels = labelled[:]
    for name in set(theirs) - {"start_positions", "end_positions"}:
        assert labels[name] == theirs[name], name
    return len(ours), assert_same_labels(labels, theirs, dataset, windows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "version, padding, windows", [("1.1", "max_length", 10_784), ("2.0", False, 12_134)]
)
def test_squad_dev_has_the_notebooks_windows_and_labels(
    shared, reader_tokenizer, version, padding, windows
):
    dataset = fastqa.load_qa_dataset(shared / f"data/squad/dev-v{version}.json")
    # 0 crossed: every single label is the notebook's.
    assert compare(dataset, reader_tokenizer, padding=padding) == (windows, 0)


@pytest.mark.slow
def test_squad_dev_has_the_notebooks_windows_and_labels_with_the_context_first(shared):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared / "models/minilm-squad2", padding_side="left")
    dataset = fastqa.load_qa_dataset(shared / "data/squad/dev-v1.1.json")
    assert compare(dataset, tokenizer, padding=False) == (10_784, 0)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("language", ["zh", "ar"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_made_tokenizers_have_the_notebooks_windows_and_labels(
    xquad, made_tokenizers, maker, language, side
):
    tokenizer = made_tokenizers[maker]
    tokenizer.padding_side = side
    try:
        padding = "max_length" if side == "left" else False
        windows, crossed = compare(
            xquad[language].select(range(0, 1190, 3)),
            tokenizer,
            # A shorter max_length makes the oracle's tokenizer panic on a long question.
            max_length=256,
            doc_stride=64,
            padding=padding,
        )
    finally:
        tokenizer.padding_side = "right"
    assert windows > 450
    assert crossed <= windows // 20


def small_examples() -> dict[str, list[Any]]:
    return {
        "id": ["a", "b", "c"],
        "question": ["  What is it?", "Who?", "Why not?"],
        "context": ["It is a red house. " * 20, "", "Ada wrote it; a red 😀 house."],
        "answers": [
            {"text": ["red"], "answer_start": [8]},
            {"text": [], "answer_start": []},
            {"text": ["house", "red 😀 house", "house"], "answer_start": [22, 16, 22]},
        ],
    }


def test_a_dict_of_lists_gives_what_the_notebooks_function_gives(made_tokenizers):
    tokenizer = made_tokenizers["word_piece"]
    examples = {name: values[::2] for name, values in small_examples().items()}
    options = {"max_length": 40, "doc_stride": 8, "padding": "max_length"}
    assert fastqa.prepare_train_features(
        examples, tokenizer, **options
    ) == oracle.prepare_train_features(examples, tokenizer, **options)
    assert fastqa.prepare_validation_features(
        examples, tokenizer, **options
    ) == oracle.prepare_validation_features(examples, tokenizer, **options)


def test_an_empty_context_has_one_window_labelled_null(made_tokenizers):
    features = fastqa.prepare_train_features(small_examples(), made_tokenizers["word_piece"])
    assert features["start_positions"][1] == features["end_positions"][1] == 0
    assert len(features["input_ids"]) == 3


def test_the_state_of_the_users_tokenizer_is_left_alone(made_tokenizers):
    tokenizer = made_tokenizers["word_piece"]
    tokenizer(["a b"], truncation=True, max_length=7, padding="max_length")
    backend = tokenizer.backend_tokenizer
    before = backend.truncation, backend.padding
    fastqa.prepare_train_features(small_examples(), tokenizer)
    assert (backend.truncation, backend.padding) == before


def test_map_and_a_whole_dataset_and_a_formatted_one_agree(made_tokenizers):
    tokenizer = made_tokenizers["byte_level"]
    dataset = datasets.Dataset.from_dict(small_examples())
    whole = fastqa.prepare_validation_features(dataset, tokenizer, 32, 8, with_labels=True)
    mapped = dataset.with_format("numpy").map(
        partial(
            fastqa.prepare_validation_features,
            tokenizer=tokenizer,
            max_length=32,
            doc_stride=8,
            with_labels=True,
        ),
        batched=True,
        batch_size=1,
        remove_columns=dataset.column_names,
    )
    assert mapped.with_format(None)[:] == whole[:]
    shuffled = fastqa.prepare_validation_features(dataset.select([2, 0]), tokenizer, 32, 8)
    assert shuffled["example_id"][:] == ["c", *["a"] * (len(whole) - 2)]
    twice = fastqa.prepare_validation_features(
        dataset, tokenizer, 32, 8, with_labels=True, num_proc=2
    )
    assert twice[:] == whole[:]


def test_the_most_frequent_answer_can_be_the_label(made_tokenizers):
    tokenizer = made_tokenizers["word_piece"]
    examples = {name: [values[2], values[2]] for name, values in small_examples().items()}
    examples["answers"][1] = {
        "text": ["red 😀 house", "house", "house"],
        "answer_start": [16, 22, 22],
    }
    frequent = fastqa.prepare_train_features(examples, tokenizer, answer_choice="most_frequent")
    assert frequent["start_positions"][0] == frequent["start_positions"][1]
    first = fastqa.prepare_train_features(examples, tokenizer)
    assert first["start_positions"][0] > first["start_positions"][1]


def test_misaligned_answers_are_reported_once_with_their_count(made_tokenizers):
    examples = small_examples()
    examples["answers"][0] = {"text": ["blue"], "answer_start": [8]}
    dataset = datasets.Dataset.from_dict(examples)
    with pytest.warns(fastqa.FastqaWarning, match="^1 of 3 answers do not stand"):
        fastqa.prepare_train_features(dataset, made_tokenizers["word_piece"], batch_size=1)


@pytest.mark.parametrize("truncation_side", ["right", "left"])
def test_a_question_without_end_is_cut_with_a_warning(made_tokenizers, truncation_side):
    tokenizer = made_tokenizers["word_piece"]
    examples = small_examples()
    examples["question"][0] = "why " * 500
    examples = {name: values[::2] for name, values in examples.items()}
    tokenizer.truncation_side = truncation_side
    try:
        with pytest.warns(fastqa.FastqaWarning, match="^1 of 2 questions"):
            features = fastqa.prepare_validation_features(examples, tokenizer, 100, 30)
    finally:
        tokenizer.truncation_side = "right"
    assert max(map(len, features["input_ids"])) <= 100
    covered = {
        character
        for row, example in zip(features["offset_mapping"], features["example_id"], strict=True)
        for span in row
        if span is not None and example == "a"
        for character in range(*span)
    }
    context = examples["context"][0]
    assert covered >= {at for at, character in enumerate(context) if not character.isspace()}


def test_truncation_on_the_left_has_the_tokenizers_own_windows(xquad, made_tokenizers):
    tokenizer = made_tokenizers["word_piece"]
    tokenizer.truncation_side = "left"
    try:
        compare(
            xquad["en"].select(range(40)), tokenizer, padding=False, max_length=96, doc_stride=24
        )
    finally:
        tokenizer.truncation_side = "right"


def test_hop_is_the_distance_between_windows(made_tokenizers):
    tokenizer = made_tokenizers["word_piece"]
    examples = {name: values[:1] for name, values in small_examples().items()}
    features = fastqa.prepare_validation_features(examples, tokenizer, 40, hop=10)
    first_tokens = [
        next(span for span in row if span is not None)[0] for row in features["offset_mapping"]
    ]
    tokens = tokenizer(examples["context"][0], return_offsets_mapping=True)["offset_mapping"][1:]
    starts = [tokens.index(next(t for t in tokens if t[0] == start)) for start in first_tokens]
    assert starts == list(range(0, 10 * len(starts), 10))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"max_length": 20, "doc_stride": 20}, "max_length=20 leaves no room"),
        ({"doc_stride": -1}, "doc_stride must be an integer of at least 0, got -1"),
        ({"hop": 0}, "hop must be an integer of at least 1, got 0"),
        ({"padding": "longest"}, "padding must be False"),
        ({"answer_choice": "best"}, "answer_choice must be 'first' or 'most_frequent'"),
        ({"max_question_length": 400}, "max_question_length=400 leaves no room"),
    ],
)
def test_a_wrong_option_is_one_clear_error(made_tokenizers, change, message):
    with pytest.raises(ValueError, match=message):
        fastqa.prepare_train_features(small_examples(), made_tokenizers["word_piece"], **change)


def test_a_missing_column_is_named_with_those_present(made_tokenizers):
    examples = small_examples()
    examples["passage"] = examples.pop("context")
    with pytest.raises(ValueError, match=r"'context'.*'passage'"):
        fastqa.prepare_train_features(examples, made_tokenizers["word_piece"])


def test_a_slow_tokenizer_and_a_missing_padding_token_are_one_clear_error(made_tokenizers):
    class Slow:
        is_fast = False

    with pytest.raises(ValueError, match="Slow is not a fast tokenizer"):
        fastqa.prepare_train_features(small_examples(), Slow())
    tokenizer = pickle.loads(pickle.dumps(made_tokenizers["sentence_piece"]))
    tokenizer.pad_token = None
    with pytest.raises(ValueError, match="needs a padding token"):
        fastqa.prepare_train_features(small_examples(), tokenizer, padding="max_length")


def test_a_new_version_of_fastqa_has_another_fingerprint(monkeypatch):
    from datasets.fingerprint import Hasher

    function = partial(fastqa.prepare_train_features, max_length=64)
    before = Hasher.hash(function)
    assert Hasher.hash(partial(fastqa.prepare_train_features, max_length=64)) == before
    monkeypatch.setattr("fastqa._rust.__version__", "999.0")
    assert Hasher.hash(function) != before
    restored = pickle.loads(pickle.dumps(fastqa.prepare_train_features))
    assert isinstance(restored, VersionedFunction)
    assert restored is fastqa.prepare_train_features


def test_offsets_are_zero_outside_the_context_and_labels_follow_padding(made_tokenizers):
    tokenizer = made_tokenizers["word_piece"]
    padded = fastqa.prepare_train_features(small_examples(), tokenizer, padding="max_length")
    assert {len(row) for row in padded["input_ids"]} == {384}
    plain = fastqa.prepare_train_features(small_examples(), tokenizer)
    assert padded["start_positions"] == plain["start_positions"]
    assert np.array_equal(
        padded["input_ids"][2][: len(plain["input_ids"][2])], plain["input_ids"][2]
    )
