"""The pipeline: call forms, documents, null answers, errors; and `fastqa.decode`."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import pairs
from fastqa.answering import QuestionAnsweringPipeline
from fastqa.reader import Reader

from scripted_readers import ScriptedReader
from small_models import byte_level, tiny_bert, word_piece

CONTEXT = (
    "The old lighthouse at Cape Reed was built in 1871 by Ann Lee. It is 31 metres high. "
    "A storm damaged the lighthouse in 1904, and it was repaired within two years."
)
QUESTION = "Who built the lighthouse?"
TEXTS = [CONTEXT, QUESTION, "When was it damaged? How high is it? Paris Berlin Rome"]


def scripted(
    tokenizer: Any, logits: dict[str, float], **parameters: Any
) -> QuestionAnsweringPipeline:
    """A pipeline whose reader gives tokens these logits, as start and as end."""
    model = ScriptedReader(tokenizer, logits, logits)
    return QuestionAnsweringPipeline(Reader(model, tokenizer), **parameters)


@pytest.fixture(scope="module")
def tiny() -> Reader:
    tokenizer = word_piece(TEXTS, size=300, model_max_length=128)
    return Reader(tiny_bert(tokenizer), tokenizer)


@pytest.fixture
def pipe(tiny: Reader) -> QuestionAnsweringPipeline:
    return QuestionAnsweringPipeline(tiny)


def test_every_call_form_gives_the_same_answers(pipe: QuestionAnsweringPipeline) -> None:
    from types import SimpleNamespace

    one = pipe(question=QUESTION, context=CONTEXT)
    row = {"question": QUESTION, "context": CONTEXT}
    assert pipe(QUESTION, CONTEXT) == pipe(row) == one
    assert pipe(SimpleNamespace(question_text=QUESTION, context_text=CONTEXT)) == one
    assert pipe([row, row]) == pipe(data=[row, row]) == [one, one]
    assert pipe(question=[QUESTION] * 2, context=CONTEXT) == [one, one]
    assert pipe(question=[QUESTION] * 2, context=[CONTEXT] * 2) == [one, one]
    assert list(pipe(row for _ in range(3))) == [one] * 3
    assert set(one) == {"score", "start", "end", "answer"}
    assert one["answer"] == CONTEXT[one["start"] : one["end"]]


def test_datasets_and_torch_datasets_are_inputs(pipe: QuestionAnsweringPipeline) -> None:
    import torch
    from datasets import Dataset

    row = {"question": QUESTION, "context": CONTEXT}

    class Rows(torch.utils.data.Dataset[dict[str, str]]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> dict[str, str]:
            if index >= 3:
                raise IndexError
            return row

    one = pipe(row)
    assert list(pipe(Rows())) == [one] * 3
    assert pipe(Dataset.from_list([row, row])) == [one, one]


def test_windows_of_all_inputs_share_batches_and_results_keep_their_order(tiny: Reader) -> None:
    pipe = QuestionAnsweringPipeline(tiny, max_seq_len=32, doc_stride=8)
    contexts = [CONTEXT, "Ann Lee.", CONTEXT + " " + CONTEXT, "It is 31 metres high."]
    rows = [
        {"question": question, "context": context}
        for question in (QUESTION, "How high is it?")
        for context in contexts
    ]
    alone = [pipe(row) for row in rows]
    for size in (1, 3, 64):
        together = pipe(rows, batch_size=size)
        assert [r["answer"] for r in together] == [r["answer"] for r in alone]
        assert np.allclose([r["score"] for r in together], [r["score"] for r in alone], atol=1e-5)


def test_a_stream_answers_before_it_has_read_everything(pipe: QuestionAnsweringPipeline) -> None:
    taken = itertools.count()
    rows = ({"question": QUESTION, "context": CONTEXT} for _ in taken)
    results = pipe(rows)
    first = [next(results) for _ in range(20)]
    assert len(first) == 20
    assert next(taken) < 100


def test_top_k_above_1_always_gives_a_list(pipe: QuestionAnsweringPipeline) -> None:
    call = {"question": QUESTION, "context": "Ann", "top_k": 2}
    assert isinstance(pipe(**call), list)
    assert [one["answer"] for one in pipe(**call)] == ["Ann"]
    assert isinstance(pipe(question=[QUESTION], context=CONTEXT), list)


def test_answers_have_no_space_around_them_and_are_whole_words() -> None:
    tokenizer = byte_level(TEXTS, size=270)
    found = scripted(tokenizer, {tokenizer.tokenize(" Ann")[0]: 9.0})(
        question="who", context="by Ann Lee", max_answer_len=1
    )
    assert not found["answer"].startswith(" ")
    assert found["answer"] == "by Ann Lee"[found["start"] : found["end"]]


def test_one_ranking_over_many_documents() -> None:
    tokenizer = word_piece(["lee did it nobody knows who was there"], size=120)
    logits = {"lee": 7.0, "[CLS]": 5.0, "knows": 3.0}
    pipe = scripted(tokenizer, logits)
    documents = [{"id": f"d{n}", "text": "nobody knows who was there"} for n in range(1000)]
    documents[613] = {"id": "planted", "text": "lee did it"}
    found = pipe("who did it", documents, top_k=3)
    assert (found[0]["document"], found[0]["answer"]) == ("planted", "lee")
    assert found[0]["score"] > 10 * found[1]["score"]
    assert sum(one["score"] for one in found) <= 1
    assert pipe("who did it", [text["text"] for text in documents])["document"] == 613


def test_a_very_long_document_is_taken_apart_without_losing_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = word_piece(["nobody knows who lee ann was there"], size=120)
    pipe = scripted(tokenizer, {"lee": 9.0, "ann": 8.0}, max_seq_len=24, doc_stride=8)
    filler = "nobody knows who was there "
    text = 40 * filler + "lee " + 45 * filler + "ann " + 30 * filler
    call = {"question": "who", "context": text, "top_k": 3, "max_answer_len": 1, "details": True}
    whole = pipe(**call)
    monkeypatch.setattr(pairs, "BLOCK_CHARACTERS", 700)
    monkeypatch.setattr(pairs, "OVERLAP", 100)
    parts = pipe(**call)
    assert [one["answer"] for one in parts[:2]] == ["lee", "ann"]
    for one, other in zip(whole[:2], parts[:2], strict=True):
        assert (one["start"], one["snippet"]) == (other["start"], other["snippet"])
        # Spans in the overlap are counted once more, as where windows overlap.
        assert one["score"] == pytest.approx(other["score"], rel=0.2)
    places = [one["window"] for one in parts[:2]]
    assert places == sorted(places)
    assert places[1] > 20
    assert text[parts[1]["start"] : parts[1]["end"]] == "ann"


def test_null_answers_and_their_threshold() -> None:
    tokenizer = word_piece(["lee did it"], size=80)
    logits = {"lee": 3.0, "[CLS]": 4.0}
    pipe = scripted(tokenizer, logits, handle_impossible_answer=True)
    call = {"question": "it", "context": "lee did"}
    null = pipe(**call)
    assert (null["answer"], null["start"], null["end"]) == ("", 0, 0)
    assert null["score"] > 0.5
    assert pipe(**call, null_threshold=3.0)["answer"] == "lee"
    both = pipe(**call, top_k=20)
    assert sum(one["score"] for one in both) == pytest.approx(1.0)
    assert pipe(**call, handle_impossible_answer=False)["answer"] == "lee"


def test_details_tell_where_an_answer_comes_from(pipe: QuestionAnsweringPipeline) -> None:
    found = pipe(question=QUESTION, context=CONTEXT, details=True, max_seq_len=32, doc_stride=8)
    assert {"snippet", "window", "start_logit", "end_logit", "null_score"} < set(found)
    assert found["answer"] in found["snippet"]


def test_half_precision_logits_are_upcast() -> None:
    import torch

    tokenizer = word_piece(["lee did it"], size=80)
    for dtype in (torch.float16, torch.bfloat16):
        # 600 + 600 is nothing special in float32; exp(600) is more than float16 can hold.
        model = ScriptedReader(tokenizer, {"lee": 600.0}, {"lee": 600.0}, dtype)
        pipe = QuestionAnsweringPipeline(Reader(model, tokenizer))
        assert pipe(question="it", context="lee did")["score"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"question": "", "context": "x"}, ValueError, "`question` cannot be empty"),
        ({"question": "x", "context": ""}, ValueError, "`context` cannot be empty"),
        ({"question": "x", "context": None}, ValueError, "`context` cannot be None"),
        ({"question": ["x"], "context": ["a", "b"]}, ValueError, "same lengths: 1 and 2"),
        ({"data": [{"question": "x"}]}, KeyError, "no key 'context'"),
        ({"data": [3]}, ValueError, "expected a dict"),
        ({"data": "text"}, ValueError, "the input is a str"),
        ({"data": [{"question": None, "context": "y"}]}, ValueError, "cannot be None: inputs.0."),
        ({"question": 3, "context": "y"}, ValueError, "`question` of the input is a int"),
        ({"question": ["x"], "context": 3}, ValueError, "the context of inputs.0. is a int"),
        ({"question": "x", "context": 3}, ValueError, "the context of the input is a int"),
        ({"question": "x", "context": []}, ValueError, "an empty list of documents"),
        ({"question": "x", "context": [3]}, ValueError, "document 0 of the input is a int"),
        ({"question": "x", "context": [{"a": "b"}]}, KeyError, "document 0 has no key 'context'"),
        ({"question": "x", "context": "y", "padding": True}, ValueError, "padding is chosen"),
        ({}, ValueError, "nothing to answer"),
        ({"question": "x", "context": "y", "top_k": 0}, ValueError, "top_k parameter"),
        ({"question": "x", "context": "y", "max_answer_len": 0}, ValueError, "max_answer_len"),
        ({"question": "x", "context": "y", "doc_stride": 999}, ValueError, "larger than"),
        ({"question": "x", "context": "y", "topk_": 1}, ValueError, "unknown parameter 'topk_'"),
    ],
)
def test_wrong_input_is_refused_in_one_line(
    pipe: QuestionAnsweringPipeline, given: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        pipe(**given)
    assert "\n" not in str(caught.value)


def test_pairs_and_several_inputs_by_position(pipe: QuestionAnsweringPipeline) -> None:
    wanted = pipe(question=QUESTION, context=CONTEXT)
    row = {"question": QUESTION, "context": CONTEXT}
    assert pipe(QUESTION, CONTEXT) == wanted
    assert pipe(row, row) == [wanted] * 2
    assert pipe([(QUESTION, CONTEXT)] * 2) == [wanted] * 2
    with pytest.raises(ValueError, match="by position or as question="):
        pipe(row, question=QUESTION)
    with pytest.warns(fastqa.FastqaWarning, match="use top_k"):
        assert len(pipe(QUESTION, CONTEXT, topk=2)) == 2
    with pytest.raises(ValueError, match="expected '4.57' or None"):
        QuestionAnsweringPipeline(pipe.reader, compat="4")
    old = QuestionAnsweringPipeline(pipe.reader, compat="4.57")
    with pytest.raises(ValueError, match="several documents is not there"):
        old(question=QUESTION, context=[CONTEXT, CONTEXT])


def test_a_context_of_spaces_has_the_empty_answer(pipe: QuestionAnsweringPipeline) -> None:
    empty = {"score": 0.0, "start": 0, "end": 0, "answer": ""}
    assert pipe(question=QUESTION, context=" \n ") == empty
    assert pipe(question=QUESTION, context=" ", top_k=3) == [empty]


def test_plain_logits_are_decoded_as_in_the_pipeline(tiny: Reader) -> None:
    import torch

    pipe = QuestionAnsweringPipeline(tiny, max_seq_len=64, doc_stride=16, top_k=3)
    contexts = [CONTEXT, "Ann Lee built it."]
    wanted = pipe(question=[QUESTION] * 2, context=contexts)
    encoding = tiny.tokenizer(
        [QUESTION] * 2,
        contexts,
        truncation="only_second",
        max_length=64,
        stride=16,
        padding=True,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    names = ("input_ids", "attention_mask", "token_type_ids")
    with torch.inference_mode():
        output = tiny.model(**{name: encoding[name] for name in names})
    logits = output.start_logits, output.end_logits
    for kind in (logits, [side.numpy() for side in logits], [side.double() for side in logits]):
        for tokenizer in (tiny.tokenizer, None):
            found = fastqa.decode(*kind, encoding, contexts, tokenizer=tokenizer, top_k=3)
            assert [[one["answer"] for one in several] for several in found] == [
                [one["answer"] for one in several] for several in wanted
            ]
            assert found[0][0]["score"] == pytest.approx(wanted[0][0]["score"], rel=1e-4)
    columns = {"id": ["a", "b"], "question": [QUESTION] * 2, "context": contexts}
    features = fastqa.prepare_validation_features(
        columns, tiny.tokenizer, max_length=64, doc_stride=16, padding="max_length"
    )
    with torch.inference_mode():
        output = tiny.model(**{name: torch.tensor(features[name]) for name in names})
    again = fastqa.decode(*output.to_tuple(), features, contexts, tokenizer=tiny.tokenizer)
    assert [one["answer"] for one in again] == [several[0]["answer"] for several in wanted]


def test_decode_refuses_what_does_not_fit() -> None:
    encoding = {"offset_mapping": [[(0, 1), (1, 2)]], "input_ids": [[5, 6]]}
    with pytest.raises(ValueError, match="does not say which tokens are context"):
        fastqa.decode(np.zeros((1, 2)), np.zeros((1, 2)), encoding, "ab")
    with pytest.raises(ValueError, match="2 rows, the encoding 1"):
        fastqa.decode(np.zeros((2, 2)), np.zeros((2, 2)), encoding, "ab")
    masked = {"offset_mapping": [[None, (0, 1)]], "input_ids": [[5, 6]]}
    with pytest.raises(ValueError, match="start logit 1 of window 0 is NaN"):
        fastqa.decode(np.array([[0, np.nan]]), np.zeros((1, 2)), masked, "ab")
    with pytest.raises(ValueError, match="return_offsets_mapping=True"):
        fastqa.decode(np.zeros((1, 2)), np.zeros((1, 2)), {"input_ids": [[5, 6]]}, "ab")
