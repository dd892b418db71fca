"""Asks the built-in model training prompts at temperature 1, with repair, retries and masks off or on, and logs it all.

    python collect.py --count 1000 --log run/own.jsonl
    trellis export run/own.jsonl --format sft --shape trl -o run/own_sft.jsonl
    python finetune.py --data run/own_sft.jsonl --out run/finetuned
    trellis bench layers --model trellis/run/finetuned      # beside the same of trellis/nano

Only what was accepted goes into the export, and no prompt is held out from the words of training: the benchmark's are.
Accepted means valid, not right: nobody looks at the true values here, as nobody has them in production.
"""

from __future__ import annotations

import argparse
from collections import Counter

from examples import example

import trellis


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", required=True)
    parser.add_argument("--model", default="trellis/nano")
    arguments = parser.parse_args()
    session = trellis.Session(model=arguments.model, log=arguments.log)
    ends: Counter[str] = Counter()
    for i in range(arguments.count):
        one = example(f"own-{arguments.seed}-{i}", output_format="json", plain=True)
        prompt = one.messages[-1].content.rsplit("\n\nAnswer with", 1)[0]
        sampling = trellis.Sampling(temperature=1, seed=arguments.seed * 100_003 + i, max_tokens=400)
        try:
            trellis.generate_structured(prompt, {"title": one.shape.name, **one.schema}, session=session, mode="prompt",
                                        sampling=sampling, strategy=trellis.Vote(3, of=trellis.Retry(1)))
            ends["value"] += 1
        except (trellis.GenerationError, trellis.ModelError) as error:  # a correction may be too long for it
            ends[type(error).__name__] += 1
    print(dict(ends))


if __name__ == "__main__":
    main()
