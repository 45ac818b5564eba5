"""Shorter names change nothing but the length."""

import shutil
import subprocess

import pytest

from api.snippet.shortened import shortened

SCRIPT = r"""
const value = 1, other = { value, name: "value", nested: { other: 2 } };
const told = [];
function outer(first, { value: renamed, name }, ...rest) {
  const inner = (value) => value + first;
  let open, shut = 3, last;
  { const value = 40; told.push(value); }
  for (const [key, each] of Object.entries({ value, first })) told.push(key + each);
  try { missing(); } catch (failure) { told.push(failure.name); }
  const text = `${value} ${rest.map((each) => `<${each}>`).join("}")} value ${{ value }.value}`;
  return { inner: inner(1), renamed, name, open, shut, last, text, isWord: /value\/[/}]/.test("value//") };
}
const deep = (a) => (b) => ((c) => a + b + c)(3);
const swap = ({ value, other: [second = value] }) => [second, value];
told.push(outer(1, other, 5, 6), deep(1)(2), swap({ value: 8, other: [] }));
told.push(other?.nested.other, value ? other.name : 0);
console.log(JSON.stringify(told));
"""


def test_a_script_does_the_same_with_short_names() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: it runs the script")
    said = [
        subprocess.run([node, "-e", text], capture_output=True, text=True, check=True).stdout
        for text in (SCRIPT, shortened(SCRIPT))
    ]
    assert said[0] == said[1] != ""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("const first=1;use(first,first.first,{first:first});", "let e=1;use(e,e.first,{first:e});"),
        ("const {first,second:third}=use({first});", "let {first:e,second:t}=use({first:e});"),
        ("const one=(each)=>e+each;", "let t=t=>e+t;"),
        ("const one=()=>{const two=1;return two+one;};", "let e=()=>{let t=1;return t+e};"),
        ("const one=1;let two;use(one);let four;\nelse\nuse([two,true]);", "let e=1,t;use(e);let n;else use([t,!0]);"),
        ("const one=(two)=>two;const three=(two)=>two+one;", "let e=e=>e,t=t=>t+e;"),
    ],
    ids=[
        "properties keep their names", "shorthands are written out", "a foreign name is not taken",
        "a name that is used inside is not taken", "declarations in a row are one",
        "scopes beside each other share names",
    ],
)  # fmt: skip
def test_names_are_the_shortest_that_are_free(script: str, expected: str) -> None:
    assert shortened(script) == expected
