"""Writes op-schemas.json: what the `onnx` package's schemas say of each operator of our vocabulary at opsets 17 to 22: inputs, outputs, attributes' types.

    python tests/vectors/op_schemas.py
"""
import json
import pathlib
import re
import onnx
from onnx import defs

HERE = pathlib.Path(__file__).parent
source = (HERE / '../../packages/core/src/onnx/ops.ts').read_text()
body = source[source.index('export interface OpAttributes'):source.index('/** Name of an operator Forja emits')]
names = sorted(set(re.findall(r'(?:^|[;\s])([A-Z]\w+): ', body)) & {s.name for s in defs.get_all_schemas()})
latest = defs.onnx_opset_version()


def schema(name, opset):
    try:
        s = defs.get_schema(name, opset)
    except defs.SchemaError:
        return None
    variadic = lambda n: None if n > 1000 else n
    return {
        'since': s.since_version, 'inputs': [s.min_input, variadic(s.max_input)], 'outputs': [s.min_output, variadic(s.max_output)],
        'attributes': {a.name: a.type.name.lower() for a in s.attributes.values()},
    }


versions = {name: {opset: schema(name, opset) for opset in range(17, 23)} for name in names}
# One entry for each distinct version.
result = {name: {opset: s for opset, s in by.items() if opset == 17 or s != by[opset - 1]} for name, by in versions.items()}
(HERE / 'op-schemas.json').write_text(json.dumps({'onnx': onnx.__version__, 'ops': result}, separators=(',', ':')) + '\n')
print(len(names), 'operators')
