"""Exports a small PyTorch network that keeps pictures NHWC between its NCHW layers, as code ported from TensorFlow does: transposes that cancel across
activations and sums, an identity, repeated constants. Writes torch-transposes.onnx, torch's own result beside it, and nothing else.

    python tests/vectors/torch_transposes.py
"""
import json
import pathlib
import torch

HERE = pathlib.Path(__file__).parent


class Block(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.skip = torch.nn.Conv2d(channels, channels, 1)

    def forward(self, x):  # NHWC
        y = self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        z = self.skip(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return torch.nn.functional.leaky_relu(y * 0.5 + z, 0.2)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList([Block(4), Block(4)])
        self.blocks[1].conv.bias = torch.nn.Parameter(self.blocks[0].conv.bias.clone())
        self.drop = torch.nn.Dropout()
        self.head = torch.nn.Conv2d(4, 2, 1)

    def forward(self, x):  # NHWC
        for block in self.blocks:
            x = block(x)
        y = self.head(self.drop(x.permute(0, 3, 1, 2)))
        return torch.tanh(y.permute(0, 2, 3, 1)), y.permute(0, 3, 2, 1).permute(0, 2, 1, 3)


torch.manual_seed(0)
net = Net().eval()
x = torch.randn(2, 5, 6, 4)
path = HERE / 'torch-transposes.onnx'
torch.onnx.export(net, (x,), str(path), input_names=['x'], output_names=['picture', 'flipped'], opset_version=17, dynamo=False,
                  dynamic_axes={'x': {0: 'batch'}}, do_constant_folding=False)
with torch.no_grad():
    outputs = net(x)
data = {'torch': torch.__version__, 'x': {'shape': list(x.shape), 'data': x.flatten().tolist()}}
for name, value in zip(['picture', 'flipped'], outputs):
    data[name] = {'shape': list(value.shape), 'data': value.flatten().tolist()}
(HERE / 'torch-transposes.json').write_text(json.dumps(data) + '\n')
