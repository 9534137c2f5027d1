"""`fastqa serve --model M`: a local page to paste a text, ask and see the answers."""

from __future__ import annotations

import argparse
import sys
import time

from fastqa.commands._arguments import (
    add_device_arguments,
    add_json_argument,
    add_model_argument,
)
from fastqa.commands._progress import silence_loading
from fastqa.optional import require
from fastqa.terminal import print_json, print_line, print_note

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_argument(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1: this machine only)",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="default: the first free one from 7860 on"
    )
    add_device_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load the reader, serve, and stay until interrupted."""
    require("gradio", "ui")  # before the model is loaded, not after it
    from fastqa.answering import pipeline
    from fastqa.serving import build_page, launch

    silence_loading()
    pipe = pipeline(arguments.model, device=arguments.device, dtype=arguments.dtype)
    if arguments.host not in LOOPBACK:
        print_note(f"everyone who reaches {arguments.host} can ask: there is no password")
    page = build_page(pipe)
    address = launch(page, host=arguments.host, port=arguments.port)
    if arguments.json:
        print_json({"url": address})
    else:
        print_line(f"serving {arguments.model} on {address}")
    sys.stdout.flush()  # whoever reads a pipe wants the address now
    print_note("stop it with Ctrl-C")
    try:
        while True:  # gradio's own waiting takes Ctrl-C for a good end, and talks about it
            time.sleep(1)
    finally:
        page.close(verbose=False)
