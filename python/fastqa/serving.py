"""A local page to paste a text, ask questions and see the answers marked: `fastqa serve`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fastqa.optional import require

if TYPE_CHECKING:
    from fastqa.answering import QuestionAnsweringPipeline

__all__ = ["ask", "build_page", "launch"]

TEXT = (
    "The Danube rises in the Black Forest in Germany and flows through Vienna, Bratislava, "
    "Budapest and Belgrade. It ends in the Black Sea after 2,850 kilometres."
)
QUESTION = "Where does the Danube rise?"

#: gradio breaks a marked text inside of words, and sets tables in typewriter type.
STYLE = """
#marked .textfield span { display: inline !important; word-break: normal; }
#answers .cell, #answers [role] { font-family: inherit !important; }
"""

#: Pieces of a text, each with its label or None, as `gradio.HighlightedText` shows them.
Pieces = list[tuple[str, str | None]]


def ask(
    pipe: QuestionAnsweringPipeline,
    question: str,
    context: str,
    *,
    answers: int = 5,
    impossible: bool = False,
) -> list[dict[str, Any]]:
    """The answers of one question, best first, as the pipeline gives them.

    Raises:
        ValueError: the question or the text is empty.
    """
    if not question.strip() or not context.strip():
        raise ValueError("paste a text and ask a question")
    found = pipe(
        question=question,
        context=context,
        top_k=max(2, answers),  # from 2 on always a list
        handle_impossible_answer=impossible,
    )
    return list(found)[:answers]


def marked(context: str, answer: dict[str, Any] | None) -> Pieces:
    """The text with one answer marked; "" and None mark nothing."""
    if answer is None or not answer["answer"]:
        return [(context, None)]
    start, end = answer["start"], answer["end"]
    pieces: Pieces = [
        (context[:start], None),
        (context[start:end], "answer"),
        (context[end:], None),
    ]
    return [piece for piece in pieces if piece[0]]


def build_page(pipe: QuestionAnsweringPipeline, title: str = "fastqa") -> Any:
    """The page as `gradio.Blocks`.

    Raises:
        ImportError: gradio is missing; the message names the extra.
    """
    # Nobody asked for the page to report home.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    gradio = require("gradio", "ui")

    def answer(question: str, context: str, count: float, impossible: bool) -> tuple[Any, ...]:
        try:
            found = ask(pipe, question, context, answers=int(count), impossible=impossible)
        except ValueError as error:
            raise gradio.Error(str(error), print_exception=False) from error
        rows = [
            [rank, one["answer"] or "(no answer)", f"{100 * one['score']:.1f}%"]
            for rank, one in enumerate(found, start=1)
        ]
        return marked(context, found[0] if found else None), rows, found

    def choose(event: Any, context: str, found: list[dict[str, Any]]) -> Pieces:
        row = event.index[0]
        return marked(context, found[row] if row < len(found) else None)

    # gradio finds the parameter for the event by its type.
    choose.__annotations__["event"] = gradio.SelectData

    with gradio.Blocks(title=title, analytics_enabled=False) as page:
        gradio.Markdown(f"# {title}\nPaste a text, ask, and see where the answer is.")
        with gradio.Row():
            with gradio.Column():
                context = gradio.Textbox(TEXT, label="Text", lines=10, elem_id="context")
                question = gradio.Textbox(QUESTION, label="Question", elem_id="asked")
                with gradio.Row():
                    count = gradio.Slider(1, 20, 5, step=1, label="Answers")
                    impossible = gradio.Checkbox(label="the text may have no answer")
                button = gradio.Button("Ask", variant="primary", elem_id="ask")
            with gradio.Column():
                shown = gradio.HighlightedText(
                    label="The best answer, or the one chosen below",
                    show_inline_category=False,
                    color_map={"answer": "green"},
                    elem_id="marked",
                )
                table = gradio.Dataframe(
                    headers=["rank", "answer", "probability"],
                    interactive=False,
                    wrap=True,
                    label="Answers",
                    elem_id="answers",
                )
        found = gradio.State([])
        inputs, outputs = [question, context, count, impossible], [shown, table, found]
        for event in (button.click, question.submit):
            event(answer, inputs, outputs, api_name=False)
        table.select(choose, [context, found], shown, api_name=False)
    return page


def launch(page: Any, *, host: str = "127.0.0.1", port: int | None = None) -> str:
    """Serve the page from a thread of its own and return the address.

    Args:
        page: from `build_page`; `page.close()` ends it.
        host: the address to listen on; the default lets only this machine in.
        port: the first free one from 7860 on by default.

    Raises:
        OSError: the port is taken.
    """
    themes = require("gradio.themes", "ui")
    # Type from the system: the default theme fetches its own from the network.
    theme = themes.Default(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        share=False,
        quiet=True,
        ssr_mode=False,
        footer_links=[],
        theme=theme,
        css=STYLE,
    )
    return str(address)
