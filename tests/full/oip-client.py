# Calls a server of the Open Inference Protocol with Triton's own client (pip install 'tritonclient[http]'); run by oip-client.test.ts. Arguments: host:port.
import sys

import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready('double') and client.is_model_ready('double', '1')
assert client.get_server_metadata()['name'] == 'forja'
metadata = client.get_model_metadata('double')
assert metadata['inputs'] == [{'name': 'x', 'datatype': 'FP32', 'shape': [-1, 3]}], metadata

x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
for binary_in in (False, True):
    for binary_out in (False, True):
        given = triton.InferInput('x', [5, 3], 'FP32')
        given.set_data_from_numpy(x, binary_data=binary_in)
        result = client.infer('double', [given], outputs=[triton.InferRequestedOutput('y', binary_data=binary_out)], request_id='7')
        assert result.get_response()['id'] == '7'
        np.testing.assert_array_equal(result.as_numpy('y'), x + x)
        np.testing.assert_array_equal(client.infer('double', [given], model_version='1').as_numpy('y'), x + x)
try:
    client.infer('none', [given])
except triton.InferenceServerException as error:
    assert 'expected one of double' in str(error), error
else:
    raise AssertionError('a model that is not there was found')
print('ok')
