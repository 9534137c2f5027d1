"""中文阅读理解：用 CMRC 2018 格式的数据回答问题，并按 CMRC 2018 的官方规则评分。

    pip install "fastqa[train]"
    python examples/chinese_cmrc.py cmrc2018_dev.json --model 阅读模型 predictions.json

Answers questions in Chinese and scores them as CMRC 2018 does: by characters, not by words.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import fastqa


def main() -> None:
    """Answer, save, score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="CMRC 2018 的数据文件（SQuAD 格式）")
    parser.add_argument("output", type=Path, help="预测结果，{问题编号: 答案}")
    parser.add_argument("--model", required=True, help="阅读模型：Hub 上的名称，或本地文件夹")
    options = parser.parse_args()

    data = fastqa.load_qa_dataset(options.data)
    # 中文的答案往往比较长，按词元算常常超过默认的 30。
    predictions = fastqa.AnswerQuestions(options.model, max_answer_length=50).search(data).to_dict()
    options.output.write_text(json.dumps(predictions, ensure_ascii=False), encoding="utf-8")

    scores = fastqa.score(predictions, data, style="cmrc2018")
    for row in scores.rows()[:5]:
        print(f"{row['prediction']}  （标准答案：{row['gold']}）")
    for name, value in scores.summary().items():
        print(f"{name}: {value:.3f}")


if __name__ == "__main__":
    main()
