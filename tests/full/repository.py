# Reads a model repository with Triton's own schema (pip install 'tritonclient[grpc]'); run by repository.test.ts. Argument: the folder. Prints each configuration as JSON.
import json
import pathlib
import sys

from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

found = {}
for file in sorted(pathlib.Path(sys.argv[1]).glob('*/config.pbtxt')):
    config = text_format.Parse(file.read_text(encoding='utf-8'), model_config_pb2.ModelConfig())
    assert config.name == file.parent.name
    assert (file.parent / '1' / 'model.onnx').is_file()
    found[config.name] = json_format.MessageToDict(config, preserving_proto_field_name=True)
print(json.dumps(found))
