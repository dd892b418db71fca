"""Without the kernel everything but fast masks works, and masks say what to do. Also run where it is not installed."""

import subprocess
import sys
from textwrap import dedent


def run(code: str) -> str:
    """Runs code in a fresh interpreter in which ``trellis_kernel`` cannot be imported."""
    blocked = "import sys; sys.modules['trellis_kernel'] = None\n"
    done = subprocess.run([sys.executable, "-c", blocked + dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_prompt_repair_and_retry_work() -> None:
    out = run("""
        import trellis
        model = trellis.ScriptedModel(["no json here", "{'n': 1,}"])
        result = trellis.generate_structured("count", dict[str, int], model=model, mode="prompt")
        print(result.value, len(result.attempts), trellis.repair_json("[1, 2,").value)
    """)
    assert out.strip() == "{'n': 1} 2 [1, 2]"


def test_a_mask_is_a_typed_error_with_a_hint() -> None:
    out = run("""
        import trellis
        try:
            trellis.generate_structured("x", int, model="trellis/nano", mode="mask")
        except trellis.MaskError as error:
            print("pip install ./rust" in error.hint)
    """)
    assert out.strip() == "True"


def test_auto_mode_does_not_fall_back_in_silence() -> None:
    out = run("""
        import trellis
        try:
            trellis.generate_structured("x", int, model="trellis/nano")
        except trellis.MaskError as error:
            print("mode" in error.hint)
    """)
    assert out.strip() == "True"


def test_the_reference_engine_serves_when_named() -> None:
    out = run("""
        from trellis.masking import Grammar
        print(Grammar.from_regex("a+b").accepts("aab", engine="reference"))
    """)
    assert out.strip() == "True"
